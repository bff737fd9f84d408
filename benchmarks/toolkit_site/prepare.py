"""Fills the toolkit's database and prints what the load needs, as JSON."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.toolkit_site.settings")
SECRET = "benchmark-secret-of-the-toolkit"  # noqa: S105 - of a database that lives for a minute.


def main(chains: int) -> None:
    """Make an application with a plain secret, an access token and the first refresh tokens."""
    django.setup()
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - after the set-up.
    from django.core.management import call_command  # noqa: PLC0415 - after the set-up.
    from oauth2_provider.models import AccessToken, Application, RefreshToken  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create(username="bench")
    application = Application.objects.create(
        name="bench",
        user=user,
        client_type="confidential",
        authorization_grant_type="client-credentials",
        client_secret=SECRET,
        hash_client_secret=False,
    )
    web = Application.objects.create(
        name="web",
        user=user,
        client_type="confidential",
        authorization_grant_type="password",
        client_secret=SECRET,
        hash_client_secret=False,
    )
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    common = {"user": user, "application": web, "expires": expires, "scope": "read"}
    tokens = []
    for number in range(chains):
        access = AccessToken.objects.create(token=f"access-{number}", **common)
        tokens.append(f"refresh-{number}")
        RefreshToken.objects.create(
            user=user, application=web, access_token=access, token=tokens[-1]
        )
    AccessToken.objects.create(token="introspected", **common)  # noqa: S106 - of this run only.
    json.dump(
        {
            "client_id": application.client_id,
            "refresh_client_id": web.client_id,
            "secret": SECRET,
            "access_token": "introspected",
            "refresh_tokens": tokens,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
