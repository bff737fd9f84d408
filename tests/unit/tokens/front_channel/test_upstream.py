"""Signing in with an outside provider: there, back, and who that is here."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tenants import snapshot
from tenants.models import AuditEvent, Client, Subject, SubjectIdentity
from tests.browser_person import Person
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of, make_flow, person_of
from tests.factories.people import make_subject
from tests.rfc.verification import verify
from tests.upstream_provider import CLIENT_ID, SECRET, SLUG, Provider, offer, serve_provider, who_is
from tokens.models import SignIn
from tokens.upstream_sign_in import hash_token, read_methods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

    from tenants.records import JSON

pytestmark = pytest.mark.django_db
WITH = f"/sign-in/with/{SLUG}"
LINKING = {"linking_claim": "email", "linking_verified_claim": "email_verified"}


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_provider()


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow()


def sign_in(person: Person, provider: Provider) -> None:
    """Go there and back, without any application."""
    provider.take(person.open(WITH))
    page = provider.send_back(person)
    assert page.status_code == 200, page.content.decode()
    assert person.address.endswith("/account"), page.content.decode()


def test_sign_in_page_offers_the_provider_and_leads_there(
    flow: CodeFlow, provider: Provider
) -> None:
    offer(flow.tenant, provider)
    page = flow.person.open("/sign-in").content.decode()
    assert "Sign in with Partner" in page
    assert f"{flow.person.issuer}{WITH}" in page
    asked = provider.take(flow.person.open(WITH))
    assert asked["redirect_uri"] == f"{flow.person.issuer}/sign-in/callback/{SLUG}"
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
    assert asked["scope"] == "openid email profile"
    assert asked["code_challenge_method"] == "S256"
    assert "prompt" not in asked


def test_new_person_is_made_once_with_what_the_provider_says(
    flow: CodeFlow, provider: Provider
) -> None:
    profile = offer(flow.tenant, provider, **LINKING)
    provider.extra = {
        "name": "Nia Neu",
        "email": "nia@partner.example",
        "email_verified": True,
        "amr": ["pwd", "otp"],
    }
    sign_in(flow.person, provider)
    subject = Subject.objects.get(email="nia@partner.example")
    assert (subject.name, subject.is_email_verified) == ("Nia Neu", True)
    signed_in = SignIn.objects.get()
    assert (signed_in.subject, signed_in.trust_profile_id) == (subject, profile.pk)
    assert signed_in.amr == ["pwd", "otp"]
    assert signed_in.acr == "urn:authplatform:acr:one-factor"
    provider.extra = {"name": "Somebody Else"}
    sign_in(Person(flow.tenant), provider)
    subject.refresh_from_db()
    assert subject.name == "Nia Neu"
    assert SubjectIdentity.objects.count() == 1
    assert AuditEvent.objects.filter(event="subject.provisioned").count() == 1


@pytest.mark.parametrize("path", ["/account/passkeys", "/account/password"])
def test_what_a_provider_vouches_for_makes_no_credential_of_its_own(
    flow: CodeFlow, provider: Provider, path: str
) -> None:
    offer(flow.tenant, provider)
    sign_in(flow.person, provider)
    assert f"{flow.person.issuer}{path}" not in flow.person.open("/account").content.decode()
    refused = flow.person.open(path)
    assert refused.status_code == 403
    assert "Sign in another way first" in refused.content.decode()


def test_token_endpoint_is_asked_as_the_client_with_the_verifier(
    flow: CodeFlow, provider: Provider
) -> None:
    offer(flow.tenant, provider)
    sign_in(flow.person, provider)
    (form,) = provider.forms
    assert (form["grant_type"], form["code"]) == ("authorization_code", "a-code")
    assert form["redirect_uri"] == provider.asked["redirect_uri"]
    assert who_is(provider.authorizations[0]) == (CLIENT_ID, SECRET)


def test_client_without_a_secret_is_named(flow: CodeFlow, provider: Provider) -> None:
    offer(flow.tenant, provider, secret=None)
    sign_in(flow.person, provider)
    assert provider.authorizations == [""]
    assert provider.forms[0]["client_id"] == CLIENT_ID


def test_application_gets_its_code_after_all(flow: CodeFlow, provider: Provider) -> None:
    offer(flow.tenant, provider)
    provider.extra = {"amr": ["pwd"]}
    page = flow.ask(provider_hint=SLUG, login_hint="nia@partner.example", prompt="login")
    asked = provider.take(page)
    assert (asked["login_hint"], asked["prompt"]) == ("nia@partner.example", "login")
    page = provider.send_back(flow.person)
    tokens = flow.redeem(answer_of(flow.agree(page))["code"]).json()
    claims = verify(flow.oauth, tokens["id_token"], audience="web-app")
    assert claims["amr"] == ["pwd"]
    assert claims["sub"] == str(SubjectIdentity.objects.get().subject_id)


def test_age_is_passed_on_and_held(flow: CodeFlow, provider: Provider) -> None:
    offer(flow.tenant, provider)
    asked = provider.take(flow.ask(provider_hint=SLUG, max_age=300))
    assert asked["max_age"] == "300"
    assert b'id="other-way"' in provider.send_back(flow.person).content
    for age, is_fine in ((1_000, False), (100, True)):
        provider.take(flow.ask(provider_hint=SLUG, max_age=300))
        provider.extra = {"auth_time": int(time.time()) - age}
        page = provider.send_back(flow.person)
        assert (b'id="consent-form"' in page.content) is is_fine


@pytest.mark.parametrize(
    ("claims", "is_fine"),
    [
        pytest.param({}, True, id="not-dated"),
        pytest.param({"auth_time": int(time.time()) + 3_600}, True, id="new"),
        pytest.param({"auth_time": int(time.time()) - 3_600}, False, id="old"),
        pytest.param({"auth_time": "now"}, False, id="text"),
    ],
)
def test_new_sign_in_is_not_an_old_one(
    flow: CodeFlow, provider: Provider, claims: dict[str, Any], *, is_fine: bool
) -> None:
    offer(flow.tenant, provider)
    provider.take(flow.ask(provider_hint=SLUG, prompt="login"))
    provider.extra = claims
    page = provider.send_back(flow.person)
    assert (b'id="consent-form"' in page.content) is is_fine


def test_known_address_links_where_the_profile_says_so(flow: CodeFlow, provider: Provider) -> None:
    offer(flow.tenant, provider, provisioning="refuse", **LINKING)
    provider.extra = {"email": EMAIL, "email_verified": True}
    sign_in(flow.person, provider)
    assert SignIn.objects.get().subject == person_of(flow)


def test_unknown_person_is_told_so(flow: CodeFlow, provider: Provider) -> None:
    offer(flow.tenant, provider, provisioning="refuse")
    provider.take(flow.person.open(WITH))
    page = provider.send_back(flow.person)
    assert page.status_code == 403
    assert "You have no account here" in page.content.decode()


def test_quota_of_new_people_holds(flow: CodeFlow, provider: Provider) -> None:
    offer(flow.tenant, provider, max_subjects_per_day=1)
    sign_in(flow.person, provider)
    provider.subject = "somebody-else"
    person = Person(flow.tenant)
    provider.take(person.open(WITH))
    assert provider.send_back(person).status_code == 503


@pytest.mark.parametrize(
    ("claims", "kept"),
    [
        pytest.param({"email": "x@p.example", "email_verified": True}, True, id="not-trusted"),
        pytest.param({"email": "no address"}, False, id="no-address"),
        pytest.param({"email": ["x@p.example"]}, False, id="array"),
        pytest.param({"email": "x" * 300 + "@p.example"}, False, id="long"),
    ],
)
def test_address_without_trust_is_never_verified(
    flow: CodeFlow, provider: Provider, claims: dict[str, Any], *, kept: bool
) -> None:
    offer(flow.tenant, provider)
    provider.extra = {"name": "a\u2028b", **claims}
    sign_in(flow.person, provider)
    subject = SubjectIdentity.objects.get().subject
    assert subject.email == (claims["email"] if kept else "")
    assert not subject.is_email_verified
    assert subject.name == ""


def test_address_of_somebody_else_is_not_given_to_a_new_person(
    flow: CodeFlow, provider: Provider
) -> None:
    offer(flow.tenant, provider)
    provider.extra = {"email": EMAIL, "email_verified": True}
    sign_in(flow.person, provider)
    made = SubjectIdentity.objects.get().subject
    assert made != person_of(flow)
    assert made.email == ""


def test_disabled_person_is_refused(flow: CodeFlow, provider: Provider) -> None:
    profile = offer(flow.tenant, provider)
    subject = make_subject(flow.tenant, "off@example.org", is_enabled=False)
    SubjectIdentity.objects.create(
        tenant=flow.tenant, subject=subject, trust_profile=profile, sub=provider.subject
    )
    provider.take(flow.person.open(WITH))
    assert provider.send_back(flow.person).status_code == 403
    assert not SignIn.objects.exists()


def test_provider_that_is_down_is_said_to_be(flow: CodeFlow, provider: Provider) -> None:
    offer(flow.tenant, provider)
    provider.take(flow.person.open(WITH))
    provider.status = 500
    page = provider.send_back(flow.person)
    assert page.status_code == 503
    assert "No answer from the provider" in page.content.decode()


def test_refusal_leads_to_another_way_for_the_same_application(
    flow: CodeFlow, provider: Provider
) -> None:
    offer(flow.tenant, provider)
    provider.take(flow.ask(provider_hint=SLUG))
    page = provider.send_back(flow.person, code=None, error="access_denied")
    assert page.status_code == 403
    link = re.search(r'id="other-way"\s+href="([^"]+)"', page.content.decode())
    assert link is not None
    page = flow.person.open(link[1].replace("&amp;", "&"))
    assert b"The web app" in page.content
    assert b'id="password-form"' in page.content


def test_client_and_profile_decide_who_is_offered(flow: CodeFlow, provider: Provider) -> None:
    profile = offer(flow.tenant, provider)
    Client.objects.get(pk=flow.client.client.pk).excluded_sign_in_profiles.add(profile)
    snapshot.CURRENT.forget()
    page = flow.ask()
    assert b"Sign in with Partner" not in page.content
    sealed = urlsplit(flow.person.address).query
    assert flow.person.open(f"{WITH}?{sealed}").status_code == 404
    assert flow.person.open("/sign-in/with/nobody").status_code == 404


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        pytest.param(["pwd", "mfa"], ("pwd", "mfa"), id="texts"),
        pytest.param("pwd", (), id="text"),
        pytest.param(["pwd", 1], (), id="number"),
        pytest.param(["x" * 33], (), id="long"),
        pytest.param(["x"] * 11, (), id="many"),
        pytest.param(None, (), id="nothing"),
    ],
)
def test_methods_are_read_as_they_are_or_not_at_all(stated: JSON, read: tuple[str, ...]) -> None:
    assert read_methods(stated) == read


@pytest.mark.parametrize(
    ("algorithm", "length"),
    [("RS256", 22), ("ES384", 32), ("PS512", 43), ("EdDSA", 43)],
)
def test_hash_of_an_access_token_is_half_a_digest(algorithm: str, length: int) -> None:
    assert len(hash_token("an access token", algorithm)) == length
