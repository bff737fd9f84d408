"""Makes the daily partitions of a table ahead, and drops those that nobody asks for.

Runs as the owner of the tables. A partition carries no grant: access only through the parent.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction

from tenants.models.fields import MAX_ACCESS_TOKEN_LIFETIME_SECONDS
from tokens.token_ids import partition_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER_ALIAS: Final = "owner"
MAX_PARTITIONS: Final = 64
# One day may begin while a maintenance is late, and one more is spare.
SPARE_DAYS: Final = 2
# A process whose clock is a little behind may issue a short token just after midnight.
DAYS_BEHIND: Final = 1
LOCK_TIMEOUT: Final = "2s"
MAINTENANCE_LOCK: Final = 0x5041525449  # "PARTI"
DEFAULT_RETENTION_SECONDS: Final = 7 * 86_400
# A refusal's partition is made when it begins; the week ahead outlasts a broken task queue.
REFUSALS_AHEAD_SECONDS: Final = 7 * 86_400
# Also what is no partition any more: a table that an interrupted maintenance detached.
LIST_SQL: Final = """
SELECT c.relname, i.inhparent IS NOT NULL, COALESCE(i.inhdetachpending, false)
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relkind = 'r' AND c.relname ~ %s
  AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(%s))
ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True)
class PartitionedTable:
    """A table with one partition for each day of its ids; its platform row in seconds.

    `platform_sql` reads how far ahead its rows may lie, and how long a day stays after its end.
    """

    parent: str
    platform_sql: str
    default_ahead_seconds: int

    @property
    def prefix(self) -> str:
        """What the names of its partitions begin with, before the day."""
        return f"{self.parent}_"


ACCESS_TOKENS: Final = PartitionedTable(
    "tokens_accesstoken",
    "SELECT max_access_token_lifetime_seconds, token_retention_seconds FROM tenants_platform",
    MAX_ACCESS_TOKEN_LIFETIME_SECONDS,
)
REFUSALS: Final = PartitionedTable(
    "tokens_refusal",
    "SELECT NULL::integer, refusal_retention_seconds FROM tenants_platform",
    REFUSALS_AHEAD_SECONDS,
)
EXISTING_SQL: Final = "SELECT name FROM unnest(%s::text[]) name WHERE to_regclass(name) IS NOT NULL"
TABLES: Final = (ACCESS_TOKENS, REFUSALS)


@dataclass(frozen=True, slots=True)
class Partition:
    """A day's table: part of the parent, leaving it, or left behind."""

    table: PartitionedTable
    day: date
    is_attached: bool
    is_detaching: bool

    @property
    def name(self) -> str:
        """The table's name."""
        return f"{self.table.prefix}{self.day:%Y%m%d}"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What one maintenance did; `postponed` were busy and are tried again by the next one."""

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    postponed: tuple[str, ...] = ()


def maintain(now: datetime, *, using: str = OWNER_ALIAS) -> Maintenance:
    """Make what the next days need, and drop what is past its retention, in every table.

    Does nothing while another process maintains. Drops need autocommit.
    """
    with _maintenance_lock(using) as is_mine:
        if not is_mine:
            return Maintenance()
        done = [_maintain(table, now, using) for table in TABLES]
    return Maintenance(
        tuple(name for one in done for name in one.made),
        tuple(name for one in done for name in one.dropped),
        tuple(name for one in done for name in one.postponed),
    )


def make_ahead(now: datetime, *, using: str) -> tuple[str, ...]:
    """Make what the next days need, in every table that exists already."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        parents = [table.parent for table in TABLES]
        cursor.execute(EXISTING_SQL, [parents])
        existing = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAINTENANCE_LOCK])
        return tuple(
            name
            for table in TABLES
            if table.parent in existing
            for name in _make_ahead(table, using, now, _read_platform(table, using)[0])
        )


def horizon(now: datetime, *, using: str = DEFAULT_DB_ALIAS) -> datetime:
    """Answer until when tokens may live: the end of the last day that has its partition.

    Before it no day is missing; without a partition for today it is now.
    """
    attached = {p.day for p in list_partitions(using) if p.is_attached and not p.is_detaching}
    day = now.astimezone(UTC).date()
    if day not in attached:
        return now
    while day in attached:
        day += timedelta(days=1)
    return _midnight(day)


def reaches_far_enough(now: datetime, *, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Say whether the longest token that the platform allows now has its partition."""
    lifetime_seconds, _ = _read_platform(ACCESS_TOKENS, using)
    return horizon(now, using=using) > now + timedelta(seconds=lifetime_seconds)


def list_partitions(using: str, table: PartitionedTable = ACCESS_TOKENS) -> list[Partition]:
    """List the day tables, oldest first."""
    with connections[using].cursor() as cursor:
        cursor.execute(LIST_SQL, [f"^{table.prefix}[0-9]{{8}}$", table.parent])
        rows = cursor.fetchall()
    return [
        Partition(
            table,
            datetime.strptime(name.removeprefix(table.prefix), "%Y%m%d").replace(tzinfo=UTC).date(),
            is_attached,
            is_detaching,
        )
        for name, is_attached, is_detaching in rows
    ]


def _maintain(table: PartitionedTable, now: datetime, using: str) -> Maintenance:
    ahead_seconds, retention_seconds = _read_platform(table, using)
    made = _make_ahead(table, using, now, ahead_seconds)
    dropped, postponed = _drop_expired(table, using, now - timedelta(seconds=retention_seconds))
    return Maintenance(made, dropped, postponed)


def _make_ahead(
    table: PartitionedTable, using: str, now: datetime, ahead_seconds: int
) -> tuple[str, ...]:
    existing = list_partitions(using, table)
    first = now.astimezone(UTC).date() - timedelta(days=DAYS_BEHIND)
    last = (now.astimezone(UTC) + timedelta(seconds=ahead_seconds, days=SPARE_DAYS)).date()
    taken = {partition.day for partition in existing}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    room = max(0, MAX_PARTITIONS - len(existing))
    missing = [
        Partition(table, day, is_attached=False, is_detaching=False)
        for day in days
        if day not in taken
    ]
    for partition in missing[:room]:
        _make(using, partition)
    return tuple(partition.name for partition in missing[:room])


def _make(using: str, partition: Partition) -> None:
    """Make a table and attach it: unlike PARTITION OF, this waits for no open insert."""
    first, after = partition_bounds(partition.day)
    parent = partition.table.parent
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute(f"CREATE TABLE {partition.name} (LIKE {parent} INCLUDING ALL)")
        cursor.execute(
            f"ALTER TABLE {parent} ATTACH PARTITION {partition.name} "
            f"FOR VALUES FROM ('{first}') TO ('{after}')"
        )


def _drop_expired(
    table: PartitionedTable, using: str, before: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    dropped: list[str] = []
    postponed: list[str] = []
    for partition in list_partitions(using, table):
        is_expired = _midnight(partition.day + timedelta(days=1)) <= before
        if not is_expired and not partition.is_detaching:
            continue
        try:
            _drop(using, partition)
        except OperationalError:
            # A long transaction still reads the table; the next maintenance finishes this one.
            postponed.append(partition.name)
        else:
            dropped.append(partition.name)
    return tuple(dropped), tuple(postponed)


def _drop(using: str, partition: Partition) -> None:
    """Detach without blocking anybody, also where an earlier try was interrupted, then drop."""
    detach = f"ALTER TABLE {partition.table.parent} DETACH PARTITION {partition.name}"
    with connections[using].cursor() as cursor:
        if partition.is_detaching:
            cursor.execute(f"{detach} FINALIZE")
        elif partition.is_attached:
            cursor.execute(f"{detach} CONCURRENTLY")
        cursor.execute(f"DROP TABLE {partition.name}")


@contextmanager
def _maintenance_lock(using: str) -> Iterator[bool]:
    """Hold the maintenance for this session, with a bound on every wait for a table."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [MAINTENANCE_LOCK])
        if not cursor.fetchone()[0]:
            yield False
            return
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
    try:
        yield True
    finally:
        with connections[using].cursor() as cursor:
            cursor.execute("RESET lock_timeout")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MAINTENANCE_LOCK])


def _read_platform(table: PartitionedTable, using: str) -> tuple[int, int]:
    """Read how far ahead rows may lie, and how long they stay after their day, in seconds."""
    with connections[using].cursor() as cursor:
        cursor.execute(table.platform_sql)
        row = cursor.fetchone()
    ahead_seconds, retention_seconds = row or (None, DEFAULT_RETENTION_SECONDS)
    return ahead_seconds or table.default_ahead_seconds, retention_seconds


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
