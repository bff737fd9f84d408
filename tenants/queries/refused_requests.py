"""Finds a refused request by its id, so that it can be tried again; others say how.

The traces belong to what happens on the wire, about which this package knows nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.records import AccessRequest, TenantSnapshot

Reader: TypeAlias = "Callable[[TenantSnapshot, str], AccessRequest | None]"
_READERS: list[Reader] = []


def register_reader(reader: Reader) -> None:
    """Let a reader look for refused requests; registering it again changes nothing."""
    if reader not in _READERS:
        _READERS.append(reader)


def find_refused_request(tenant: TenantSnapshot, request_id: str) -> AccessRequest | None:
    """Rebuild what a refused request of the tenant asked for; None where no trace is kept."""
    found = (reader(tenant, request_id) for reader in _READERS)
    return next((request for request in found if request is not None), None)
