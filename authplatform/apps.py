"""The Django application of the wiring itself: its checks and its command."""

from __future__ import annotations

from django.apps import AppConfig


class AuthplatformConfig(AppConfig):
    """Registers the checks of the settings."""

    name = "authplatform"
    verbose_name = "Platform"

    def ready(self) -> None:
        """Register the checks."""
        from authplatform import checks  # noqa: F401, PLC0415 - registered once Django is set up.
