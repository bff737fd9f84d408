"""RFC 9068: what stands in a token; and the four vendors' layouts, over HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
import pytest

from tenants.models import ClaimProfile, ClaimRule
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.tenants import update_tenant
from tests.factories.tenants import make_api, make_client
from tests.rfc.verification import ORDERS, issuer_of, verify

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient


@pytest.mark.requirement("RFC 9068", "2.1", "typ is at+jwt, and alg is never none.")
@pytest.mark.requirement("RFC 9068", "2.2", "iss, exp, aud, sub, client_id, iat and jti are there.")
def test_a_token_has_the_required_header_and_claims(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    token = oauth.token(service).json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert header.keys() == {"alg", "typ", "kid"}
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    claims = verify(oauth, token)
    assert claims.keys() == {"iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"}
    assert claims["iss"] == issuer_of(tenant)
    assert claims["sub"] == claims["client_id"] == service.client_id
    assert claims["aud"] == ORDERS
    assert UUID(claims["jti"]).version == 7


LAYOUTS: dict[str, tuple[str | None, dict[str, Any], set[str]]] = {
    "spaceblocks": (
        "JWT",
        {"aud": [ORDERS], "client_id": "api-client", "sub": "api-client", "scp": ["read"]},
        {"iss", "ext", "iat", "nbf", "exp", "jti"},
    ),
    "onewelcome": (
        None,
        {
            "aud": ORDERS,
            "cid": "api-client",
            "client_id": "api-client",
            "scp": ["read"],
            "scope": "read",
            "ver": 1,
        },
        {"iss", "iat", "nbf", "exp", "jti"},
    ),
    "thinktecture": (
        "JWT",
        {"aud": ORDERS, "client_id": "api-client", "scope": ["read"]},
        {"iss", "nbf", "exp"},
    ),
    "aidbox": ("JWT", {"aud": ORDERS, "sub": "api-client"}, {"iss", "iat", "exp", "jti"}),
}


@pytest.mark.parametrize("profile", LAYOUTS)
def test_each_vendor_finds_its_own_layout(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, profile: str
) -> None:
    typ, expected, others = LAYOUTS[profile]
    tenant.claim_profile, tenant.signing_algorithm = profile, "RS256"
    update_tenant(tenant, actor=SYSTEM)
    answer = oauth.token(service).json()
    token = answer["access_token"]
    header = jwt.get_unverified_header(token)
    assert header.get("typ") == typ
    assert header["alg"] == "RS256"
    assert header["kid"]
    claims = verify(oauth, token)
    assert {name: claims[name] for name in expected} == expected
    assert claims.keys() == expected.keys() | others
    told = oauth.introspect(service, token).json()
    assert told["active"] is True
    assert (told["scope"], told["client_id"]) == ("read", "api-client")
    assert answer["scope"] == "read"
    assert oauth.revoke(service, token).status_code == 200
    assert oauth.introspect(service, token).json() == {"active": False}


def test_the_details_of_the_vendors(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    def claims_of(profile: str) -> dict[str, Any]:
        tenant.claim_profile = profile
        update_tenant(tenant, actor=SYSTEM)
        answer = oauth.token(service).json()
        claims = verify(oauth, answer["access_token"])
        return claims | {
            "header": jwt.get_unverified_header(answer["access_token"]),
            "token_type": answer["token_type"],
        }

    issuer = issuer_of(tenant)
    spaceblocks = claims_of("spaceblocks")
    assert spaceblocks["iss"] == f"{issuer}/"
    assert spaceblocks["token_type"] == "bearer"
    assert spaceblocks["ext"] == {
        "spaceblocks_project_id": "acme",
        "spaceblocks_environment_id": "production",
        "spaceblocks_tenant_id": "globex",
        "app_tenant_id": "",
        "app_subject_id": "",
    }
    onewelcome = claims_of("onewelcome")
    assert onewelcome["iss"] == f"{issuer}/oauth"
    assert re.fullmatch(r"AT\.[0-9a-f-]{36}", onewelcome["jti"])
    assert UUID(claims_of("thinktecture")["header"]["jti"]).version == 7


def test_the_issuer_may_be_overridden_for_legacy_layouts_only(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    tenant.issuer_override, tenant.claim_profile = "OldServer", "thinktecture"
    update_tenant(tenant, actor=SYSTEM)
    assert verify(oauth, oauth.token(service).json()["access_token"])["iss"] == "OldServer"
    tenant.claim_profile = "rfc9068"
    update_tenant(tenant, actor=SYSTEM)
    assert verify(oauth, oauth.token(service).json()["access_token"])["iss"] == issuer_of(tenant)


def test_a_dual_profile_emits_both_names(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    profile = ClaimProfile(tenant=tenant, slug="both", base="spaceblocks", is_dual=True)
    changes.save(profile, actor=SYSTEM)
    tenant.claim_profile = "both"
    update_tenant(tenant, actor=SYSTEM)
    claims = verify(oauth, oauth.token(service).json()["access_token"])
    assert (claims["scp"], claims["scope"]) == (["read"], "read")


def test_claim_rules_add_constants_where_their_links_match(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    other = make_client(tenant, "other", scopes=["read"])
    rules = {"https://x.example/all": {}, "https://x.example/own": {"client": service.client}}
    for number, (claim, links) in enumerate(rules.items()):
        rule = ClaimRule(tenant=tenant, slug=f"rule-{number}", claim=claim, value=["v"], **links)
        changes.save(rule, actor=SYSTEM)
    own, others = (
        verify(oauth, oauth.token(client).json()["access_token"]) for client in (service, other)
    )
    assert own["https://x.example/own"] == ["v"]
    assert "https://x.example/own" not in others
    assert others["https://x.example/all"] == ["v"]


@pytest.mark.usefixtures("service")
@pytest.mark.requirement("RFC 9068", "3", "The audience is that of the requested scope.")
def test_the_audience_follows_the_scope(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, "bills", scopes=["pay"])
    payer = make_client(tenant, "payer", scopes=["pay", "read"])
    both = verify(oauth, oauth.token(payer).json()["access_token"], audience=None)
    assert sorted(both["aud"]) == ["https://bills.example/", ORDERS]
