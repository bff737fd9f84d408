"""Reads outside tokens that were accepted directly, for the one list and its pages."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokens import database
from tokens.admin.grant_rows import MILLISECONDS, PAGE_ROWS, GrantFilter, GrantRow
from tokens.liveness import FOREIGN_DEATH
from tokens.token_ids import lower_bound

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from tokens.database import Row

FOREIGN: Final = "foreign_token"
# How many rows a page looks at, so that what it costs is bounded however much there is.
FOREIGN_WINDOW: Final = 5_000
_COLUMNS: Final = f"""
SELECT token.id, token.tenant_id, tenant.path, token.trust_profile_id, profile.slug,
  token.subject_id, token.scopes,
  ARRAY(SELECT audience FROM tenants_api WHERE id = ANY (token.api_ids) ORDER BY audience),
  token.accepted_at, token.expires_at, {FOREIGN_DEATH} AS death"""  # noqa: S608 - fixed texts.
_JOINS: Final = """
LEFT JOIN tenants_trustprofile profile ON profile.id = token.trust_profile_id
LEFT JOIN tenants_subject subject ON subject.id = token.subject_id
LEFT JOIN tenants_tenant tenant ON tenant.id = token.tenant_id"""
_STATES: Final = {"active": "WHERE death IS NULL", "ended": "WHERE death IS NOT NULL", "all": ""}
_BY_HASH_SQL: Final = """
SELECT id FROM tokens_foreigntoken WHERE token_hash = %(token_hash)b
  AND content_hash = %(content_hash)b AND (%(is_all)b OR tenant_id = ANY (%(tenant_ids)b::uuid[]))
ORDER BY id DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class ForeignPage:
    """Outside tokens, and the last row that was looked at where there may be more after it."""

    rows: list[GrantRow]
    boundary: UUID | None = None


def read_foreign(keep: GrantFilter, after: UUID | None) -> ForeignPage:
    """Read outside tokens in the order of their expiry, the latest first; one statement.

    They have no client of ours, and nobody of an application is acted for by them.
    """
    if keep.client or keep.app_subject_id:
        return ForeignPage([])
    sql = f"""
WITH looked AS MATERIALIZED ({_write_window(keep, after)} LIMIT {FOREIGN_WINDOW})
SELECT last.id, found.*
FROM (SELECT (SELECT id FROM looked ORDER BY id DESC OFFSET {FOREIGN_WINDOW - 1} LIMIT 1)) last (id)
LEFT JOIN (
  SELECT * FROM ({_COLUMNS} FROM looked token {_JOINS}) judged {_STATES[keep.state]}
  ORDER BY id DESC LIMIT {PAGE_ROWS}
) found ON TRUE ORDER BY found.id DESC"""  # noqa: S608 - fixed texts.
    rows = database.execute(sql, _bind(keep, after))
    return ForeignPage([_make(row[1:]) for row in rows if row[1] is not None], rows[0][0])


def find_foreign(row_id: UUID, tenant_ids: Collection[UUID] | None) -> GrantRow | None:
    """Find one outside token, in these tenants; None stands for all tenants."""
    own = "" if tenant_ids is None else "AND token.tenant_id = ANY (%(tenant_ids)b)"
    sql = f"{_COLUMNS} FROM tokens_foreigntoken token {_JOINS} WHERE token.id = %(id)b {own}"
    parameters = {"id": row_id, "tenant_ids": list(tenant_ids or ()), "now": time.time()}
    rows = database.execute(sql, parameters)
    return _make(rows[0]) if rows else None


def find_by_hash(hashes: tuple[bytes, bytes], tenant_ids: Collection[UUID] | None) -> UUID | None:
    """Find the row of an outside token by the digests of its name and of its signing input."""
    parameters = {
        "token_hash": hashes[0],
        "content_hash": hashes[1],
        "is_all": tenant_ids is None,
        "tenant_ids": list(tenant_ids or ()),
    }
    rows = database.execute(_BY_HASH_SQL, parameters)
    return rows[0][0] if rows else None


def _write_window(keep: GrantFilter, after: UUID | None) -> str:
    subject = "AND subject_id = %(subject_id)b" if keep.subject_id else ""
    # The id's time is the expiry: what has expired is passed over by the index itself.
    living = "AND id >= %(now_id)b" if keep.state == "active" else ""
    older = "AND id < %(after)b" if after else ""
    return (
        f"SELECT * FROM tokens_foreigntoken WHERE tenant_id = %(tenant_id)b {subject} {living} "  # noqa: S608 - fixed texts.
        f"{older} ORDER BY id DESC"
    )


def _bind(keep: GrantFilter, after: UUID | None) -> dict[str, object]:
    now = time.time()
    return {
        "tenant_id": keep.tenant_id,
        "subject_id": keep.subject_id,
        "after": after,
        "now": now,
        "now_id": lower_bound(int(now * MILLISECONDS)),
    }


def _make(columns: Row) -> GrantRow:
    row_id, tenant_id, path, profile_id, slug, subject_id, scopes, audiences, *rest = columns
    accepted_at, expires_at, death = rest
    return GrantRow(
        kind=FOREIGN,
        id=row_id,
        tenant_id=tenant_id,
        tenant_path=path or "",
        client=None,
        client_id="",
        subject_id=subject_id,
        session_id=None,
        grant_type="",
        scopes=tuple(scopes),
        audiences=tuple(audiences),
        begun_at=accepted_at,
        last_used_at=None,
        expires_at=expires_at,
        format="jwt",
        address="",
        user_agent="",
        death=death or "",
        trust_profile_id=profile_id,
        trust_profile=slug or "",
    )
