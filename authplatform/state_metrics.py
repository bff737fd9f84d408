"""Reads the platform's state out of the database when the metrics are asked for.

What is told here is the same whichever process answers. A few short statements, each bounded in
time; while the database is away, `authplatform_database_up` says so and the rest is left out.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tokens import partitions, purge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

logger = logging.getLogger(__name__)
STATEMENT_TIMEOUT: Final = "2s"
CONNECTIONS_SQL: Final = """
SELECT CASE WHEN state = 'active' THEN 'active' WHEN state = 'idle' THEN 'idle' ELSE 'waiting' END,
  count(*)
FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
GROUP BY 1"""
MAXIMUM_SQL: Final = "SELECT setting::bigint FROM pg_settings WHERE name = 'max_connections'"
KEYS_SQL: Final = "SELECT state, count(*) FROM tenants_signingkey GROUP BY state"
# HS256 keys are rotated by hand only, together with their Api.
OLDEST_KEY_SQL: Final = """
SELECT COALESCE(extract(epoch FROM now() - min(activated_at)), 0)::float8
FROM tenants_signingkey WHERE state = 'current' AND algorithm <> 'HS256'"""
LOGOUTS_SQL: Final = "SELECT count(*) FROM tokens_logoutdelivery WHERE status = 'pending'"
QUEUE_SQL: Final = "SELECT queue_name, queue_length FROM pgmq.metrics_all()"


class StateCollector(Collector):
    """Reads connections, partitions, keys, the purge and the task queue at each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Answer every gauge, or only that the database is away."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT]
                )
                families = _read(timezone.now())
        except DatabaseError as error:
            logger.warning("metrics of the database are missing: %s", type(error).__name__)
            families = []
        is_up = GaugeMetricFamily("authplatform_database_up", "Whether the database answered.")
        is_up.add_metric([], 1.0 if families else 0.0)
        yield is_up
        yield from families


def _read(now: datetime) -> list[GaugeMetricFamily]:
    horizon_seconds = (partitions.horizon(now) - now).total_seconds()
    families = [
        _family(
            "database_connections", "Connections to the database.", "state", _rows(CONNECTIONS_SQL)
        ),
        _family("database_connections_maximum", "How many it accepts.", "", _rows(MAXIMUM_SQL)),
        _family(
            "partition_horizon_seconds",
            "How far ahead the partitions of access tokens reach without a gap.",
            "",
            [(horizon_seconds,)],
        ),
        _family("signing_keys", "Signing keys of all tenants.", "state", _rows(KEYS_SQL)),
        _family(
            "signing_key_oldest_seconds",
            "How long the oldest current key that rotates by itself has signed.",
            "",
            _rows(OLDEST_KEY_SQL),
        ),
        _family(
            "purge_overdue_seconds",
            "For how long the oldest row that should be gone has been due.",
            "rows",
            list(purge.overdue_seconds(now).items()),
        ),
        _family(
            "logout_deliveries_pending",
            "Clients that are still to be told of a logout.",
            "",
            _rows(LOGOUTS_SQL),
        ),
    ]
    if settings.AUTHPLATFORM_IS_QUEUE_IN_DATABASE:
        families.append(_family("queue_tasks", "Tasks that wait.", "queue", _rows(QUEUE_SQL)))
    return families


def _rows(sql: str) -> Sequence[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[object, ...]] = cursor.fetchall()
    return rows


def _family(
    name: str, text: str, label: str, rows: Sequence[tuple[object, ...]]
) -> GaugeMetricFamily:
    """Make one gauge of rows that end in a number; before it stands the label's value, if any."""
    family = GaugeMetricFamily(f"authplatform_{name}", text, labels=[label] if label else [])
    for *labels, number in rows:
        family.add_metric([str(part) for part in labels], float(str(number)))
    return family
