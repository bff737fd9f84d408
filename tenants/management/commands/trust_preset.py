"""Writes the preset of a well-known outside issuer as an entry of a configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand

from tenants.configuration.export import dump
from tenants.trust_presets import PRESETS

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Writes one preset, or the names of all of them."""

    help = "Write the trust profile of a well-known issuer as YAML; without a name, list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the preset's name."""
        parser.add_argument("slug", nargs="?", choices=sorted(PRESETS), help="Which issuer.")

    def handle(self, *_arguments: object, **options: object) -> None:
        """Write it."""
        slug = options["slug"]
        if slug is None:
            lines = [f"{preset.slug}: {preset.title}" for preset in PRESETS.values()]
            self.stdout.write("\n".join(lines))
            return
        preset = PRESETS[str(slug)]
        self.stdout.write(f"# {preset.advice}\n# {preset.source}")
        self.stdout.write(dump({"trust_profiles": [preset.all_fields]}), ending="")
