"""RFC 9700 section 4.14: what was taken away is gone, however a session began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.clients import save_client
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import MadeClient, find_scopes, make_client
from tests.rfc.rfc7523_jwt_bearer.test_grant import PARTNER, SIGNER, trust
from tests.rfc.signers import GRANT, assertion_claims
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import Settings

    from tenants.models import Api, Tenant
    from tests.oauth_client import OAuthClient

BEHIND_SECONDS = 1_000


@pytest.fixture
def app(api: Api) -> MadeClient:
    return make_client(
        api.tenant,
        "app",
        kind="spa",
        scopes=["read", "write"],
        grant_types=[GRANT, "refresh_token"],
        token_endpoint_auth_method="none",
    )


def swap(oauth: OAuthClient, tenant: Tenant, **more: str) -> HttpResponse:
    assertion = SIGNER.sign(assertion_claims(PARTNER, "alice", issuer_of(tenant)))
    return oauth.token(grant_type=GRANT, assertion=assertion, client_id="app", **more)


def refresh(oauth: OAuthClient, text: str, **more: str) -> HttpResponse:
    return oauth.token(grant_type="refresh_token", refresh_token=text, client_id="app", **more)


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 9700", "4.14", "A revocation ends what a late process still grants.")
def test_a_late_process_begins_no_session_that_outlives_a_revocation(
    oauth: OAuthClient, tenant: Tenant, settings: Settings
) -> None:
    profile = trust(tenant)
    assert swap(oauth, tenant).status_code == 200
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = BEHIND_SECONDS
    profile.is_enabled = False
    save_trust_profile(profile, actor=SYSTEM)
    late = swap(oauth, tenant)
    assert late.status_code == 200, "this process does not know yet"
    profile.is_enabled = True
    save_trust_profile(profile, actor=SYSTEM)
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 0
    assert refresh(oauth, late.json()["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.usefixtures("app")
def test_a_refresh_keeps_to_what_the_trust_profile_gives_today(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    profile = trust(tenant)
    both = {"maximum_scopes": find_scopes(tenant, ["read", "write"])}
    save_trust_profile(profile, actor=SYSTEM, links=both)
    first = swap(oauth, tenant, scope="read write").json()
    assert first["scope"] == "read write"
    less = {"maximum_scopes": find_scopes(tenant, ["read"])}
    save_trust_profile(profile, actor=SYSTEM, links=less)
    assert refresh(oauth, first["refresh_token"]).json()["scope"] == "read"


def test_a_refresh_needs_the_grant_with_which_the_session_began(
    oauth: OAuthClient, tenant: Tenant, app: MadeClient
) -> None:
    trust(tenant)
    first = swap(oauth, tenant).json()
    app.client.grant_types = ["refresh_token"]
    save_client(app.client, actor=SYSTEM)
    assert refresh(oauth, first["refresh_token"]).status_code == 400


@pytest.mark.usefixtures("app")
def test_a_refresh_needs_what_the_environment_allows(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant)
    first = swap(oauth, tenant).json()
    environment = tenant.environment
    environment.refresh_from_db()
    environment.allowed_grant_types = ["client_credentials", "refresh_token"]
    changes.save(environment, actor=SYSTEM)
    assert refresh(oauth, first["refresh_token"]).status_code == 400


@pytest.mark.usefixtures("app")
def test_a_retry_within_the_grace_gets_no_more_than_it_asks_for(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    profile = trust(tenant)
    both = {"maximum_scopes": find_scopes(tenant, ["read", "write"])}
    save_trust_profile(profile, actor=SYSTEM, links=both)
    first = swap(oauth, tenant, scope="read write").json()
    assert refresh(oauth, first["refresh_token"]).json()["scope"] == "read write"
    retry = refresh(oauth, first["refresh_token"], scope="read")
    assert retry.json()["error"] == "invalid_grant"
