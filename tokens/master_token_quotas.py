"""Counts the users that a public master token makes, by day and address; atomic and bounded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.db import transaction

from tokens import database
from tokens.errors import QuotaExceeded
from tokens.limits.keys import name_network

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.queries.master_tokens import MasterTokenRecord

DAY_SECONDS: Final = 86_400
EVERYBODY: Final = ""
TAKE_SQL: Final = """
INSERT INTO tokens_mastertokenquota AS quota (tenant_id, master_token_id, day, address, count)
SELECT %(tenant_id)b::uuid, %(master_token_id)b::uuid, %(day)s::date, %(address)s::text, 1
ON CONFLICT (master_token_id, day, address)
DO UPDATE SET count = quota.count + 1 WHERE quota.count < %(limit)b
RETURNING count"""


def take(tenant_id: UUID, token: MasterTokenRecord, address: str, *, now: float) -> None:
    """Count one more user of a public token; `now` is in seconds since the epoch.

    The address comes first, so that whoever has used theirs up takes nothing from the others. A
    count that is refused leaves no row, so there are never more rows than users and days.

    Raises:
        QuotaExceeded: the address or the token has made enough users today.
    """
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    counts = (
        (name_network(address), token.max_users_per_address_per_day),
        (EVERYBODY, token.max_users_per_day),
    )
    with transaction.atomic():
        for counted, limit in counts:
            parameters = {
                "tenant_id": tenant_id,
                "master_token_id": token.id,
                "day": day,
                "address": counted,
                "limit": limit,
            }
            if not database.execute(TAKE_SQL, parameters):
                raise QuotaExceeded(
                    "This master token has made enough users for today; try again tomorrow.",
                    detail=f"{token.id} from {counted or 'everywhere'}",
                    retry_after_seconds=DAY_SECONDS - int(now) % DAY_SECONDS,
                )
