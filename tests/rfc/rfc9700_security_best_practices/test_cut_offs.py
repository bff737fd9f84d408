"""RFC 9700 section 4.14: what was issued before a cut-off is dead, and what comes after lives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants import snapshot
from tenants.models import SigningKey
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.factories.tenants import MadeClient, make_client, make_tenant
from tests.rfc.rfc7523_jwt_bearer.test_grant import PARTNER, SIGNER, trust
from tests.rfc.signers import GRANT, assertion_claims
from tests.rfc.verification import issuer_of
from tokens.models import AccessToken

if TYPE_CHECKING:
    from pytest_django import Settings

    from tenants.models import Api, Tenant
    from tests.oauth_client import OAuthClient

SELECTORS = ("client_id", "subject_id", "api_id", "trust_profile_id", "session_id")
TOKEN_SELECTORS = ("signing_key_id", "token_id")


@pytest.fixture
def app(api: Api) -> MadeClient:
    trust(api.tenant)
    return make_client(
        api.tenant,
        "app",
        scopes=["read"],
        grant_types=[GRANT, "refresh_token"],
        token_endpoint_auth_method="none",
    )


def _swap(oauth: OAuthClient, tenant: Tenant) -> dict[str, str]:
    claims = assertion_claims(PARTNER, "alice", issuer_of(tenant))
    answer: dict[str, str] = oauth.token(
        grant_type=GRANT, assertion=SIGNER.sign(claims), client_id="app"
    ).json()
    return answer


def _refresh(oauth: OAuthClient, answer: dict[str, str]) -> dict[str, str]:
    refreshed: dict[str, str] = oauth.token(
        grant_type="refresh_token", refresh_token=answer["refresh_token"], client_id="app"
    ).json()
    return refreshed


def _facts(token: str) -> dict[str, Any]:
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    row = AccessToken.objects.get(pk=UUID(jti))
    facts = {name: getattr(row, name) for name in ("client_id", "subject_id", "session_id")}
    names = ("trust_profile_id", "signing_key_id")
    return (
        facts
        | {name: getattr(row, name) for name in names}
        | {"api_id": row.api_ids[0], "token_id": row.pk}
    )


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("selectors", [(), *[(s,) for s in SELECTORS], SELECTORS[:3]], ids=str)
def test_a_cut_off_ends_the_session_and_what_follows_is_new(
    oauth: OAuthClient,
    tenant: Tenant,
    gateway: MadeClient,
    selectors: tuple[str, ...],
) -> None:
    answer = _swap(oauth, tenant)
    facts = _facts(answer["access_token"])
    cut_offs.end(tenant.pk, actor=SYSTEM, **{name: facts[name] for name in selectors})
    assert oauth.introspect(gateway, answer["access_token"]).json() == {"active": False}
    assert _refresh(oauth, answer)["error"] == "invalid_grant"
    later = _swap(oauth, tenant)
    assert oauth.introspect(gateway, later["access_token"]).json()["active"] is True
    assert "access_token" in _refresh(oauth, later)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("selector", TOKEN_SELECTORS)
def test_a_cut_off_of_a_token_leaves_its_session(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient, selector: str
) -> None:
    answer = _swap(oauth, tenant)
    facts = _facts(answer["access_token"])
    cut_offs.end(tenant.pk, actor=SYSTEM, **{selector: facts[selector]})
    assert oauth.introspect(gateway, answer["access_token"]).json() == {"active": False}
    assert "access_token" in _refresh(oauth, answer)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("selector", SELECTORS + TOKEN_SELECTORS)
def test_a_cut_off_of_something_else_ends_nothing(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient, selector: str
) -> None:
    answer = _swap(oauth, tenant)
    selectors: dict[str, Any] = {selector: uuid4()}
    cut_offs.end(tenant.pk, actor=SYSTEM, **selectors)
    neighbour = make_tenant("initech")
    facts = _facts(answer["access_token"])
    cut_offs.end(neighbour.pk, actor=SYSTEM, **{selector: facts[selector]})
    assert oauth.introspect(gateway, answer["access_token"]).json()["active"] is True
    assert "access_token" in _refresh(oauth, answer)


@pytest.mark.usefixtures("app")
@hypothesis_settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(matches=st.dictionaries(st.sampled_from(SELECTORS + TOKEN_SELECTORS), st.booleans()))
def test_a_cut_off_ends_what_every_selector_matches(
    oauth: OAuthClient,
    tenant: Tenant,
    gateway: MadeClient,
    matches: dict[str, bool],
) -> None:
    token = _swap(oauth, tenant)["access_token"]
    facts = _facts(token)
    selectors: dict[str, Any] = {
        name: facts[name] if hit else uuid4() for name, hit in matches.items()
    }
    cut_offs.end(tenant.pk, actor=SYSTEM, **selectors)
    told = oauth.introspect(gateway, token).json()
    assert told["active"] is not all(matches.values())


def test_a_process_that_is_behind_issues_nothing_that_outlives_the_cut_off(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, settings: Settings
) -> None:
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 60
    oauth.token(service)
    cut_offs.end(tenant.pk, actor=SYSTEM, client_id=service.client.pk)
    behind = oauth.token(service).json()["access_token"]
    assert oauth.introspect(service, behind).json() == {"active": False}
    snapshot.CURRENT.renew()
    level = oauth.token(service).json()["access_token"]
    assert oauth.introspect(service, level).json()["active"] is True


def test_a_refresh_renews_no_number(
    oauth: OAuthClient, tenant: Tenant, app: MadeClient, gateway: MadeClient
) -> None:
    answer = _refresh(oauth, _swap(oauth, tenant))
    key = SigningKey.objects.get(tenant=tenant, state="current")
    cut_offs.end(tenant.pk, actor=SYSTEM, client_id=app.client.pk, signing_key_id=key.pk)
    assert oauth.introspect(gateway, answer["access_token"]).json() == {"active": False}


def test_a_process_that_nothing_confirms_answers_503(
    oauth: OAuthClient, service: MadeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = oauth.token(service).json()["access_token"]
    held = snapshot.Snapshot()
    held.listen()
    held.renew()
    monkeypatch.setattr(snapshot, "CURRENT", held)
    assert oauth.introspect(service, token).status_code == 200
    monkeypatch.setattr(snapshot, "UNCONFIRMED_LIMIT_SECONDS", 0.01)
    time.sleep(0.02)
    for response in (
        oauth.token(service),
        oauth.introspect(service, token),
        oauth.revoke(service, token),
        oauth.end_session(token),
        oauth.get("/jwks"),
        oauth.get("/.well-known/oauth-authorization-server"),
    ):
        assert response.status_code == 503
        assert response["Retry-After"] == "1"
        assert response["Cache-Control"] == "no-store"
        assert response.json()["error"] == "temporarily_unavailable"
    held.renew()
    monkeypatch.setattr(snapshot, "UNCONFIRMED_LIMIT_SECONDS", 5.0)
    assert oauth.introspect(service, token).json()["active"] is True
