"""RFC 6749 section 3.3: which scope a token gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.factories.tenants import make_api, make_client
from tests.rfc.verification import verify

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

GRANTED = {
    "nothing asked": ("", "read"),
    "one": ("write", "write"),
    "both, in the order of the request": ("write read", "write read"),
    "one twice": ("read read", "read"),
}
EXCESS = {
    "unknown": "nothing-like-it",
    "another client's": "secret-one",
    "one good, one unknown": "read unknown",
    "upper case": "READ",
    "two spaces": "read  write",
    "leading space": " read",
    "comma": "read,write",
    "not ASCII": "lösen",
    "a quote": 'read"',
    "a line break": "read\nwrite",
}


@pytest.mark.requirement("RFC 6749", "5.1", "The answer says which scope was granted.")
@pytest.mark.parametrize("row", GRANTED.values(), ids=GRANTED)
def test_the_answer_always_has_the_scope(
    oauth: OAuthClient, service: MadeClient, row: tuple[str, str]
) -> None:
    asked, granted = row
    answer = oauth.token(service, scope=asked).json()
    assert answer["scope"] == granted
    assert verify(oauth, answer["access_token"])["scope"] == granted


@pytest.mark.requirement("RFC 6749", "5.2", "An unknown or excessive scope is an invalid_scope.")
@pytest.mark.parametrize("asked", EXCESS.values(), ids=EXCESS)
def test_scope_in_excess_is_refused(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, asked: str
) -> None:
    make_api(tenant, "vault", scopes=["secret-one"])
    response = oauth.token(service, scope=asked)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_scope"


def test_a_narrowing_tenant_grants_what_is_allowed(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    tenant.scope_excess = "narrow"
    update_tenant(tenant, actor=SYSTEM)
    assert oauth.token(service, scope="unknown write").json()["scope"] == "write"
    refused = oauth.token(service, scope="unknown")
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_scope"


@pytest.mark.requirement("RFC 6749", "3.3", "Without scope there is a default or an invalid_scope.")
def test_a_client_without_default_scopes_must_name_one(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant)
    client = make_client(tenant, scopes=["read"], default_scopes=[])
    response = oauth.token(client)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_scope"
    assert "default scopes" in response.json()["error_description"]
    assert oauth.token(client, scope="read").status_code == 200


def test_a_scope_of_a_disabled_api_is_refused(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    api = tenant.apis.get(slug="orders")
    api.is_enabled = False
    changes.save(api, actor=SYSTEM)
    response = oauth.token(service)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_target"


@hypothesis_settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(asked=st.lists(st.sampled_from(["read", "write", "secret-one", "openid", "unknown"])))
def test_narrowing_grants_what_was_asked_and_allowed_and_nothing_else(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, asked: list[str]
) -> None:
    if not tenant.apis.filter(slug="vault").exists():
        make_api(tenant, "vault", scopes=["secret-one"])
        tenant.scope_excess = "narrow"
        update_tenant(tenant, actor=SYSTEM)
    response = oauth.token(service, scope=" ".join(asked))
    allowed = [name for name in dict.fromkeys(asked) if name in {"read", "write"}]
    if asked and not allowed:
        assert response.json()["error"] == "invalid_scope"
    else:
        assert response.json()["scope"] == (" ".join(allowed) or "read")
