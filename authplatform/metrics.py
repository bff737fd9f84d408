"""Counts and times requests, over all web processes of this machine."""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from authplatform.state_metrics import StateCollector

REQUEST_SECONDS = Histogram(
    "authplatform_request_seconds",
    "Time from the first middleware to the answer, in seconds.",
    ["route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
SNAPSHOT_RENEWED = Gauge(
    "authplatform_snapshot_renewed_timestamp_seconds",
    "When the process that is furthest behind last made sure that its configuration is current.",
    multiprocess_mode="livemin",
)
_LIVE_FILE: Final = re.compile(r"gauge_live[a-z]+_([0-9]+)\.db")


def observe_request(route: str, status: int, seconds: float) -> None:
    """Count one request and its time; routes and statuses are few, so their rows are kept."""
    _find_row(route, status).observe(seconds)


def observe_renewal() -> None:
    """Note that this process holds the current configuration."""
    SNAPSHOT_RENEWED.set(time.time())


def write_exposition() -> bytes:
    """Return all metrics in the text format of Prometheus."""
    directory = settings.AUTHPLATFORM_METRICS_DIRECTORY
    state = CollectorRegistry()
    state.register(StateCollector())
    if not directory:
        return generate_latest(REGISTRY) + generate_latest(state)
    _forget_dead_processes(Path(directory))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]  # It has no types.
    return generate_latest(registry) + generate_latest(state)


def _forget_dead_processes(directory: Path) -> None:
    """Leave out the gauges of processes that are gone: theirs would look behind for ever."""
    for file in directory.glob("gauge_live*.db"):
        match = _LIVE_FILE.fullmatch(file.name)
        if match and not _is_alive(int(match[1])):
            mark_process_dead(int(match[1]), str(directory))  # type: ignore[no-untyped-call]  # As above.


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@lru_cache(maxsize=1024)
def _find_row(route: str, status: int) -> Histogram:
    return REQUEST_SECONDS.labels(route, str(status))
