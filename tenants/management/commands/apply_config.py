"""Applies configuration files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand, CommandError

from tenants.configuration.application import apply_documents, read_files
from tenants.configuration.mistakes import InvalidConfiguration
from tenants.records import Actor

if TYPE_CHECKING:
    from argparse import ArgumentParser

ACTOR = Actor("system", label="apply_config")


class Command(BaseCommand):
    """Writes what the files say and differs, all of it or nothing."""

    help = "Apply configuration files: all of them or nothing, and only what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the files, and whether to show only what would be done."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what would change, and change nothing."
        )

    def handle(self, *_arguments: object, **options: object) -> None:
        """Apply the files and print the difference.

        Raises:
            CommandError: with every mistake on a line of its own.
        """
        is_dry_run = bool(options["dry_run"])
        try:
            differences = apply_documents(
                read_files(options["files"]),  # type: ignore[arg-type]  # argparse has made paths.
                actor=ACTOR,
                variables=os.environ,
                is_dry_run=is_dry_run,
            )
        except InvalidConfiguration as error:
            raise CommandError(f"{error}\nNothing was changed.") from error
        for difference in differences:
            self.stdout.write(str(difference))
        outcome = "Nothing was changed (dry run)." if is_dry_run else "Applied."
        self.stdout.write(f"{len(differences)} differences. {outcome}")
