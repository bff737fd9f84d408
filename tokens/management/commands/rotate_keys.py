"""Rotates signing keys by hand, and moves them to a new key encryption key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tenants.models import Api, Tenant
from tenants.models.fields import SigningAlgorithm
from tenants.records import Actor
from tokens import keys

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

BATCH_KEYS: Final = 100
OPERATOR: Final = Actor("system", label="manage.py rotate_keys")


class Command(BaseCommand):
    """Rotates one ring, or all that are due."""

    help = "Rotate the signing keys that are due, or those of one tenant at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the ring, where not all that are due are meant."""
        parser.add_argument("--tenant", help="The issuer path: project/environment/tenant.")
        parser.add_argument("--algorithm", choices=SigningAlgorithm.values, default="ES256")
        parser.add_argument("--api", default="", help="The slug of the Api whose own key it is.")
        parser.add_argument("--reason", default="by hand", help="What the audit says.")
        parser.add_argument(
            "--emergency",
            action="store_true",
            help="The current key has leaked: retire it now and end every token that it signed.",
        )
        parser.add_argument(
            "--reencrypt",
            action="store_true",
            help="Encrypt all private parts under the first of KEY_ENCRYPTION_KEYS.",
        )

    def handle(self, *_: object, **options: Any) -> None:  # noqa: ANN401 - as Django types it.
        """Do the one thing that the options ask for."""
        if options["reencrypt"]:
            self._reencrypt()
        elif options["tenant"]:
            self._rotate_ring(options)
        elif options["emergency"]:
            raise CommandError("--emergency needs --tenant: it ends tokens.")
        else:
            self._rotate_due()

    def _reencrypt(self) -> None:
        total = 0
        while count := keys.reencrypt_batch(limit=BATCH_KEYS, actor=OPERATOR):
            total += count
        self.stdout.write(f"{total} keys encrypted anew")

    def _rotate_ring(self, options: dict[str, Any]) -> None:
        tenant = Tenant.objects.filter(path=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        api = Api.objects.filter(tenant=tenant, slug=options["api"]).first()
        if options["api"] and api is None:
            raise CommandError(f"The tenant has no Api {options['api']}.")
        keys.rotate(
            tenant.pk,
            options["algorithm"],
            api.pk if api else None,
            emergency=options["emergency"],
            actor=OPERATOR,
            reason=options["reason"],
        )
        self.stdout.write(f"rotated {options['algorithm']} of {tenant.path}")

    def _rotate_due(self) -> None:
        now = timezone.now()
        rotated = keys.rotate_due(now=now, limit=BATCH_KEYS)
        retired = keys.retire_due(now=now, limit=BATCH_KEYS)
        self.stdout.write(f"{rotated} rings rotated, {retired} keys retired")
