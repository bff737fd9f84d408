"""Accepts master tokens: found by id, proved by a keyed hash, and bounded by who made them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from tenants.credentials import CredentialKind, is_secret, parse_credential
from tenants.queries.master_tokens import find_master_token
from tokens import secret_uses
from tokens.errors import InsufficientScope, InvalidToken

if TYPE_CHECKING:
    from tenants.queries.master_tokens import MasterTokenRecord
    from tokens.parameters import EndpointRequest

PREFIX: Final = f"{CredentialKind.MASTER_TOKEN.value}_"
NOT_ACCEPTED: Final = "The token is malformed, expired, revoked, or not of this issuer."


def is_master_token(text: str) -> bool:
    """Say whether a bearer token has the form of a master token."""
    return text.startswith(PREFIX)


def accept(request: EndpointRequest, text: str) -> MasterTokenRecord:
    """Answer the master token of this tenant that the text is and proves.

    Raises:
        InvalidToken: it is none, wrong, disabled or expired; the same words whatever it is.
        InsufficientScope: it may not be used from there.
    """
    credential = parse_credential(CredentialKind.MASTER_TOKEN, text)
    if credential is None:
        raise InvalidToken(NOT_ACCEPTED, detail="no master token")
    found = find_master_token(request.tenant.id, credential.row_id)
    if found is None or not is_secret(credential.secret, found.keyed_hash):
        raise InvalidToken(NOT_ACCEPTED, detail="unknown master token")
    if not found.is_enabled:
        raise InvalidToken(NOT_ACCEPTED, detail=f"master token {found.id} is disabled")
    if found.expires_at <= request.now:
        raise InvalidToken(NOT_ACCEPTED, detail=f"master token {found.id} has expired")
    _check_place(request, found)
    secret_uses.record(found.id, request.now)
    return found


def _check_place(request: EndpointRequest, found: MasterTokenRecord) -> None:
    """Hold the request against the token's lists; an origin proves nothing, whoever sends it."""
    origin = request.headers.get("origin", "")
    if found.allowed_origins and origin not in found.allowed_origins:
        raise InsufficientScope("This master token is not for the origin of the request.")
    if found.allowed_addresses and not is_listed(request.address, found.allowed_addresses):
        raise InsufficientScope("This master token is not for the address of the caller.")


def is_listed(text: str, networks: tuple[str, ...]) -> bool:
    """Say whether an address lies in one of the networks."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ipaddress.ip_network(network) for network in networks)
