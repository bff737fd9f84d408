"""The Django application of the wiring itself: its checks and its command."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class AuthplatformConfig(AppConfig):
    """Registers the checks of the settings, and what watches each connection to the database."""

    name = "authplatform"
    verbose_name = "Platform"

    def ready(self) -> None:
        """Register the checks, and watch connections."""
        from authplatform import checks, failover  # noqa: F401, PLC0415 - once Django is set up.

        connection_created.connect(failover.watch)
