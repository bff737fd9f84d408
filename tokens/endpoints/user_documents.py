"""What the users endpoints read and write as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from tokens.errors import InvalidRequest
from tokens.users import NewUser, WantedToken, want_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.queries.subject_details import SubjectDetails
    from tenants.records import JSON
    from tokens.callers import Caller
    from tokens.models import Consent
    from tokens.parameters import EndpointRequest
    from tokens.user_tokens import UserToken

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 100
# Each member with the type that it takes.
USER_MEMBERS: Final[Mapping[str, type]] = {
    "external_id": str,
    "name": str,
    "email": str,
    "email_verified": bool,
    "attributes": dict,
}
TOKEN_MEMBERS: Final[Mapping[str, type]] = {"scope": str, "audience": object}


def read_new_user(request: EndpointRequest) -> tuple[NewUser, WantedToken]:
    """Read a user who is to be made, and the token that is asked for.

    Raises:
        InvalidRequest: a member is unknown, or of another type.
    """
    document = _read_members(request, {**USER_MEMBERS, **TOKEN_MEMBERS})
    return make_new_user(document), make_wanted_token(document)


def read_wanted_token(request: EndpointRequest) -> WantedToken:
    """Read the token that is asked for.

    Raises:
        InvalidRequest: a member is unknown, or of another type.
    """
    return make_wanted_token(_read_members(request, TOKEN_MEMBERS))


def make_new_user(members: Mapping[str, Any]) -> NewUser:
    """Make a user out of members whose types are right."""
    return NewUser(
        external_id=members.get("external_id") or "",
        name=members.get("name") or "",
        email=members.get("email") or "",
        is_email_verified=bool(members.get("email_verified")),
        attributes=members.get("attributes") or {},
    )


def make_wanted_token(members: Mapping[str, Any]) -> WantedToken:
    """Make what is asked for out of scope names with spaces between them, and audiences.

    Raises:
        InvalidRequest: they are too long, or an audience is no text.
    """
    audience = members.get("audience")
    if audience is None:
        audience = []
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(item, str) for item in audiences):
        raise InvalidRequest("The member audience takes a text or a list of texts.")
    return want_token(members.get("scope") or "", audiences)


def read_page(request: EndpointRequest) -> tuple[UUID | None, int]:
    """Read where a page begins, and how many items it has.

    Raises:
        InvalidRequest: one of the two is malformed.
    """
    size, cursor = request.parameters.get("page_size"), request.parameters.get("cursor")
    if size and (not size.isascii() or not size.isdigit() or not 1 <= int(size) <= MAX_PAGE_SIZE):
        raise InvalidRequest(f"The parameter page_size is a number from 1 to {MAX_PAGE_SIZE}.")
    return read_id(cursor) if cursor else None, int(size or DEFAULT_PAGE_SIZE)


def read_id(text: str) -> UUID:
    """Read an identifier.

    Raises:
        InvalidRequest: it is none of ours.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidRequest(
            "Identifiers and cursors are UUIDs; send them as they were."
        ) from error


def write_page(items: list[JSON], last: UUID | None, *, size: int) -> dict[str, JSON]:
    """Write a page that was read with one item too many, if there are more behind it."""
    has_more = len(items) > size
    return {"items": items[:size], "next_cursor": str(last) if has_more else None}


def write_user(user: SubjectDetails, caller: Caller) -> dict[str, JSON]:
    """Write a user; the attributes are for those who manage users, not for every application."""
    written: dict[str, JSON] = {
        "id": str(user.id),
        "external_id": user.external_id,
        "name": user.name,
        "email": user.email,
        "email_verified": user.is_email_verified,
        "enabled": user.is_enabled,
        "groups": [*user.groups],
        "created_at": user.created_at.isoformat(),
    }
    if caller.reads_all or caller.writes_all:
        written["attributes"] = dict(user.attributes)
    return written


def write_held_token(caller: Caller) -> dict[str, JSON] | None:
    """Write what the presented token may do; None for a master token."""
    held = caller.held
    if held is None:
        return None
    return {
        "scope": " ".join(held.scopes),
        "client_id": held.client_id,
        "expires_at": held.expires_at,
    }


def write_token(token: UserToken) -> dict[str, JSON]:
    """Write what is known about a token; never the token itself."""
    return {
        "jti": str(token.id),
        "client_id": token.client_id or None,
        "grant_type": token.grant_type or None,
        "trust_profile": token.trust_profile or None,
        "format": token.format,
        "scope": " ".join(token.scopes),
        "audience": [*token.audiences],
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "session": str(token.session_id) if token.session_id else None,
    }


def write_consent(consent: Consent) -> dict[str, JSON]:
    """Write what a user has agreed to."""
    return {
        "id": str(consent.pk),
        "client_id": consent.client.client_id,
        "scope": " ".join(consent.scopes),
        "granted_at": int(consent.granted_at.timestamp()),
        "expires_at": int(consent.expires_at.timestamp()),
    }


def _read_members(request: EndpointRequest, members: Mapping[str, type]) -> Mapping[str, JSON]:
    document = request.parameters.document
    for name, value in document.items():
        if name not in members:
            raise InvalidRequest("The document has a member that this endpoint does not know.")
        if value is not None and not isinstance(value, members[name]):
            raise InvalidRequest("A member of the document has another type than it takes.")
    return document
