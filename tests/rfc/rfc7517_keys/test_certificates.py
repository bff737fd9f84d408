"""RFC 7517 sections 4.7 and 4.9: a key of one's own comes with its X.509 certificate."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command

from tenants.models import Api
from tenants.records import SYSTEM
from tenants.services.tenants import update_tenant

if TYPE_CHECKING:
    from pathlib import Path

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens.globex.example")])


def certify(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME)
    builder = builder.public_key(private.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM)


def write(path: Path, private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem)
    return path


@pytest.fixture
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def bring(
    tenant: Tenant, folder: Path, key: rsa.RSAPrivateKey, certificate: bytes, api: str = ""
) -> None:
    (folder / "certificate.pem").write_bytes(certificate)
    call_command(
        "import_signing_key",
        tenant=tenant.path,
        private_key=write(folder / "key.pem", key),
        certificate=folder / "certificate.pem",
        api=api,
    )


@pytest.mark.requirement(
    "RFC 7517", "4.9", "x5t#S256 is the SHA-256 thumbprint of the certificate."
)
def test_a_key_with_a_certificate_signs_after_its_rotation(
    oauth: OAuthClient,
    tenant: Tenant,
    service: MadeClient,
    tmp_path: Path,
    private: rsa.RSAPrivateKey,
) -> None:
    tenant.refresh_from_db()
    tenant.signing_algorithm = "RS256"
    update_tenant(tenant, actor=SYSTEM)
    assert oauth.token(service).status_code == 200
    certificate = certify(private)
    bring(tenant, tmp_path, private, certificate)
    der = x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()

    published = {key.get("x5t#S256"): key for key in oauth.get("/jwks").json()["keys"]}
    assert published[thumbprint]["x5c"] == [base64.b64encode(der).decode()]

    call_command("rotate_keys", tenant=tenant.path, algorithm="RS256")
    token = oauth.token(service).json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert (header["x5t#S256"], header["kid"]) == (thumbprint, published[thumbprint]["kid"])
    assert jwt.decode(token, private.public_key(), ["RS256"], options={"verify_aud": False})


def test_a_key_of_one_api_signs_for_that_api_alone(
    oauth: OAuthClient,
    tenant: Tenant,
    service: MadeClient,
    tmp_path: Path,
    private: rsa.RSAPrivateKey,
) -> None:
    tenant.refresh_from_db()
    tenant.signing_algorithm = "RS256"
    update_tenant(tenant, actor=SYSTEM)
    api = Api.objects.get(tenant=tenant, scopes__name="read")
    others = jwt.get_unverified_header(oauth.token(service).json()["access_token"])
    bring(tenant, tmp_path, private, certify(private), api.slug)
    call_command("rotate_keys", tenant=tenant.path, algorithm="RS256", api=api.slug)

    token = oauth.token(service).json()["access_token"]
    assert jwt.get_unverified_header(token)["kid"] != others["kid"]
    assert jwt.decode(token, private.public_key(), ["RS256"], options={"verify_aud": False})
    assert oauth.revoke(service, token).status_code == 200


def test_a_certificate_of_another_key_is_refused(
    tenant: Tenant, tmp_path: Path, private: rsa.RSAPrivateKey
) -> None:
    other = certify(rsa.generate_private_key(65537, 2048))
    with pytest.raises(CommandError, match="the certificate is not of this key"):
        bring(tenant, tmp_path, private, other)


@pytest.mark.parametrize("what", ["weak", "garbage", "missing", "no tenant"])
def test_a_bad_key_is_refused_in_one_sentence(
    tenant: Tenant, tmp_path: Path, private: rsa.RSAPrivateKey, what: str
) -> None:
    key = write(tmp_path / "key.pem", private)
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(certify(private))
    if what == "weak":
        write(key, rsa.generate_private_key(65537, 1024))  # noqa: S505 - it must be refused.
    elif what == "garbage":
        key.write_text("no key at all")
    elif what == "missing":
        key.unlink()
    path = "no/such/tenant" if what == "no tenant" else tenant.path
    with pytest.raises(CommandError):
        call_command("import_signing_key", tenant=path, private_key=key, certificate=certificate)
