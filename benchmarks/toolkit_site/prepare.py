"""Fills the toolkit's database and prints what the load needs, as JSON."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.toolkit_site.settings")
SECRET = "benchmark-secret-of-the-toolkit"  # noqa: S105 - of a database that lives for a minute.
# The kinds of clients: with the secret as it is, and hashed, which is how the toolkit is shipped.
HASHED = {"plain": False, "hashed": True}


def main(chains: int) -> None:
    """Make applications with each kind of secret, an access token and the first refresh tokens."""
    django.setup()
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - after the set-up.
    from django.core.management import call_command  # noqa: PLC0415 - after the set-up.

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create(username="bench")
    facts: dict[str, Any] = {
        "token_path": "/o/token/",
        "introspection_path": "/o/introspect/",
        "clients": {},
        "access_tokens": {},
        "refresh_tokens": {},
    }
    for kind, is_hashed in HASHED.items():
        machine = _make_application(kind, user, "client-credentials", is_hashed=is_hashed)
        web = _make_application(f"{kind}-web", user, "password", is_hashed=is_hashed)
        facts["clients"] |= {kind: [machine, SECRET], f"{kind}-web": [web, SECRET]}
        access, refresh = _make_tokens(kind, user, web, chains)
        facts["access_tokens"][kind] = access
        facts["refresh_tokens"][f"{kind}-web"] = refresh
    json.dump(facts, sys.stdout)


def _make_application(name: str, user: Any, grant: str, *, is_hashed: bool) -> str:  # noqa: ANN401 - the toolkit has no types.
    from oauth2_provider.models import Application  # noqa: PLC0415 - after the set-up.

    made = Application.objects.create(
        name=name,
        user=user,
        client_type="confidential",
        authorization_grant_type=grant,
        client_secret=SECRET,
        hash_client_secret=is_hashed,
    )
    return str(made.client_id)


def _make_tokens(kind: str, user: Any, client_id: str, chains: int) -> tuple[str, list[str]]:  # noqa: ANN401 - as above.
    """Make a token to introspect, and as many refresh tokens with the access tokens they renew."""
    from oauth2_provider.models import (  # noqa: PLC0415 - after the set-up.
        AccessToken,
        Application,
        RefreshToken,
    )

    web = Application.objects.get(client_id=client_id)
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    common = {"user": user, "application": web, "expires": expires, "scope": "read"}
    refresh = [f"{kind}-refresh-{number}" for number in range(chains)]
    for text in refresh:
        access = AccessToken.objects.create(token=f"access-of-{text}", **common)
        RefreshToken.objects.create(user=user, application=web, access_token=access, token=text)
    introspected = f"{kind}-introspected"
    AccessToken.objects.create(token=introspected, **common)
    return introspected, refresh


if __name__ == "__main__":
    main(int(sys.argv[1]))
