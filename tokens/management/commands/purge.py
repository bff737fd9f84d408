"""Purges by hand what the scheduled tasks purge."""

from __future__ import annotations

from typing import Final

from django.core.management.base import BaseCommand
from django.utils import timezone

from tokens import partitions, purge

MAX_BATCHES: Final = 50


class Command(BaseCommand):
    """Deletes what has expired and maintains the partitions, until nothing is left to do."""

    help = "Delete expired rows, drop old partitions and make the coming ones."

    def handle(self, *_: object, **__: object) -> None:
        """Purge in rounds of bounded batches, so that it can be stopped at any time."""
        is_complete = False
        while not is_complete:
            purged = purge.purge_expired(timezone.now(), max_batches=MAX_BATCHES)
            is_complete = purged.is_complete
            for name, count in purged.rows.items():
                if count:
                    self.stdout.write(f"{name}: {count}")
        maintenance = partitions.maintain(timezone.now())
        self.stdout.write(
            f"partitions: {len(maintenance.made)} made, {len(maintenance.dropped)} dropped, "
            f"{len(maintenance.postponed)} busy"
        )
