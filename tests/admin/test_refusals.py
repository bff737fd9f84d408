"""Refusals, explanations and previews in the admin: readable, bounded, and the tenant's own."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tenants.models import (
    AccessPolicy,
    Api,
    ClaimRule,
    Environment,
    Membership,
    Platform,
    Scope,
    TrustProfile,
)
from tenants.policy import Reason
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.client_secrets import add_secret
from tenants.services.trust_profiles import save_trust_profile
from tests.admin.operators import sign_in
from tests.factories.tenants import MadeClient, find_scopes
from tests.factories.tokens import make_subject
from tests.oauth_client import OAuthClient
from tokens import refusal_counts, refusals
from tokens.admin import refusal_rows
from tokens.admin.decisions import read_paragraphs
from tokens.admin.faults import OF_APIS, OF_CLIENT, OF_ENVIRONMENT, OF_POLICIES, OF_TENANT
from tokens.models import AccessToken, Refusal

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

LIST, FIND = "admin:refusals", "admin:find_refusal"
EXPLAINERS = [role for role in Membership.Role if role != Membership.Role.KEY_CUSTODIAN]


@pytest.fixture(autouse=True)
def _limits_as_new() -> None:
    refusals.LIMITS.forget()
    refusal_counts.forget()


@pytest.fixture
def support(globex: TenantWorld) -> OperatorBrowser:
    """A support engineer of globex."""
    return sign_in("support", (globex.tenant, Membership.Role.SUPPORT))


def refuse(world: TenantWorld, **parameters: str) -> Refusal:
    """Have the tenant's client refused, with a secret that is right."""
    label = f"s{world.client.secrets.count()}"
    _, secret = add_secret(world.client, label=label, actor=SYSTEM)
    response = OAuthClient(world.tenant).token(MadeClient(world.client, secret), **parameters)
    assert response.status_code == 400, response.content
    return Refusal.objects.get(request_id=response["X-Request-Id"])


def text_of(page: HttpResponse) -> str:
    assert page.status_code == 200
    return page.content.decode()


@pytest.mark.parametrize("role", EXPLAINERS)
def test_roles_that_explain_see_list_detail_preview_and_why(role: str, globex: TenantWorld) -> None:
    refusal, token = refuse(globex, scope="nonsense"), AccessToken.objects.first()
    assert token is not None
    browser = sign_in("somebody", (globex.tenant, role))
    assert refusal.request_id in text_of(browser.get(reverse(LIST)))
    text_of(browser.get(reverse("admin:refusal_detail", args=[refusal.pk])))
    text_of(browser.get(reverse("admin:client_preview", args=[globex.client.pk])))
    text_of(browser.get(reverse("admin:token_why", args=[token.pk])))
    assert "scope_unknown" in text_of(browser.get(reverse("admin:decisions")))


def test_key_custodian_sees_none_of_them(globex: TenantWorld) -> None:
    refusal = refuse(globex, scope="nonsense")
    browser = sign_in("keys", (globex.tenant, Membership.Role.KEY_CUSTODIAN))
    addresses = [
        reverse(LIST),
        reverse("admin:refusal_detail", args=[refusal.pk]),
        reverse("admin:client_preview", args=[globex.client.pk]),
        reverse("admin:decisions"),
    ]
    assert {browser.get(address).status_code for address in addresses} == {403}
    assert browser.post(reverse(FIND), {"text": "x"}).status_code == 403


def test_foreign_refusals_previews_and_tokens_are_not_found(
    support: OperatorBrowser, initech: TenantWorld
) -> None:
    refusal = refuse(initech, scope="nonsense")
    token = AccessToken.objects.get(tenant=initech.tenant)
    addresses = [
        reverse("admin:refusal_detail", args=[refusal.pk]),
        reverse("admin:client_preview", args=[initech.client.pk]),
        reverse("admin:token_why", args=[token.pk]),
    ]
    assert {support.get(address).status_code for address in addresses} == {404}
    for query in (f"tenant={initech.tenant.pk}", f"client={initech.client.pk}", ""):
        assert refusal.request_id not in text_of(support.get(f"{reverse(LIST)}?{query}"))
    page = support.post(reverse(FIND), {"text": refusal.request_id})
    assert "No trace is kept" in text_of(page)


def test_database_alone_hides_foreign_refusals(
    support: OperatorBrowser, initech: TenantWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = refuse(initech, scope="nonsense")
    monkeypatch.setattr(refusal_rows, "scope", lambda rows, _tenant_ids, _path: rows)
    address = reverse("admin:refusal_detail", args=[refusal.pk])
    assert support.get(address).status_code == 404


def test_reported_request_id_leads_to_its_refusal(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    refusal = refuse(globex, scope="nonsense")
    page = support.post(reverse(FIND), {"text": f" {refusal.request_id.upper()} "})
    assert page.status_code == 302
    assert page["Location"] == reverse("admin:refusal_detail", args=[refusal.pk])


def test_search_by_reason_and_by_client(support: OperatorBrowser, globex: TenantWorld) -> None:
    first, second = refuse(globex, scope="nonsense"), refuse(globex, audience="urn:none")
    OAuthClient(globex.tenant).post("/oauth/token", client_id="stranger", client_secret="x" * 20)
    chosen = {"tenant": str(globex.tenant.pk)}
    by_reason = support.post(reverse(FIND), {**chosen, "text": "scope_unknown"})
    assert [row.pk for row in by_reason.context["rows"]] == [first.pk]
    by_client = support.post(reverse(FIND), {**chosen, "text": globex.client.client_id})
    assert [row.pk for row in by_client.context["rows"]] == [second.pk, first.pk]
    by_stranger = support.post(reverse(FIND), {**chosen, "text": "stranger"})
    assert len(by_stranger.context["rows"]) == 1
    assert "(unknown)" in text_of(by_stranger)


@pytest.mark.parametrize("text", ["\x00", "x" * 10_000, "", "<script>alert(1)</script>"])
def test_whatever_is_searched_for_does_no_harm(text: str, support: OperatorBrowser) -> None:
    page = support.post(reverse(FIND), {"text": text, "tenant": "no-uuid"})
    assert "<script>alert" not in text_of(page)


def test_search_by_get_is_refused(support: OperatorBrowser) -> None:
    assert support.get(reverse(FIND)).status_code == 405


def test_pages_follow_one_another(
    support: OperatorBrowser, globex: TenantWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_rows, "PAGE_ROWS", 2)
    made = [refuse(globex, scope=f"nonsense{number}").pk for number in range(5)][::-1]
    seen, address = [], reverse(LIST)
    while address:
        page = support.get(address)
        seen.append([row.pk for row in page.context["rows"]])
        address = page.context["following"]
    assert seen == [made[:2], made[2:4], made[4:]]


def test_rare_reason_is_looked_for_window_by_window(
    support: OperatorBrowser, globex: TenantWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_rows, "WINDOW_ROWS", 2)
    rare = refuse(globex, audience="urn:none")
    for number in range(3):
        refuse(globex, scope=f"nonsense{number}")
    page = support.get(f"{reverse(LIST)}?reason=audience_unknown")
    assert (page.context["rows"], bool(page.context["following"])) == ((), True)
    page = support.get(page.context["following"])
    assert [row.pk for row in page.context["rows"]] == [rare.pk]


def test_list_takes_the_same_statements_however_long_it_is(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    counts = []
    for number in range(4):
        refuse(globex, scope=f"nonsense{number}")
        with CaptureQueriesContext(connection) as queries:
            support.get(reverse(LIST))
        counts.append(len(queries))
    assert counts[1] == counts[-1]


def test_counts_of_the_last_day_are_shown(support: OperatorBrowser, globex: TenantWorld) -> None:
    now = timezone.now().timestamp()
    for _ in range(7):
        refusal_counts.add(
            tenant_id=globex.tenant.pk, client=None, reason="invalid_client", now=now
        )
    refusal_counts.flush()
    page = support.get(reverse(LIST))
    assert page.context["counts"] == [("invalid_client", 7)]


def test_refusal_says_what_would_make_it_pass_and_links_its_paragraph(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    refusal = refuse(globex, scope="nonsense")
    text = text_of(support.get(reverse("admin:refusal_detail", args=[refusal.pk])))
    assert "A requested scope does not exist in this tenant; correct its name." in text
    assert f"{reverse('admin:decisions')}#scope_unknown" in text
    assert f"{reverse('admin:decisions')}#scope_known_and_allowed" in text
    assert "Preview the same request now" in text


def faults_of(browser: OperatorBrowser, refusal: Refusal) -> list[str]:
    page = browser.get(reverse("admin:refusal_detail", args=[refusal.pk]))
    return [fault.address for fault in page.context["faults"]]


def test_policy_at_fault_is_linked(support: OperatorBrowser, globex: TenantWorld) -> None:
    policy = AccessPolicy(tenant=globex.tenant, slug="no", effect="deny")
    changes.save(policy, actor=SYSTEM)
    address = reverse("admin:tenants_accesspolicy_change", args=[policy.pk])
    refusal = refuse(globex, scope="read")
    panel = reverse("admin:tenants_accesspolicy_test", args=[policy.pk])
    expected = [address, f"{panel}?request_id={refusal.request_id}"]
    assert faults_of(support, refusal) == expected
    text_of(support.get(address))
    question = support.get(expected[1]).context["question"]
    assert question["request_id"].value() == refusal.request_id


def test_missing_policy_offers_to_write_one(support: OperatorBrowser, globex: TenantWorld) -> None:
    for policy in AccessPolicy.objects.filter(tenant=globex.tenant):
        changes.delete(policy, actor=SYSTEM)
    refusal = refuse(globex, scope="read")
    written, tried = faults_of(support, refusal)
    assert written.startswith(reverse("admin:tenants_accesspolicy_add"))
    owner = sign_in("owner", (globex.tenant, Membership.Role.OWNER))
    for address in (written, tried):
        form = owner.get(address).context["adminform"].form
        assert form["clients"].value() == [str(globex.client.pk)]
        assert form["operations"].value() == "client_credentials"
    assert owner.get(tried).context["question"]["request_id"].value() == refusal.request_id


def test_client_at_fault_is_linked(support: OperatorBrowser, globex: TenantWorld) -> None:
    scope = Scope(tenant=globex.tenant, api=globex.issuer.api, name="admin")
    changes.save(scope, actor=SYSTEM)
    address = reverse("admin:tenants_client_change", args=[globex.client.pk])
    assert faults_of(support, refuse(globex, scope="admin")) == [address]


def test_api_at_fault_is_linked(support: OperatorBrowser, globex: TenantWorld) -> None:
    api = Api.objects.get(pk=globex.issuer.api.pk)
    api.is_enabled = False
    changes.save(api, actor=SYSTEM)
    address = reverse("admin:tenants_api_change", args=[api.pk])
    assert faults_of(support, refuse(globex, scope="read")) == [address]


def test_environment_at_fault_is_linked(support: OperatorBrowser, globex: TenantWorld) -> None:
    environment = Environment.objects.get(pk=globex.tenant.environment_id)
    environment.allowed_grant_types = ["refresh_token"]
    changes.save(environment, actor=SYSTEM)
    address = reverse("admin:tenants_environment_change", args=[environment.pk])
    assert faults_of(support, refuse(globex, scope="read")) == [address]


def test_tables_of_faults_name_reasons_that_exist() -> None:
    named = OF_CLIENT | OF_POLICIES | OF_APIS | OF_ENVIRONMENT | OF_TENANT
    assert named - set(Reason) == {"invalid_client", "unauthorized_client"}


# Why a token is what it is.


def test_token_page_has_a_tab_that_explains_it(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    token = AccessToken.objects.get(tenant=globex.tenant)
    why = reverse("admin:token_why", args=[token.pk])
    assert why in text_of(support.get(reverse("admin:token_detail", args=[token.pk])))
    page = support.get(why)
    described = page.context["described"]
    assert described["notes"] == []
    assert {check["passed"] for check in described["checks"]} == {True}
    assert "RFC 7519 section 4.1.1" in text_of(page)


def test_explanation_under_the_consoles_role_knows_the_levels_above(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    platform = Platform.objects.get()
    environment = Environment.objects.get(pk=globex.tenant.environment_id)
    platform.access_token_lifetime_seconds = 600
    changes.save(platform, actor=SYSTEM)
    first = AccessToken.objects.get(tenant=globex.tenant)
    globex.issuer.issue(requested_scopes=("read",))
    token = AccessToken.objects.exclude(pk=first.pk).get(tenant=globex.tenant)
    platform.access_token_lifetime_seconds = 60
    changes.save(platform, actor=SYSTEM)
    environment.allowed_grant_types = ["refresh_token"]
    changes.save(environment, actor=SYSTEM)
    page = support.get(reverse("admin:token_why", args=[token.pk]))
    assert page.context["described"]["notes"] == []
    claims = {claim["name"]: claim["value"] for claim in page.context["described"]["claims"]}
    assert int(claims["exp"]) - int(claims["iat"]) == 600


# Previews.


def test_client_page_has_the_tabs(owner: OperatorBrowser, globex: TenantWorld) -> None:
    page = owner.get(reverse("admin:tenants_client_change", args=[globex.client.pk]))
    text = text_of(page)
    assert reverse("admin:client_preview", args=[globex.client.pk]) in text
    assert f"{reverse(LIST)}?client={globex.client.pk}" in text


def test_preview_shows_claims_with_reason_and_issues_nothing(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    before = AccessToken.objects.count()
    address = reverse("admin:client_preview", args=[globex.client.pk])
    page = support.get(address, {"grant": "client_credentials", "scope": "read"})
    text = text_of(page)
    assert "The granted scopes (RFC 8693 section 4.2)." in text
    assert "&quot;token_type&quot;: &quot;Bearer&quot;" in text
    assert AccessToken.objects.count() == before


def test_preview_of_a_refusal_says_why(support: OperatorBrowser, globex: TenantWorld) -> None:
    address = reverse("admin:client_preview", args=[globex.client.pk])
    text = text_of(support.get(address, {"grant": "client_credentials", "scope": "nonsense"}))
    assert "This request would be refused." in text
    assert f"{reverse('admin:decisions')}#scope_unknown" in text


def test_preview_takes_no_foreign_end_user(
    support: OperatorBrowser, globex: TenantWorld, initech: TenantWorld
) -> None:
    subject = make_subject(initech.tenant)
    address = reverse("admin:client_preview", args=[globex.client.pk])
    page = support.get(address, {"grant": "client_credentials", "subject": str(subject.pk)})
    assert "This tenant has no such end user." in text_of(page)


JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def trust_partner(world: TenantWorld) -> None:
    """Let the tenant's outside issuer name the scope that the client asks for."""
    links = {"maximum_scopes": find_scopes(world.tenant, ["read"])}
    save_trust_profile(world.one(TrustProfile), actor=SYSTEM, links=links)


def test_preview_states_the_claims_of_an_outside_token(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    trust_partner(globex)
    client = globex.client
    client.grant_types = [*client.grant_types, JWT_BEARER]
    changes.save(client, actor=SYSTEM)
    fields = {"value": "tier", "is_required": True, "source": "foreign_claim"}
    rule = ClaimRule(tenant=globex.tenant, slug="tier", claim="tier", **fields)
    changes.save(rule, actor=SYSTEM)
    address = reverse("admin:client_preview", args=[client.pk])
    subject = make_subject(globex.tenant)
    asked = {"grant": JWT_BEARER, "scope": "read", "subject": str(subject.pk)}
    assert "This request would be refused." in text_of(support.post(address, asked))
    stated = {**asked, "trust_profile": "partner", "claims": '{"tier": "gold-7", "scope": "read"}'}
    page = text_of(support.post(address, stated))
    assert "gold-7" in page
    assert "This request would be refused." not in page
    # Personal data is no part of an address.
    assert "Give this together with trust profile." in text_of(support.get(address, stated))


@pytest.mark.parametrize(
    ("changes_made", "message"),
    [
        ({"claims": ""}, "Give this together with trust profile."),
        ({"trust_profile": ""}, "Give this together with claims."),
        ({"trust_profile": "nobody"}, "not one of the available choices"),
        ({"claims": "[]"}, "Write one JSON object"),
        ({"claims": '{"a": 1, "a": 2}'}, "Write one JSON object"),
        ({"claims": '{"a": NaN}'}, "Write one JSON object"),
        ({"claims": "{" + " " * 9_000 + "}"}, "at most 8000 characters"),
        ({"claims": '{"exp": 1}'}, "The outside token would be refused: expired"),
        ({"claims": '{"iss": "https://evil.example"}'}, "would be refused: wrong issuer"),
        ({"grant": "client_credentials"}, "other grants take no outside token"),
        ({"subject": ""}, "Choose the end user"),
    ],
    ids=[
        "no claims",
        "no profile",
        "unknown profile",
        "no object",
        "a claim twice",
        "no JSON",
        "too long",
        "expired",
        "another issuer",
        "another grant",
        "nobody",
    ],
)
def test_claims_that_no_outside_token_could_bring_are_not_previewed(
    changes_made: dict[str, str], message: str, support: OperatorBrowser, globex: TenantWorld
) -> None:
    trust_partner(globex)
    subject = make_subject(globex.tenant)
    asked = {"grant": JWT_BEARER, "scope": "read", "subject": str(subject.pk)}
    asked |= {"trust_profile": "partner", "claims": '{"scope": "read"}'}
    page = support.post(
        reverse("admin:client_preview", args=[globex.client.pk]), asked | changes_made
    )
    assert message in html.unescape(text_of(page))


@pytest.mark.parametrize(
    "parameters",
    [
        {"grant": "made-up"},
        {"grant": "client_credentials", "subject": "no-uuid"},
        {"grant": "client_credentials", "scope": "x" * 5_000},
        {"grant": "client_credentials", "scope": "<script>alert(1)</script>"},
    ],
)
def test_preview_of_nonsense_does_no_harm(
    parameters: dict[str, str], support: OperatorBrowser, globex: TenantWorld
) -> None:
    address = reverse("admin:client_preview", args=[globex.client.pk])
    assert "<script>alert" not in text_of(support.get(address, parameters))


def test_every_paragraph_is_read() -> None:
    assert {str(reason) for reason in Reason} <= {p.name for p in read_paragraphs()}
