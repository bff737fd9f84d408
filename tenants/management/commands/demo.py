"""Loads the demo and prints what to try."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.management.base import BaseCommand

from tenants.configuration import demo, demo_issuer

if TYPE_CHECKING:
    from tenants.configuration.demo import Demo, DemoTenant

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ADD_USER = "mutation { addUserAndAccessToken { user { id } accessToken { accessToken scope } } }"
# The tenant that trusts the demo application's own issuer.
TRUSTING_PATH = "demo/seeds/ideavate"


class Command(BaseCommand):
    """Loads a tenant for each of the five seed systems, and the platform's own."""

    help = "Load the demo tenants where they are missing, and print how to call them."

    def handle(self, *_arguments: object, **_options: object) -> None:
        """Load the demo; for each tenant print its issuer and one line that works in a shell."""
        loaded = demo.load(settings.AUTHPLATFORM_DEMO_FILE, base_url=settings.TENANTS_BASE_URL)
        for tenant in loaded.tenants:
            self.stdout.write(f"Issuer: {tenant.issuer}")
            self.stdout.write(_write_call(tenant))
            if tenant.path == TRUSTING_PATH:
                self.stdout.write("  or once, within an hour, as a user of a trusted application:")
                self.stdout.write(f"  {_write_assertion_call(loaded, tenant)}")
                self.stdout.write("  or as a new user, by the master token inside the application:")
                self.stdout.write(f"  {_write_master_token_call(loaded, tenant)}")


def _write_call(tenant: DemoTenant) -> str:
    return shlex.join(
        [
            "curl",
            "-sS",
            "-u",
            f"{tenant.client_id}:{tenant.secret}",
            "-d",
            "grant_type=client_credentials",
            f"{tenant.issuer}/oauth/token",
        ]
    )


def _write_assertion_call(loaded: Demo, tenant: DemoTenant) -> str:
    assertion = demo_issuer.sign_assertion(
        loaded.issuer_key,
        audience=tenant.issuer,
        subject="demo-user",
        scope="read:accounts download:documents",
    )
    form = {"grant_type": JWT_BEARER, "client_id": "application", "assertion": assertion}
    options = [part for name, text in form.items() for part in ("-d", f"{name}={text}")]
    return shlex.join(["curl", "-sS", *options, f"{tenant.issuer}/oauth/token"])


def _write_master_token_call(loaded: Demo, tenant: DemoTenant) -> str:
    return shlex.join(
        [
            *("curl", "-sS", "-H", f"Authorization: Bearer {loaded.master_token}"),
            *("-H", "Content-Type: application/json", "-d", json.dumps({"query": ADD_USER})),
            f"{tenant.issuer}/graphql",
        ]
    )
