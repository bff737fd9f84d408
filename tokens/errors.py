"""The errors of the token endpoints, named as on the wire. Source: RFC 6749 section 5.2."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tenants.records import AccessRequest, Decision


class OAuthError(Exception):
    """An answer that is an error: `error` and `description` are public, `detail` is for the log.

    `check` names the step of the walk that ends here; where a decision refused, its checks tell.
    What is no refusal, but asks for patience, is neither counted nor traced.
    """

    error: ClassVar[str]
    check: ClassVar[str]
    is_refusal: ClassVar[bool] = True
    status: ClassVar[int] = HTTPStatus.BAD_REQUEST

    def __init__(
        self,
        description: str,
        *,
        detail: str = "",
        reason: str = "",
        asked: AccessRequest | None = None,
        decision: Decision | None = None,
    ) -> None:
        """Keep the fixed public sentence and, for log and trace only, what exactly was wrong."""
        super().__init__(detail or description)
        self.description = description
        self.detail = detail
        self.asked = asked
        self.decision = decision
        self._reason = reason

    @property
    def reason(self) -> str:
        """The reason code: the decision's, else the one given, else the wire code."""
        if self.decision is not None and not self.decision.is_allowed:
            return self.decision.refusal.reason
        return self._reason or self.error


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated or malformed. Source: RFC 6749 section 5.2."""

    error = "invalid_request"
    check = "request_readable"


class RequestTooLarge(InvalidRequest):
    """The body is larger than the endpoint reads. Source: RFC 9110 section 15.5.14."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(InvalidRequest):
    """The body is neither a form nor JSON. Source: RFC 9110 section 15.5.16."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class InvalidClient(OAuthError):
    """The client could not be authenticated. Source: RFC 6749 section 5.2."""

    error = "invalid_client"
    check = "client_authenticated"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(
        self, description: str, *, detail: str = "", reason: str = "", tried_basic: bool = False
    ) -> None:
        """Remember whether HTTP Basic was tried: only then the answer carries a challenge."""
        super().__init__(description, detail=detail, reason=reason)
        self.tried_basic = tried_basic


class InvalidGrant(OAuthError):
    """The code, refresh token or assertion is not good. Source: RFC 6749 section 5.2."""

    error = "invalid_grant"
    check = "grant_accepted"


class AuthorizationPending(OAuthError):
    """The person has not decided yet. Source: RFC 8628 section 3.5."""

    error = "authorization_pending"
    check = "device_approved"
    is_refusal = False


class SlowDown(AuthorizationPending):
    """The person has not decided yet, and the device asks too often. Source: RFC 8628 3.5."""

    error = "slow_down"


class ExpiredToken(OAuthError):
    """Nobody has decided in time. Source: RFC 8628 section 3.5."""

    error = "expired_token"
    check = "device_approved"


class DeviceDenied(OAuthError):
    """The person said no to a device. Source: RFC 8628 section 3.5."""

    error = "access_denied"
    check = "device_approved"


class UnauthorizedClient(OAuthError):
    """The client may not use this grant. Source: RFC 6749 section 5.2."""

    error = "unauthorized_client"
    check = "grant_allowed"


class UnsupportedGrantType(OAuthError):
    """The server does not know the grant. Source: RFC 6749 section 5.2."""

    error = "unsupported_grant_type"
    check = "grant_known"


class InvalidScope(OAuthError):
    """The scope is unknown, malformed or too wide. Source: RFC 6749 section 5.2."""

    error = "invalid_scope"
    check = "scope_known_and_allowed"


class InvalidTarget(OAuthError):
    """The audience is unknown or not allowed. Source: RFC 8707 section 2."""

    error = "invalid_target"
    check = "audience_known"


class AccessDenied(OAuthError):
    """Access policies don't allow what is asked. Source: RFC 6749 section 4.1.2.1."""

    error = "access_denied"
    check = "policies_allow"
    status = HTTPStatus.FORBIDDEN


# The reason code of that limit, whose wire code says less.
SESSION_LIMIT_REACHED = "session_limit_reached"


class SessionLimitReached(OAuthError):
    """The person has as many sessions with the client as it allows. Source: RFC 6749 4.1.2.1."""

    error = "access_denied"
    check = "session_limit_kept"

    def __init__(
        self,
        description: str,
        *,
        detail: str = "",
        asked: AccessRequest | None = None,
        decision: Decision | None = None,
    ) -> None:
        """Name the limit as the reason; whatever was decided had allowed it."""
        super().__init__(
            description,
            detail=detail,
            reason=SESSION_LIMIT_REACHED,
            asked=asked,
            decision=decision,
        )


class InvalidToken(OAuthError):
    """The bearer token is expired, revoked or not ours. Source: RFC 6750 section 3.1."""

    error = "invalid_token"
    check = "token_accepted"
    status = HTTPStatus.UNAUTHORIZED


class TokenMissing(InvalidToken):
    """No bearer token is presented, so the challenge names no error. Source: RFC 6750 3.1."""


class InsufficientScope(OAuthError):
    """The bearer token does not reach far enough. Source: RFC 6750 section 3.1."""

    error = "insufficient_scope"
    check = "token_reaches_far_enough"
    status = HTTPStatus.FORBIDDEN


class InsufficientUserAuthentication(OAuthError):
    """The person has to prove more surely who they are. Source: RFC 9470 section 3."""

    error = "insufficient_user_authentication"
    check = "person_recognised"
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, description: str, *, acr_values: str = "", detail: str = "") -> None:
        """Keep what the challenge asks for."""
        super().__init__(description, detail=detail)
        self.acr_values = acr_values


class UnsupportedTokenType(OAuthError):
    """The presented token is of a kind that can't be revoked. Source: RFC 7009 section 2.2.1."""

    error = "unsupported_token_type"
    check = "token_revocable"


class UserNotFound(OAuthError):
    """The tenant has no such user, or none whom the caller may see."""

    error = "not_found"
    check = "user_found"
    status = HTTPStatus.NOT_FOUND


class UserExists(OAuthError):
    """A user has the chosen id already, and gets no token by it."""

    error = "user_exists"
    check = "user_is_new"
    status = HTTPStatus.CONFLICT


# The reason code of a limit, whose wire code says less.
RATE_LIMITED = "rate_limited"


class QuotaExceeded(OAuthError):
    """A public credential has made as many users as it may. Source: RFC 6585 section 4."""

    error = "quota_exceeded"
    check = "quota_left"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, description: str, *, detail: str = "", retry_after_seconds: int) -> None:
        """Remember when to try again, in seconds."""
        super().__init__(description, detail=detail)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(OAuthError):
    """Somebody sends too many requests, or fails too often. Source: RFC 6585 section 4.

    The code is the one that client libraries know as passing, as for a service that is away.
    """

    error = "temporarily_unavailable"
    check = "within_limits"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, description: str, *, detail: str = "", retry_after_seconds: int) -> None:
        """Remember when to try again, in seconds."""
        super().__init__(description, detail=detail, reason=RATE_LIMITED)
        self.retry_after_seconds = retry_after_seconds


class QueryRefused(InvalidRequest):
    """A GraphQL document is malformed, or beyond a limit; `code` says which."""

    check = "query_within_limits"

    def __init__(self, description: str, *, code: str, detail: str = "") -> None:
        """Remember the code that the answer names."""
        super().__init__(description, detail=detail)
        self.code = code


class InvalidRedirectUri(OAuthError):
    """A client registers an address that nobody may be sent to. Source: RFC 7591 section 3.2.2."""

    error = "invalid_redirect_uri"
    check = "metadata_accepted"


class InvalidClientMetadata(OAuthError):
    """A client says something of itself that can't be. Source: RFC 7591 section 3.2.2."""

    error = "invalid_client_metadata"
    check = "metadata_accepted"


class ServiceUnavailable(OAuthError):
    """The server can't answer now and says when to try again. Source: RFC 9110 section 15.6.4."""

    error = "temporarily_unavailable"
    check = "service_available"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after_seconds = 1


class IssuerNotFound(OAuthError):
    """No tenant serves this issuer, or the path below it is unknown."""

    error = "not_found"
    check = "endpoint_served"
    status = HTTPStatus.NOT_FOUND


BY_WIRE_CODE: dict[str, type[OAuthError]] = {
    error.error: error
    for error in (InvalidRequest, InvalidGrant, UnauthorizedClient, InvalidScope, InvalidTarget)
}
