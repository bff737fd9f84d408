"""Loads the demo and prints what to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.management.base import BaseCommand

from tenants.configuration import demo
from tenants.configuration.demo_calls import Place, list_trials
from tenants.configuration.demo_people import list_visits
from tenants.configuration.demo_shell import write_line

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from tenants.configuration.demo import Demo, DemoTenant

HINT = "More to try with each: .venv/bin/python manage.py demo --more"


class Command(BaseCommand):
    """Loads a tenant for each of the five seed systems, a shop, and the platform's own."""

    help = "Load the demo tenants where they are missing, and print how to call them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask whether everything is to be printed."""
        parser.add_argument(
            "--more", action="store_true", help="print everything that can be tried"
        )

    def handle(self, *_arguments: object, **options: object) -> None:
        """Load the demo; for each tenant print its issuer and what to try there.

        Lines that begin with curl work in a shell, addresses in a browser.
        """
        loaded = demo.load(
            settings.AUTHPLATFORM_DEMO_FILE,
            base_url=settings.TENANTS_BASE_URL,
            provider_url=settings.AUTHPLATFORM_DEMO_PROVIDER_URL,
        )
        for tenant in loaded.tenants:
            self.stdout.write(f"Issuer: {tenant.issuer}")
            self.stdout.write(write_line(Place(loaded, tenant).token()))
            visits = list_visits(loaded, tenant)
            for visit in visits if options["more"] else visits[:1]:
                self.stdout.write(f"{visit.title}: {visit.url}")
            if options["more"]:
                self._write_trials(loaded, tenant)
        if not options["more"]:
            self.stdout.write(HINT)

    def _write_trials(self, loaded: Demo, tenant: DemoTenant) -> None:
        for trial in list_trials(loaded, tenant):
            self.stdout.write(f"  # {trial.title}\n  {write_line(trial.call)}")
