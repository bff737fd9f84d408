"""The access tokens' partitions: there in time, gone in time, and closed to direct access."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from tenants.database_roles import APP, CONSOLE
from tenants.models import Platform
from tests.factories.tokens import make_issuer
from tokens import partitions, tasks
from tokens.models import AccessToken
from tokens.token_ids import expiry_ordered_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db(
    transaction=True, serialized_rollback=True, databases=["default", "owner"]
)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _partitions_as_before(db: None) -> Iterator[None]:  # noqa: ARG001 - torn down after this one.
    # Before as well: whoever came earlier may have made them for a longer lifetime.
    _make_anew()
    yield
    _make_anew()


def _make_anew() -> None:
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            for partition in partitions.list_partitions("default", table):
                cursor.execute(f"DROP TABLE {partition.name}")
    partitions.make_ahead(timezone.now(), using="default")


def names() -> list[str]:
    return [partition.name for partition in partitions.list_partitions("default")]


def count_as(role: str, table: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names.
        return int(cursor.fetchone()[0])


def make_token(expires_at: datetime) -> UUID:
    """Store a bare row; only its id matters here."""
    token_id = expiry_ordered_uuid(int(expires_at.timestamp() * 1000), bytes(10))
    AccessToken.objects.create(
        id=token_id,
        tenant_id=UUID(int=1),
        client_id=UUID(int=1),
        api_ids=[],
        format="opaque",
        grant_type="",
        claim_profile="",
        scopes=[],
        audiences=[],
        issued_at=expires_at,
        expires_at=expires_at,
        cut_off_number=0,
        configuration_versions=[],
        facts={},
    )
    return token_id


def test_migration_has_made_what_the_longest_token_needs() -> None:
    now = timezone.now()
    assert partitions.reaches_far_enough(now)
    assert partitions.horizon(now) > now + timedelta(seconds=86_400)
    last = partitions.horizon(now) - timedelta(milliseconds=1)
    make_token(last)
    with pytest.raises(IntegrityError):
        make_token(partitions.horizon(now))


def test_maintenance_follows_the_platforms_ceiling_and_is_idempotent() -> None:
    now = timezone.now()
    Platform.objects.update(max_access_token_lifetime_seconds=10 * 86_400)
    assert not partitions.reaches_far_enough(now)
    made = partitions.maintain(now).made
    assert len(made) == 9
    assert partitions.reaches_far_enough(now)
    assert partitions.maintain(now) == partitions.Maintenance()


def test_no_ceiling_means_the_hard_one_and_never_more_than_64_partitions() -> None:
    now = timezone.now()
    Platform.objects.update(
        max_access_token_lifetime_seconds=None, token_retention_seconds=30 * 86_400
    )
    for days in range(45):
        partitions.maintain(now + days * DAY)
        assert partitions.reaches_far_enough(now + days * DAY)
        assert len(names()) <= partitions.MAX_PARTITIONS


def test_partition_is_dropped_only_after_its_retention() -> None:
    now = timezone.now()
    today = f"tokens_accesstoken_{now:%Y%m%d}"
    token_id = make_token(now)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + DAY
    kept = partitions.maintain(midnight + 7 * DAY - timedelta(seconds=1))
    assert today not in kept.dropped
    assert AccessToken.objects.filter(pk=token_id).exists()
    gone = partitions.maintain(midnight + 7 * DAY)
    assert today in gone.dropped
    assert today not in names()
    assert not AccessToken.objects.filter(pk=token_id).exists()


def test_no_partition_takes_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_partitioned_table WHERE partdefid <> 0 "
            "AND partrelid = 'tokens_accesstoken'::regclass"
        )
        assert cursor.fetchone() == (0,)


def test_look_up_by_id_reads_one_partition() -> None:
    token_id = make_token(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN SELECT 1 FROM tokens_accesstoken WHERE id = %s", [token_id])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert sum(name in plan for name in names()) == 1
    assert "Append" not in plan


def test_interrupted_detach_is_finished() -> None:
    now = timezone.now()
    oldest = names()[0]
    reader = connection.copy()
    try:
        # An open reader keeps the detach from finishing; its lock_timeout then leaves it pending.
        reader.set_autocommit(autocommit=False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM tokens_accesstoken")
        later = now + 9 * DAY
        first = partitions.maintain(later)
        assert oldest in first.postponed
        assert any(p.is_detaching for p in partitions.list_partitions("default"))
    finally:
        reader.rollback()
        reader.close()
    second = partitions.maintain(later)
    assert oldest in second.dropped
    assert oldest not in names()
    assert second.postponed == ()


def test_table_that_was_detached_but_not_dropped_is_dropped() -> None:
    oldest = names()[0]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE tokens_accesstoken DETACH PARTITION {oldest}")
    partitions.maintain(timezone.now() + 9 * DAY)
    assert oldest not in names()


def test_issuing_goes_on_while_partitions_are_made_and_dropped() -> None:
    issuer = make_issuer(refresh_token_enabled=False)
    writer = connection.copy()
    try:
        writer.set_autocommit(autocommit=False)
        with writer.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tokens_accesstoken LIMIT 1")
        Platform.objects.update(max_access_token_lifetime_seconds=5 * 86_400)
        started = time.monotonic()
        assert partitions.maintain(timezone.now()).made
        issuer.issue(requested_scopes=("read",))
        assert time.monotonic() - started < 1.5
    finally:
        writer.close()
    assert AccessToken.objects.count() == 1


def test_second_maintenance_at_the_same_time_does_nothing() -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [partitions.MAINTENANCE_LOCK])
        Platform.objects.update(max_access_token_lifetime_seconds=5 * 86_400)
        assert partitions.maintain(timezone.now()) == partitions.Maintenance()
        with other.cursor() as cursor:
            # A closed connection gives it back a moment later only.
            cursor.execute("SELECT pg_advisory_unlock(%s)", [partitions.MAINTENANCE_LOCK])
    finally:
        other.close()
    tasks.maintain_partitions()
    assert partitions.reaches_far_enough(timezone.now())


@pytest.mark.parametrize("role", [APP, CONSOLE])
@pytest.mark.parametrize("made_by", ["migration", "maintenance"])
def test_partition_is_closed_to_the_roles_and_the_parent_is_open(role: str, made_by: str) -> None:
    if made_by == "maintenance":
        Platform.objects.update(max_access_token_lifetime_seconds=20 * 86_400)
        partitions.maintain(timezone.now())
    for name in names():
        with pytest.raises(ProgrammingError, match="permission denied"):
            count_as(role, name)
    assert count_as(role, "tokens_accesstoken") == 0


def test_console_sees_no_foreign_tokens_through_the_parent() -> None:
    make_token(timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {CONSOLE}")
        cursor.execute("SELECT count(*) FROM tokens_accesstoken")
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT set_config('app.tenant_ids', %s, true)", ["{" + str(UUID(int=1)) + "}"]
        )
        cursor.execute("SELECT count(*) FROM tokens_accesstoken")
        assert cursor.fetchone() == (1,)


def test_horizon_without_todays_partition_is_now() -> None:
    far = timezone.now() + 400 * DAY
    assert partitions.horizon(far) == far
    assert not partitions.reaches_far_enough(far)
