"""Who calls about users: a master token, a client with management scopes, or the user alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants import snapshot
from tenants.records import Actor
from tokens import direct_tokens, gate, limits, master_tokens
from tokens.direct_tokens import NotAcceptedDirectly
from tokens.errors import InsufficientScope, InvalidToken, TokenMissing
from tokens.management_scopes import held_scopes
from tokens.step_up import require_assurance

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.queries.master_tokens import MasterTokenRecord
    from tenants.records import ClientRecord
    from tokens.direct_tokens import DirectToken
    from tokens.gate import AcceptedToken
    from tokens.parameters import EndpointRequest

READ: Final = "management:users:read"
WRITE: Final = "management:users:write"
# Source: RFC 6750 section 2.1.
_BEARER: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
MISSING: Final = "Present the token in the Authorization header, as a bearer token."
NOT_ACCEPTED: Final = master_tokens.NOT_ACCEPTED
PAIRWISE: Final = "This client knows people by pairwise ids only; ask userinfo about them."


@dataclass(frozen=True, slots=True)
class HeldToken:
    """What the presented token may do; no client of ours asked for an outside one."""

    scopes: tuple[str, ...]
    client_id: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever presented a good token, by exactly one of the three.

    `direct` is an outside token, by which users only see themselves. `scopes` are management scopes
    that the client still holds; `client` is the master token's.
    """

    actor: Actor
    master_token: MasterTokenRecord | None = None
    client: ClientRecord | None = None
    scopes: frozenset[str] = frozenset()
    token: AcceptedToken | None = None
    direct: DirectToken | None = None

    @property
    def subject_id(self) -> UUID | None:
        """The user who calls for themselves."""
        if self.direct is not None:
            return self.direct.subject.id
        return self.token.subject_id if self.token else None

    @property
    def held(self) -> HeldToken | None:
        """What the token of a user or client may do; a master token has none of it."""
        if self.direct is not None:
            token = self.direct.token
            return HeldToken(token.scopes, None, token.expires_at)
        if self.token is None:
            return None
        return HeldToken(tuple(self.token.scopes), self.token.client_id, self.token.expires_at)

    @property
    def is_public(self) -> bool:
        """Whether anybody may hold what was presented."""
        return self.master_token is not None and self.master_token.is_public

    @property
    def has_private_token(self) -> bool:
        """Whether a master token of a server was presented."""
        return self.master_token is not None and not self.master_token.is_public

    @property
    def reads_all(self) -> bool:
        """Whether the caller may read users other than itself."""
        return self.has_private_token or READ in self.scopes

    @property
    def writes_all(self) -> bool:
        """Whether the caller may end the tokens of users other than itself."""
        return self.has_private_token or WRITE in self.scopes

    @property
    def user_groups(self) -> frozenset[str]:
        """The groups whose users the caller reaches; empty for no such bound."""
        return self.master_token.user_groups if self.master_token else frozenset()


def read_bearer(request: EndpointRequest) -> str:
    """Answer the bearer token that is presented. Source: RFC 6750 section 2.1.

    Raises:
        TokenMissing: there is none.
        InvalidToken: the header is malformed.
    """
    if request.authorization[:6].lower() != "bearer":
        raise TokenMissing(MISSING)
    match = _BEARER.fullmatch(request.authorization.strip())
    if match is None:
        raise InvalidToken(NOT_ACCEPTED, detail="malformed header")
    return match[1]


def find_caller(request: EndpointRequest) -> Caller:
    """Say who calls; every token of ours passes the gate.

    Raises:
        InvalidToken: the token is not good here.
        InsufficientScope: the master token may not be used from there.
        InsufficientUserAuthentication: the user has to prove more surely who they are.
        RateLimited: the caller sends too many requests, or the same bad token again and again.
    """
    text = read_bearer(request)
    with limits.watch_token(request.tenant, text, request.address):
        return _find_caller(request, text)


def find_self(request: EndpointRequest) -> Caller:
    """Say who calls about themselves: also a user whose outside token an Api has accepted.

    Raises:
        InvalidToken: the token is not good here.
        InsufficientScope: the master token may not be used from there.
        InsufficientUserAuthentication: the user has to prove more surely who they are.
        RateLimited: the caller sends too many requests, or the same bad token again and again.
    """
    text = read_bearer(request)
    with limits.watch_token(request.tenant, text, request.address):
        try:
            direct = direct_tokens.find_accepted(request, text)
        except NotAcceptedDirectly:
            return _find_caller(request, text)
    actor = Actor("subject", str(direct.subject.id), address=request.address)
    return Caller(actor, direct=direct)


def _find_caller(request: EndpointRequest, text: str) -> Caller:
    if master_tokens.is_master_token(text):
        return _find_master_caller(request, text)
    token = gate.accept(request.tenant, text)
    if token is None:
        raise InvalidToken(NOT_ACCEPTED)
    limits.admit_token(request.tenant, token, request.address)
    if token.subject_id is not None:
        require_assurance(request.tenant, token)
        _refuse_pairwise(request, token)
        actor = Actor("subject", str(token.subject_id), address=request.address)
        return Caller(actor, token=token)
    actor = Actor("client", str(token.client), token.client_id, request.address)
    return Caller(actor, scopes=held_scopes(request.tenant, token), token=token)


def _refuse_pairwise(request: EndpointRequest, token: AcceptedToken) -> None:
    """Keep the user's own id from a client that knows them by another. Source: OIDC Core 8.1."""
    client = snapshot.CURRENT.client(request.tenant, token.client_id)
    if client is not None and client.interactive.is_pairwise:
        raise InsufficientScope(PAIRWISE)


def _find_master_caller(request: EndpointRequest, text: str) -> Caller:
    record = master_tokens.accept(request, text)
    client = snapshot.CURRENT.client(request.tenant, record.client_id)
    if client is None or client.id != record.client or not client.is_enabled:
        raise InvalidToken(NOT_ACCEPTED, detail="the master token's client is gone or disabled")
    limits.admit_client(request.tenant, client, request.address, is_shared=record.is_public)
    actor = Actor("master_token", str(record.id), record.label, request.address)
    return Caller(actor, master_token=record, client=client)
