"""The engines `all` and `any`: several rules, each with an engine of its own, taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.policy_engines.findings import Mistake, Severity
from tenants.policy_engines.logic import conjunction, disjunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tenants.policy_document import Document
    from tenants.records import JSON, Verdict

    Evaluate = Callable[[Document], Verdict]
    CompileMember = Callable[[str, JSON], Evaluate]
    LintMember = Callable[[str, str, JSON], Iterable[Mistake]]

ALL: Final = "all"
ANY: Final = "any"
MAX_MEMBERS: Final = 32
MEMBER_NAMES: Final = frozenset(("engine", "rule"))


def compile_rule(engine: str, rule: JSON, compile_member: CompileMember) -> Evaluate:
    """Compile every member; whatever breaks in one of them is that member's alone.

    Raises:
        ValueError, TypeError, KeyError: what the linter would have found.
    """
    if not isinstance(rule, list) or not 0 < len(rule) <= MAX_MEMBERS:
        raise TypeError("all and any take a list of rules")
    members = [compile_member(*_read_member(member)) for member in rule]
    join = conjunction if engine == ALL else disjunction
    return lambda document: join(evaluate(document) for evaluate in members)


def _read_member(member: JSON) -> tuple[str, JSON]:
    if not isinstance(member, dict) or not member.keys() <= MEMBER_NAMES:
        raise TypeError("a member has an engine and a rule")
    engine = member["engine"]
    if not isinstance(engine, str):
        raise TypeError("an engine is named by a text")
    return engine, member.get("rule")


def lint(engine: str, effect: str, rule: JSON, lint_member: LintMember) -> Iterator[Mistake]:
    """Find malformed members, those that are never reached, and what is wrong within each."""
    if not isinstance(rule, list) or not 0 < len(rule) <= MAX_MEMBERS:
        text = f"The rule of {engine} is a list of 1 to {MAX_MEMBERS} objects with engine and rule."
        yield Mistake((), text)
        return
    if len(rule) == 1:
        text = f"With one member {engine} changes nothing; use that member's engine."
        yield Mistake((), text, Severity.WARNING)
    for number, member in enumerate(rule):
        yield from _lint_member(number, member, effect, lint_member)
        yield from _find_unreachable(engine, number, rule)


def _lint_member(
    number: int, member: JSON, effect: str, lint_member: LintMember
) -> Iterator[Mistake]:
    try:
        engine, rule = _read_member(member)
    except (TypeError, KeyError):
        yield Mistake((number,), "Write an object with the members engine and rule only.")
        return
    for found in lint_member(effect, engine, rule):
        path = (number, "rule", *found.path)
        # A line counts within the member's own text, which the reader doesn't see here.
        yield Mistake(path, found.message, found.severity)


def _find_unreachable(engine: str, number: int, rule: list[JSON]) -> Iterator[Mistake]:
    """Find a member that decides alone, adds nothing, or stands there twice."""
    member = rule[number]
    is_constant = isinstance(member, dict) and member.get("engine") == "allow"
    if is_constant and engine == ANY and len(rule) > 1:
        yield Mistake(
            (number,), "allow always matches, so the other members of any are unreachable."
        )
    elif is_constant and len(rule) > 1:
        text = "allow always matches, so it adds nothing to all."
        yield Mistake((number,), text, Severity.WARNING)
    if not is_constant and member in rule[:number]:
        yield Mistake((number,), "The same member stands before this one.", Severity.WARNING)
