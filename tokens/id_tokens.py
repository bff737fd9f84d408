"""Plans the ID token that comes with an access token of a person. Pure.

Source: OpenID Connect Core sections 2, 3.1.3.6 and 12.2.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final

from tenants.pairwise import name_sign_in
from tenants.records import GrantType, KeyState
from tokens import standard_claims
from tokens.group_claims import describe_groups

if TYPE_CHECKING:
    from tenants.records import (
        JSON,
        AccessRequest,
        Authentication,
        ClientRecord,
        SigningKeyRecord,
        TenantSnapshot,
        TokenRecord,
    )
    from tokens.claim_profiles import ClaimProfileData

OPENID: Final = "openid"
# What every client library expects where nothing was agreed. Source: OIDC Registration section 2.
USUAL_ALGORITHM: Final = "RS256"
# A symmetric one never: a client's secret or an Api's key could forge what is signed with it.
ALGORITHMS: Final = ("ES256", "RS256", "PS256", "EdDSA")
FALLBACK_ALGORITHM: Final = "ES256"
EDWARDS_ALGORITHM: Final = "EdDSA"


def algorithm_of(tenant: TenantSnapshot, client: ClientRecord) -> str:
    """Answer by which algorithm a client's ID tokens are signed; never a symmetric one."""
    return choose_algorithm(tenant, client.interactive.id_token_algorithm or USUAL_ALGORITHM)


def choose_algorithm(tenant: TenantSnapshot, wanted: str) -> str:
    """Answer the wanted algorithm if the environment allows it, else the tenant's, else any."""
    possible = algorithms_of(tenant)
    chosen = (name for name in (wanted, tenant.signing_algorithm) if name in possible)
    return next(chosen, possible[0])


def algorithms_of(tenant: TenantSnapshot) -> tuple[str, ...]:
    """List by which algorithms clients may have statements signed; there is always one."""
    allowed = tenant.allowed_algorithms
    possible = [name for name in ALGORITHMS if not allowed or name in allowed]
    return tuple(possible) or (FALLBACK_ALGORITHM,)


def key_of(tenant: TenantSnapshot, algorithm: str) -> SigningKeyRecord | None:
    """Find the current key of the tenant's ring; None where it has to be made."""
    for key in tenant.keys:
        if key.state == KeyState.CURRENT and key.algorithm == algorithm and key.api_id is None:
            return key
    return None


def own_authentication(request: AccessRequest) -> Authentication | None:
    """Answer how the person was recognised in whose own session the token is.

    One that was exchanged has no session, by which introspection could tell the same.
    """
    return None if request.grant_type == GrantType.TOKEN_EXCHANGE else request.authentication


def is_wanted(request: AccessRequest, scopes: tuple[str, ...]) -> bool:
    """Say whether an ID token comes with this access token."""
    is_recognised = request.subject is not None and own_authentication(request) is not None
    return is_recognised and OPENID in scopes


def build_claims(
    request: AccessRequest,
    record: TokenRecord,
    profile: ClaimProfileData,
    tenant: TenantSnapshot,
) -> dict[str, JSON]:
    """Build the claims but `at_hash`, which needs the access token's text."""
    authentication, subject, client = request.authentication, request.subject, request.client
    if authentication is None or subject is None:
        raise ValueError("an ID token tells of a person who was recognised")
    claims: dict[str, JSON] = {
        "iss": record.issuer,  # OpenID Connect Core section 2
        "sub": record.subject,  # OpenID Connect Core section 2
        "aud": record.client_id,  # OpenID Connect Core section 2
        "exp": record.expires_at,  # OpenID Connect Core section 2
        "iat": record.issued_at,  # OpenID Connect Core section 2
        "auth_time": authentication.authenticated_at,  # OpenID Connect Core section 2
        "acr": authentication.acr,  # OpenID Connect Core section 2
        "amr": [*authentication.amr],  # OpenID Connect Core section 2, RFC 8176
        # OpenID Connect Back-Channel Logout section 2.1
        "sid": name_sign_in(authentication.sign_in_id, client, tenant),
    }
    if request.nonce:
        claims["nonce"] = request.nonce  # OpenID Connect Core section 3.1.3.7
    claims |= describe_groups(profile, record, is_bounded=True)
    if not request.claims_request:
        return claims
    names = standard_claims.single_names(
        request.claims_request,
        place=standard_claims.ID_TOKEN,
        scopes=standard_claims.scopes_of(tenant, client),
    )
    return standard_claims.select(subject.standard_claims, names) | claims


def hash_token(text: str, algorithm: str) -> str:
    """Hash an access token as `at_hash` does. Source: OpenID Connect Core section 3.1.3.6.

    Ed25519 hashes with SHA-512 (RFC 8032 section 5.1), all others here with SHA-256.
    """
    hashed = hashlib.sha512 if algorithm == EDWARDS_ALGORITHM else hashlib.sha256
    digest = hashed(text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
