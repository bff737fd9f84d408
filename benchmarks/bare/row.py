"""The row of a token, as the platform stores it: the same columns in the same table."""

from __future__ import annotations

import hmac
import os
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from tokens.token_ids import ENTROPY_BYTES, expiry_ordered_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

LIFETIME_SECONDS: Final = 3_600
AUDIENCE: Final = "https://orders.example/"
INSERT: Final = """
INSERT INTO tokens_accesstoken (id, tenant_id, client_id, signing_key_id, api_ids, format,
  pepper_id, secret_hash, grant_type, claim_profile, scopes, audiences, issued_at, expires_at,
  cut_off_number, configuration_versions, facts)
VALUES (%(id)b, %(tenant_id)b, %(client_id)b, %(signing_key_id)b, %(api_ids)b::uuid[],
  %(format)s, %(pepper_id)s, %(secret_hash)b::bytea, %(grant_type)s, %(claim_profile)s,
  %(scopes)s::text[], %(audiences)s::text[], to_timestamp(%(issued_at)b::float8),
  to_timestamp(%(expires_at)b::float8), %(cut_off_number)b::bigint, %(versions)b::bigint[],
  %(facts)s::jsonb)"""
FACTS: Final = '{"grant_type": "client_credentials", "scope": ["read"], "address": "127.0.0.1"}'


def values_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Make the values of a new token's row; those of a JWT, which keeps no secret."""
    issued_at = int(time.time())
    expires_at = issued_at + LIFETIME_SECONDS
    return {
        "id": expiry_ordered_uuid(expires_at * 1_000, os.urandom(ENTROPY_BYTES)),
        "tenant_id": UUID(facts["tenant_id"]),
        "client_id": UUID(facts["client_row_id"]),
        "signing_key_id": uuid4(),
        "api_ids": [uuid4()],
        "format": "jwt",
        "pepper_id": "",
        "secret_hash": None,
        "grant_type": "client_credentials",
        "claim_profile": "rfc9068",
        "scopes": ["read"],
        "audiences": [AUDIENCE],
        "issued_at": float(issued_at),
        "expires_at": float(expires_at),
        "cut_off_number": 0,
        "versions": [1, 1, 1, 1],
        "facts": FACTS,
    }


def hash_secret(pepper: bytes, secret: bytes) -> bytes:
    """Hash a secret as the platform does: by HMAC-SHA-256 with a pepper."""
    return hmac.digest(pepper, secret, "sha256")
