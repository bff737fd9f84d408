"""What the token endpoints count for the operators of the platform.

Every label has few values: never a client, a tenant or an address.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

REFUSALS: Final = Counter(
    "authplatform_refusals", "Refused requests, by endpoint and reason.", ["operation", "reason"]
)


def count_refusal(operation: str, reason: str) -> None:
    """Count one refusal; both names come from closed vocabularies."""
    REFUSALS.labels(operation, reason).inc()
