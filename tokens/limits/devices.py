"""Limits of the device flow: how many devices begin, and how often a person may guess a code.

Source: RFC 8628 section 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tokens import limits
from tokens.limits.keys import LimitKey, LimitKind, name_credential, name_network

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import ClientRecord, TenantSnapshot

USER_CODES: Final = "user codes"
BEGUN: Final = "devices of "


def admit_device(tenant: TenantSnapshot, client: ClientRecord, address: str) -> None:
    """Count a device that begins; anybody may name a public client, so its network is counted.

    Raises:
        RateLimited: too many begin there.
    """
    if client.authentication_method != limits.PUBLIC:
        return
    name = f"{BEGUN}{client.client_id}"
    wait = limits.DEVICES.wait_seconds(tenant, None, name, name_network(address))
    if wait:
        limits.refuse(LimitKind.CLIENT, wait, limits.TOO_MANY)


def admit_user_code(tenant: TenantSnapshot, subject_id: UUID, address: str) -> None:
    """Let a person try a user code.

    Raises:
        RateLimited: too many come from the address, or the person has guessed too often.
    """
    network = name_network(address)
    wait = limits.PERSON_ADDRESSES.wait_seconds(tenant, None, USER_CODES, network)
    if wait:
        limits.refuse(LimitKind.SIGN_IN_ADDRESS, wait, limits.TOO_MANY)
    if limits.FAILURES.has_failures:
        limits.admit_trial(_key(tenant, subject_id))


def count_wrong_user_code(tenant: TenantSnapshot, subject_id: UUID) -> None:
    """Count a user code that nobody waits with.

    A right one forgets none of them: whoever guesses has right ones of their own.
    """
    limits.FAILURES.count(_key(tenant, subject_id))


def _key(tenant: TenantSnapshot, subject_id: UUID) -> LimitKey:
    """Name a person wherever they are: nobody but they can use up what is theirs."""
    name = name_credential(f"{USER_CODES} {subject_id}")
    return LimitKey(LimitKind.FAILURES, tenant.id, name, "")
