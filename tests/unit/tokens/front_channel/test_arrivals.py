"""The sign-in page says who waits, and offers the issuers that all agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes
from tests.browser_person import delivered_mail
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of, make_flow

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def offer(tenant: Tenant, slug: str, **fields: object) -> TrustProfile:
    """Let people sign in with an outside issuer."""
    values: dict[str, Any] = {
        "slug": slug,
        "issuer": f"https://{slug}.example",
        "algorithms": ["RS256"],
        "jwks_uri": f"https://{slug}.example/jwks",
        "is_sign_in_offered": True,
        "audience": "us",
        "sign_in_client_id": "us",
        "sign_in_label": slug.title(),
        "authorization_endpoint": f"https://{slug}.example/authorize",
        "token_endpoint": f"https://{slug}.example/token",
    }
    profile = TrustProfile(tenant=tenant, **(values | fields))
    changes.save(profile, actor=SYSTEM)
    return profile


def offered(flow: CodeFlow, **parameters: str) -> set[str]:
    page = flow.ask(**parameters).content.decode()
    return {slug for slug in ("alpha", "beta", "gamma") if f'id="provider-{slug}"' in page}


@pytest.fixture
def flow() -> CodeFlow:
    """A client in a tenant that offers three issuers, and one that is only trusted."""
    made = make_flow()
    for slug in ("alpha", "beta", "gamma"):
        offer(made.tenant, slug)
    offer(made.tenant, "only-trusted", is_sign_in_offered=False)
    return made


def test_the_page_names_the_application_and_whom_it_expects(flow: CodeFlow) -> None:
    page = flow.ask(login_hint='ana"@example.org').content.decode()
    assert "to go on to <strong>The web app</strong>" in page
    assert 'value="ana&quot;@example.org"' in page


def test_a_form_may_lead_to_the_application_and_nowhere_else(flow: CodeFlow) -> None:
    policy = flow.ask().headers["Content-Security-Policy"]
    assert "form-action 'self' https:;" in policy
    policy = flow.person.open("/sign-in").headers["Content-Security-Policy"]
    assert "form-action 'self';" in policy


def test_all_that_is_offered_can_be_chosen(flow: CodeFlow) -> None:
    assert offered(flow) == {"alpha", "beta", "gamma"}
    page = flow.ask().content.decode()
    assert "Sign in with Alpha" in page
    assert "only-trusted" not in page


def test_a_request_narrows_the_choice(flow: CodeFlow) -> None:
    assert offered(flow, include_providers="alpha beta") == {"alpha", "beta"}
    assert offered(flow, exclude_providers="alpha") == {"beta", "gamma"}
    assert offered(flow, includeProviders="alpha", excludeProviders="alpha") == set()


def test_a_client_narrows_the_choice_and_a_request_does_not_widen_it(flow: CodeFlow) -> None:
    profiles = {profile.slug: profile for profile in flow.tenant.trust_profiles.all()}
    client, some = flow.client.client, [profiles["alpha"], profiles["beta"]]
    changes.save(client, actor=SYSTEM, links={"sign_in_profiles": some})
    assert offered(flow) == {"alpha", "beta"}
    assert offered(flow, include_providers="beta gamma") == {"beta"}
    links = {"sign_in_profiles": [], "excluded_sign_in_profiles": some}
    changes.save(client, actor=SYSTEM, links=links)
    assert offered(flow) == {"gamma"}


def test_a_hint_leads_straight_to_its_issuer_if_that_is_offered(flow: CodeFlow) -> None:
    sign_in = flow.person.open(flow.address(provider_hint="beta"), follows=False)
    page = flow.person.open(sign_in.headers["Location"], follows=False)
    assert page.headers["Location"].startswith(f"{flow.person.issuer}/sign-in/with/beta?request=")
    other = flow.person.open(f"{sign_in.headers['Location']}&choose=1")
    assert b'id="provider-beta"' in other.content
    assert offered(flow, provider_hint="only-trusted") == {"alpha", "beta", "gamma"}


def test_who_is_to_make_an_account_is_sent_to_sign_up(flow: CodeFlow) -> None:
    flow.tenant.allow_sign_up = True
    changes.save(flow.tenant, actor=SYSTEM)
    assert b'id="mail-form"' in flow.ask(prompt="create").content


def test_a_mailed_link_goes_on_to_the_application(flow: CodeFlow) -> None:
    flow.ask()
    query = flow.person.address.partition("?")[2]
    with delivered_mail() as mails:
        flow.person.submit(flow.person.open(f"/sign-in/email?{query}"), email=EMAIL)
    link = next(word for word in str(mails[0].body).split() if word.startswith("http"))
    page = flow.agree(flow.person.submit(flow.person.open(link)))
    assert "code" in answer_of(page)
