"""Reads sessions and machine tokens, newest first, by indexes and in bounded portions.

Both are rows of one list. Each kind is read in the order of its own index, sessions by their
beginning and tokens by their id, whose time is the expiry; the list merges the two by beginning.
What a page costs is bounded, however much there is: a page looks at so many rows and no more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tokens import database
from tokens.liveness import SESSION_DEATH, TOKEN_DEATH
from tokens.token_ids import lower_bound

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tokens.database import Row

PAGE_ROWS: Final = 50
SESSION_WINDOW: Final = 1_000
TOKEN_WINDOW: Final = 5_000
MILLISECONDS: Final = 1_000
SESSION: Final = "session"
TOKEN: Final = "token"  # noqa: S105 - a kind of row, no secret.

_JOINS: Final = """
LEFT JOIN tenants_client client ON client.id = {row}.client_id
LEFT JOIN tenants_subject subject ON subject.id = {row}.subject_id
LEFT JOIN tenants_tenant tenant ON tenant.id = {row}.tenant_id"""
_SESSION_COLUMNS: Final = f"""
SELECT session.id, session.tenant_id, tenant.path, session.client_id, client.client_id,
  session.subject_id, NULL::uuid, session.grant_type, session.scopes, session.audiences,
  session.started_at, session.last_used_at, session.expires_at, '', session.address,
  session.user_agent, {SESSION_DEATH} AS death"""
_TOKEN_COLUMNS: Final = f"""
SELECT token.id, token.tenant_id, tenant.path, token.client_id, client.client_id,
  token.subject_id, token.session_id, token.grant_type, token.scopes, token.audiences,
  token.issued_at, NULL::timestamptz, token.expires_at, token.format,
  COALESCE(token.facts ->> 'address', ''), COALESCE(token.facts ->> 'user_agent', ''),
  {TOKEN_DEATH} AS death"""
_TOKEN_JOINS: Final = (
    f"LEFT JOIN tokens_session session ON session.id = token.session_id{_JOINS.format(row='token')}"
)
_STATES: Final = {"active": "WHERE death IS NULL", "ended": "WHERE death IS NOT NULL", "all": ""}


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """What the list keeps: one tenant's rows, perhaps of one client or subject, in one state."""

    tenant_id: UUID
    client_id: UUID | None = None
    subject_id: UUID | None = None
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader has come: the last session and the last token that were seen."""

    session: tuple[datetime, UUID] | None = None
    token: UUID | None = None


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A session, or an access token; `death` says why it is over, empty for what lives."""

    kind: str
    id: UUID
    tenant_id: UUID
    tenant_path: str
    client: UUID
    client_id: str
    subject_id: UUID | None
    session_id: UUID | None
    grant_type: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    begun_at: datetime
    last_used_at: datetime | None
    expires_at: datetime
    format: str
    address: str
    user_agent: str
    death: str


@dataclass(frozen=True, slots=True)
class GrantPage:
    """One page of the list, and where the next one begins; None at the end."""

    rows: tuple[GrantRow, ...]
    following: Position | None


def read_page(keep: GrantFilter, position: Position) -> GrantPage:
    """Read a page by two statements, and one more for each kind whose portion was used up."""
    sessions = _read_sessions(keep, position)
    tokens = _read_tokens(keep, position)
    merged = sorted((*sessions, *tokens), key=_newest_first)[:PAGE_ROWS]
    shown = _keep_order(merged, sessions, tokens)
    return GrantPage(tuple(shown), _find_following(keep, position, shown, sessions, tokens))


def find_session(session_id: UUID, tenant_ids: Collection[UUID] | None) -> GrantRow | None:
    """Find one session, in these tenants; None stands for all tenants."""
    sql = f"{_SESSION_COLUMNS} FROM tokens_session session{_JOINS.format(row='session')}"
    return _find_one(SESSION, sql, session_id, tenant_ids)


def find_token(token_id: UUID, tenant_ids: Collection[UUID] | None) -> GrantRow | None:
    """Find one access token, in these tenants; None stands for all tenants."""
    sql = f"{_TOKEN_COLUMNS} FROM tokens_accesstoken token {_TOKEN_JOINS}"
    return _find_one(TOKEN, sql, token_id, tenant_ids)
