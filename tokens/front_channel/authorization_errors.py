"""The errors that only the authorization endpoint has, named as on the wire, and who is told.

Source: RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokens.errors import OAuthError
from tokens.front_channel.errors import PageRefused

if TYPE_CHECKING:
    from tenants.records import ClientRecord

# The reason codes of requests that a page refuses, since there is nobody to tell.
CLIENT_UNKNOWN: Final = "client_unknown"
REDIRECT_URI_UNKNOWN: Final = "redirect_uri_unknown"
REDIRECT_URI_MISSING: Final = "redirect_uri_missing"
UNPROVEN: Final = frozenset((CLIENT_UNKNOWN, REDIRECT_URI_UNKNOWN, REDIRECT_URI_MISSING))


class UnsupportedResponseType(OAuthError):
    """Something else than a code is asked for. Source: RFC 6749 section 4.1.2.1."""

    error = "unsupported_response_type"
    check = "response_type_supported"


class RequestNotSupported(OAuthError):
    """Parameters come as a signed object. Source: OpenID Connect Core section 3.1.2.6."""

    error = "request_not_supported"
    check = "request_readable"


class RequestUriNotSupported(OAuthError):
    """Parameters come by reference. Source: OpenID Connect Core section 3.1.2.6."""

    error = "request_uri_not_supported"
    check = "request_readable"


class RegistrationNotSupported(OAuthError):
    """A client registers within a request. Source: OpenID Connect Core section 3.1.2.6."""

    error = "registration_not_supported"
    check = "request_readable"


class LoginRequired(OAuthError):
    """The person would have to sign in. Source: OpenID Connect Core section 3.1.2.6."""

    error = "login_required"
    check = "person_signed_in"


class ConsentRequired(OAuthError):
    """The person would have to agree. Source: OpenID Connect Core section 3.1.2.6."""

    error = "consent_required"
    check = "person_agreed"


class UnmetAuthenticationRequirements(OAuthError):
    """The person was not recognised as surely as was asked. Source: RFC 9470 section 5."""

    error = "unmet_authentication_requirements"
    check = "assurance_reached"


class Denied(OAuthError):
    """The person said no. Source: RFC 6749 section 4.1.2.1."""

    error = "access_denied"
    check = "person_agreed"


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where an authorization is answered: a redirect URI that is the client's, and how."""

    client: ClientRecord
    redirect_uri: str
    response_mode: str
    state: str


class AuthorizationRefused(Exception):
    """A request is refused whose redirect URI is proven: the client is told.

    Source: RFC 6749 section 4.1.2.1.
    """

    def __init__(self, error: OAuthError, reply: ReplyAddress) -> None:
        """Name the error and where it is sent."""
        super().__init__(error.error)
        self.error = error
        self.reply = reply


class UnprovenRequest(PageRefused):
    """A request is refused before anybody knows where an answer would go: a page says so.

    Source: RFC 6749 section 4.1.2.1.
    """

    def __init__(self, reason: str, error: OAuthError) -> None:
        """Name the sentence of the page, and the error that is recorded."""
        super().__init__(reason, detail=error.detail or error.description)
        self.error = error
