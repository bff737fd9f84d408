"""A code that a person's browser brought becomes tokens. Source: RFC 6749 section 4.1.3."""

from __future__ import annotations

import hmac
import logging
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tenants.records import AccessRequest, ConsumedGrant, GrantType
from tokens import authorization_codes, limits, sessions, token_store
from tokens.agreed_scopes import select_scopes, vouched_scopes
from tokens.errors import InvalidGrant

if TYPE_CHECKING:
    from tenants.records import ClientRecord, TenantSnapshot
    from tokens.authorization_codes import PresentedCode
    from tokens.parameters import EndpointRequest

logger = logging.getLogger(__name__)

GRANT_TYPE: Final = GrantType.AUTHORIZATION_CODE.value
# Source: RFC 7636 section 4.1.
CODE_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
REFUSAL: Final = (
    "The code is invalid, expired, already used, or another client's. Begin again with a new "
    "authorization request."
)
WRONG_REDIRECT_URI: Final = "The redirect_uri differs from that of the authorization request."
WRONG_VERIFIER: Final = "The code_verifier does not match the code_challenge of the request."
UNEXPECTED_VERIFIER: Final = "The authorization request had no code_challenge; send no verifier."


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for what the person agreed to; the code is used up only when the tokens are stored.

    Raises:
        InvalidGrant: the code is no good, or was not asked for by whoever sends it.
        RateLimited: the client guesses verifiers.
    """
    code = _accept(request, client)
    return AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        subject=code.subject,
        requested_scopes=select_scopes(
            request.tenant, tuple(code.scopes), request.requested_audiences
        ),
        requested_audiences=request.requested_audiences,
        api_slug=code.api_slug or request.api_slug,
        usage_limit=request.requested_usage_limit,
        scope_ceiling=_scope_ceiling(request.tenant, code),
        audience_ceiling=frozenset(code.audiences),
        expires_at_ceiling=_offline_end(request, code),
        trust_profile_id=code.trust_profile_id,
        address=request.address,
        user_agent=request.user_agent,
        groups=code.subject.groups,
        method=request.method,
        headers=request.headers,
        now=request.now,
        authentication=code.authentication,
        nonce=code.nonce,
        claims_request=code.claims_request,
        consumed=ConsumedGrant(GRANT_TYPE, code.id, token_store.new_id()),
    )


def _accept(request: EndpointRequest, client: ClientRecord) -> PresentedCode:
    """Find the code and hold the request against that by which it came."""
    text = request.parameters.require("code")
    limits.admit_code(request.tenant, text, request.address)
    code = authorization_codes.find_code(request.tenant.id, text, now=request.now)
    if code is None or code.client != client.id:
        raise InvalidGrant(REFUSAL, detail="unknown code, or another client's")
    if code.is_used:
        _end_what_came_of(request, code)
    if code.death:
        raise InvalidGrant(REFUSAL, detail=f"code {code.id}: {code.death}")
    _check_address(request, code)
    _check_verifier(request, code)
    return code


def _end_what_came_of(request: EndpointRequest, code: PresentedCode) -> None:
    """End every token that came of a code which is presented again. Source: RFC 9700 4.5.

    Raises:
        InvalidGrant: always.
    """
    if code.session_id is not None:
        sessions.end_session(request.tenant.id, code.session_id, ended_reason="reuse")
    logger.warning("authorization code reused", extra={"session_id": str(code.session_id)})
    raise InvalidGrant(REFUSAL, detail=f"code {code.id}: reused")


def _check_address(request: EndpointRequest, code: PresentedCode) -> None:
    """Hold the redirect URI and the Api against those of the authorization request.

    Source: RFC 6749 section 4.1.3.
    """
    presented = request.parameters.get("redirect_uri")
    is_missing = not presented and code.is_redirect_uri_required
    if is_missing or presented not in {"", code.redirect_uri}:
        raise InvalidGrant(WRONG_REDIRECT_URI, detail=f"code {code.id}")
    if code.api_slug and request.api_slug not in {"", code.api_slug}:
        raise InvalidGrant(REFUSAL, detail=f"code {code.id}: of the Api {code.api_slug}")


def _check_verifier(request: EndpointRequest, code: PresentedCode) -> None:
    """Hold the verifier against the challenge. Source: RFC 7636 section 4.6, RFC 9700 2.1.1."""
    verifier = request.parameters.get("code_verifier")
    if not code.code_challenge:
        if verifier:  # Somebody has cut the challenge off: RFC 9700 section 4.8.
            raise InvalidGrant(UNEXPECTED_VERIFIER, detail=f"code {code.id}")
        return
    if CODE_VERIFIER.fullmatch(verifier) and _matches(verifier, code.code_challenge):
        return
    limits.count_code_failure(request.tenant, request.parameters.get("code"), request.address)
    raise InvalidGrant(WRONG_VERIFIER, detail=f"code {code.id}: wrong or missing verifier")


def _matches(verifier: str, challenge: str) -> bool:
    computed = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(computed, challenge.encode())


def _scope_ceiling(tenant: TenantSnapshot, code: PresentedCode) -> frozenset[str]:
    """Bound the scope by what the person agreed to and by what their issuer may vouch for."""
    vouched = vouched_scopes(tenant, code.trust_profile_id)
    agreed = frozenset(code.scopes)
    return agreed if vouched is None else agreed & vouched


def _offline_end(request: EndpointRequest, code: PresentedCode) -> int | None:
    """Answer when the access ends that the person chose, in seconds since the epoch."""
    seconds = code.offline_lifetime_seconds
    return None if seconds is None else int(request.now) + seconds
