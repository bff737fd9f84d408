"""Merges sessions, machine tokens and outside tokens into the pages of one list.

Each kind is read in the order of its own index, sessions by their beginning and tokens by their
expiry. A page takes from whichever kind has begun later, and the next page goes on where each of
them was left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tokens.admin import foreign_rows, grant_rows
from tokens.admin.foreign_rows import FOREIGN, ForeignPage
from tokens.admin.grant_rows import PAGE_ROWS, SESSION, TOKEN, GrantFilter, GrantRow


@dataclass(frozen=True, slots=True)
class Position:
    """The last session, the last token and the last outside token that a reader has seen."""

    session: tuple[datetime, UUID] | None = None
    token: UUID | None = None
    foreign: UUID | None = None


@dataclass(frozen=True, slots=True)
class GrantPage:
    """One page of the list, and where the next one begins; None at the end."""

    rows: tuple[GrantRow, ...]
    following: Position | None


def read_page(keep: GrantFilter, position: Position) -> GrantPage:
    """Read a page by three statements, and one more for sessions or tokens shown to their end."""
    sessions = grant_rows.read_sessions(keep, position.session)
    tokens = grant_rows.read_tokens(keep, position.token)
    foreign = foreign_rows.read_foreign(keep, position.foreign)
    shown = _merge(sessions, tokens, foreign.rows)
    next_session, has_sessions = _follow_sessions(keep, position, sessions, shown)
    next_token, has_tokens = _follow_tokens(keep, position, tokens, shown)
    next_foreign, has_foreign = _follow_foreign(position, foreign, shown)
    following = Position(next_session, next_token, next_foreign)
    has_more = has_sessions or has_tokens or has_foreign
    return GrantPage(tuple(shown), following if has_more else None)


def write_position(position: Position) -> dict[str, str]:
    """Write a position as the parameters of an address; ids are no secrets."""
    parameters = {}
    if position.session:
        started_at, session_id = position.session
        parameters["after_session"] = f"{started_at.isoformat()}_{session_id}"
    if position.token:
        parameters["after_token"] = str(position.token)
    if position.foreign:
        parameters["after_foreign"] = str(position.foreign)
    return parameters


def parse_position(after_session: str, after_token: str, after_foreign: str = "") -> Position:
    """Read a position; what is no position stands for the beginning."""
    session = None
    moment, _, session_id = after_session.partition("_")
    try:
        started_at = datetime.fromisoformat(moment) if moment else None
        if started_at is not None and started_at.tzinfo is not None:
            session = (started_at, UUID(session_id))
        token = UUID(after_token) if after_token else None
        foreign = UUID(after_foreign) if after_foreign else None
    except ValueError:
        return Position()
    return Position(session, token, foreign)


def _merge(*kinds: list[GrantRow]) -> list[GrantRow]:
    shown: list[GrantRow] = []
    waiting = [rows[::-1] for rows in kinds]
    while any(waiting) and len(shown) < PAGE_ROWS:
        latest = max(filter(None, waiting), key=lambda rows: rows[-1].begun_at)
        shown.append(latest.pop())
    return shown


def _follow_sessions(
    keep: GrantFilter, position: Position, read: list[GrantRow], shown: list[GrantRow]
) -> tuple[tuple[datetime, UUID] | None, bool]:
    seen = [row for row in shown if row.kind == SESSION]
    last = (seen[-1].begun_at, seen[-1].id) if seen else position.session
    if len(seen) < len(read) or len(read) == PAGE_ROWS:
        return last, True
    boundary = grant_rows.find_session_boundary(keep, position.session)
    return boundary or last, boundary is not None


def _follow_tokens(
    keep: GrantFilter, position: Position, read: list[GrantRow], shown: list[GrantRow]
) -> tuple[UUID | None, bool]:
    seen = [row for row in shown if row.kind == TOKEN]
    last = seen[-1].id if seen else position.token
    if len(seen) < len(read) or len(read) == PAGE_ROWS:
        return last, True
    boundary = grant_rows.find_token_boundary(keep, position.token)
    return boundary or last, boundary is not None


def _follow_foreign(
    position: Position, read: ForeignPage, shown: list[GrantRow]
) -> tuple[UUID | None, bool]:
    seen = [row for row in shown if row.kind == FOREIGN]
    last = seen[-1].id if seen else position.foreign
    if len(seen) < len(read.rows) or len(read.rows) == PAGE_ROWS:
        return last, True
    return read.boundary or last, read.boundary is not None
