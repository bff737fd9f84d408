"""The engine `match`: a pattern that the request document must contain. Pure.

What is absent equals nothing, not even something else that is absent: comparing it is
indeterminate. Only `$present` and `$absent` are always decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import re2

from tenants.policy_document import ABSENT, DocumentTooLarge, kind_of
from tenants.policy_engines.logic import conjunction, disjunction
from tenants.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.policy_document import Document
    from tenants.records import JSON

    # A part of a pattern, asked with the value at its place and the whole document.
    Part: TypeAlias = Callable[[Any, Document], Verdict]

TRUE: Final = Verdict.TRUE
FALSE: Final = Verdict.FALSE
INDETERMINATE: Final = Verdict.INDETERMINATE
# What can be compared; a number is the same whether it is written with a fraction or not.
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
}
MAX_PATTERN_CHARACTERS: Final = 1_024
PATTERN_BYTES_OF_MEMORY: Final = 1 << 20


def compile_rule(rule: JSON) -> Callable[[Document], Verdict]:
    """Compile a pattern over the whole document, of which it reads what it names.

    Raises:
        ValueError, TypeError, KeyError: what the linter would have found.
    """
    if not isinstance(rule, dict) or not rule or any(name[:1] == "$" for name in rule):
        raise TypeError("a pattern is an object with names of the document")
    items = tuple((name, _compile(sub)) for name, sub in rule.items())

    def match_document(document: Document) -> Verdict:
        answer, kept = TRUE, document.kept
        for name, part in items:
            try:
                verdict = part(kept[name] if name in kept else document.read(name), document)
            except DocumentTooLarge:
                # Only this part is unsure, so that no order of the names matters.
                verdict = INDETERMINATE
            if verdict is FALSE:
                return FALSE
            if verdict is not TRUE:
                answer = INDETERMINATE
        return answer

    return match_document


def _compile(pattern: JSON) -> Part:
    if not isinstance(pattern, dict):
        return _compile_enum([pattern])
    operators = [OPERATORS[name](rule) for name, rule in pattern.items() if name[:1] == "$"]
    members = {name: _compile(sub) for name, sub in pattern.items() if name[:1] != "$"}
    parts = [*operators, _compile_members(members)] if members else operators
    if len(parts) == 1:
        return parts[0]
    if not parts:
        raise ValueError("an empty pattern would match everything")
    return lambda value, root: conjunction(part(value, root) for part in parts)


def _compile_members(parts: Mapping[str, Part]) -> Part:
    """Compile the members of an object; what is no object has none, and is never matched."""
    items = tuple(parts.items())

    def match_members(value: Any, root: Document) -> Verdict:  # noqa: ANN401 - any JSON value.
        is_object = type(value) is dict
        answer = TRUE if is_object or value is ABSENT else INDETERMINATE
        members = value if is_object else {}
        for name, part in items:
            verdict = part(members.get(name, ABSENT), root)
            if verdict is FALSE:
                return FALSE
            if verdict is not TRUE:
                answer = INDETERMINATE
        return answer

    return match_members


def _compile_enum(options: JSON) -> Part:
    """Compile a list of texts, numbers and booleans, one of which must be equal."""
    if not isinstance(options, list) or not options:
        raise TypeError("$enum is a list of values")
    by_type: dict[type, set[JSON]] = {}
    for option in options:
        kind = kind_of(option)
        if kind not in _TYPES:
            raise TypeError(f"{kind} can't be compared")
        for equal in _TYPES[kind]:
            by_type.setdefault(equal, set()).add(option)

    def match_enum(value: Any, _root: Document) -> Verdict:  # noqa: ANN401 - any JSON value.
        equals = by_type.get(type(value))
        if equals is None:
            # Another kind, or absent: that is not the same as another value.
            return INDETERMINATE
        return TRUE if value in equals else FALSE

    return match_enum


def _compile_one_of(options: JSON) -> Part:
    if not isinstance(options, list) or not options:
        raise TypeError("$one-of is a list of patterns")
    parts = [_compile(option) for option in options]
    return lambda value, root: disjunction(part(value, root) for part in parts)


def _compile_contains(pattern: JSON) -> Part:
    part = _compile(pattern)

    def match_some(value: Any, root: Document) -> Verdict:  # noqa: ANN401 - any JSON value.
        if type(value) is not list:
            return INDETERMINATE
        return disjunction(part(element, root) for element in value)

    return match_some


def _compile_every(pattern: JSON) -> Part:
    part = _compile(pattern)

    def match_all(value: Any, root: Document) -> Verdict:  # noqa: ANN401 - any JSON value.
        if type(value) is not list:
            return INDETERMINATE
        if not value:
            return FALSE  # Of nothing, everything could be said.
        return conjunction(part(element, root) for element in value)

    return match_all


def _compile_present(argument: JSON) -> Part:
    _require_true(argument)
    return lambda value, _root: FALSE if value is ABSENT else TRUE


def _compile_absent(argument: JSON) -> Part:
    _require_true(argument)
    return lambda value, _root: TRUE if value is ABSENT else FALSE


def _require_true(argument: JSON) -> None:
    if argument is not True:
        raise ValueError("$present and $absent take true only")


def compile_regex(pattern: JSON) -> Any:  # noqa: ANN401 - the library has no types.
    """Compile a pattern that runs in linear time.

    Raises:
        TypeError: it is no text, or a long one.
        re2.error: it can't be matched in linear time, or is malformed.
    """
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN_CHARACTERS:
        raise TypeError(f"$regex is a text of at most {MAX_PATTERN_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PATTERN_BYTES_OF_MEMORY
    return re2.compile(pattern, options)


def _compile_regex(pattern: JSON) -> Part:
    compiled = compile_regex(pattern)

    def match_regex(value: Any, _root: Document) -> Verdict:  # noqa: ANN401 - any JSON value.
        if type(value) is not str:
            return INDETERMINATE
        return TRUE if compiled.fullmatch(value) else FALSE

    return match_regex


def read_path(argument: JSON) -> tuple[str, ...]:
    """Read a path, `client.kind` or a list of names where a name has dots.

    Raises:
        TypeError: it is neither.
    """
    steps = argument.split(".") if isinstance(argument, str) else argument
    if not isinstance(steps, list) or not steps:
        raise TypeError("$ref is a path such as client.kind, or a list of names")
    names = tuple([step for step in steps if isinstance(step, str) and step])
    if len(names) != len(steps):
        raise TypeError("$ref has an empty step")
    return names


def _compile_ref(argument: JSON) -> Part:
    path = read_path(argument)

    def match_ref(value: Any, root: Document) -> Verdict:  # noqa: ANN401 - any JSON value.
        other = root.read(path[0])
        for name in path[1:]:
            other = other.get(name, ABSENT) if type(other) is dict else ABSENT
        if value is ABSENT or other is ABSENT or kind_of(value) != kind_of(other):
            return INDETERMINATE
        return TRUE if is_same(value, other) else FALSE

    return match_ref


def is_same(one: JSON, other: JSON) -> bool:
    """Say whether two JSON values are equal, true and 1 being different."""
    if kind_of(one) != kind_of(other):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[n], other[n]) for n in one)
    return one == other


OPERATORS: Final[Mapping[str, Callable[[JSON], Part]]] = {
    "$enum": _compile_enum,
    "$one-of": _compile_one_of,
    "$contains": _compile_contains,
    "$every": _compile_every,
    "$present": _compile_present,
    "$absent": _compile_absent,
    "$regex": _compile_regex,
    "$ref": _compile_ref,
}
