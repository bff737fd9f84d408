"""Counts and times requests, over all web processes of this machine."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUEST_SECONDS = Histogram(
    "authplatform_request_seconds",
    "Time from the first middleware to the answer, in seconds.",
    ["route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)


def observe_request(route: str, status: int, seconds: float) -> None:
    """Count one request and its time; routes and statuses are few, so their rows are kept."""
    _find_row(route, status).observe(seconds)


def write_exposition() -> bytes:
    """Return all metrics in the text format of Prometheus."""
    if not settings.AUTHPLATFORM_METRICS_DIRECTORY:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # It has no types.
    return generate_latest(registry)


@lru_cache(maxsize=1024)
def _find_row(route: str, status: int) -> Histogram:
    return REQUEST_SECONDS.labels(route, str(status))
