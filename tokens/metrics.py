"""What the token endpoints count for the operators of the platform.

Every label has few values: never a client, a tenant or an address.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

REFUSALS: Final = Counter(
    "authplatform_refusals", "Refused requests, by endpoint and reason.", ["operation", "reason"]
)

LIMITED: Final = Counter(
    "authplatform_limited", "Requests that came too often, by the kind of limit.", ["kind"]
)
LEASES: Final = Counter(
    "authplatform_limit_store_questions",
    "Questions to the shared store of the limits: answered, away, or skipped.",
    ["outcome"],
)
LOGOUT_DELIVERIES: Final = Counter(
    "authplatform_logout_deliveries",
    "Attempts to tell a client of a logout, by what became of the delivery.",
    ["status"],
)


def count_refusal(operation: str, reason: str) -> None:
    """Count one refusal; both names come from closed vocabularies."""
    REFUSALS.labels(operation, reason).inc()


def count_limited(kind: str) -> None:
    """Count one request that is told to wait."""
    LIMITED.labels(kind).inc()


def count_lease(outcome: str) -> None:
    """Count one question to the shared store."""
    LEASES.labels(outcome).inc()


def count_logout_delivery(status: str) -> None:
    """Count one attempt to tell a client of a logout; the status is of a closed vocabulary."""
    LOGOUT_DELIVERIES.labels(status).inc()
