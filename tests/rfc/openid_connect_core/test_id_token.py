"""OpenID Connect Core: the ID token, as stock libraries verify it."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from hashlib import sha256, sha512
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from authlib.oidc.core import CodeIDToken
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from jwcrypto import jwk as jwcrypto_jwk  # type: ignore[import-untyped]  # It has no types.
from jwcrypto import jwt as jwcrypto_jwt

from tenants.models import Group, SigningKey
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.openid import make_party
from tests.factories.tenants import make_api, make_environment
from tests.rfc.verification import issuer_of, verify
from tokens import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient

# OpenID Connect Core section 2, and what RFC 8176 and Back-Channel Logout add.
ALWAYS = {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid", "at_hash"}


def _half_hash(text: str, algorithm: str) -> str:
    digest = (sha512 if algorithm == "EdDSA" else sha256)(text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.requirement("OIDC Core", "2", "iss, sub, aud, exp and iat are required.")
@pytest.mark.requirement("OIDC Core", "3.1.3.7", "iss, aud and nonce are what a client expects.")
def test_id_token_says_who_signed_in_and_when(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(tenant)
    before = int(time.time())
    answer = party.begin("openid", nonce="n-0S6_WzA2Mj")
    claims = verify(oauth, answer["id_token"], audience="web-app")
    assert set(claims) == ALWAYS | {"nonce"}
    assert claims["iss"] == issuer_of(tenant)
    assert claims["sub"] == str(party.subject.pk)
    assert claims["aud"] == "web-app"
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert before <= claims["auth_time"] <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] == answer["expires_in"]
    assert (claims["acr"], claims["amr"]) == ("urn:authplatform:acr:one-factor", ["pwd"])


@pytest.mark.requirement("OIDC Registration", "2", "The default algorithm is RS256.")
@pytest.mark.requirement("OIDC Core", "3.1.3.6", "at_hash is half of the access token's hash.")
@pytest.mark.parametrize("algorithm", ["", "RS256", "PS256", "ES256", "EdDSA"])
def test_id_token_is_signed_as_the_client_wants(
    oauth: OAuthClient, tenant: Tenant, algorithm: str
) -> None:
    party = make_party(tenant, id_token_signed_response_alg=algorithm)
    answer = party.begin("openid")
    header = jwt.get_unverified_header(answer["id_token"])
    assert header["alg"] == (algorithm or "RS256")
    assert header["typ"] == "JWT"
    claims = verify(oauth, answer["id_token"], audience="web-app")
    assert claims["at_hash"] == _half_hash(answer["access_token"], header["alg"])


def _by_pyjwt(document: dict[str, Any], token: str) -> dict[str, Any]:
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWKSet.from_dict(document)[kid]
    return jwt.decode(token, key, algorithms=["RS256"], audience="web-app")


def _by_jwcrypto(document: dict[str, Any], token: str) -> dict[str, Any]:
    known = jwcrypto_jwk.JWKSet.from_json(json.dumps(document))
    claims: dict[str, Any] = json.loads(
        jwcrypto_jwt.JWT(jwt=token, key=known, algs=["RS256"]).claims
    )
    return claims


def _by_authlib(document: dict[str, Any], token: str) -> dict[str, Any]:
    published: Any = document
    decoded = joserfc_jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"])
    return dict(decoded.claims)


LIBRARIES = {"PyJWT": _by_pyjwt, "jwcrypto": _by_jwcrypto, "joserfc": _by_authlib}


@pytest.mark.parametrize("read", LIBRARIES.values(), ids=LIBRARIES)
def test_libraries_verify_it_by_the_published_keys(
    oauth: OAuthClient, tenant: Tenant, read: Callable[[dict[str, Any], str], dict[str, Any]]
) -> None:
    answer = make_party(tenant).begin("openid")
    document = oauth.get("/jwks").json()
    assert read(document, answer["id_token"])["iss"] == issuer_of(tenant)


def test_authlib_validates_its_claims(oauth: OAuthClient, tenant: Tenant) -> None:
    answer = make_party(tenant).begin("openid", nonce="once")
    claims = CodeIDToken(
        verify(oauth, answer["id_token"], audience="web-app"),
        jwt.get_unverified_header(answer["id_token"]),
        options={"iss": {"values": [issuer_of(tenant)]}, "aud": {"values": ["web-app"]}},
        params={"nonce": "once", "access_token": answer["access_token"], "client_id": "web-app"},
    )
    claims.validate()


@pytest.mark.requirement("OIDC Core", "12.2", "iss, sub, aud and auth_time stay; iat is new.")
@pytest.mark.requirement("OIDC Core", "12.2", "An ID token of a refresh should have no nonce.")
def test_refreshed_id_token_is_of_the_same_sign_in(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(tenant, refresh_token_enabled=True)
    asked = {"id_token": {"email": None}}
    earlier = time.time() - 90
    answer = party.begin(
        "openid", "offline_access", nonce="once", claims_request=asked, now=earlier
    )
    first = verify(oauth, answer["id_token"], audience="web-app")
    again = oauth.token(
        party.made, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    ).json()
    second = verify(oauth, again["id_token"], audience="web-app")
    same = ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid", "email")
    assert {name: first[name] for name in same} == {name: second[name] for name in same}
    assert second["iat"] > first["iat"]
    assert "nonce" not in second
    assert second["at_hash"] == _half_hash(again["access_token"], "RS256")


def test_refresh_without_openid_brings_no_id_token(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant)
    party = make_party(
        tenant, refresh_token_enabled=True, scopes=["openid", "offline_access", "read"]
    )
    answer = party.begin("openid", "offline_access", "read")
    again = oauth.token(
        party.made, grant_type="refresh_token", refresh_token=answer["refresh_token"], scope="read"
    ).json()
    assert again["scope"] == "read"
    assert "id_token" not in again


def test_without_openid_there_is_no_id_token(tenant: Tenant) -> None:
    make_api(tenant)
    party = make_party(tenant, scopes=["openid", "read"])
    assert "id_token" not in party.begin("read")


@pytest.mark.requirement("OIDC Core", "5.4", "Scopes ask for claims of userinfo, not of ID tokens.")
@pytest.mark.requirement("OIDC Core", "5.5", "claims asks for single claims of the ID token.")
def test_standard_claims_come_only_where_they_are_asked_for(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    party = make_party(tenant)
    plain = verify(oauth, party.begin()["id_token"], audience="web-app")
    assert set(plain) == ALWAYS
    asked = {
        "id_token": {
            "email": {"essential": True},
            "email_verified": None,
            "given_name": {"value": "Ada"},
            "middle_name": None,
            "sub": {"essential": True},
            "https://evil.example/x": None,
        }
    }
    answer = party.begin("openid", claims_request=asked)
    claims = verify(oauth, answer["id_token"], audience="web-app")
    assert set(claims) == ALWAYS | {"email", "email_verified", "given_name"}
    assert claims["email"] == party.subject.email
    assert claims["email_verified"] is True


ODD = [
    {},
    {"id_token": None},
    {"id_token": []},
    {"id_token": {"email": "x"}, "userinfo": "x"},
    {"userinfo": {"email": None}},
    {"id_token": {"iss": {"value": "https://evil.example"}}},
]


@pytest.mark.parametrize("asked", ODD, ids=[json.dumps(asked) for asked in ODD])
def test_odd_claims_requests_do_no_harm(
    oauth: OAuthClient, tenant: Tenant, asked: dict[str, Any]
) -> None:
    party = make_party(tenant)
    answer = party.begin("openid", claims_request=asked)
    claims = verify(oauth, answer["id_token"], audience="web-app")
    assert set(claims) - {"email"} == ALWAYS
    assert claims["iss"] == issuer_of(tenant)


@pytest.mark.parametrize("profile", ["spaceblocks", "onewelcome", "thinktecture", "aidbox"])
def test_id_tokens_issuer_is_the_true_one_whatever_the_profile(
    oauth: OAuthClient, tenant: Tenant, profile: str
) -> None:
    tenant.issuer_override = "https://legacy.example"
    changes.save(tenant, actor=SYSTEM)
    make_api(tenant, claim_profile=profile)
    party = make_party(tenant, scopes=["openid", "read"])
    answer = party.begin("openid", "read")
    claims = verify(oauth, answer["id_token"], audience="web-app")
    assert claims["iss"] == issuer_of(tenant)
    assert claims["sub"] == str(party.subject.pk)


def test_group_policies_stand_in_the_id_token(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, claim_profile="onewelcome")
    party = make_party(tenant, scopes=["openid", "read"])
    group = Group(tenant=tenant, slug="brokers", name="Brokers", permissions=["quote"])
    changes.save(group, actor=SYSTEM, links={"subjects": [party.subject]})
    answer = party.begin("openid", "read")
    claims = verify(oauth, answer["id_token"], audience="web-app")
    told = claims["urn:onegini.com:oidc:group_policies"]["groups"]
    assert [(group["name"], group["policies"][0]["id"]) for group in told] == [("Brokers", "quote")]


def test_environment_bounds_the_algorithms(oauth: OAuthClient, tenant: Tenant) -> None:
    environment = make_environment()
    environment.allowed_signing_algorithms = ["ES256"]
    changes.save(environment, actor=SYSTEM)
    answer = make_party(tenant).begin("openid")
    assert jwt.get_unverified_header(answer["id_token"])["alg"] == "ES256"
    advertised = oauth.get("/.well-known/openid-configuration").json()
    assert advertised["id_token_signing_alg_values_supported"] == ["ES256"]


def test_both_rings_live_on_beside_each_other(oauth: OAuthClient, tenant: Tenant) -> None:
    """The first token makes both rings; a rotation of one leaves the other alone."""
    party = make_party(tenant)
    old = party.begin("openid")["id_token"]
    made = SigningKey.objects.filter(tenant=tenant).values_list("algorithm", "state")
    assert sorted(made) == [
        *[("ES256", "current"), ("ES256", "next")],
        *[("RS256", "current"), ("RS256", "next")],
    ]
    keys.rotate(tenant.pk, "RS256", None)
    new = party.begin("openid")["id_token"]
    kids = [jwt.get_unverified_header(text)["kid"] for text in (old, new)]
    published = {key["kid"]: key["alg"] for key in oauth.get("/jwks").json()["keys"]}
    assert sorted(published.values()) == ["ES256", "ES256", "RS256", "RS256", "RS256"]
    assert [published[kid] for kid in kids] == ["RS256", "RS256"]
    assert kids[0] != kids[1]
    for text in (old, new):
        verify(oauth, text, audience="web-app")
