"""RFC 8707 section 2: a client says where it means to use its token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.factories.tenants import make_api, make_client
from tests.rfc.verification import ORDERS, verify

if TYPE_CHECKING:
    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

BILLS = "https://bills.example/"


@pytest.fixture
def both(api: Api) -> MadeClient:
    """A client of two Apis."""
    make_api(api.tenant, "bills", scopes=["pay"])
    return make_client(api.tenant, scopes=["read", "write", "pay"])


SELECTIONS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "nothing": ({}, [BILLS, ORDERS], "pay read write"),
    "by audience": ({"audience": BILLS, "scope": "pay"}, BILLS, "pay"),
    "by resource": ({"resource": ORDERS, "scope": "read"}, ORDERS, "read"),
    "by both names": (
        {"audience": BILLS, "resource": ORDERS, "scope": "pay read"},
        [BILLS, ORDERS],
        "pay read",
    ),
    "two of a name": (
        {"resource": [ORDERS, BILLS], "scope": "read pay"},
        [ORDERS, BILLS],
        "read pay",
    ),
    "one twice": ({"audience": [BILLS, BILLS], "scope": "pay"}, BILLS, "pay"),
    "by scope": ({"scope": "pay"}, BILLS, "pay"),
    "default scopes are cut": ({"audience": BILLS}, BILLS, "pay"),
}


@pytest.mark.requirement("RFC 8707", "2", "The token is for the resources that were asked for.")
@pytest.mark.parametrize("row", SELECTIONS.values(), ids=SELECTIONS)
def test_the_token_is_for_what_was_asked(
    oauth: OAuthClient, both: MadeClient, row: tuple[dict[str, Any], Any, str]
) -> None:
    parameters, audience, scope = row
    answer = oauth.token(both, **parameters).json()
    claims = verify(oauth, answer["access_token"], audience=None)
    told = claims["aud"]
    assert (sorted(told) if isinstance(told, list) else told) == (
        sorted(audience) if isinstance(audience, list) else audience
    )
    assert answer["scope"] == scope
    assert oauth.introspect(both, answer["access_token"]).json()["aud"] == told


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"audience": "https://nobody.example/"}, "invalid_target"),
    "unknown resource": ({"resource": "https://nobody.example/"}, "invalid_target"),
    "one known, one not": ({"resource": [BILLS, "x"]}, "invalid_target"),
    "another spelling": ({"audience": BILLS.upper()}, "invalid_target"),
    "with a fragment": ({"resource": BILLS + "#x"}, "invalid_target"),
    "a slug": ({"audience": "bills"}, "invalid_target"),
    "a client id": ({"audience": "api-client"}, "invalid_target"),
    "scope of another": ({"audience": BILLS, "scope": "read"}, "invalid_scope"),
    "no scope there": ({"audience": [BILLS, ORDERS], "scope": "pay"}, "invalid_target"),
}


@pytest.mark.requirement("RFC 8707", "2", "An unknown or unsuitable resource is an invalid_target.")
@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED)
def test_another_audience_is_refused(
    oauth: OAuthClient, both: MadeClient, row: tuple[dict[str, Any], str]
) -> None:
    parameters, code = row
    response = oauth.token(both, **parameters)
    assert (response.status_code, response.json()["error"]) == (400, code)


def test_json_may_list_audiences(oauth: OAuthClient, tenant: Tenant, both: MadeClient) -> None:
    tenant.allow_json_token_requests = True
    update_tenant(tenant, actor=SYSTEM)
    body = {
        "grant_type": "client_credentials",
        "client_id": both.client_id,
        "client_secret": both.secret,
        "audience": [BILLS, ORDERS],
        "scope": None,
    }
    response = oauth.post_raw("/oauth/token", json.dumps(body), content_type="application/json")
    claims = verify(oauth, response.json()["access_token"], audience=None)
    assert sorted(claims["aud"]) == [BILLS, ORDERS]


def test_the_endpoint_of_an_api_fixes_its_audience(oauth: OAuthClient, both: MadeClient) -> None:
    response = oauth.post("/apis/bills/oauth/token", both, grant_type="client_credentials")
    assert response.json()["scope"] == "pay"
    assert verify(oauth, response.json()["access_token"], BILLS)["aud"] == BILLS
    for parameters in ({"audience": ORDERS}, {"scope": "read"}):
        refused = oauth.post(
            "/apis/bills/oauth/token", both, grant_type="client_credentials", **parameters
        )
        assert refused.status_code == 400
    unknown = oauth.post("/apis/nothing/oauth/token", both, grant_type="client_credentials")
    assert unknown.json()["error"] == "invalid_target"


def test_apis_that_disagree_share_no_token(
    oauth: OAuthClient, tenant: Tenant, both: MadeClient
) -> None:
    bills = tenant.apis.get(slug="bills")
    for field, value in (
        ("access_token_format", "opaque"),
        ("claim_profile", "aidbox"),
        ("signing_algorithm", "EdDSA"),
    ):
        setattr(bills, field, value)
        changes.save(bills, actor=SYSTEM)
        assert oauth.token(both).json()["error"] == "invalid_target"
        assert oauth.token(both, scope="pay").status_code == 200
        setattr(bills, field, "")
        changes.save(bills, actor=SYSTEM)
    assert oauth.token(both).status_code == 200


def test_a_disabled_api_is_no_target(oauth: OAuthClient, tenant: Tenant, both: MadeClient) -> None:
    bills = tenant.apis.get(slug="bills")
    bills.is_enabled = False
    changes.save(bills, actor=SYSTEM)
    assert oauth.token(both, audience=BILLS).json()["error"] == "invalid_target"


@pytest.mark.requirement("RFC 8707", "3", "A token for one resource is of no use at another.")
def test_a_policy_must_cover_each_audience(
    oauth: OAuthClient, tenant: Tenant, both: MadeClient
) -> None:
    policy = tenant.access_policies.get(slug="api-client")
    changes.save(policy, actor=SYSTEM, links={"apis": [tenant.apis.get(slug="orders")]})
    assert oauth.token(both, scope="read").status_code == 200
    assert oauth.token(both, scope="read pay").json()["error"] == "invalid_target"
