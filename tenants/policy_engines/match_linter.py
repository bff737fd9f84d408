"""Finds what is wrong with a `match` pattern, each with its place and its remedy. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import re2

from tenants.policy_document import ANYTHING, DOCUMENT, Field, kind_of
from tenants.policy_engines.findings import Mistake, Severity, suggest
from tenants.policy_engines.match import OPERATORS, compile_regex, read_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tenants.policy_engines.findings import Path
    from tenants.records import JSON

DENY: Final = "deny"
# What an operator can be asked of; the others take every kind.
KIND_OF_OPERATOR: Final = {"$contains": "list", "$every": "list", "$regex": "text"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part of the pattern stands, and what the document has there.

    `may_lack` says that what is compared here may be absent and nothing guards it; `guarded` are
    the paths of the document of which the whole pattern demands that they are present. `document`
    is what references lead through.
    """

    field: Field
    path: Path
    effect: str
    may_lack: bool
    guarded: frozenset[Path]
    document: Field = DOCUMENT


def lint(rule: JSON, effect: str, document: Field = DOCUMENT) -> Iterator[Mistake]:
    """Find what is malformed, unknown, unreachable, or unguarded in a deny.

    `document` says what there is to read, where it isn't the request document.
    """
    if not isinstance(rule, dict):
        yield Mistake((), "The rule is a pattern: an object with names of the request document.")
        return
    for name in rule:
        if name.startswith("$"):
            text = "Write operators below a name of the document; for alternatives there is any."
            yield Mistake((name,), text)
            return
    guarded = frozenset(_find_guards(rule, ()))
    place = _Place(document, (), effect, may_lack=False, guarded=guarded, document=document)
    yield from _lint_pattern(rule, place)


def _find_guards(pattern: JSON, path: Path) -> Iterator[Path]:
    """List the paths that must be present for the pattern to hold at all."""
    if not isinstance(pattern, dict):
        return
    if pattern.get("$present") is True:
        yield path
    for name, member in pattern.items():
        if not name.startswith("$"):
            yield from _find_guards(member, (*path, name))


def _lint_pattern(pattern: JSON, place: _Place) -> Iterator[Mistake]:
    if not isinstance(pattern, dict):
        yield from _lint_literal(pattern, place)
        return
    if not pattern:
        yield Mistake(place.path, 'An empty pattern says nothing; write {"$present": true}.')
    if pattern.get("$present") is True:
        place = replace(place, may_lack=False)
    yield from _find_contradiction(pattern, place)
    for name, member in pattern.items():
        here = replace(place, path=(*place.path, name))
        if name.startswith("$"):
            yield from _lint_operator(name, member, here)
        else:
            yield from _lint_member(name, member, here)


def _find_contradiction(pattern: dict[str, JSON], place: _Place) -> Iterator[Mistake]:
    if "$absent" in pattern and len(pattern) > 1:
        text = "What is absent is nothing else: this never matches. Leave $absent or the rest out."
        yield Mistake((*place.path, "$absent"), text)


def _lint_member(name: str, member: JSON, place: _Place) -> Iterator[Mistake]:
    field = place.field
    if field.members is None and not field.is_open:
        text = f"A {field.kind} has no members; compare it by a value or by an operator."
        yield Mistake(place.path, text)
        return
    below = (field.members or {}).get(name)
    if below is None and not field.is_open:
        text = f"The request document has no {name} here.{suggest(name, field.members or {})}"
        yield Mistake(place.path, text)
        return
    below = below or ANYTHING
    may_lack = place.may_lack or below.is_optional
    yield from _lint_pattern(member, replace(place, field=below, may_lack=may_lack))


def _lint_literal(literal: JSON, place: _Place) -> Iterator[Mistake]:
    kind = kind_of(literal)
    if kind == "null":
        yield Mistake(place.path, 'Null counts as absent; write {"$absent": true}.')
    elif kind == "list":
        text = "A list is no pattern; use $enum for one of these, $contains or $every for elements."
        yield Mistake(place.path, text)
    else:
        yield from _find_kind_mismatch(kind, place)
        yield from _find_unguarded(place)


def _find_kind_mismatch(kind: str, place: _Place) -> Iterator[Mistake]:
    if place.field.kind not in {"any", kind}:
        text = f"Here stands a {place.field.kind}, which is never equal to a {kind}."
        yield Mistake(place.path, text)


def _find_unguarded(place: _Place) -> Iterator[Mistake]:
    """Demand a guard in a deny, which would else deny whoever lacks the field."""
    if place.may_lack and place.effect == DENY:
        text = 'This may be absent, and then denies; add "$present": true beside the comparison.'
        yield Mistake(place.path, text)


def _lint_operator(name: str, argument: JSON, place: _Place) -> Iterator[Mistake]:
    if name not in OPERATORS:
        yield Mistake(place.path, f"{name} is no operator.{suggest(name, OPERATORS)}")
        return
    kind = KIND_OF_OPERATOR.get(name)
    if kind and place.field.kind not in {"any", kind}:
        yield Mistake(place.path, f"{name} asks a {kind}, but here stands a {place.field.kind}.")
        return
    if name not in {"$present", "$absent", "$one-of"}:
        yield from _find_unguarded(place)
    yield from _LINTERS[name](argument, place)


def _lint_elements(argument: JSON, place: _Place) -> Iterator[Mistake]:
    element = place.field.element or ANYTHING
    yield from _lint_pattern(argument, replace(place, field=element, may_lack=False))


def _lint_flag(argument: JSON, place: _Place) -> Iterator[Mistake]:
    if argument is not True:
        name = place.path[-1]
        opposite = "$absent" if name == "$present" else "$present"
        yield Mistake(place.path, f"{name} takes true only; the opposite is {opposite}.")


def _lint_enum(argument: JSON, place: _Place) -> Iterator[Mistake]:
    if not isinstance(argument, list) or not argument:
        yield Mistake(place.path, "$enum takes a list of values that is not empty.")
        return
    guarded = replace(place, may_lack=False)
    for number, option in enumerate(argument):
        here = replace(guarded, path=(*place.path, number))
        if isinstance(option, dict):
            yield Mistake(here.path, "$enum takes plain values; for patterns use $one-of.")
        else:
            yield from _lint_literal(option, here)


def _lint_one_of(argument: JSON, place: _Place) -> Iterator[Mistake]:
    if not isinstance(argument, list) or not argument:
        yield Mistake(place.path, "$one-of takes a list of patterns that is not empty.")
        return
    for number, option in enumerate(argument):
        here = replace(place, path=(*place.path, number))
        yield from _lint_pattern(option, here)
        if option in argument[:number]:
            text = "The same alternative stands before this one."
            yield Mistake(here.path, text, Severity.WARNING)


def _lint_regex(argument: JSON, place: _Place) -> Iterator[Mistake]:
    try:
        compile_regex(argument)
    except TypeError as error:
        yield Mistake(place.path, f"{error}.")
    except re2.error as error:
        told = error.args[0] if error.args else ""
        reason = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        text = f"RE2 refuses this pattern ({reason}); it has no look-around and no back-references."
        yield Mistake(place.path, text)


def _lint_ref(argument: JSON, place: _Place) -> Iterator[Mistake]:
    try:
        path = read_path(argument)
    except TypeError as error:
        yield Mistake(place.path, f"{error}.")
        return
    field, may_lack = place.document, False
    walked: Path = ()
    for name in path:
        below = (field.members or {}).get(name) or (ANYTHING if field.is_open else None)
        if below is None:
            text = f"The request document has no {'.'.join(path)}."
            yield Mistake(place.path, text + suggest(name, field.members or {}))
            return
        walked = (*walked, name)
        may_lack = (may_lack or below.is_optional) and walked not in place.guarded
        field = below
    yield from _find_unguarded_target(".".join(path), place, may_lack=may_lack)


def _find_unguarded_target(name: str, place: _Place, *, may_lack: bool) -> Iterator[Mistake]:
    if may_lack and place.effect == DENY:
        text = f'{name} may be absent, and then denies; add "$present": true at {name}.'
        yield Mistake(place.path, text)


_LINTERS: Final[Mapping[str, Callable[[JSON, _Place], Iterator[Mistake]]]] = {
    "$enum": _lint_enum,
    "$one-of": _lint_one_of,
    "$contains": _lint_elements,
    "$every": _lint_elements,
    "$present": _lint_flag,
    "$absent": _lint_flag,
    "$regex": _lint_regex,
    "$ref": _lint_ref,
}
