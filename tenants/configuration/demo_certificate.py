"""Brings a key with its own X.509 certificate to an Api of the demo, as an operator would."""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.core.management import call_command

PATH: Final = "demo/seeds/thinktecture"
# No other Api of the tenant signs by this algorithm, so the key is this Api's alone.
ALGORITHM: Final = "ES256"
NAME: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "archive.thinktecture.example")])
LIFETIME: Final = timedelta(days=365)


def bring_key() -> None:
    """Import a new key with a certificate that it signed itself, and let it sign from now on.

    The commands belong to the package above, which this one must not import.
    """
    key = generate_private_key(SECP256R1())
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        issuer_name=NAME,
        subject_name=NAME,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now,
        not_valid_after=now + LIFETIME,
    ).sign(key, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as folder:  # Mode 0700, and gone at the end.
        key_path, certificate_path = Path(folder) / "key.pem", Path(folder) / "certificate.pem"
        key_path.write_bytes(private)
        certificate_path.write_bytes(certificate.public_bytes(Encoding.PEM))
        ring = {"tenant": PATH, "algorithm": ALGORITHM, "stdout": io.StringIO()}
        files = {"private_key": key_path, "certificate": certificate_path}
        call_command("import_signing_key", **ring, **files)
    call_command("rotate_keys", **ring, reason="the demo's own certificate")
