"""Exports the configuration, or its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.core.management.base import BaseCommand, CommandError

from tenants.configuration.export import export
from tenants.configuration.schema import write_schema
from tenants.errors import NotFound

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Writes the configuration to standard output, the same bytes for the same state."""

    help = "Write the configuration as YAML to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to export."""
        parser.add_argument(
            "--tenant",
            action="append",
            default=[],
            metavar="PATH",
            help="Only this tenant (project/environment/tenant); may be repeated.",
        )
        parser.add_argument("--with-ids", action="store_true", help="State the id of every entity.")
        parser.add_argument(
            "--schema", action="store_true", help="Write the JSON Schema of the files instead."
        )

    def handle(self, *_arguments: object, **options: object) -> None:
        """Write it.

        Raises:
            CommandError: there is no such tenant.
        """
        try:
            text = (
                write_schema()
                if options["schema"]
                else export(
                    cast("list[str]", options["tenant"]), with_ids=bool(options["with_ids"])
                )
            )
        except NotFound as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text, ending="")
