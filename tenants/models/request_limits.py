"""How many requests clients and addresses may send, as every level of the settings may say."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

MAX_REQUESTS_PER_MINUTE = 60_000_000
MAX_BURST = 1_000_000
# The names that a client has for itself; `max_` before them makes the ceiling of a level.
CLIENT_LIMIT_FIELDS: tuple[str, ...] = ("client_requests_per_minute", "client_request_burst")
ADDRESS_LIMIT_FIELDS: tuple[str, ...] = ("address_requests_per_minute", "address_request_burst")
LIMIT_NAMES = (*CLIENT_LIMIT_FIELDS, *ADDRESS_LIMIT_FIELDS)
LIMIT_FIELDS: tuple[str, ...] = tuple(
    field for name in LIMIT_NAMES for field in (name, f"max_{name}")
)


def limit_field(
    maximum: int, help_text: str
) -> models.PositiveIntegerField[int | None, int | None]:
    """Make an optional field for a number of requests."""
    return models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(maximum)],
        help_text=help_text,
    )


class ClientLimits(models.Model):
    """What one client may send once it is authenticated."""

    client_requests_per_minute = limit_field(
        MAX_REQUESTS_PER_MINUTE,
        "How many requests a client may send, on average. Empty: the level above decides.",
    )
    client_request_burst = limit_field(
        MAX_BURST, "How many of them may come at once. Empty: the level above decides."
    )

    class Meta:
        abstract = True


class RequestLimits(ClientLimits):
    """Defaults and ceilings of a level, for clients and for addresses."""

    max_client_requests_per_minute = limit_field(
        MAX_REQUESTS_PER_MINUTE, "No client below this level may send more."
    )
    max_client_request_burst = limit_field(
        MAX_BURST, "No client below this level may send more at once."
    )
    address_requests_per_minute = limit_field(
        MAX_REQUESTS_PER_MINUTE,
        "How many requests one address may send to one tenant, whoever it says it is. "
        "Empty: the level above decides.",
    )
    max_address_requests_per_minute = limit_field(
        MAX_REQUESTS_PER_MINUTE, "No tenant below this level lets an address send more."
    )
    address_request_burst = limit_field(
        MAX_BURST, "How many of them may come at once. Empty: the level above decides."
    )
    max_address_request_burst = limit_field(
        MAX_BURST, "No tenant below this level lets an address send more at once."
    )

    class Meta:
        abstract = True
