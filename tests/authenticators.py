"""An authenticator in software, as a browser would show it to our pages. Source: WebAuthn 6, 7."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from webauthn.helpers import encode_cbor

if TYPE_CHECKING:
    from tests.browser_person import Person

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def to_text(raw: bytes) -> str:
    """Write bytes as WebAuthn's JSON has them."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    """Read bytes as WebAuthn's JSON has them."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(slots=True)
class Authenticator:
    """One passkey; what is changed on it makes the next answer wrong in that one point."""

    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    user_handle: bytes = b""
    count: int = 0
    step: int = 1
    flags: int = PRESENT | VERIFIED
    host: str = field(default_factory=lambda: urlsplit(settings.TENANTS_BASE_URL).hostname or "")
    origin: str = field(default_factory=lambda: settings.TENANTS_BASE_URL)

    def make(self, options: dict[str, Any]) -> str:
        """Make the passkey, and answer what the page sends."""
        self.user_handle = to_bytes(options["user"]["id"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        raw = self._facts(self.flags | ATTESTED) + attested + self._public_key()
        content = encode_cbor({"fmt": "none", "attStmt": {}, "authData": raw})
        return self._tell(
            clientDataJSON=to_text(self._client_data("webauthn.create", options["challenge"])),
            attestationObject=to_text(content),
            transports=["internal"],
        )

    def sign(self, options: dict[str, Any]) -> str:
        """Sign a challenge, and answer what the page sends."""
        self.count += self.step
        client_data = self._client_data("webauthn.get", options["challenge"])
        facts = self._facts(self.flags)
        signature = self.key.sign(facts + sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._tell(
            clientDataJSON=to_text(client_data),
            authenticatorData=to_text(facts),
            signature=to_text(signature),
            userHandle=to_text(self.user_handle),
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _facts(self, flags: int) -> bytes:
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _public_key(self) -> bytes:
        """Source: RFC 9053 section 7.1.1."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _tell(self, **response: object) -> str:
        name = to_text(self.credential_id)
        said = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps(said)


def fetch_options(person: Person, path: str) -> dict[str, Any]:
    """Ask for a challenge as the script of the page does, which is the one looked at last."""
    page = person.http.get(_page_of(person, path), headers=person.headers)
    token = person.form(page, "passkey-form").fields["form_token"][0]
    answer = person.http.post(_address(person, path), {"form_token": token})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def add_passkey(person: Person, label: str = "My key", **facts: Any) -> Authenticator:  # noqa: ANN401 - of the authenticator.
    """Make a passkey on the account page of somebody who has just signed in."""
    device = Authenticator(**facts)
    options = fetch_options(person, "/account/passkeys/options")
    page = person.open("/account/passkeys")
    done = person.submit(page, "passkey-form", credential=device.make(options), label=label)
    assert b'id="notice"' in done.content, done.content.decode()
    return device


def _page_of(person: Person, path: str) -> str:
    page = "/sign-in" if path.startswith("/sign-in") else "/account/passkeys"
    return _address(person, page)


def _address(person: Person, path: str) -> str:
    return urlsplit(person.issuer + path).path
