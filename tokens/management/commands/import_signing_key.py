"""Brings somebody's own signing key with its X.509 certificate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError

from tenants.models import Api, Tenant
from tenants.models.fields import SigningAlgorithm
from tenants.records import Actor
from tokens import keys

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

ASYMMETRIC: Final = [name for name in SigningAlgorithm.values if name != SigningAlgorithm.HS256]
OPERATOR: Final = Actor("system", label="manage.py import_signing_key")


class Command(BaseCommand):
    """Makes a key with a certificate the next one of a ring."""

    help = "Publish a key with its certificate; it signs after the next rotate_keys of its ring."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the ring and the two files."""
        parser.add_argument("--tenant", required=True, help="project/environment/tenant")
        parser.add_argument("--api", default="", help="The slug of the Api whose own key it is.")
        parser.add_argument("--algorithm", choices=ASYMMETRIC, default="RS256")
        parser.add_argument("--private-key", required=True, type=Path, help="Unencrypted PEM.")
        parser.add_argument("--certificate", required=True, type=Path, help="PEM, chain allowed.")

    def handle(self, *_: object, **options: Any) -> None:  # noqa: ANN401 - as Django types it.
        """Import the key, or say what is wrong with it."""
        tenant = Tenant.objects.filter(path=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        api = Api.objects.filter(tenant=tenant, slug=options["api"]).first()
        if options["api"] and api is None:
            raise CommandError(f"The tenant has no Api {options['api']}.")
        try:
            key = keys.import_key(
                tenant.pk,
                options["algorithm"],
                api.pk if api else None,
                private_pem=options["private_key"].read_bytes(),
                certificate_pem=options["certificate"].read_bytes(),
                actor=OPERATOR,
            )
        except (OSError, ValueError) as error:
            raise CommandError(f"The key can't be imported: {error}") from error
        self.stdout.write(f"{key.kid} is published; manage.py rotate_keys lets it sign")
