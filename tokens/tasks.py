"""The scheduled work of the tokens package; authplatform/celery.py says what runs when.

Every task is bounded and may run twice: it only does what is still to be done.
"""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from tokens import keys, link_mails, logout_deliveries, partitions, purge, sign_in_ends
from tokens.link_mails import LinkOrder

TIME_LIMIT_SECONDS: Final = 240
SOFT_TIME_LIMIT_SECONDS: Final = 200
MAX_BATCHES: Final = 50
MAX_RINGS: Final = 100
MAX_LOGOUT_BATCHES: Final = 20
MAX_FOLLOWED: Final = 200
MAIL_RETRIES: Final = 3


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


@shared_task(
    time_limit=TIME_LIMIT_SECONDS,
    soft_time_limit=SOFT_TIME_LIMIT_SECONDS,
    autoretry_for=(OSError, link_mails.MailNotTaken),
    max_retries=MAIL_RETRIES,
    retry_backoff=True,
)
def send_link(order: dict[str, str | int]) -> None:
    """Send a mail with a link; a run that is repeated replaces the link of the one before."""
    link_mails.deliver(LinkOrder(**order), now=time.time())  # type: ignore[arg-type]  # JSON's types.


@shared_task(time_limit=TIME_LIMIT_SECONDS, soft_time_limit=SOFT_TIME_LIMIT_SECONDS)
def deliver_logouts(sign_in_ids: list[str]) -> None:
    """Tell the clients of these sign-ins that they have ended."""
    logout_deliveries.deliver_of([UUID(text) for text in sign_in_ids])


@shared_task(time_limit=TIME_LIMIT_SECONDS, soft_time_limit=SOFT_TIME_LIMIT_SECONDS)
def deliver_due_logouts() -> None:
    """Tell clients what did not reach them before, and which sign-ins a cut-off has ended."""
    sign_in_ends.follow_cut_offs(now=time.time(), limit=MAX_FOLLOWED)
    logout_deliveries.deliver_due(max_batches=MAX_LOGOUT_BATCHES)
