"""Makes the daily partitions of the access tokens ahead, and drops those that nobody asks for.

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

PARENT: Final = "tokens_accesstoken"
PREFIX: Final = f"{PARENT}_"
OWNER_ALIAS: Final = "owner"
MAX_PARTITIONS: Final = 64
# One day may begin while a maintenance is late, and one more is spare.
SPARE_DAYS: Final = 2
# A process whose clock is a little behind may issue a short token just after midnight.
DAYS_BEHIND: Final = 1
LOCK_TIMEOUT: Final = "2s"
MAINTENANCE_LOCK: Final = 0x5041525449  # "PARTI"
DEFAULT_RETENTION_SECONDS: Final = 7 * 86_400
# Also what is no partition any more: a table that an interrupted maintenance detached.
LIST_SQL: Final = f"""
SELECT c.relname, i.inhparent IS NOT NULL, COALESCE(i.inhdetachpending, false)
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relkind = 'r' AND c.relname ~ '^{PREFIX}[0-9]{{8}}$'
  AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('{PARENT}'))
ORDER BY c.relname
"""  # noqa: S608 - fixed texts.
PLATFORM_SQL: Final = """
SELECT max_access_token_lifetime_seconds, token_retention_seconds FROM tenants_platform
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A day's table: part of the parent, leaving it, or left behind."""

    day: date
    is_attached: bool
    is_detaching: bool

    @property
    def name(self) -> str:
        """The table's name."""
        return f"{PREFIX}{self.day:%Y%m%d}"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What one maintenance did; `postponed` were busy and are tried again by the next one."""

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    postponed: tuple[str, ...] = ()


def maintain(now: datetime, *, using: str = OWNER_ALIAS) -> Maintenance:
    """Make what the longest token from now needs, and drop what is past its retention.

    Does nothing while another process maintains. Drops need autocommit.
    """
    with _maintenance_lock(using) as is_mine:
        if not is_mine:
            return Maintenance()
        lifetime_seconds, retention_seconds = _read_platform(using)
        made = _make_ahead(using, now, lifetime_seconds)
        dropped, postponed = _drop_expired(using, now - timedelta(seconds=retention_seconds))
        return Maintenance(made, dropped, postponed)


def make_ahead(now: datetime, *, using: str) -> tuple[str, ...]:
    """Make what the longest token from now needs; nothing where there is no parent table yet."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [PARENT])
        if not cursor.fetchone()[0]:
            return ()
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAINTENANCE_LOCK])
        return _make_ahead(using, now, _read_platform(using)[0])


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
    lifetime_seconds, _ = _read_platform(using)
    return horizon(now, using=using) > now + timedelta(seconds=lifetime_seconds)


def list_partitions(using: str) -> list[Partition]:
    """List the day tables, oldest first."""
    with connections[using].cursor() as cursor:
        cursor.execute(LIST_SQL)
        rows = cursor.fetchall()
    return [
        Partition(
            datetime.strptime(name.removeprefix(PREFIX), "%Y%m%d").replace(tzinfo=UTC).date(),
            is_attached,
            is_detaching,
        )
        for name, is_attached, is_detaching in rows
    ]


def _make_ahead(using: str, now: datetime, lifetime_seconds: int) -> tuple[str, ...]:
    existing = list_partitions(using)
    first = now.astimezone(UTC).date() - timedelta(days=DAYS_BEHIND)
    last = (now.astimezone(UTC) + timedelta(seconds=lifetime_seconds, days=SPARE_DAYS)).date()
    taken = {partition.day for partition in existing}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    room = max(0, MAX_PARTITIONS - len(existing))
    missing = [Partition(d, is_attached=False, is_detaching=False) for d in days if d not in taken]
    for partition in missing[:room]:
        _make(using, partition)
    return tuple(partition.name for partition in missing[:room])


def _make(using: str, partition: Partition) -> None:
    """Make a table and attach it: unlike PARTITION OF, this waits for no open insert."""
    first, after = partition_bounds(partition.day)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        cursor.execute(f"CREATE TABLE {partition.name} (LIKE {PARENT} INCLUDING ALL)")
        cursor.execute(
            f"ALTER TABLE {PARENT} ATTACH PARTITION {partition.name} "
            f"FOR VALUES FROM ('{first}') TO ('{after}')"
        )


def _drop_expired(using: str, before: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    dropped: list[str] = []
    postponed: list[str] = []
    for partition in list_partitions(using):
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
    with connections[using].cursor() as cursor:
        if partition.is_detaching:
            cursor.execute(f"ALTER TABLE {PARENT} DETACH PARTITION {partition.name} FINALIZE")
        elif partition.is_attached:
            cursor.execute(f"ALTER TABLE {PARENT} DETACH PARTITION {partition.name} CONCURRENTLY")
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


def _read_platform(using: str) -> tuple[int, int]:
    """Read the longest lifetime that the platform allows, and the retention, in seconds."""
    with connections[using].cursor() as cursor:
        cursor.execute(PLATFORM_SQL)
        row = cursor.fetchone()
    lifetime_seconds, retention_seconds = row or (None, DEFAULT_RETENTION_SECONDS)
    return lifetime_seconds or MAX_ACCESS_TOKEN_LIFETIME_SECONDS, retention_seconds


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
