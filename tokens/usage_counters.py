"""Counts the uses of tokens of limited use: exactly, however many ask at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tokens import database
from tokens.liveness import NOW

if TYPE_CHECKING:
    from tokens.gate import AcceptedToken

# Whoever comes at the same time waits for the row and sees the other's count. The last use ends the
# token in the same statement.
COUNT_SQL: Final = f"""
WITH counted AS (
  INSERT INTO tokens_usagecounter AS counter (id, tenant_id, count, expires_at)
  SELECT %(id)b::uuid, %(tenant_id)b::uuid, 1, to_timestamp(%(expires_at)b::float8)
  ON CONFLICT (id) DO UPDATE SET count = counter.count + 1
    WHERE counter.count < %(usage_limit)b::int
  RETURNING count),
ended AS (
  UPDATE tokens_accesstoken SET revoked_at = {NOW}
  WHERE id = %(id)b::uuid AND tenant_id = %(tenant_id)b::uuid AND revoked_at IS NULL
    AND (SELECT count FROM counted) >= %(usage_limit)b::int)
SELECT count FROM counted"""  # noqa: S608 - fixed texts.
READ_SQL: Final = """
SELECT count FROM tokens_usagecounter WHERE id = %(id)b AND tenant_id = %(tenant_id)b"""


def count_use(token: AcceptedToken) -> int | None:
    """Count one use and answer how many there are with it; None where none was left.

    Raises:
        DatabaseUnavailable: nobody knows; the use may have been counted, and is never repeated.
    """
    parameters = {
        "id": token.id,
        "tenant_id": token.tenant_id,
        "expires_at": float(token.expires_at),
        "usage_limit": token.usage_limit,
        "now": time.time(),
    }
    rows = database.execute(COUNT_SQL, parameters)
    return int(rows[0][0]) if rows else None


def read(token: AcceptedToken) -> int:
    """Answer how many uses there were; one statement."""
    parameters = {"id": token.id, "tenant_id": token.tenant_id}
    rows = database.execute(READ_SQL, parameters, is_repeatable=True)
    return int(rows[0][0]) if rows else 0
