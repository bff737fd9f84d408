"""Reads where a person is signed in, and which applications have access; one statement each.

Nothing of anybody else is ever found: each statement takes the tenant and the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokens import database
from tokens.liveness import NOW, SESSION_DEATH, SIGN_IN_DEATH, TOKEN_DEATH
from tokens.token_ids import lower_bound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from tenants.records import TenantSnapshot

PAGE_ROWS: Final = 50
MAX_PAGES: Final = 200
# Of tokens that belong to no session; what is beyond only says again which clients there are.
MAX_LOOSE_TOKENS: Final = 1_000
MILLISECONDS: Final = 1_000
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_PAGE: Final = "LIMIT %(limit)b::bigint OFFSET %(offset)b::bigint"
_BROWSERS: Final = f"""
SELECT sign_in.id, sign_in.address, sign_in.user_agent, sign_in.started_at, sign_in.last_used_at
FROM tokens_signin sign_in JOIN tenants_subject subject ON subject.id = sign_in.subject_id
WHERE sign_in.tenant_id = %(tenant_id)b AND sign_in.subject_id = %(subject_id)b
  AND ({SIGN_IN_DEATH}) IS NULL"""  # noqa: S608 - fixed texts.
BROWSERS_SQL: Final = f"{_BROWSERS} ORDER BY sign_in.last_used_at DESC, sign_in.id {_PAGE}"
BROWSER_SQL: Final = f"{_BROWSERS} AND sign_in.id = %(id)b"
_LIVING: Final = f"""
FROM tokens_session session LEFT JOIN tenants_subject subject ON subject.id = session.subject_id
WHERE session.tenant_id = %(tenant_id)b AND session.subject_id = %(subject_id)b
  AND ({SESSION_DEATH}) IS NULL"""
_SESSIONS: Final = f"""
SELECT session.id, session.client_id, COALESCE(NULLIF(client.name, ''), client.client_id),
  session.grant_type, session.address, session.user_agent, session.started_at,
  session.last_used_at, session.expires_at, session.is_offline, session.scopes
FROM (SELECT session.* {_LIVING}) session
JOIN tenants_client client ON client.id = session.client_id"""  # noqa: S608 - fixed texts.
_ORDER: Final = f"ORDER BY session.last_used_at DESC, session.id {_PAGE}"
DEVICES_SQL: Final = f"{_SESSIONS} WHERE session.grant_type = '{DEVICE_GRANT}' {_ORDER}"
APP_SESSIONS_SQL: Final = f"{_SESSIONS} WHERE session.client_id = %(client_id)b {_ORDER}"
SESSION_SQL: Final = f"{_SESSIONS} WHERE session.id = %(id)b"
# An application has access by what was agreed to, by a session, or by a token without one.
_APPS: Final = f"""
WITH living AS MATERIALIZED (SELECT session.* {_LIVING}),
loose AS MATERIALIZED (
  SELECT token.client_id, token.issued_at, token.scopes
  FROM tokens_accesstoken token
  LEFT JOIN tokens_session session ON session.id = token.session_id
  LEFT JOIN tenants_subject subject ON subject.id = token.subject_id
  WHERE token.tenant_id = %(tenant_id)b AND token.subject_id = %(subject_id)b
    AND token.session_id IS NULL AND token.id >= %(oldest)b AND ({TOKEN_DEATH}) IS NULL
  LIMIT {MAX_LOOSE_TOKENS}),
fact AS (
  SELECT client_id, started_at AS since, last_used_at, 1 AS sessions, scopes,
    CASE WHEN is_offline THEN expires_at END AS offline_until FROM living
  UNION ALL SELECT client_id, issued_at, NULL, 0, scopes, NULL FROM loose
  UNION ALL SELECT client_id, granted_at, NULL, 0, scopes, NULL FROM tokens_consent
  WHERE tenant_id = %(tenant_id)b AND subject_id = %(subject_id)b AND expires_at > {NOW}),
app AS (
  SELECT client_id, min(since) AS since, max(last_used_at) AS last_used_at,
    sum(sessions) AS sessions, max(offline_until) AS offline_until
  FROM fact GROUP BY client_id)
SELECT client.id, COALESCE(NULLIF(client.name, ''), client.client_id), app.since,
  app.last_used_at, app.sessions::int, app.offline_until,
  ARRAY(SELECT DISTINCT unnest(fact.scopes) FROM fact WHERE fact.client_id = app.client_id)
FROM app JOIN tenants_client client ON client.id = app.client_id"""  # noqa: S608 - fixed texts.
APPS_SQL: Final = f"{_APPS} ORDER BY app.last_used_at DESC NULLS LAST, client.id {_PAGE}"
APP_SQL: Final = f"{_APPS} WHERE client.id = %(client_id)b"


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser in which a person is signed in."""

    id: UUID
    address: str
    user_agent: str
    started_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class AppSession:
    """A session of a person with an application, on whatever device."""

    id: UUID
    client: UUID
    application: str
    grant_type: str
    address: str
    user_agent: str
    started_at: datetime
    last_used_at: datetime
    expires_at: datetime
    is_offline: bool
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class App:
    """An application that has access, and for what; what is not known is None."""

    client: UUID
    name: str
    since: datetime
    last_used_at: datetime | None
    sessions: int
    offline_until: datetime | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose account is read, at which moment (seconds since the epoch)."""

    tenant: TenantSnapshot
    subject_id: UUID
    now: float


def list_browsers(owner: Owner, page: int = 1) -> tuple[list[Browser], bool]:
    """List where a person is signed in, and say whether there is more; pages begin with 1."""
    rows, has_more = _read_page(BROWSERS_SQL, owner, page)
    return [Browser(*row) for row in rows], has_more


def list_apps(owner: Owner, page: int = 1) -> tuple[list[App], bool]:
    """List the applications that have access, and say whether there are more."""
    rows, has_more = _read_page(APPS_SQL, owner, page)
    return [_build_app(row) for row in rows], has_more


def list_devices(owner: Owner, page: int = 1) -> tuple[list[AppSession], bool]:
    """List the devices that a person let in by a code, and say whether there are more."""
    rows, has_more = _read_page(DEVICES_SQL, owner, page)
    return [_build_session(row) for row in rows], has_more


def list_app_sessions(owner: Owner, client: UUID, page: int = 1) -> tuple[list[AppSession], bool]:
    """List a person's sessions with one application, and say whether there are more."""
    rows, has_more = _read_page(APP_SESSIONS_SQL, owner, page, client_id=client)
    return [_build_session(row) for row in rows], has_more


def find_app(owner: Owner, client: UUID) -> App | None:
    """Find one application that has access."""
    rows = _read(APP_SQL, owner, client_id=client)
    return _build_app(rows[0]) if rows else None


def find_session(owner: Owner, session_id: UUID) -> AppSession | None:
    """Find one of a person's sessions that lives."""
    rows = _read(SESSION_SQL, owner, id=session_id)
    return _build_session(rows[0]) if rows else None


def find_browser(owner: Owner, sign_in_id: UUID) -> Browser | None:
    """Find one browser in which a person is signed in."""
    rows = _read(BROWSER_SQL, owner, id=sign_in_id)
    return Browser(*rows[0]) if rows else None


def _read_page(
    sql: str, owner: Owner, page: int, **values: object
) -> tuple[list[database.Row], bool]:
    """Read a page by one row more than it has, which says whether there is another."""
    offset = (min(max(page, 1), MAX_PAGES) - 1) * PAGE_ROWS
    rows = _read(sql, owner, limit=PAGE_ROWS + 1, offset=offset, **values)
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def _read(sql: str, owner: Owner, **values: object) -> list[database.Row]:
    common = {
        "tenant_id": owner.tenant.id,
        "subject_id": owner.subject_id,
        "now": float(owner.now),
        "idle": float(owner.tenant.sign_in.idle_lifetime_seconds),
        "oldest": lower_bound(int(owner.now * MILLISECONDS)),
    }
    return database.execute(sql, {**common, **values}, is_repeatable=True)


def _build_app(row: database.Row) -> App:
    return App(*(*row[:-1], tuple(sorted(row[-1]))))


def _build_session(row: database.Row) -> AppSession:
    return AppSession(*(*row[:-1], tuple(row[-1])))
