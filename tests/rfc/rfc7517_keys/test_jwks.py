"""RFC 7517: the keys by which everybody can verify a tenant's tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tenants.models import SigningKey
from tenants.queries.tenant_core import read_core
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.verification import verify
from tokens import keys
from tokens.jwk import certificate_members, public_key

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
ASYMMETRIC = ("ES256", "RS256", "PS256", "EdDSA")


@pytest.mark.requirement("RFC 7517", "5", "The set has the member keys.")
def test_before_the_first_token_there_is_no_key_and_no_caching(oauth: OAuthClient) -> None:
    response = oauth.get("/jwks")
    assert response.json() == {"keys": []}
    assert response["Cache-Control"] == "no-cache"


@pytest.mark.requirement(
    "RFC 7517", "4", "Each key has kty, kid, use and alg, and nothing private."
)
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_token_is_verified_by_the_published_key(
    oauth: OAuthClient, tenant: Tenant, algorithm: str
) -> None:
    make_api(tenant, signing_algorithm=algorithm)
    client = make_client(tenant, scopes=["read"])
    token = oauth.token(client).json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["alg"] == algorithm
    response = oauth.get("/jwks")
    key_set = response.json()["keys"]
    assert [key["kid"] for key in key_set if key["kid"] == header["kid"]] == [header["kid"]]
    for key in key_set:
        assert not PRIVATE & key.keys()
        assert (key["use"], key["alg"]) == ("sig", algorithm)
    assert verify(oauth, token)["client_id"] == client.client_id
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["Content-Type"] == "application/json"


def test_the_next_key_is_published_before_it_signs(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    first = oauth.token(service).json()["access_token"]
    before = [key["kid"] for key in oauth.get("/jwks").json()["keys"]]
    assert len(before) == 2
    keys.rotate(tenant.pk, "ES256", None)
    second = oauth.token(service).json()["access_token"]
    assert jwt.get_unverified_header(first)["kid"] == before[0]
    assert jwt.get_unverified_header(second)["kid"] == before[1]
    for token in (first, second):
        assert verify(oauth, token)
        assert oauth.introspect(service, token).json()["active"] is True


def test_a_leaked_key_ends_what_it_signed(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    first = oauth.token(service).json()["access_token"]
    leaked = jwt.get_unverified_header(first)["kid"]
    keys.rotate(tenant.pk, "ES256", None, emergency=True)
    second = oauth.token(service).json()["access_token"]
    assert leaked not in [key["kid"] for key in oauth.get("/jwks").json()["keys"]]
    assert oauth.introspect(service, first).json() == {"active": False}
    assert oauth.introspect(service, second).json()["active"] is True


@pytest.mark.requirement("RFC 8725", "3.1", "A symmetric key is never published.")
def test_a_symmetric_key_is_never_published(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, "users", scopes=["search"], signing_algorithm="HS256")
    client = make_client(tenant, scopes=["search"])
    token = oauth.token(client).json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "HS256"
    assert oauth.get("/jwks").json() == {"keys": []}
    secret = _secret_of(tenant, header["kid"])
    assert len(secret) >= 32
    claims = jwt.decode(token, secret, algorithms=["HS256"], audience="https://users.example/")
    assert claims["scope"] == "search"


def _secret_of(tenant: Tenant, kid: str) -> bytes:
    """Read a symmetric key as its Api holds it."""
    core = read_core(tenant.path, base_url="")
    assert core is not None
    return keys.decrypt_private(next(key for key in core.keys if key.kid == kid))


def test_each_symmetric_api_has_a_key_of_its_own(oauth: OAuthClient, tenant: Tenant) -> None:
    for slug in ("one", "two"):
        make_api(tenant, slug, scopes=[slug], signing_algorithm="HS256")
    client = make_client(tenant, scopes=["one", "two"])
    tokens = [oauth.token(client, scope=scope).json()["access_token"] for scope in ("one", "two")]
    assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 2
    assert oauth.token(client, scope="one two").json()["error"] == "invalid_target"


def test_no_tenant_publishes_the_keys_of_another(oauth: OAuthClient, service: MadeClient) -> None:
    oauth.token(service)
    neighbour = make_tenant("initech")
    assert OAuthClient(neighbour).get("/jwks").json() == {"keys": []}


@pytest.mark.requirement("RFC 7515", "4.1.8", "A certified key is named by its thumbprint as well.")
def test_a_certified_key_comes_with_its_certificate(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    oauth.token(service)
    key = SigningKey.objects.get(tenant=tenant, state="current")
    public_jwk = key.public_jwk or {}
    members = certificate_members(_certify(public_key(public_jwk)), public_jwk)
    key.public_jwk = public_jwk | members
    changes.save(key, actor=SYSTEM)
    header = jwt.get_unverified_header(oauth.token(service).json()["access_token"])
    assert header["x5t#S256"] == members["x5t#S256"]
    published = next(k for k in oauth.get("/jwks").json()["keys"] if k["kid"] == key.kid)
    assert {name: published[name] for name in members} == members


def _certify(subject: object) -> bytes:
    assert isinstance(subject, ec.EllipticCurvePublicKey)
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=subject)
    builder = builder.serial_number(1).not_valid_before(now - timedelta(days=1))
    certificate = builder.not_valid_after(now + timedelta(days=1)).sign(authority, hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM)
