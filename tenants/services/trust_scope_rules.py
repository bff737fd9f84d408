"""What a trust profile may say of scopes: names of its own tenant, within its maximum."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from tenants import models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
MAX_MAPPED_NAMES: Final = 100
MAX_NAME_CHARACTERS: Final = 255
# Source: RFC 6749 section 3.3.
_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def check_scopes(profile: models.TrustProfile, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Answer what is wrong with the maximum and with the mapping to it, by field."""
    maximum = [s for s in linked(profile, links, "maximum_scopes") if isinstance(s, models.Scope)]
    if any(scope.api.built_in == models.Api.BuiltIn.MANAGEMENT for scope in maximum):
        return {"maximum_scopes": ["Management scopes can never come from an outside issuer."]}
    wrong = _find_wrong_mapping(profile.scope_mapping, {scope.name for scope in maximum})
    return {"scope_mapping": [wrong]} if wrong else {}


def linked(entity: Model, links: Mapping[str, Sequence[Model]], relation: str) -> Sequence[Model]:
    """Answer what a relation will have: what is about to be written, or else what is stored."""
    if relation in links:
        return links[relation]
    if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
        return ()
    return list(getattr(entity, relation).all())


def _find_wrong_mapping(mapping: object, maximum: set[str]) -> str:
    if not isinstance(mapping, dict):
        return 'Write an object, such as {"plan": ["read:accounts"]}.'
    if len(mapping) > MAX_MAPPED_NAMES:
        return f"Map at most {MAX_MAPPED_NAMES} names."
    for name, ours in mapping.items():
        if len(name) > MAX_NAME_CHARACTERS or not _SCOPE_TOKEN.fullmatch(name):
            return f"{name[:100]!r} can't be the name of a scope (RFC 6749 section 3.3)."
        if not isinstance(ours, list) or not all(isinstance(scope, str) for scope in ours):
            return f"Map {name[:100]} to a list of scope names of this tenant."
        beyond = sorted(set(ours) - maximum)
        if beyond:
            return f"{beyond[0][:100]} is not among the maximum scopes and would never be given."
    return ""
