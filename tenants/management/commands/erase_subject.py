"""Erases an end user and proves it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from tenants.errors import TenantsError
from tenants.models import Subject
from tenants.records import SYSTEM
from tenants.services.erasure import erase_subject

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Ends a user's tokens and removes what is personal; the id stays as a pseudonym."""

    help = "Erase an end user's personal data, end their tokens, and print the proof."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the tenant, and the user's id twice."""
        parser.add_argument("tenant", help="project/environment/tenant")
        parser.add_argument("subject", type=UUID, help="the user's id")
        parser.add_argument("--confirm", type=UUID, required=True, metavar="ID")
        parser.add_argument("--reason", default="", help="why, without naming the person")

    def handle(self, **options: object) -> None:
        """Do it, and print the report as JSON.

        Raises:
            CommandError: nothing was erased, or something is left.
        """
        if options["confirm"] != options["subject"]:
            raise CommandError("Write the user's id after --confirm as well.")
        subjects = Subject.objects.select_related("tenant")
        subject = subjects.filter(
            tenant__path=options["tenant"], pk=str(options["subject"])
        ).first()
        if subject is None:
            raise CommandError("This tenant has no such user.")
        try:
            report = erase_subject(subject, actor=SYSTEM, reason=str(options["reason"]))
        except TenantsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(report.describe(), indent=2))
        if not report.is_proven:
            raise CommandError("Something is left; look at the places above.")
