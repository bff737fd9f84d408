"""Claim rules: what each source may name, and how a rule is compiled once for every token. Pure."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tenants.claim_bounds import (
    MAX_NAME_CHARACTERS,
    UnwritableClaim,
    is_harmless,
    measure_claim,
)
from tenants.claim_document import ATTRIBUTES, CLAIM_DOCUMENT, FOREIGN, SUBJECT
from tenants.claim_paths import (
    OF_SUBJECT,
    find_attributes,
    find_foreign_claims,
    find_path_mistake,
    read_value,
)
from tenants.claim_templates import (
    InvalidTemplate,
    compile_template,
    find_template_mistake,
    parse_template,
)
from tenants.policy_engines import Severity, compile_rule, match_linter
from tenants.policy_engines.findings import find_excess, write_pointer
from tenants.policy_engines.match import read_path
from tenants.records import CONSTANT, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tenants.claim_paths import ClaimPath
    from tenants.policy_document import Document
    from tenants.records import JSON, ClaimRuleRecord

MAX_MEMBERS: Final = 20
NAME_A_PATH: Final = (
    "Name what is read by a text with dots, by a list of names that have dots, or by an object of "
    f"1 to {MAX_MEMBERS} of these."
)
UNSTORABLE: Final = "Leave NUL characters out; they can't be stored."
# What leads to others, and can't be compared as a whole: a row keeps what rules name, no more.
_WHOLES: Final = frozenset(((SUBJECT,), OF_SUBJECT, (FOREIGN,)))


class Source(StrEnum):
    """Where the value of a claim rule comes from."""

    CONSTANT = CONSTANT
    TEMPLATE = "template"
    RECORD = "record"
    SUBJECT_ATTRIBUTE = "subject_attribute"
    FOREIGN_CLAIM = "foreign_claim"


_ROOTS: Final[dict[str, ClaimPath]] = {
    Source.RECORD: (),
    Source.SUBJECT_ATTRIBUTE: OF_SUBJECT,
    Source.FOREIGN_CLAIM: (FOREIGN,),
}


def compile_claim_rule(rule: ClaimRuleRecord) -> ClaimRuleRecord:
    """Compile a rule's value and its condition.

    It never fails: a value that can't be read is absent, and a condition that can't be compiled
    never holds.
    """
    paths = [*_find_paths_of_value(rule.source, rule.value), *_find_paths(rule.condition, ())]
    return replace(
        rule,
        read=_compile_value(rule.source, rule.value),
        holds=compile_rule("match", rule.condition),
        attributes=find_attributes(paths),
        foreign_claims=find_foreign_claims(paths),
    )


def find_value_mistake(source: str, value: JSON) -> str:
    """Say what is wrong with a rule's value; an empty text where nothing is."""
    if source == Source.CONSTANT:
        mistake = _find_constant_mistake(value)
    elif source == Source.TEMPLATE:
        mistake = find_template_mistake(value)
    else:
        mistake = _find_source_mistake(source, value)
    return mistake or (UNSTORABLE if _has_nul(value) else "")


def _find_source_mistake(source: str, value: JSON) -> str:
    try:
        paths = _read_sources(source, value)
    except (KeyError, TypeError):
        return NAME_A_PATH
    mistakes = (find_path_mistake(path, is_plain=False) for path in paths.values())
    return next(filter(None, mistakes), "")


def _has_nul(value: JSON) -> bool:
    """Say whether PostgreSQL would refuse a text; what is asked is of little depth."""
    if isinstance(value, dict):
        return any(map(_has_nul, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\x00" in value


def lint_condition(condition: JSON) -> Iterator[str]:
    """Find what is wrong with a rule's condition, in words that name the place; {} is right."""
    if condition == {}:
        return
    excess = find_excess(condition)
    mistakes = [excess] if excess else list(match_linter.lint(condition, "allow", CLAIM_DOCUMENT))
    errors = [mistake for mistake in mistakes if mistake.severity is Severity.ERROR]
    for mistake in errors:
        place = write_pointer(mistake.path)
        yield f"{place}: {mistake.message}" if place else mistake.message
    if not errors and not _WHOLES.isdisjoint(_find_paths(condition, ())):
        yield f"Compare single members: {SUBJECT}.{ATTRIBUTES}.department, {FOREIGN}.department."


def _find_constant_mistake(value: JSON) -> str:
    try:
        measure_claim(value)
    except UnwritableClaim as error:
        return f"No token can carry this: {error}."
    return "Null counts as absent; leave the rule out." if value is None else ""


def _read_source(source: str, value: JSON) -> ClaimPath:
    """Read the path of what a rule reads.

    Raises:
        KeyError, TypeError: it is none.
    """
    return _ROOTS[source] + read_path(value)


def _read_sources(source: str, value: JSON) -> dict[str, ClaimPath]:
    """Read the paths of an object's members; a single path has no name.

    Raises:
        KeyError, TypeError: they are none.
    """
    if not isinstance(value, dict):
        return {"": _read_source(source, value)}
    if not 0 < len(value) <= MAX_MEMBERS or not all(map(_is_member_name, value)):
        raise TypeError(NAME_A_PATH)
    return {name: _read_source(source, path) for name, path in value.items()}


def _is_member_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME_CHARACTERS and is_harmless(name)


def _compile_value(source: str, value: JSON) -> Callable[[Document], JSON]:
    try:
        if source == Source.TEMPLATE:
            return compile_template(value)
        paths = _read_sources(source, value)
    except (InvalidTemplate, KeyError, TypeError):
        return nothing
    if isinstance(value, dict):
        return lambda document: _read_object(document, paths)
    path = paths[""]
    return lambda document: read_value(document, path)


def _read_object(document: Document, paths: Mapping[str, ClaimPath]) -> JSON:
    """Read the members that are there; an object without any counts as absent."""
    read = {name: read_value(document, path) for name, path in paths.items()}
    return {name: value for name, value in read.items() if value is not None} or None


def _find_paths_of_value(source: str, value: JSON) -> list[ClaimPath]:
    try:
        if source == Source.TEMPLATE:
            return [part for part in parse_template(value) if isinstance(part, tuple)]
        return [*_read_sources(source, value).values()]
    except (InvalidTemplate, KeyError, TypeError):
        return []


def _find_paths(pattern: JSON, path: ClaimPath) -> Iterator[ClaimPath]:
    """List the paths that a pattern compares, and those that its references name."""
    if not isinstance(pattern, dict):
        yield path
        return
    for name, member in pattern.items():
        if name == "$one-of" and isinstance(member, list):
            for option in member:
                yield from _find_paths(option, path)
        elif name.startswith("$"):
            yield path
            yield from _find_references(name, member)
        else:
            yield from _find_paths(member, (*path, name))


def _find_references(operator: str, argument: JSON) -> Iterator[ClaimPath]:
    """List what references name, within an operator's argument as well."""
    if operator == "$ref":
        try:
            yield read_path(argument)
        except TypeError:
            return
    elif isinstance(argument, dict):
        for name, member in argument.items():
            yield from _find_references(name, member)
