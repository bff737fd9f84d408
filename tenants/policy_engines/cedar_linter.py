"""Finds what is wrong with a Cedar rule: Cedar's own validator, with lines and remedies. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import cedarpy

from tenants.policy_engines import cedar
from tenants.policy_engines.cedar_text import OutOfBounds, check_bounds, find_statements
from tenants.policy_engines.findings import Mistake, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.policy_document import Field
    from tenants.records import JSON

_PREFIX: Final = re.compile(r"^for policy `policy[0-9]+`, ")
_QUOTED: Final = re.compile(r"`([^`]+)`")
_FOR_ACTION: Final = re.compile(r' in context for Action::".*"')


def lint(rule: JSON, _effect: str) -> Iterator[Mistake]:
    """Find what can't be parsed, what the schema of our entities lacks, and what never matches."""
    if not isinstance(rule, str) or not rule.strip():
        yield Mistake((), "The rule is a text of Cedar policies.")
        return
    try:
        check_bounds(rule)
    except OutOfBounds as error:
        yield Mistake((), f"{error}; split it into several policies.")
        return
    statements = find_statements(rule)
    unparsable = list(_find_unparsable(statements))
    yield from unparsable
    if not unparsable:
        yield from _find_invalid(rule, statements)
        yield from _find_never(rule)


def _find_unparsable(statements: list[tuple[int, str]]) -> Iterator[Mistake]:
    for line, statement in statements:
        try:
            policies = cedarpy.PolicySet.from_str(statement)
        except ValueError as error:
            yield Mistake((), f"Cedar can't read this policy: {error}.", line=line)
            continue
        if policies.templates():
            text = "A template is never linked here; write the principal or resource itself."
            yield Mistake((), text, line=line)


def _find_invalid(rule: str, statements: list[tuple[int, str]]) -> Iterator[Mistake]:
    """Validate against the schema; what is wrong for every action is told once."""
    told: set[tuple[int, str]] = set()
    # Cedar names policies by their place in the text.
    by_name = {f"policy{number}": found for number, found in enumerate(statements)}
    for error in cedarpy.validate_policies(rule, cedar.schema()).errors:
        text = _FOR_ACTION.sub("", _PREFIX.sub("", error.error))
        line = _find_line(text, *by_name.get(error.policy_id, (1, rule)))
        if (line, text) not in told:
            told.add((line, text))
            yield Mistake((), f"Cedar: {text}.{_suggest(text)}", line=line)


def _find_line(text: str, line: int, statement: str) -> int:
    """Find the line of a policy, or within it of the attribute that the message quotes."""
    quoted = _QUOTED.search(text)
    position = statement.find(quoted[1]) if quoted else -1
    return line + statement.count("\n", 0, max(position, 0))


def _suggest(text: str) -> str:
    quoted = _QUOTED.search(text)
    if quoted is None:
        return ""
    if "optional attribute" in text:
        return f" Guard it: write has {quoted[1]} && before it."
    return suggest(quoted[1], _known_names())


def _known_names() -> set[str]:
    """Collect every attribute that the schema knows."""
    names = set(cedar.context_members())
    pending: list[Field] = [*cedar.context_members().values()]
    while pending:
        field = pending.pop()
        names |= set(field.members or ())
        pending += (field.members or {}).values()
        pending += [field.element] if field.element else []
    return names


def _find_never(rule: str) -> Iterator[Mistake]:
    if not re.search(r"\bpermit\b", rule):
        yield Mistake(
            (), "Without permit the rule never matches; the effect says what a match does."
        )
