"""Makes the certificate of the demo's outside provider, and an authority that signed nothing else.

The authority is trusted for outgoing calls of the embedded demo. Its private key is never written
down, and it may vouch for one address of this machine only, so that nothing else comes of it.
"""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from authplatform.env import PROVIDER_ADDRESS, PROVIDER_AUTHORITY, PROVIDER_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATE: Final = "certificate.pem"
PRIVATE_KEY: Final = "key.pem"
OWNER_ONLY: Final = 0o700
LIFETIME: Final = timedelta(days=3650)
AUTHORITY_NAME: Final = x509.Name(
    [x509.NameAttribute(NameOID.COMMON_NAME, "authplatform demo: outside provider's authority")]
)
PROVIDER_NAME: Final = x509.Name(
    [x509.NameAttribute(NameOID.COMMON_NAME, "authplatform demo: outside provider")]
)


def make_once(data_directory: Path) -> None:
    """Make the files where they are missing and this machine has the address.

    The authority comes last: where it is, the provider runs.
    """
    folder = data_directory / PROVIDER_FOLDER
    if (folder / PROVIDER_AUTHORITY).exists() or not _is_address_usable():
        return
    folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    authority_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / PRIVATE_KEY, private)
    _write(folder / CERTIFICATE, _pem(_certify_provider(key, authority_key)))
    _write(folder / PROVIDER_AUTHORITY, _pem(_certify_authority(authority_key)))


def _is_address_usable() -> bool:
    """Say whether a server can listen there: some systems have one loopback address only."""
    with socket.socket() as probe:
        try:
            probe.bind((PROVIDER_ADDRESS, 0))
        except OSError:
            return False
    return True


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads; it appears whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.rename(path)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _certify_authority(key: EllipticCurvePrivateKey) -> x509.Certificate:
    """Certify the authority by itself, for one address. Source: RFC 5280 section 4.2.1.10."""
    network = x509.IPAddress(IPv4Network(PROVIDER_ADDRESS))
    return (
        _begin(AUTHORITY_NAME, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([network], None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _certify_provider(
    key: EllipticCurvePrivateKey, authority_key: EllipticCurvePrivateKey
) -> x509.Certificate:
    address = x509.IPAddress(IPv4Address(PROVIDER_ADDRESS))
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _begin(PROVIDER_NAME, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(authority, critical=False)
        .sign(authority_key, SHA256())
    )


def _begin(name: x509.Name, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=AUTHORITY_NAME,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),  # Clocks may have been set since.
        not_valid_after=now + LIFETIME,
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Say what a key is for. Source: RFC 5280 section 4.2.1.3."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
