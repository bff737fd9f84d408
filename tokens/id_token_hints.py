"""Says whom an ID token of ours names that somebody brings back, as a hint and never as a proof.

Source: OpenID Connect Core section 3.1.2.1, OpenID Connect RP-Initiated Logout section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants import snapshot
from tenants.pairwise import name_sign_in, name_subject
from tokens.id_tokens import ALGORITHMS
from tokens.jose import InvalidJWT, decode_unverified, parse_json_object
from tokens.prepared_keys import verification_key
from tokens.signing import verify_signature

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import JSON, ClientRecord, SigningKeyRecord, TenantSnapshot
    from tokens.jose import UnverifiedHeader

# Access tokens and logout tokens have a type of their own, or another audience.
TYPE: Final = "JWT"
_TEXTS: Final = ("sub", "aud", "sid")


@dataclass(frozen=True, slots=True)
class HintedPerson:
    """Whom an ID token named to which client; `sub` and `sid` are as the client knows them."""

    sub: str
    client: ClientRecord
    sid: str

    @property
    def client_id(self) -> str:
        """The client's id on the wire."""
        return self.client.client_id

    def is_subject(self, subject_id: UUID, tenant: TenantSnapshot) -> bool:
        """Say whether the hint names this subject, also where the client's ids are pairwise."""
        return name_subject(subject_id, self.client, tenant) == self.sub

    def is_sign_in(self, sign_in_id: UUID, tenant: TenantSnapshot) -> bool:
        """Say whether the hint came of this very sign-in."""
        return name_sign_in(sign_in_id, self.client, tenant) == self.sid


def read_hint(tenant: TenantSnapshot, text: str) -> HintedPerson | None:
    """Read an ID token that this tenant has issued, an expired one too; None for all else.

    Its key is one that is published: a retired one may have leaked, and its tokens are long past.
    """
    try:
        unverified = decode_unverified(text, algorithms=ALGORITHMS)
        key = _find_key(tenant, unverified.header)
        if key is None or unverified.header.type != TYPE:
            return None
        verify_signature(unverified, verification_key(tenant.id, key))
        return _read_person(tenant, parse_json_object(unverified.payload))
    except InvalidJWT:
        return None


def _find_key(tenant: TenantSnapshot, header: UnverifiedHeader) -> SigningKeyRecord | None:
    """Find the key by its name and the algorithm that is its own. Source: RFC 8725 section 3.1."""
    for key in tenant.keys:
        if key.kid == header.key_id and key.algorithm == header.algorithm:
            return key
    return None


def _read_person(tenant: TenantSnapshot, claims: dict[str, JSON]) -> HintedPerson | None:
    sub, audience, sid = (claims.get(name) for name in _TEXTS)
    if not (isinstance(sub, str) and isinstance(audience, str) and isinstance(sid, str)):
        return None
    # An answer of userinfo has no expiry, and an access token's audience is never a client.
    if claims.get("iss") != tenant.issuer or "exp" not in claims:
        return None
    client = snapshot.CURRENT.client(tenant, audience)
    return HintedPerson(sub, client, sid) if client else None
