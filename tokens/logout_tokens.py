"""Writes the token that tells a client that a person has signed out.

Source: OpenID Connect Back-Channel Logout 1.0 section 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.pairwise import name_sign_in, name_subject
from tokens import id_tokens
from tokens.tenant_signatures import sign_claims

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import JSON, ClientRecord, TenantSnapshot

TYPE: Final = "logout+jwt"  # Back-Channel Logout section 2.4
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME_SECONDS: Final = 120  # The most that section 2.4 recommends.


def write_logout_token(
    tenant: TenantSnapshot,
    client: ClientRecord,
    *,
    subject_id: UUID,
    sign_in_id: UUID,
    token_id: UUID,
    now: int,
) -> str:
    """Write one, signed by the algorithm of the client's ID tokens; it never has a nonce.

    `now` is in seconds since the epoch.

    Raises:
        ServiceUnavailable: the signing key is not there yet.
    """
    claims: dict[str, JSON] = {
        "iss": tenant.issuer,  # Back-Channel Logout section 2.4
        "sub": name_subject(subject_id, client, tenant),  # Back-Channel Logout section 2.4
        "aud": client.client_id,  # Back-Channel Logout section 2.4
        "iat": now,  # Back-Channel Logout section 2.4
        "exp": now + LIFETIME_SECONDS,  # Back-Channel Logout section 2.4
        "jti": str(token_id),  # Back-Channel Logout section 2.4
        "sid": name_sign_in(sign_in_id, client, tenant),  # Back-Channel Logout section 2.4
        "events": {EVENT: {}},  # Back-Channel Logout section 2.4, RFC 8417 section 2.2
    }
    algorithm = id_tokens.algorithm_of(tenant, client)
    return sign_claims(tenant, claims, algorithm=algorithm, token_type=TYPE)
