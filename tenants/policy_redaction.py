"""Writes a request document as a trace may keep it, without what came from outside. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.policy_document import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.policy_document import Members
    from tenants.records import JSON

# What a trace may show of each part that came from outside.
_ENTITY: Final = frozenset(("type", "id", "name"))
_SHOWN: Final[Mapping[str, frozenset[str]]] = {
    "claims": frozenset(("iss", "aud", "exp", "iat", "nbf", "azp", "client_id", "scope")),
    **dict.fromkeys(("action", "resource", "subject"), _ENTITY),
    "context": frozenset(),
}


def redact(members: Mapping[str, JSON]) -> Members:
    """Write a document as a trace may keep it: of what came from outside only names and kinds."""
    redacted = dict(members)
    for name, shown in _SHOWN.items():
        part = members.get(name)
        if isinstance(part, dict):
            redacted[name] = {key: _redact(key, member, shown) for key, member in part.items()}
    return redacted


def _redact(name: str, value: JSON, shown: frozenset[str]) -> JSON:
    if name in shown and _is_plain(value):
        return value
    if shown is _ENTITY and isinstance(value, dict):
        return {key: f"({kind_of(member)})" for key, member in value.items()}
    return f"({kind_of(value)})"


def _is_plain(value: JSON) -> bool:
    """Say whether a value is a scalar or a list of such, with nothing hidden below."""
    elements = value if isinstance(value, list) else [value]
    return not any(isinstance(element, dict | list) for element in elements)
