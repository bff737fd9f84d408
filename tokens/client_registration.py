"""Registers clients, and lets them manage themselves. Source: RFC 7591, RFC 7592."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tenants import credentials
from tenants.credentials import CredentialKind
from tenants.errors import InvalidEntity, NotFound, QuotaUsedUp
from tenants.queries import registrations as queries
from tenants.records import KeyedHash
from tenants.services import registrations
from tenants.services.registrations import Wanted
from tokens import limits
from tokens.client_metadata import MEMBERS, describe_client, read_metadata
from tokens.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidToken,
    QuotaExceeded,
    TokenMissing,
)
from tokens.limits.registrations import admit_change, admit_registration
from tokens.sector_identifiers import prove_sector

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.models import ClientRegistration
    from tenants.records import JSON, TenantSnapshot
    from tenants.services.registrations import Registered
    from tokens.client_metadata import ClientMetadata
    from tokens.parameters import EndpointRequest

BY_TOKEN: Final = "token"  # noqa: S105 - a choice of the tenant, no secret.
# Source: RFC 6750 section 2.1.
_BEARER: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
MISSING: Final = "Present the token in the Authorization header, as a bearer token."
NOT_ACCEPTED: Final = "The token is malformed, expired, used up or revoked, or not of this client."
# What a client must not send back to its configuration endpoint. Source: RFC 7592 section 2.2.
NOT_SENT: Final = (
    *("registration_access_token", "registration_client_uri"),
    *("client_secret_expires_at", "client_id_issued_at"),
)


def register(request: EndpointRequest) -> dict[str, JSON]:
    """Register a client as far as the tenant lets strangers do so, and describe it.

    Raises:
        InvalidToken: the tenant wants an initial access token, and none that is good is presented.
        InvalidRedirectUri, InvalidClientMetadata: the client can't be like this.
        QuotaExceeded: enough clients have registered today.
        RateLimited: too many come from the address.
    """
    token_id = _admit(request)
    wanted = read_wanted(request.tenant, request.parameters.document)
    try:
        made = registrations.register(
            request.tenant,
            wanted,
            initial_access_token_id=token_id,
            address=request.address,
            now=_moment(request),
        )
    except NotFound as error:
        raise InvalidToken(NOT_ACCEPTED, detail=str(error)) from error
    except QuotaUsedUp as error:
        wait = error.retry_after_seconds
        raise QuotaExceeded(str(error), retry_after_seconds=wait) from error
    except InvalidEntity as error:
        raise refuse_metadata(error) from error
    return _describe(request, made.registration, made.token, made)


def read(request: EndpointRequest) -> dict[str, JSON]:
    """Describe the client whose token is presented.

    Raises:
        InvalidToken: it is no token of this client.
    """
    registration, text = _authenticate(request)
    return _describe(request, registration, text)


def update(request: EndpointRequest) -> dict[str, JSON]:
    """Replace what the client says of itself; what it leaves out falls back.

    Raises:
        InvalidToken: it is no token of this client.
        InvalidRedirectUri, InvalidClientMetadata: the client can't be like this.
        RateLimited: too many changes come from the address.
    """
    registration, text = _authenticate(request)
    admit_change(request.tenant, request.address)
    document = request.parameters.document
    _check_identity(document, registration)
    wanted = read_wanted(request.tenant, document)
    try:
        changed = registrations.update(registration, wanted, address=request.address)
    except NotFound as error:
        raise InvalidToken(NOT_ACCEPTED, detail=str(error)) from error
    except InvalidEntity as error:
        raise refuse_metadata(error) from error
    return _describe(request, registration, text, changed)


def remove(request: EndpointRequest) -> None:
    """Delete the client, with everything that was issued to it.

    Raises:
        InvalidToken: it is no token of this client.
    """
    registration, _ = _authenticate(request)
    registrations.remove(registration, address=request.address)


def read_wanted(tenant: TenantSnapshot, document: Mapping[str, JSON]) -> Wanted:
    """Read what a client wants to be.

    Raises:
        InvalidRedirectUri, InvalidClientMetadata: it can't be like this.
    """
    metadata = read_metadata(document, allowed_grant_types=tenant.allowed_grant_types)
    sector = _find_sector(tenant, metadata)
    return Wanted({**metadata.fields, "sector_identifier": sector}, metadata.scopes)


def refuse_metadata(error: InvalidEntity) -> InvalidRedirectUri | InvalidClientMetadata:
    """Name what is wrong by the client's own words. Source: RFC 7591 section 3.2.2."""
    if "redirect_uris" in error.messages:
        return InvalidRedirectUri(" ".join(error.messages["redirect_uris"]))
    texts = (f"{MEMBERS.get(name, name)}: {' '.join(m)}" for name, m in error.messages.items())
    return InvalidClientMetadata(" ".join(texts))


def _find_sector(tenant: TenantSnapshot, metadata: ClientMetadata) -> str:
    uri = metadata.sector_identifier_uri
    return prove_sector(tenant.id, uri, metadata.redirect_uris) if uri else ""


def _admit(request: EndpointRequest) -> UUID | None:
    """Answer the initial access token, if one is presented; an open tenant needs none.

    Raises:
        InvalidToken: it is not good, or is missing where the tenant wants one.
        RateLimited: too many come from the address without one.
    """
    if not request.authorization and request.tenant.registration.registration != BY_TOKEN:
        admit_registration(request.tenant, request.address)
        return None
    text = _read_bearer(request)
    with limits.watch_token(request.tenant, text, request.address):
        parsed = credentials.parse_credential(CredentialKind.INITIAL_ACCESS_TOKEN, text)
        if parsed is None:
            raise InvalidToken(NOT_ACCEPTED)
        stored = queries.find_initial_access_token(request.tenant.id, parsed.row_id)
        if stored is None or not credentials.is_secret(parsed.secret, stored):
            raise InvalidToken(NOT_ACCEPTED)
        return parsed.row_id


def _authenticate(request: EndpointRequest) -> tuple[ClientRegistration, str]:
    """Find the registration of the address by its token. Source: RFC 7592 section 2."""
    text = _read_bearer(request)
    with limits.watch_token(request.tenant, text, request.address):
        parsed = credentials.parse_credential(CredentialKind.REGISTRATION, text)
        if parsed is None or str(parsed.row_id) != request.parameters.get("registration_id"):
            raise InvalidToken(NOT_ACCEPTED)
        found = queries.find_registration(request.tenant.id, parsed.row_id)
        if found is None or found.token_hash is None:
            raise InvalidToken(NOT_ACCEPTED)
        stored = KeyedHash(found.pepper_id, bytes(found.token_hash))
        if not credentials.is_secret(parsed.secret, stored):
            raise InvalidToken(NOT_ACCEPTED)
        return found, text


def _read_bearer(request: EndpointRequest) -> str:
    if not request.authorization:
        raise TokenMissing(MISSING)
    match = _BEARER.fullmatch(request.authorization.strip())
    if match is None:
        raise InvalidToken(NOT_ACCEPTED)
    return match[1]


def _check_identity(document: Mapping[str, JSON], registration: ClientRegistration) -> None:
    """Hold what must be repeated, and what must not. Source: RFC 7592 section 2.2."""
    if document.get("client_id") != registration.client.client_id:
        raise InvalidClientMetadata("client_id must be repeated as it was given.")
    if any(name in document for name in NOT_SENT):
        raise InvalidClientMetadata(f"Leave out {', '.join(NOT_SENT)}.")
    if "client_secret" in document and not _is_secret(document["client_secret"], registration):
        raise InvalidClientMetadata("A client can't choose its secret; repeat it or leave it out.")


def _is_secret(text: JSON, registration: ClientRegistration) -> bool:
    if not isinstance(text, str):
        return False
    parsed = credentials.parse_credential(CredentialKind.CLIENT_SECRET, text)
    secret = registration.client.secrets.filter(pk=parsed.row_id).first() if parsed else None
    if parsed is None or secret is None or secret.secret_hash is None:
        return False
    stored = KeyedHash(secret.pepper_id, bytes(secret.secret_hash))
    return credentials.is_secret(parsed.secret, stored)


def _describe(
    request: EndpointRequest,
    registration: ClientRegistration,
    token: str,
    written: Registered | None = None,
) -> dict[str, JSON]:
    """Describe a client to itself; a secret is told once, when it is made.

    Source: RFC 7591 section 3.2.1, RFC 7592 section 3.
    """
    client = written.client if written else registration.client
    described = describe_client(client, queries.list_scope_names(registration))
    described["client_id_issued_at"] = int(registration.registered_at.timestamp())
    described["registration_access_token"] = token
    address = f"{request.tenant.issuer}/oauth/register/{registration.pk}"
    described["registration_client_uri"] = address
    if written is not None and written.secret:
        described |= {"client_secret": written.secret, "client_secret_expires_at": 0}
    return described


def _moment(request: EndpointRequest) -> datetime:
    return datetime.fromtimestamp(request.now, UTC)
