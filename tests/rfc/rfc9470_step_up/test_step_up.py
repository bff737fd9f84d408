"""RFC 9470: a right that asks for a person who was recognised more surely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.assurance import Assurance
from tenants.credentials import parse_opaque_token
from tenants.models import Scope
from tenants.records import SYSTEM, GrantType
from tenants.services import changes
from tests.factories.openid import make_party
from tests.factories.tenants import make_api, make_client
from tests.rfc.verification import issuer_of, verify
from tokens.explain import explain_token, request_of
from tokens.models import Refusal

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.factories.openid import RelyingParty
    from tests.oauth_client import OAuthClient

SURE = Assurance.PHISHING_RESISTANT
ONE_FACTOR = Assurance.ONE_FACTOR


def _guard(tenant: Tenant, name: str, acr: str = SURE) -> None:
    scope = Scope.objects.get(tenant=tenant, name=name)
    scope.min_acr = acr
    changes.save(scope, actor=SYSTEM)


def _refresh(oauth: OAuthClient, party: RelyingParty, answer: dict[str, str]) -> HttpResponse:
    return oauth.token(
        party.made, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    )


def test_guarded_scope_is_for_who_was_recognised_surely_enough(tenant: Tenant) -> None:
    make_api(tenant)
    _guard(tenant, "write")
    party = make_party(tenant, scopes=["openid", "read", "write"])
    weak, sure = party.recognise(), party.recognise(SURE, ("hwk", "user"))
    refused = party.judge(party.ask(weak, "read", "write")).refusal
    assert (refused.name, refused.reason) == ("assurance_reached", "assurance_too_low")
    assert refused.detail == "write needs phr"
    assert party.judge(party.ask(weak, "read")).is_allowed
    assert party.begin("read", "write", authentication=sure)["scope"] == "read write"


@pytest.mark.requirement("RFC 9470", "6", "Access tokens and introspection have acr and auth_time.")
@pytest.mark.parametrize("profile", ["rfc9068", "onewelcome"])
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_resource_server_learns_how_the_person_was_recognised(
    oauth: OAuthClient, tenant: Tenant, token_format: str, profile: str
) -> None:
    api = make_api(tenant, claim_profile=profile)
    gateway = make_client(tenant, "gateway", is_allowed=False)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    party = make_party(tenant, scopes=["read"], access_token_format=token_format)
    recognised = party.recognise(SURE, ("hwk",))
    token = party.begin("read", authentication=recognised)["access_token"]
    told = oauth.introspect(gateway, token).json()
    assert (told["acr"], told["auth_time"]) == ("phr", recognised.authenticated_at)
    if token_format == "jwt" and profile == "rfc9068":
        claims = verify(oauth, token)
        assert (claims["acr"], claims["auth_time"]) == ("phr", recognised.authenticated_at)


@pytest.mark.requirement("RFC 9470", "5", "What a session can't reach any more is not refreshed.")
def test_refresh_is_refused_when_the_scope_asks_for_more_now(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    make_api(tenant)
    party = make_party(
        tenant, scopes=["openid", "offline_access", "read"], refresh_token_enabled=True
    )
    answer = party.begin("openid", "offline_access", "read")
    _guard(tenant, "read")
    response = _refresh(oauth, party, answer)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert "acr_values" in response.json()["error_description"]
    less = oauth.token(
        party.made,
        grant_type="refresh_token",
        refresh_token=answer["refresh_token"],
        scope="openid offline_access",
    )
    assert less.status_code == 200


def test_who_was_recognised_surely_refreshes_and_exchanges(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    make_api(tenant)
    _guard(tenant, "read")
    exchange = GrantType.TOKEN_EXCHANGE.value
    party = make_party(
        tenant,
        scopes=["openid", "offline_access", "read"],
        refresh_token_enabled=True,
        grant_types=["authorization_code", "refresh_token", exchange],
    )
    sure, weak = party.recognise(SURE), party.recognise()
    answer = party.begin("offline_access", "read", authentication=sure)
    assert _refresh(oauth, party, answer).status_code == 200
    access_token = "urn:ietf:params:oauth:token-type:access_token"
    for token, expected in (
        (answer["access_token"], 200),
        (party.begin("openid", authentication=weak)["access_token"], 400),
    ):
        response = oauth.token(
            party.made,
            grant_type=exchange,
            subject_token=token,
            subject_token_type=access_token,
            scope="read",
        )
        assert response.status_code == expected, response.content


def test_program_is_no_person(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant)
    _guard(tenant, "read")
    program = make_client(tenant, "program", scopes=["read"])
    assert oauth.token(program).json()["scope"] == "read"


@pytest.mark.requirement("RFC 9470", "3", "The challenge names the error and the acr_values.")
@pytest.mark.parametrize("path", ["/oauth/userinfo", "/me"])
def test_our_own_endpoints_challenge(oauth: OAuthClient, tenant: Tenant, path: str) -> None:
    party = make_party(tenant)
    weak, sure = party.recognise(), party.recognise(SURE)
    tokens = [
        party.begin("openid", "email", authentication=recognised)["access_token"]
        for recognised in (weak, sure)
    ]
    bearers = [{"Authorization": f"Bearer {token}"} for token in tokens]
    assert [oauth.get(path, **bearer).status_code for bearer in bearers] == [200, 200]
    _guard(tenant, "email")
    refused = oauth.get(path, **bearers[0])
    assert refused.status_code == 401
    assert refused.json()["error"] == "insufficient_user_authentication"
    challenge = refused["WWW-Authenticate"]
    assert challenge.startswith(
        f'Bearer realm="{issuer_of(tenant)}", error="insufficient_user_authentication", '
    )
    assert challenge.endswith(', acr_values="phr"')
    assert oauth.get(path, **bearers[1]).status_code == 200


def test_scope_of_another_api_is_that_apis_business(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant)
    party = make_party(tenant, scopes=["openid", "read"])
    token = party.begin("openid", "read")["access_token"]
    _guard(tenant, "read")
    assert oauth.get("/oauth/userinfo", Authorization=f"Bearer {token}").status_code == 200


def test_explanation_knows_how_the_person_was_recognised(tenant: Tenant) -> None:
    make_api(tenant)
    _guard(tenant, "read", ONE_FACTOR)
    party = make_party(tenant, scopes=["openid", "read"], access_token_format="opaque")
    token = party.begin("openid", "read")["access_token"]
    found = parse_opaque_token(token)
    assert found is not None
    explanation = explain_token(tenant.pk, found.row_id)
    assert explanation is not None
    assert [check for check in explanation.checks if not check.passed] == []
    assert explanation.notes == ()


def test_trace_of_a_refusal_keeps_the_assurance(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant)
    party = make_party(tenant, scopes=["offline_access", "read"], refresh_token_enabled=True)
    answer = party.begin("offline_access", "read")
    _guard(tenant, "read")
    _refresh(oauth, party, answer)
    refusal = Refusal.objects.get(tenant=tenant)
    assert refusal.reason == "assurance_too_low"
    assert refusal.trace["request"]["acr"] == ONE_FACTOR
    client = party.ask(party.recognise(), "read").client
    authentication = request_of(refusal, client).authentication
    assert authentication is not None
    assert authentication.acr == ONE_FACTOR
