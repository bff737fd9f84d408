"""Finds a refused request by its id, or asks as a resource server would; others say how.

Traces and evaluations belong to what happens on the wire, about which this package knows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.records import JSON, AccessRequest, ClientRecord, TenantSnapshot

    Members = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Wire:
    """How requests on the wire are asked again, or as they would be asked.

    `find_refused` takes the request id, `ask_access` the client that asks; both take the entities
    of an access evaluation, and raise InvalidEntity where these are wrong.
    """

    find_refused: Callable[[TenantSnapshot, str, Members], AccessRequest | None]
    ask_access: Callable[[TenantSnapshot, ClientRecord, Members], AccessRequest]


_WIRES: list[Wire] = []


def register(wire: Wire) -> None:
    """Let requests be asked by a wire; registering it again changes nothing."""
    if wire not in _WIRES:
        _WIRES.append(wire)


def find_refused_request(
    tenant: TenantSnapshot, request_id: str, entities: Members
) -> AccessRequest | None:
    """Rebuild what a refused request of the tenant asked for; None where no trace is kept.

    Raises:
        InvalidEntity: the entities are wrong, or the request was no access evaluation.
    """
    found = (wire.find_refused(tenant, request_id, entities) for wire in _WIRES)
    return next((request for request in found if request is not None), None)


def ask_access(tenant: TenantSnapshot, caller: ClientRecord, entities: Members) -> AccessRequest:
    """Ask about a call as the client would, by the entities of an access evaluation.

    Raises:
        InvalidEntity: they are wrong.
    """
    return _WIRES[0].ask_access(tenant, caller, entities)
