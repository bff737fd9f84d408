"""Checks every setting's range at start, and that the database login is not too powerful."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from tokens.claim_hook import InvalidHook, load_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.apps import AppConfig

KEY_BYTES = 32
SHORTEST_TOKEN = 32


@dataclass(frozen=True, slots=True)
class SettingRule:
    """One rule that a setting must keep; its id is never used again."""

    id: str
    setting: str
    is_kept: Callable[[Any], bool]
    message: str
    hint: str


def _is_between(minimum: float, maximum: float) -> Callable[[Any], bool]:
    return lambda number: minimum <= number <= maximum


def _are_keys(keys: dict[str, bytes]) -> bool:
    return bool(keys) and all(len(key) >= KEY_BYTES for key in keys.values())


def _are_aes_keys(keys: dict[str, bytes]) -> bool:
    return bool(keys) and all(len(key) == KEY_BYTES for key in keys.values())


def _is_url_for_stage(url: str) -> bool:
    return settings.AUTHPLATFORM_STAGE != "production" or url.startswith("https://")


def _are_networks(texts: Sequence[str]) -> bool:
    try:
        return all(ipaddress.ip_network(text) for text in texts)
    except ValueError:
        return False


def _is_authority_file_or_empty(path: str) -> bool:
    if not path:
        return True
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError:
        return False
    return True


def _is_long_or_empty(token: str) -> bool:
    return not token or len(token) >= SHORTEST_TOKEN


def _is_longer_than_a_task(seconds: int) -> bool:
    return settings.AUTHPLATFORM_TASK_TIME_LIMIT_SECONDS < seconds <= 3600  # noqa: PLR2004 - an hour.


RULES = (
    SettingRule(
        "authplatform.E001",
        "TENANTS_OUTGOING_TIMEOUT_SECONDS",
        _is_between(0.1, 30),
        "lies outside 0.1 to 30 seconds",
        "An outgoing call holds a thread for as long.",
    ),
    SettingRule(
        "authplatform.E002",
        "TENANTS_OUTGOING_MAX_BYTES",
        _is_between(1024, 1_048_576),
        "lies outside 1 kB to 1 MB",
        "64 kB holds a hundred keys.",
    ),
    SettingRule(
        "authplatform.E003",
        "TENANTS_TOKEN_PEPPERS",
        _are_keys,
        "has a pepper of less than 32 bytes",
        "Generate one with: python -m authplatform.secret_file",
    ),
    SettingRule(
        "authplatform.E004",
        "TENANTS_KEY_ENCRYPTION_KEYS",
        _are_aes_keys,
        "has a key that is not 32 bytes long",
        "Generate one with: python -m authplatform.secret_file",
    ),
    SettingRule(
        "authplatform.E005",
        "TENANTS_BASE_URL",
        _is_url_for_stage,
        "is not https in production",
        "Set BASE_URL to the address that clients use, in front of your proxy.",
    ),
    SettingRule(
        "authplatform.E006",
        "AUTHPLATFORM_ADMIN_BASE_URL",
        _is_url_for_stage,
        "is not https in production",
        "Set ADMIN_BASE_URL to the address that operators use, in front of your proxy.",
    ),
    SettingRule(
        "authplatform.E007",
        "AUTHPLATFORM_TRUSTED_PROXIES",
        _are_networks,
        "holds something that is no network",
        "Write networks like 10.0.0.0/8, separated by commas.",
    ),
    SettingRule(
        "authplatform.E008",
        "AUTHPLATFORM_OPERATIONS_ADDRESSES",
        _are_networks,
        "holds something that is no network",
        "Write networks like 10.0.0.0/8, separated by commas.",
    ),
    SettingRule(
        "authplatform.E009",
        "TENANTS_OUTGOING_PRIVATE_ADDRESSES",
        _are_networks,
        "holds something that is no network",
        "Write networks like 10.0.0.0/8, separated by commas.",
    ),
    SettingRule(
        "authplatform.E031",
        "TENANTS_OUTGOING_CA_FILE",
        _is_authority_file_or_empty,
        "can't be read as certificates in PEM",
        "Set OUTGOING_CA_FILE to a file with the certificates of your own authorities, or to none.",
    ),
    SettingRule(
        "authplatform.E010",
        "AUTHPLATFORM_OPERATIONS_TOKEN",
        _is_long_or_empty,
        "is shorter than 32 characters",
        "Leave OPERATIONS_TOKEN empty, or generate a long one.",
    ),
    SettingRule(
        "authplatform.E011",
        "AUTHPLATFORM_TASK_TIME_LIMIT_SECONDS",
        _is_between(60, 3599),
        "lies outside 60 to 3599 seconds",
        "Tasks work in batches and end by themselves long before.",
    ),
    SettingRule(
        "authplatform.E012",
        "AUTHPLATFORM_TASK_VISIBILITY_TIMEOUT_SECONDS",
        _is_longer_than_a_task,
        "is not longer than a task may take, or longer than an hour",
        "A task that outlives it runs twice.",
    ),
    SettingRule(
        "authplatform.E015",
        "TENANTS_SNAPSHOT_MAX_AGE_SECONDS",
        _is_between(0, 5),
        "lies outside 0 to 5 seconds",
        "So long may a process work with an old configuration.",
    ),
    SettingRule(
        "authplatform.E016",
        "TENANTS_SNAPSHOT_MAX_TENANTS",
        _is_between(1, 1_000_000),
        "lies outside 1 to 1 000 000",
        "So many tenants stay in the memory of a process.",
    ),
    SettingRule(
        "authplatform.E017",
        "TENANTS_SNAPSHOT_MAX_CLIENTS",
        _is_between(1, 10_000_000),
        "lies outside 1 to 10 000 000",
        "So many clients stay in the memory of a process.",
    ),
    SettingRule(
        "authplatform.E018",
        "TOKENS_REFRESH_GRACE_SECONDS",
        _is_between(0, 300),
        "lies outside 0 to 300 seconds",
        "So long may a consumed refresh token be repeated by a client that lost the answer.",
    ),
    SettingRule(
        "authplatform.E019",
        "TOKENS_KEY_ROTATION_SECONDS",
        _is_between(3600, 31_622_400),
        "lies outside an hour to a year",
        "A signing key is replaced after so long.",
    ),
    SettingRule(
        "authplatform.E020",
        "TOKENS_REFUSAL_TRACES_PER_MINUTE",
        _is_between(0, 1_000),
        "lies outside 0 to 1 000",
        "So many refusals of one client or address for one reason keep their trace each minute.",
    ),
    SettingRule(
        "authplatform.E021",
        "TOKENS_REFUSAL_TRACES_PER_SECOND",
        _is_between(1, 10_000),
        "lies outside 1 to 10 000",
        "A process writes no more traces than this, however it is attacked.",
    ),
    SettingRule(
        "authplatform.E022",
        "TOKENS_FAILURES_BEFORE_DELAY",
        _is_between(1, 100),
        "lies outside 1 to 100",
        "So often may a client or an operator fail from one address before it has to wait.",
    ),
    SettingRule(
        "authplatform.E023",
        "TOKENS_FAILURE_MAX_DELAY_SECONDS",
        _is_between(1, 1_800),
        "lies outside 1 to 1 800 seconds",
        "The delay doubles up to this; after 1 800 seconds without a failure it is forgotten.",
    ),
    SettingRule(
        "authplatform.E024",
        "TOKENS_SIGN_INS_PER_MINUTE",
        _is_between(1, 10_000),
        "lies outside 1 to 10 000",
        "So many sign-ins of operators may come from one address.",
    ),
)


@register(Tags.security)
def check_settings(
    app_configs: Sequence[AppConfig] | None = None,  # noqa: ARG001 - Django's signature.
    **_options: object,
) -> list[CheckMessage]:
    """Return an error for each rule that a setting breaks; the value itself is never shown."""
    return [
        Error(f"{rule.setting} {rule.message}.", hint=rule.hint, id=rule.id)
        for rule in RULES
        if not rule.is_kept(getattr(settings, rule.setting))
    ]


@register(Tags.security)
def check_admin_host(
    app_configs: Sequence[AppConfig] | None = None,  # noqa: ARG001 - Django's signature.
    **_options: object,
) -> list[CheckMessage]:
    """Return an error where admin and end users share a host in production."""
    shared = settings.AUTHPLATFORM_ADMIN_BASE_URL == settings.TENANTS_BASE_URL
    if settings.AUTHPLATFORM_STAGE != "production" or not shared:
        return []
    return [
        Error(
            "ADMIN_BASE_URL is the same as BASE_URL.",
            hint="The admin's theme needs 'unsafe-eval': give it a host of its own.",
            id="authplatform.E013",
        )
    ]


@register(Tags.security)
def check_claims_hook(
    app_configs: Sequence[AppConfig] | None = None,  # noqa: ARG001 - Django's signature.
    **_options: object,
) -> list[CheckMessage]:
    """Return an error where the claims hook can't be loaded, or has no method of the right form."""
    if not settings.TOKENS_CLAIMS_HOOK:
        return []
    try:
        load_hook(settings.TOKENS_CLAIMS_HOOK)
    except InvalidHook as error:
        hint = "Name a class of your own by its dotted path; docs/claims.md has an example."
        return [Error(str(error), hint=hint, id="authplatform.E030")]
    return []


@register(Tags.database)
def check_database_login(
    app_configs: Sequence[AppConfig] | None = None,  # noqa: ARG001 - Django's signature.
    databases: Sequence[str] | None = None,
    **_options: object,
) -> list[CheckMessage]:
    """Return an error for a login that ignores row-level security."""
    return [error for alias in databases or () for error in _check_login(alias)]


def _check_login(alias: str) -> list[CheckMessage]:
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user"
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    if row is None or not row[0]:
        return []
    return [
        Error(
            f"The database login of {alias!r} ignores row-level security.",
            hint="Use a login without SUPERUSER and BYPASSRLS, such as authplatform_owner.",
            id="authplatform.E014",
        )
    ]
