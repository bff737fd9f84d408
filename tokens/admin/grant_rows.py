"""Reads sessions and machine tokens by indexes, one row of facts each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokens import database
from tokens.liveness import SESSION_DEATH, TOKEN_DEATH
from tokens.token_ids import lower_bound

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from tokens.database import Row

PAGE_ROWS: Final = 50
# How many rows a page looks at, so that what it costs is bounded however much there is.
SESSION_WINDOW: Final = 1_000
TOKEN_WINDOW: Final = 5_000
MILLISECONDS: Final = 1_000
SESSION: Final = "session"
TOKEN: Final = "token"  # noqa: S105 - a kind of row, no secret.

_JOINS: Final = """
LEFT JOIN tenants_client client ON client.id = {row}.client_id
LEFT JOIN tenants_subject subject ON subject.id = {row}.subject_id
LEFT JOIN tenants_tenant tenant ON tenant.id = {row}.tenant_id"""
_SESSION_JOINS: Final = _JOINS.format(row="session")
_TOKEN_JOINS: Final = (
    f"LEFT JOIN tokens_session session ON session.id = token.session_id{_JOINS.format(row='token')}"
)
_SESSION_COLUMNS: Final = f"""
SELECT session.id, session.tenant_id, tenant.path, session.client_id, client.client_id,
  session.subject_id, NULL::uuid, session.grant_type, session.scopes, session.audiences,
  session.started_at, session.last_used_at, session.expires_at, ''::text, session.address,
  session.user_agent, COALESCE(session.app_tenant_id, ''), COALESCE(session.app_subject_id, ''),
  session.sign_in_id, session.acr, {SESSION_DEATH} AS death"""
_TOKEN_COLUMNS: Final = f"""
SELECT token.id, token.tenant_id, tenant.path, token.client_id, client.client_id,
  token.subject_id, token.session_id, token.grant_type, token.scopes, token.audiences,
  token.issued_at, NULL::timestamptz, token.expires_at, token.format,
  COALESCE(token.facts ->> 'address', ''), COALESCE(token.facts ->> 'user_agent', ''),
  COALESCE(token.app_tenant_id, ''), COALESCE(token.app_subject_id, ''), session.sign_in_id,
  COALESCE(session.acr, ''), {TOKEN_DEATH} AS death"""
_STATES: Final = {"active": "WHERE death IS NULL", "ended": "WHERE death IS NOT NULL", "all": ""}


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """What the list keeps: one tenant's rows, perhaps of one client or subject, in one state.

    `app_subject_id` keeps what was issued in the name of this subject of an application.
    """

    tenant_id: UUID
    client: UUID | None = None
    subject_id: UUID | None = None
    state: str = "active"
    app_subject_id: str = ""


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A session, or an access token; `death` says why it is over, empty for what lives.

    An outside token that was accepted directly has a trust profile in place of the client.
    """

    kind: str
    id: UUID
    tenant_id: UUID
    tenant_path: str
    client: UUID | None
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
    app_tenant_id: str = ""
    app_subject_id: str = ""
    trust_profile_id: UUID | None = None
    trust_profile: str = ""
    sign_in_id: UUID | None = None
    acr: str = ""


def read_sessions(keep: GrantFilter, after: tuple[datetime, UUID] | None) -> list[GrantRow]:
    """Read sessions in the order of their beginning, the newest first."""
    window = _write_session_window(keep, after)
    sql = f"""
SELECT * FROM (
  {_SESSION_COLUMNS}
  FROM ({window} LIMIT {SESSION_WINDOW}) session {_SESSION_JOINS}
) found {_STATES[keep.state]} ORDER BY started_at DESC, id DESC LIMIT {PAGE_ROWS}"""  # noqa: S608 - fixed texts.
    return [_make(SESSION, row) for row in database.execute(sql, _bind(keep, session=after))]


def find_session_boundary(
    keep: GrantFilter, after: tuple[datetime, UUID] | None
) -> tuple[datetime, UUID] | None:
    """Find the last session that such a reading has looked at, if there may be more after it."""
    window = _write_session_window(keep, after)
    sql = f"SELECT started_at, id FROM ({window} OFFSET {SESSION_WINDOW - 1} LIMIT 1) last"  # noqa: S608
    rows = database.execute(sql, _bind(keep, session=after))
    return (rows[0][0], rows[0][1]) if rows else None


def read_tokens(keep: GrantFilter, after: UUID | None) -> list[GrantRow]:
    """Read machine tokens in the order of their expiry, the latest first."""
    window = _write_token_window(keep, after)
    client = "AND token.client_id = %(client)b" if keep.client else ""
    subject = "AND token.subject_id = %(subject_id)b" if keep.subject_id else ""
    sql = f"""
SELECT * FROM (
  {_TOKEN_COLUMNS}
  FROM ({window} LIMIT {TOKEN_WINDOW}) token {_TOKEN_JOINS}
  WHERE token.session_id IS NULL {client} {subject}
) found {_STATES[keep.state]} ORDER BY id DESC LIMIT {PAGE_ROWS}"""  # noqa: S608 - fixed texts.
    return [_make(TOKEN, row) for row in database.execute(sql, _bind(keep, token=after))]


def find_token_boundary(keep: GrantFilter, after: UUID | None) -> UUID | None:
    """Find the last token that such a reading has looked at, if there may be more after it."""
    window = _write_token_window(keep, after)
    sql = f"SELECT id FROM ({window} OFFSET {TOKEN_WINDOW - 1} LIMIT 1) last"  # noqa: S608 - fixed.
    rows = database.execute(sql, _bind(keep, token=after))
    return rows[0][0] if rows else None


def find_session(session_id: UUID, tenant_ids: Collection[UUID] | None) -> GrantRow | None:
    """Find one session, in these tenants; None stands for all tenants."""
    sql = f"{_SESSION_COLUMNS} FROM tokens_session session {_SESSION_JOINS}"
    return _find_one(SESSION, sql, session_id, tenant_ids)


def find_token(token_id: UUID, tenant_ids: Collection[UUID] | None) -> GrantRow | None:
    """Find one access token, in these tenants; None stands for all tenants."""
    sql = f"{_TOKEN_COLUMNS} FROM tokens_accesstoken token {_TOKEN_JOINS}"
    return _find_one(TOKEN, sql, token_id, tenant_ids)


def find_tenant_of_name(app_subject_id: str, tenant_ids: Collection[UUID] | None) -> UUID | None:
    """Find a tenant in which something was issued in the name of an application's subject."""
    own = "" if tenant_ids is None else "AND tenant_id = ANY (%(tenant_ids)b)"
    found = f"WHERE app_subject_id = %(name)s {own} LIMIT 1"
    sql = f"""
(SELECT tenant_id FROM tokens_accesstoken {found})
UNION ALL (SELECT tenant_id FROM tokens_session {found}) LIMIT 1"""  # noqa: S608 - fixed texts.
    rows = database.execute(sql, {"name": app_subject_id, "tenant_ids": list(tenant_ids or ())})
    return rows[0][0] if rows else None


def find_session_tokens(session: GrantRow) -> list[GrantRow]:
    """Find a session's access tokens that can still be alive, among the tenant's latest."""
    keep = GrantFilter(session.tenant_id)
    window = _write_token_window(keep, None)
    sql = f"""
{_TOKEN_COLUMNS}
FROM ({window} LIMIT {TOKEN_WINDOW}) token {_TOKEN_JOINS}
WHERE token.session_id = %(session_id)b ORDER BY token.id DESC LIMIT {PAGE_ROWS}"""
    rows = database.execute(sql, {**_bind(keep), "session_id": session.id})
    return [_make(TOKEN, row) for row in rows]


def _write_session_window(keep: GrantFilter, after: tuple[datetime, UUID] | None) -> str:
    client = "AND client_id = %(client)b" if keep.client else ""
    subject = "AND subject_id = %(subject_id)b" if keep.subject_id else ""
    subject += _write_name(keep)
    older = "AND (started_at, id) < (%(after_at)b, %(after_id)b)" if after else ""
    return (
        f"SELECT * FROM tokens_session WHERE tenant_id = %(tenant_id)b {client} {subject} {older} "  # noqa: S608 - fixed texts.
        "ORDER BY started_at DESC, id DESC"
    )


def _write_token_window(keep: GrantFilter, after: UUID | None) -> str:
    # The id's time is the expiry: what has expired is passed over by the index itself.
    living = "AND id >= %(now_id)b" if keep.state == "active" else ""
    older = "AND id < %(after_token)b" if after else ""
    older += _write_name(keep)
    return (
        f"SELECT * FROM tokens_accesstoken WHERE tenant_id = %(tenant_id)b {living} {older} "  # noqa: S608 - fixed texts.
        "ORDER BY id DESC"
    )


def _write_name(keep: GrantFilter) -> str:
    return " AND app_subject_id = %(app_subject_id)s" if keep.app_subject_id else ""


def _bind(
    keep: GrantFilter,
    *,
    session: tuple[datetime, UUID] | None = None,
    token: UUID | None = None,
) -> dict[str, object]:
    now = time.time()
    return {
        "tenant_id": keep.tenant_id,
        "client": keep.client,
        "subject_id": keep.subject_id,
        "app_subject_id": keep.app_subject_id,
        "after_at": session[0] if session else None,
        "after_id": session[1] if session else None,
        "after_token": token,
        "now": now,
        "now_id": lower_bound(int(now * MILLISECONDS)),
    }


def _find_one(
    kind: str, sql: str, row_id: UUID, tenant_ids: Collection[UUID] | None
) -> GrantRow | None:
    own = "" if tenant_ids is None else f"AND {kind}.tenant_id = ANY (%(tenant_ids)b)"
    parameters = {"id": row_id, "tenant_ids": list(tenant_ids or ()), "now": time.time()}
    rows = database.execute(f"{sql} WHERE {kind}.id = %(id)b {own}", parameters)
    return _make(kind, rows[0]) if rows else None


def _make(kind: str, columns: Row) -> GrantRow:
    row_id, tenant_id, path, client, client_id, subject_id, session_id, *rest = columns
    grant_type, scopes, audiences, begun_at, last_used_at, expires_at, *texts = rest
    token_format, address, user_agent, app_tenant_id, app_subject_id, *signed_in, death = texts
    return GrantRow(
        kind=kind,
        id=row_id,
        tenant_id=tenant_id,
        tenant_path=path or "",
        client=client,
        client_id=client_id or "",
        subject_id=subject_id,
        session_id=session_id,
        grant_type=grant_type,
        scopes=tuple(scopes),
        audiences=tuple(audiences),
        begun_at=begun_at,
        last_used_at=last_used_at,
        expires_at=expires_at,
        format=token_format,
        address=address,
        user_agent=user_agent,
        death=death or "",
        app_tenant_id=app_tenant_id,
        app_subject_id=app_subject_id,
        sign_in_id=signed_in[0],
        acr=signed_in[1],
    )
