"""Reads every environment variable of the platform, in one place."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from authplatform import mail_server, postgres

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 8000
DEFAULT_ROLE = "authplatform_app"
LOOPBACK = "127.0.0.0/8,::1/128"
# Where the demo's outside provider listens: on an address that nothing else of ours has, so that
# outgoing calls of the demo reach nothing but it.
PROVIDER_ADDRESS = "127.0.0.42"
PROVIDER_FOLDER = "demo-provider"
PROVIDER_AUTHORITY = "authority.pem"
OUTGOING_VARIABLES = ("OUTGOING_PRIVATE_ADDRESSES", "OUTGOING_CA_FILE")
REDIS_SCHEMES = frozenset(("redis", "rediss", "unix"))


class InvalidEnvironment(Exception):
    """Says in one sentence which variable is missing or wrong."""


class Stage(StrEnum):
    """What kind of installation this is."""

    EMBEDDED = "embedded"
    PRODUCTION = "production"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Environment:
    """All that the environment says, parsed once."""

    stage: Stage
    data_directory: Path
    bind_address: str
    port: int
    base_url: str
    admin_base_url: str
    database_url: str
    database_owner_url: str
    database_role: str
    celery_broker_url: str
    redis_url: str
    smtp_url: str
    mail_from: str
    secret_key: str
    token_peppers: dict[str, bytes]
    key_encryption_keys: dict[str, bytes]
    trusted_proxies: tuple[str, ...]
    operations_addresses: tuple[str, ...]
    operations_token: str
    outgoing_private_addresses: tuple[str, ...]
    outgoing_ca_file: str
    demo_provider_url: str
    access_log: bool
    lean_adapter: bool
    metrics_directory: str
    traces_endpoint: str
    claims_hook: str
    is_database_embedded: bool


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Return the parsed environment, completed by the generated secrets where there are any.

    Raises:
        InvalidEnvironment: A variable is missing or can't be read.
    """
    given = dict(os.environ if variables is None else variables)
    data_directory = read_data_directory(given)
    stage = read_stage(data_directory, given)
    if stage is Stage.EMBEDDED:
        given = read_assignments(data_directory / "secrets.env") | given
    return _parse(given, stage=stage, data_directory=data_directory)


def read_assignments(path: Path) -> dict[str, str]:
    """Return the NAME=value lines of a file; nothing where there is no file."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name.strip(): text.strip() for name, text in pairs}


def read_data_directory(variables: Mapping[str, str] | None = None) -> Path:
    """Return the folder that holds what this installation has made."""
    given = os.environ if variables is None else variables
    return Path(given.get("DATA_DIR") or ".data").absolute()


def read_stage(data_directory: Path, variables: Mapping[str, str] | None = None) -> Stage:
    """Return the stage: embedded where `make run` has made the installation, else production.

    Raises:
        InvalidEnvironment: The variable names none.
    """
    given = os.environ if variables is None else variables
    generated = Stage.EMBEDDED if (data_directory / "secrets.env").exists() else Stage.PRODUCTION
    text = given.get("AUTHPLATFORM_ENVIRONMENT") or generated
    try:
        return Stage(text)
    except ValueError as error:
        allowed = ", ".join(Stage)
        message = f"AUTHPLATFORM_ENVIRONMENT is {text!r}; set it to one of {allowed}."
        raise InvalidEnvironment(message) from error


def _parse(given: Mapping[str, str], *, stage: Stage, data_directory: Path) -> Environment:
    port = _read_port(given)
    local = stage is not Stage.PRODUCTION
    fallback = f"http://localhost:{port}" if local else ""
    base_url = _read_url(given, "BASE_URL", fallback)
    database_url = given.get("DATABASE_URL") or _embedded_url(data_directory, stage)
    authority = _find_provider_authority(given, stage, data_directory)
    return Environment(
        stage=stage,
        data_directory=data_directory,
        bind_address=given.get("BIND_ADDRESS") or "127.0.0.1",
        port=port,
        base_url=base_url,
        admin_base_url=_read_url(given, "ADMIN_BASE_URL", base_url if local else ""),
        database_url=database_url,
        database_owner_url=given.get("DATABASE_OWNER_URL") or database_url,
        database_role=given.get("DATABASE_ROLE", DEFAULT_ROLE),
        celery_broker_url=given.get("CELERY_BROKER_URL", ""),
        redis_url=_read_redis_url(given),
        smtp_url=_read_smtp_url(given),
        mail_from=_read_mail_from(given, base_url),
        secret_key=_require(given, "SECRET_KEY"),
        token_peppers=_read_keys(given, "TOKEN_PEPPERS"),
        key_encryption_keys=_read_keys(given, "KEY_ENCRYPTION_KEYS"),
        trusted_proxies=_read_list(given, "TRUSTED_PROXIES"),
        operations_addresses=_read_list(
            given, "OPERATIONS_ADDRESSES", default=LOOPBACK if local else ""
        ),
        operations_token=given.get("OPERATIONS_TOKEN", ""),
        outgoing_private_addresses=_read_list(
            given,
            "OUTGOING_PRIVATE_ADDRESSES",
            default=f"{PROVIDER_ADDRESS}/32" if authority else "",
        ),
        outgoing_ca_file=given.get("OUTGOING_CA_FILE", authority),
        demo_provider_url=f"https://{PROVIDER_ADDRESS}:{port + 2}" if authority else "",
        access_log=_read_switch(given, "ACCESS_LOG"),
        lean_adapter=_read_switch(given, "LEAN_ADAPTER", default="on"),
        metrics_directory=given.get("PROMETHEUS_MULTIPROC_DIR", ""),
        traces_endpoint=_read_optional_url(given, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        claims_hook=given.get("TOKEN_CLAIMS_HOOK", ""),
        is_database_embedded=not given.get("DATABASE_URL"),
    )


def _require(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if not text:
        raise InvalidEnvironment(
            f"The environment variable {name} is missing; see docs/settings.md."
        )
    return text


def _embedded_url(data_directory: Path, stage: Stage) -> str:
    if stage is not Stage.EMBEDDED:
        raise InvalidEnvironment(
            "The environment variable DATABASE_URL is missing; see docs/settings.md."
        )
    return postgres.owner_url(data_directory / "postgres")


def _find_provider_authority(given: Mapping[str, str], stage: Stage, data_directory: Path) -> str:
    """Return the file of the authority that the demo's outside provider has; none elsewhere."""
    path = data_directory / PROVIDER_FOLDER / PROVIDER_AUTHORITY
    is_demo = stage is Stage.EMBEDDED and not given.get("DATABASE_URL")
    # Who says what may be called has said it; the demo then does without.
    is_demo = is_demo and given.keys().isdisjoint(OUTGOING_VARIABLES)
    return str(path) if is_demo and path.is_file() else ""


def _read_port(given: Mapping[str, str]) -> int:
    text = given.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65533:  # noqa: PLR2004 - the demo's servers take the next two.
        raise InvalidEnvironment(f"PORT is {text!r}; set it to a number from 1 to 65533.")
    return int(text)


def _read_url(given: Mapping[str, str], name: str, default: str) -> str:
    text = (given.get(name) or default or _require(given, name)).rstrip("/")
    parts = urlsplit(text)
    bare = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not bare:
        raise InvalidEnvironment(f"{name} must be a URL like https://login.example, not {text!r}.")
    return text


def _read_optional_url(given: Mapping[str, str], name: str) -> str:
    return _read_url(given, name, "") if given.get(name) else ""


def _read_redis_url(given: Mapping[str, str]) -> str:
    text = given.get("REDIS_URL", "")
    try:
        parts = urlsplit(text)
        is_good = not text or (parts.scheme in REDIS_SCHEMES and parts.port != 0)
    except ValueError:
        is_good = False
    if not is_good:
        # Not as it was given: it may hold a password.
        raise InvalidEnvironment("REDIS_URL must be a URL like redis://cache.example:6379/0.")
    return text


def _read_smtp_url(given: Mapping[str, str]) -> str:
    text = given.get("SMTP_URL", "")
    try:
        mail_server.read_url(text)
    except ValueError:
        raise InvalidEnvironment(
            "SMTP_URL must be a URL like smtp+starttls://user:password@mail.example:587."
        ) from None
    return text


def _read_mail_from(given: Mapping[str, str], base_url: str) -> str:
    text = given.get("MAIL_FROM") or f"no-reply@{urlsplit(base_url).hostname}"
    if "@" not in parseaddr(text)[1] or not text.isprintable():
        raise InvalidEnvironment("MAIL_FROM must be an address like Example <id@example.com>.")
    return text


def _read_list(given: Mapping[str, str], name: str, *, default: str = "") -> tuple[str, ...]:
    text = given.get(name, default)
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _read_switch(given: Mapping[str, str], name: str, *, default: str = "off") -> bool:
    text = given.get(name) or default
    if text not in {"on", "off"}:
        raise InvalidEnvironment(f"{name} is {text!r}; set it to on or off.")
    return text == "on"


def _read_keys(given: Mapping[str, str], name: str) -> dict[str, bytes]:
    """Return keys by id from "id:base64url[,id:base64url]"; the first one is current."""
    return dict(_read_key(name, part) for part in _require(given, name).split(","))


def _read_key(name: str, part: str) -> tuple[str, bytes]:
    key_id, _, text = part.strip().partition(":")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key_id or not key:
        raise InvalidEnvironment(f"{name} must read id:base64url[,id:base64url].")
    return key_id, key
