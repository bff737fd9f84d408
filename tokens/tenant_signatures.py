"""Signs what a tenant states apart from access tokens, and makes the ring of keys for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from tenants import snapshot
from tokens import id_tokens, keys
from tokens.errors import IssuerNotFound, ServiceUnavailable
from tokens.prepared_keys import prepared_key
from tokens.signing import encode_header, sign

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.records import JSON, SigningKeyRecord, TenantSnapshot

KEY_TO_COME = "The signing key is being made; try again."


def sign_claims(
    tenant: TenantSnapshot, claims: Mapping[str, JSON], *, algorithm: str, token_type: str
) -> str:
    """Sign claims by the tenant's current key of an asymmetric algorithm.

    Raises:
        ServiceUnavailable: the ring is not seen although it was made.
    """
    key = _find_key(tenant, algorithm)
    header: dict[str, JSON] = {"alg": key.algorithm, "typ": token_type, "kid": key.kid}
    return sign(prepared_key(tenant.id, key), encode_header(header), orjson.dumps(dict(claims)))


def make_ring(tenant: TenantSnapshot, algorithm: str, api_id: UUID | None) -> TenantSnapshot:
    """Make a ring where it is missing, and answer the tenant with it.

    Raises:
        IssuerNotFound: the tenant went meanwhile.
    """
    keys.ensure_ring(tenant, algorithm, api_id)
    snapshot.CURRENT.renew()
    renewed = snapshot.CURRENT.tenant(tenant.path)
    if renewed is None:
        raise IssuerNotFound("No tenant serves this issuer.")
    return renewed


def _find_key(tenant: TenantSnapshot, algorithm: str) -> SigningKeyRecord:
    key = id_tokens.key_of(tenant, algorithm)
    if key is None:
        key = id_tokens.key_of(make_ring(tenant, algorithm, None), algorithm)
    if key is None:
        raise ServiceUnavailable(KEY_TO_COME)
    return key
