"""Brings the database to the state that this release needs; safe to repeat."""

from __future__ import annotations

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from authplatform import task_queue
from authplatform.env import read_assignments
from tenants.database_roles import APP, CONSOLE, create_role, open_table
from tenants.models import User
from tenants.services.tenants import ensure_platform_tenant


class Command(BaseCommand):
    """Creates roles, tables, the shared cache and the task queue."""

    help = "Create roles, tables, the shared cache and the task queue where they are missing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the switch for fresh machines."""
        parser.add_argument(
            "--first-operator",
            action="store_true",
            help="Create the operator whose sign-in stands in demo.env, where there is none yet.",
        )

    def handle(self, *_arguments: object, **options: object) -> None:
        """Do the steps in the order in which they need one another."""
        with connection.cursor() as cursor:
            for role in (APP, CONSOLE):
                cursor.execute(create_role(role))
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        if settings.AUTHPLATFORM_CACHE_TABLE:
            self._create_cache_table()
        if settings.AUTHPLATFORM_IS_QUEUE_IN_DATABASE:
            task_queue.install(connection)
        if options["first_operator"]:
            self._create_first_operator()
        else:
            ensure_platform_tenant()  # Elsewhere the demo brings it.

    def _create_cache_table(self) -> None:
        call_command("createcachetable", verbosity=0)
        with connection.cursor() as cursor:
            for statement in open_table(settings.AUTHPLATFORM_CACHE_TABLE):
                cursor.execute(statement)

    def _create_first_operator(self) -> None:
        sign_in = read_assignments(settings.AUTHPLATFORM_DEMO_FILE)
        name, password = sign_in.get("ADMIN_USERNAME"), sign_in.get("ADMIN_PASSWORD")
        if name and password and not User.objects.filter(username=name).exists():
            User.objects.create_superuser(name, password=password)
