"""RFC 8725: attacks with tokens that are presented to us as if they were ours."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.signers import make_signer
from tests.security.hostile_jwts import FORGERIES, Known

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

INACTIVE = {"active": False}


def _encode(raw: bytes | dict[str, Any]) -> str:
    text = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _forgeries(oauth: OAuthClient, token: str) -> dict[str, str]:
    """Forge by the shared table, and by white space, which no header would carry."""
    kid = jwt.get_unverified_header(token)["kid"]
    jwk = next(key for key in oauth.get("/jwks").json()["keys"] if key["kid"] == kid)
    neighbour = make_tenant("initech")
    make_api(neighbour)
    machine = make_client(neighbour, "machine", scopes=["read"])
    other = OAuthClient(neighbour).token(machine).json()["access_token"]
    known = Known(token, jwk, other)
    spaced = {"space behind": f"{token} ", "line behind": f"{token}\n", "space before": f" {token}"}
    return {name: forge(known) for name, forge in FORGERIES.items()} | spaced


@pytest.mark.requirement("RFC 8725", "3.1", "Only the key's own algorithm verifies.")
@pytest.mark.requirement("RFC 8725", "3.10", "Nothing in a header chooses the key.")
def test_no_forgery_is_active(oauth: OAuthClient, service: MadeClient) -> None:
    token = oauth.token(service).json()["access_token"]
    for name, forged in _forgeries(oauth, token).items():
        assert forged != token
        assert oauth.introspect(service, forged).json() == INACTIVE, name
        assert oauth.revoke(service, forged).status_code == 200
    assert oauth.introspect(service, token).json()["active"] is True


def test_no_forgery_ends_a_session(oauth: OAuthClient, service: MadeClient) -> None:
    token = oauth.token(service).json()["access_token"]
    for name, forged in _forgeries(oauth, token).items():
        if forged.strip() != token:
            assert oauth.end_session(forged).status_code == 401, name
    assert oauth.introspect(service, token).json()["active"] is True


@pytest.mark.requirement("RFC 8725", "3.1", "Who holds an Api's symmetric key forges nothing here.")
def test_a_token_is_good_in_the_format_and_by_the_key_of_its_row_only(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    make_api(tenant, "users", scopes=["search"], signing_algorithm="HS256")
    user = make_client(tenant, "user", scopes=["search"])
    opaque = make_client(tenant, "opaque", scopes=["read"], access_token_format="opaque")
    symmetric = oauth.token(user).json()["access_token"]
    asymmetric = oauth.token(service).json()["access_token"]
    head, _, _ = symmetric.split(".")
    other = jwt.decode(asymmetric, options={"verify_signature": False})
    assert oauth.introspect(service, f"{head}.{_encode(other)}.AAAA").json() == INACTIVE
    text = oauth.token(opaque).json()["access_token"]
    jti = oauth.introspect(opaque, text).json()["jti"]
    signed = make_signer().sign({"jti": jti, "exp": 4_000_000_000})
    assert oauth.introspect(opaque, signed).json() == INACTIVE
    wrong = text[:32] + "0" * 32
    assert oauth.introspect(opaque, wrong).json() == INACTIVE


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 8725", "3.12", "A token of one issuer is worth nothing at another.")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_a_token_of_another_tenant_is_inactive(
    oauth: OAuthClient, tenant: Tenant, token_format: str
) -> None:
    client = make_client(tenant, scopes=["read"], access_token_format=token_format)
    token = oauth.token(client).json()["access_token"]
    neighbour = make_tenant("initech")
    make_api(neighbour)
    other = make_client(neighbour, scopes=["read"])
    assert OAuthClient(neighbour).introspect(other, token).json() == INACTIVE
    assert OAuthClient(neighbour).revoke(other, token).status_code == 200
    assert OAuthClient(neighbour).end_session(token).status_code == 401
    assert oauth.introspect(client, token).json()["active"] is True
