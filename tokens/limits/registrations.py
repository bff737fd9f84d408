"""Limits of clients that make themselves known, where anybody may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tokens import limits
from tokens.limits.keys import LimitKind, name_network

if TYPE_CHECKING:
    from tenants.records import TenantSnapshot

REGISTRATIONS: Final = "registrations"
CHANGES: Final = "registration changes"
DOCUMENTS: Final = "documents"


def admit_registration(tenant: TenantSnapshot, address: str) -> None:
    """Count a client that registers without any token.

    Raises:
        RateLimited: too many come from the address.
    """
    _admit(tenant, REGISTRATIONS, address)


def admit_change(tenant: TenantSnapshot, address: str) -> None:
    """Count a registered client that changes itself, each time a version of the configuration.

    Raises:
        RateLimited: too many come from the address.
    """
    _admit(tenant, CHANGES, address)


def admit_document(tenant: TenantSnapshot, address: str) -> None:
    """Count a metadata document that is to be fetched because somebody names it.

    Raises:
        RateLimited: the address names too many.
    """
    _admit(tenant, DOCUMENTS, address)


def _admit(tenant: TenantSnapshot, name: str, address: str) -> None:
    wait = limits.NEWCOMERS.wait_seconds(tenant, None, name, name_network(address))
    if wait:
        limits.refuse(LimitKind.ADDRESS, wait, limits.TOO_MANY)
