"""Reads an authorization request strictly. Source: RFC 6749 section 4.1.1, OIDC Core 3.1.2.1."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from oauth2_provider.models import redirect_to_uri_allowed

from tenants.services.redirect_uris import explain_redirect_uri
from tokens import standard_claims
from tokens.client_documents import DocumentRefused, find_client
from tokens.errors import InvalidRequest, OAuthError, UnauthorizedClient
from tokens.front_channel import authorization_parameters as read
from tokens.front_channel.authorization_errors import (
    REDIRECT_URI_MISSING,
    REDIRECT_URI_UNKNOWN,
    AuthorizationRefused,
    ReplyAddress,
    UnprovenRequest,
)
from tokens.parameters import Parameters, read_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON, ClientRecord, TenantSnapshot
    from tokens.front_channel.page import Visit

logger = logging.getLogger(__name__)
OPENID: Final = "openid"
LOOPBACK: Final = "http://"  # Plain http is registered for loopback addresses only.
# What an answer needs; everything else may be wrong and the client is still told.
REPLY_PARAMETERS: Final = frozenset(
    (b"client_id", b"redirect_uri", b"response_mode", b"response_type", b"state", b"scope")
)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks of a person; `query` is the text that was sent.

    `scopes` is None where none is named, `max_age` in seconds, `hinted_subject` the `sub` of whom
    the client expects. `needed_acrs` are values of `acr` of which one is essential,
    `acr_values` those that would be welcome. `included_providers` and `excluded_providers` are
    slugs of trust profiles that narrow the choice on the sign-in page. `claimed_scopes` are those
    that nobody named, but that give the claims which are asked for one by one.
    """

    client: ClientRecord
    redirect_uri: str
    is_redirect_uri_given: bool
    response_mode: str
    state: str
    scopes: tuple[str, ...] | None
    audiences: tuple[str, ...]
    nonce: str
    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str
    hinted_subject: str
    acr_values: tuple[str, ...]
    needed_acrs: tuple[str, ...]
    ui_locales: tuple[str, ...]
    claims_request: Mapping[str, JSON]
    provider_hint: str
    included_providers: frozenset[str]
    excluded_providers: frozenset[str]
    api_slug: str
    query: str
    claimed_scopes: tuple[str, ...] = ()

    @property
    def judged_scopes(self) -> tuple[str, ...] | None:
        """What is decided about and agreed to; the token has only what was named."""
        return None if self.scopes is None else (*self.scopes, *self.claimed_scopes)

    @property
    def reply(self) -> ReplyAddress:
        """Where it is answered."""
        return ReplyAddress(self.client, self.redirect_uri, self.response_mode, self.state)

    def offers(self, provider: str) -> bool:
        """Say whether the request lets a person sign in with the trust profile of this slug."""
        is_included = not self.included_providers or provider in self.included_providers
        return is_included and provider not in self.excluded_providers


def read_authorization(visit: Visit, query: str, api_slug: str) -> AuthorizationRequest:
    """Read a request; `query` is the part of the address behind the question mark, as sent.

    Raises:
        UnprovenRequest: the client or its redirect URI is not known.
        AuthorizationRefused: anything else is wrong; the client is told.
    """
    parameters, unreadable = read_query(query)
    client, redirect_uri = _prove(visit, parameters)
    reply = ReplyAddress(
        client, redirect_uri, read.response_mode_of(parameters), parameters.get("state")
    )
    try:
        if unreadable is not None:
            raise unreadable
        return _read(visit, parameters, reply, api_slug, query)
    except OAuthError as error:
        raise AuthorizationRefused(error, reply) from error


def _read(
    visit: Visit, parameters: Parameters, reply: ReplyAddress, api_slug: str, query: str
) -> AuthorizationRequest:
    tenant, client = visit.tenant, reply.client
    read.check_supported(parameters)
    claims = read.claims_request_of(parameters)
    scopes = _name_scopes(read.scopes_of(parameters), tenant, client)
    return AuthorizationRequest(
        client=client,
        redirect_uri=reply.redirect_uri,
        is_redirect_uri_given=bool(parameters.get("redirect_uri")),
        response_mode=reply.response_mode,
        state=reply.state,
        scopes=scopes,
        audiences=tuple(dict.fromkeys((*parameters.all("audience"), *parameters.all("resource")))),
        nonce=read.nonce_of(parameters),
        code_challenge=read.code_challenge_of(parameters, client),
        prompts=read.prompts_of(parameters, tenant),
        max_age=read.max_age_of(parameters, client),
        login_hint=parameters.get("login_hint")[: read.MAX_HINT_CHARACTERS],
        hinted_subject=read.hinted_subject_of(parameters, claims, tenant, client),
        acr_values=tuple(parameters.get("acr_values").split()),
        needed_acrs=read.needed_acrs_of(claims),
        ui_locales=tuple(parameters.get("ui_locales").split()),
        claims_request=claims,
        provider_hint=read.first_of(parameters, "provider_hint", "providerCode"),
        included_providers=read.slugs_of(parameters, "include_providers", "includeProviders"),
        excluded_providers=read.slugs_of(parameters, "exclude_providers", "excludeProviders"),
        api_slug=api_slug,
        query=query,
        claimed_scopes=_find_claimed(claims, scopes, tenant, client),
    )


def _find_claimed(
    claims: Mapping[str, JSON],
    scopes: tuple[str, ...] | None,
    tenant: TenantSnapshot,
    client: ClientRecord,
) -> tuple[str, ...]:
    """Find the scopes that give the claims asked for one by one, so that a person agrees to them.

    Those that the client may not have are left out, and the claims with them.
    Source: OpenID Connect Core sections 3.1.2.4 and 5.5.
    """
    if scopes is None or OPENID not in scopes:
        return ()
    held = standard_claims.scopes_of(tenant, client)
    return tuple(
        name
        for name in standard_claims.CLAIMS_OF_SCOPE
        if name in held and name not in scopes and standard_claims.asks_singly(claims, name)
    )


def _name_scopes(
    asked: tuple[str, ...] | None, tenant: TenantSnapshot, client: ClientRecord
) -> tuple[str, ...] | None:
    """Answer the names of scopes, some of which may be asked for by their title.

    An application's words for what people agree to need not be the Api's: `plan` may stand for
    `read:accounts`. A title stands for all scopes of the client that have it; a name comes first.
    """
    if asked is None:
        return None
    titles = {text for text in asked if text not in tenant.scopes}
    titled = _list_titled(titles, tenant, client) if titles else {}
    return tuple(dict.fromkeys(name for text in asked for name in titled.get(text, [text])))


def _list_titled(
    titles: set[str], tenant: TenantSnapshot, client: ClientRecord
) -> dict[str, list[str]]:
    """List the client's scopes by these titles; looks at each scope of the tenant once."""
    titled: dict[str, list[str]] = {}
    for scope in tenant.scopes.values():
        if scope.title in titles and scope.id in client.scope_ids:
            titled.setdefault(scope.title, []).append(scope.name)
    return titled


def read_query(query: str) -> tuple[Parameters, InvalidRequest | None]:
    """Read the parameters, or at least those that an answer needs, and what is wrong.

    Raises:
        UnprovenRequest: not even those can be read.
    """
    raw = query.encode("latin-1", "replace")
    try:
        return read_form(raw), None
    except InvalidRequest as error:
        needed = b"&".join(pair for pair in raw.split(b"&") if _name_of(pair) in REPLY_PARAMETERS)
        try:
            return read_form(needed), error
        except InvalidRequest:
            raise UnprovenRequest("unreadable_request", error) from error


def _name_of(pair: bytes) -> bytes:
    return unquote_to_bytes(pair.partition(b"=")[0].replace(b"+", b" "))


def _prove(visit: Visit, parameters: Parameters) -> tuple[ClientRecord, str]:
    """Find the client, and prove that the answer's address is its own. Source: RFC 9700 2.1."""
    client = _find_client(visit, parameters.get("client_id"))
    registered = client.interactive.redirect_uris
    uri = parameters.get("redirect_uri")
    if not uri:
        return client, _only_one(registered, parameters)
    if not _is_registered(uri, registered):
        raise _unproven("unknown_redirect_uri", REDIRECT_URI_UNKNOWN)
    return client, uri


def _find_client(visit: Visit, client_id: str) -> ClientRecord:
    unknown = UnauthorizedClient("The client is unknown here.", reason="client_unknown")
    if not client_id:
        raise UnprovenRequest("unknown_client", unknown)
    try:
        client = find_client(visit.tenant, client_id, address=visit.address, now=visit.now)
    except DocumentRefused as refused:
        logger.info("the document of a client is refused: %s", refused)
        raise UnprovenRequest("client_document", unknown) from refused
    if client is None or not client.is_enabled:
        raise UnprovenRequest("unknown_client", unknown)
    return client


def _only_one(registered: tuple[str, ...], parameters: Parameters) -> str:
    """Answer the client's only redirect URI where none is named. Source: RFC 6749 3.1.2.3.

    OpenID Connect always wants it to be named. Source: OpenID Connect Core section 3.1.2.1.
    """
    is_openid = OPENID in parameters.get("scope").split(" ")
    if len(registered) != 1 or is_openid:
        raise _unproven("missing_redirect_uri", REDIRECT_URI_MISSING)
    return registered[0]


def _is_registered(uri: str, registered: tuple[str, ...]) -> bool:
    """Compare whole texts; only the port of a loopback address is the application's choice.

    Parsers drop tabs and line breaks, so what has such is refused before anything is parsed.
    Source: RFC 9700 section 2.1, RFC 8252 section 7.3.
    """
    if explain_redirect_uri(uri):
        return False
    if uri in registered:
        return True
    loopback = [text for text in registered if text.startswith(LOOPBACK)]
    try:
        return bool(redirect_to_uri_allowed(uri, loopback))
    except ValueError:  # A port that is none.
        return False


def _unproven(sentence: str, reason: str) -> UnprovenRequest:
    error = InvalidRequest("The redirect_uri is missing or not the client's.", reason=reason)
    return UnprovenRequest(sentence, error)
