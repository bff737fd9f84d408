"""Exports a tenant, ends everything of it, deletes every row, and proves it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand, CommandError

from tenants.configuration.tenant_archive import write_archive
from tenants.errors import TenantsError
from tenants.models import Tenant
from tenants.records import SYSTEM
from tenants.services import offboarding

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from tenants.models import Offboarding
    from tenants.services.offboarding import OffboardingReport


class Command(BaseCommand):
    """Offboards one tenant; its issuer stays reserved for ever."""

    help = "Export a tenant, end everything of it, delete all of its rows, and print the proof."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the tenant twice, and perhaps a file."""
        parser.add_argument("path", help="project/environment/tenant")
        parser.add_argument("--confirm", required=True, metavar="PATH", help="the path once more")
        parser.add_argument("--export", type=Path, metavar="FILE", help="a new file for all of it")
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument(
            "--settle-seconds",
            type=float,
            default=offboarding.SETTLING.total_seconds(),
            help="how long to wait until every process knows that the tenant has ended",
        )

    def handle(self, **options: object) -> None:
        """Do it, and print the report as JSON.

        Raises:
            CommandError: nothing was deleted, or something is left.
        """
        path, export = str(options["path"]), options["export"]
        if options["confirm"] != path:
            raise CommandError("Write the tenant's path after --confirm as well.")
        tenant = Tenant.objects.filter(path=path).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {path}; write project/environment/tenant.")
        try:
            leaving = offboarding.begin(tenant, actor=SYSTEM, reason=str(options["reason"]))
            # From then on the tenant issues nothing, so the archive is its last state.
            time.sleep(float(str(options["settle_seconds"])))
            report = _finish(tenant, leaving, export)
        except TenantsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(report.describe(), indent=2))
        if not report.is_proven:
            raise CommandError("Rows are left; run the command again.")


def _finish(tenant: Tenant, leaving: Offboarding, export: object) -> OffboardingReport:
    if isinstance(export, Path):
        _write(tenant, export)
    offboarding.release(leaving)
    return offboarding.delete_rows(leaving, actor=SYSTEM)


def _write(tenant: Tenant, path: Path) -> None:
    """Write the archive into a new file that only its owner reads.

    Raises:
        CommandError: the file is there already, or can't be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            write_archive(tenant, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        text = (
            f"The tenant is disabled but not deleted: {path} can't be written ({error.strerror})."
        )
        raise CommandError(text) from error
