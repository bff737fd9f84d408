"""Turns a database URL into what Django and the task queue need."""

from __future__ import annotations

from typing import TypedDict

from psycopg import ProgrammingError, conninfo

from authplatform.env import InvalidEnvironment

CONNECT_TIMEOUT_SECONDS = 5
DJANGO_NAMES = {
    "dbname": "NAME",
    "user": "USER",
    "password": "PASSWORD",
    "host": "HOST",
    "port": "PORT",
}


class DatabaseSettings(TypedDict, total=False):
    """One entry of Django's DATABASES."""

    ENGINE: str
    NAME: str
    USER: str
    PASSWORD: str
    HOST: str
    PORT: str
    OPTIONS: dict[str, object]
    CONN_MAX_AGE: int | None
    CONN_HEALTH_CHECKS: bool
    ATOMIC_REQUESTS: bool
    TEST: dict[str, str]


def read_url(url: str, *, role: str = "") -> DatabaseSettings:
    """Return Django's settings for a URL, working as a role of the login's where one is given."""
    parts = _split(url, role)
    named = {DJANGO_NAMES[name]: text for name, text in parts.items() if name in DJANGO_NAMES}
    options = {name: text for name, text in parts.items() if name not in DJANGO_NAMES}
    return DatabaseSettings(
        ENGINE="django.db.backends.postgresql",
        NAME=named.get("NAME", ""),
        USER=named.get("USER", ""),
        PASSWORD=named.get("PASSWORD", ""),
        HOST=named.get("HOST", ""),
        PORT=named.get("PORT", ""),
        OPTIONS={"connect_timeout": CONNECT_TIMEOUT_SECONDS, **options},
        CONN_MAX_AGE=None,
        CONN_HEALTH_CHECKS=True,
        ATOMIC_REQUESTS=False,
    )


def write_connection_string(url: str, *, role: str = "") -> str:
    """Return the URL as libpq reads it, working as the role."""
    return conninfo.make_conninfo("", **_split(url, role))


def _split(url: str, role: str) -> dict[str, str]:
    try:
        parts = {name: str(text) for name, text in conninfo.conninfo_to_dict(url).items()}
    except ProgrammingError as error:
        # The parser's own message may repeat the password.
        message = "DATABASE_URL can't be read; it looks like postgresql://user:password@host/name."
        raise InvalidEnvironment(message) from error
    # A standby would answer from what was true a moment ago, and call revoked tokens active.
    parts.setdefault("target_session_attrs", "read-write")
    if role:
        parts["options"] = f"{parts.get('options', '')} -c role={role}".strip()
    return parts
