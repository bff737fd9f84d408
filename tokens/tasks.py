"""The scheduled work of the tokens package; authplatform/celery.py says what runs when.

Every task is bounded and may run twice: it only does what is still to be done.
"""

from __future__ import annotations

from typing import Final

from celery import shared_task
from django.utils import timezone

from tokens import keys, partitions, purge

TIME_LIMIT_SECONDS: Final = 240
SOFT_TIME_LIMIT_SECONDS: Final = 200
MAX_BATCHES: Final = 50
MAX_RINGS: Final = 100


@shared_task(time_limit=TIME_LIMIT_SECONDS, soft_time_limit=SOFT_TIME_LIMIT_SECONDS)
def maintain_partitions() -> None:
    """Make the partitions of tokens and refusals ahead; drop those past their retention."""
    partitions.maintain(timezone.now())


@shared_task(time_limit=TIME_LIMIT_SECONDS, soft_time_limit=SOFT_TIME_LIMIT_SECONDS)
def purge_expired() -> None:
    """Purge what has expired; what is left is purged by another run at once."""
    if not purge.purge_expired(timezone.now(), max_batches=MAX_BATCHES).is_complete:
        purge_expired.delay()


@shared_task(time_limit=TIME_LIMIT_SECONDS, soft_time_limit=SOFT_TIME_LIMIT_SECONDS)
def rotate_keys() -> None:
    """Rotate the rings that are due and retire keys whose last token has expired."""
    now = timezone.now()
    keys.rotate_due(now=now, limit=MAX_RINGS)
    keys.retire_due(now=now, limit=MAX_RINGS)
