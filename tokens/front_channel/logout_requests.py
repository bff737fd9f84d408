"""Reads what a client says when it sends a person to sign out.

Source: OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from tenants import snapshot
from tokens.errors import InvalidRequest
from tokens.front_channel.errors import PageRefused
from tokens.id_token_hints import read_hint
from tokens.parameters import Parameters, read_form

if TYPE_CHECKING:
    from tenants.records import ClientRecord, TenantSnapshot
    from tokens.front_channel.page import Visit
    from tokens.id_token_hints import HintedPerson

MAX_QUERY_CHARACTERS: Final = 16_384


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Which client asks, whom it means, and where the person goes afterwards, with the state.

    Without a client that is known, `address` is empty: nobody is sent to where anybody can say.
    """

    client: ClientRecord | None
    hint: HintedPerson | None
    address: str

    def means(self, visit: Visit) -> bool:
        """Say whether the client holds an ID token of the very sign-in that would end."""
        person, hint = visit.sign_in, self.hint
        if person is None or hint is None or not hint.is_subject(person.subject_id, visit.tenant):
            return False
        return hint.is_sign_in(person.authentication.sign_in_id, visit.tenant)


def read_logout(visit: Visit) -> LogoutRequest:
    """Read the request's parameters; `logout_hint` may say anything, as it proves nothing.

    Raises:
        PageRefused: it is malformed, or its client is not known or is not the one of the ID token,
            or the client has not registered where the person is to go.
    """
    parameters = _read_parameters(visit.request.META.get("QUERY_STRING", ""))
    presented = parameters.get("id_token_hint")
    hint = read_hint(visit.tenant, presented) if presented else None
    client = _find_client(visit.tenant, parameters.get("client_id"), hint)
    # Whoever shows an ID token that is none of ours is not believed the rest either.
    if client is None or (presented and hint is None):
        return LogoutRequest(None, None, "")
    return LogoutRequest(client, hint, _address(parameters, client))


def _read_parameters(query: str) -> Parameters:
    if len(query) > MAX_QUERY_CHARACTERS:
        raise PageRefused("too_large", status=414)
    try:
        return read_form(query.encode("latin-1", "replace"))
    except InvalidRequest as error:
        raise PageRefused("bad_logout", detail=str(error)) from error


def _find_client(
    tenant: TenantSnapshot, client_id: str, hint: HintedPerson | None
) -> ClientRecord | None:
    """Find the client; where both name one, they name the same. Source: section 2."""
    if not client_id and hint is None:
        return None
    if client_id and hint is not None and hint.client_id != client_id:
        raise PageRefused("bad_logout", detail="client_id is not the ID token's audience")
    client = hint.client if hint else snapshot.CURRENT.client(tenant, client_id)
    if client is None or not client.is_enabled:
        raise PageRefused("bad_logout", detail="unknown client")
    return client


def _address(parameters: Parameters, client: ClientRecord) -> str:
    """Answer where the person goes; compared as texts, whole. Source: section 3."""
    uri, state = parameters.get("post_logout_redirect_uri"), parameters.get("state")
    if not uri:
        return ""
    if uri not in client.interactive.post_logout_redirect_uris:
        raise PageRefused("bad_logout_address", detail=f"client {client.client_id}")
    if not state:
        return uri
    separator = "?" if "?" not in uri else "" if uri.endswith(("?", "&")) else "&"
    return f"{uri}{separator}{urlencode({'state': state}, quote_via=quote)}"
