"""Reads what a resource server asks about calls of its Api, strictly. Pure.

Source: OpenID AuthZEN Authorization API 1.0, sections 5 to 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tenants.records import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON

    Members = Mapping[str, JSON]

MAX_EVALUATIONS: Final = 50
PROPERTIES: Final = "properties"
# What an entity must say; beside it only `properties` are read. Source: sections 5.1 to 5.3.
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
)


class MalformedEvaluation(ValueError):
    """An evaluation, or a whole payload, is not what the specification says; public."""


class Semantic(StrEnum):
    """When the evaluation of several requests stops. Source: section 7.1.2.1."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One question: may this subject do this to that resource? Source: section 6.1."""

    subject: Members
    action: Members
    resource: Members
    context: Members | None = None

    def text(self, entity: str, name: str) -> str:
        """Answer what an entity says under a required name."""
        return str(getattr(self, entity)[name])


@dataclass(frozen=True, slots=True)
class Batch:
    """Several questions in their order; what is malformed is denied alone. Source: section 7."""

    items: tuple[Evaluation | MalformedEvaluation, ...]
    semantic: Semantic


def read_evaluation(document: Members, defaults: Members = NOTHING) -> Evaluation:
    """Read one evaluation; unknown members are ignored. Source: sections 6.1, 7.1.1 and 10.1.1.

    Raises:
        MalformedEvaluation: something is missing, or of another type.
    """
    context = document.get("context", defaults.get("context", {}))
    if not isinstance(context, dict):
        raise MalformedEvaluation("context must be an object.")
    entities = {name: _read_entity(name, document, defaults) for name in REQUIRED}
    return Evaluation(**entities, context=context or None)


def read_batch(document: Members) -> Batch | None:
    """Read several evaluations with their defaults; None where one is asked for.

    Raises:
        MalformedEvaluation: the payload as a whole is wrong. Source: section 7.2.1.
    """
    items = document.get("evaluations", [])
    if not isinstance(items, list):
        raise MalformedEvaluation("evaluations must be an array.")
    if not items:
        return None
    if len(items) > MAX_EVALUATIONS:
        raise MalformedEvaluation(f"Ask for {MAX_EVALUATIONS} evaluations at most.")
    _check_defaults(document)
    return Batch(tuple(_read_item(item, document) for item in items), _read_semantic(document))


def _read_item(item: JSON, defaults: Members) -> Evaluation | MalformedEvaluation:
    if not isinstance(item, dict):
        return MalformedEvaluation("An evaluation must be an object.")
    try:
        return read_evaluation(item, defaults)
    except MalformedEvaluation as error:
        return error


def _check_defaults(document: Members) -> None:
    for name in (*REQUIRED, "context"):
        if not isinstance(document.get(name, {}), dict):
            raise MalformedEvaluation(f"{name} must be an object.")


def _read_semantic(document: Members) -> Semantic:
    options = document.get("options", {})
    if not isinstance(options, dict):
        raise MalformedEvaluation("options must be an object.")
    stated = options.get("evaluations_semantic", Semantic.EXECUTE_ALL)
    if stated not in tuple(Semantic):
        raise MalformedEvaluation(f"evaluations_semantic must be one of {', '.join(Semantic)}.")
    return Semantic(str(stated))


def _read_entity(name: str, document: Members, defaults: Members) -> Members:
    """Read an entity; a stated one replaces the default, but for required names that it lacks."""
    entity, default = document.get(name), defaults.get(name)
    if name not in document:
        entity = default
    elif isinstance(entity, dict) and isinstance(default, dict):
        entity = {key: default[key] for key in REQUIRED[name] if key in default} | entity
    if entity is None:
        raise MalformedEvaluation(f"{name} is missing.")
    if not isinstance(entity, dict):
        raise MalformedEvaluation(f"{name} must be an object.")
    for key in REQUIRED[name]:
        if not isinstance(entity.get(key), str):
            raise MalformedEvaluation(f"{name}.{key} must be a string.")
    if not isinstance(entity.get(PROPERTIES, {}), dict):
        raise MalformedEvaluation(f"{name}.properties must be an object.")
    return {key: entity[key] for key in (*REQUIRED[name], PROPERTIES) if key in entity}
