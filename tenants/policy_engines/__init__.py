"""The engines of access policies: each says whether a policy's rule matches a request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.policy_engines import (
    allow,
    cedar,
    cedar_linter,
    composition,
    match,
    match_linter,
    schema,
    schema_linter,
)
from tenants.policy_engines.findings import (
    Finding,
    Mistake,
    Severity,
    find_excess,
    suggest,
    write_pointer,
)
from tenants.policy_engines.json_lines import find_lines
from tenants.records import Verdict, indeterminate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tenants.policy_document import Document
    from tenants.records import JSON

    Evaluate = Callable[[Document], Verdict]

__all__ = ["ENGINES", "Finding", "Severity", "compile_rule", "lint"]

_COMPILERS: Final[dict[str, Callable[[JSON], Evaluate]]] = {
    "allow": allow.compile_rule,
    "match": match.compile_rule,
    "schema": schema.compile_rule,
    "cedar": cedar.compile_rule,
}
_LINTERS: Final[Mapping[str, Callable[[JSON, str], Iterable[Mistake]]]] = {
    "allow": allow.lint,
    "match": match_linter.lint,
    "schema": schema_linter.lint,
    "cedar": cedar_linter.lint,
}
_COMPOSITIONS: Final = (composition.ALL, composition.ANY)
ENGINES: Final = (*_COMPILERS, *_COMPOSITIONS)


def compile_rule(engine: str, rule: JSON) -> Evaluate:
    """Compile a rule once, for every request.

    It never fails: a rule that can't be compiled, or that breaks, is indeterminate, and so allows
    nobody, denies everybody whom its links reach, and limits them.
    """
    if find_excess(rule) is not None:
        return indeterminate
    return _compile_bounded(engine, rule)


def _compile_bounded(engine: str, rule: JSON) -> Evaluate:
    try:
        if engine in _COMPOSITIONS:
            evaluate = composition.compile_rule(engine, rule, _compile_bounded)
        else:
            evaluate = _COMPILERS[engine](rule)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - a panic of a Rust library is no Exception.
        return indeterminate
    if engine == "allow":
        return evaluate

    def evaluate_safely(document: Document) -> Verdict:
        try:
            return evaluate(document)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - whatever breaks must not open anything.
            return Verdict.INDETERMINATE

    return evaluate_safely


def lint(effect: str, engine: str, rule: JSON, text: str = "") -> list[Finding]:
    """Find everything that is wrong with a rule, before it is saved.

    `text` is the JSON as its author wrote it, or the Cedar text; with it findings name a line.
    """
    excess = find_excess(rule)
    mistakes = [excess] if excess else list(_lint_bounded(effect, engine, rule))
    lines = find_lines(text) if text and engine != "cedar" else {}
    return [_place(mistake, lines) for mistake in mistakes]


def _lint_bounded(effect: str, engine: str, rule: JSON) -> Iterator[Mistake]:
    if engine in _COMPOSITIONS:
        yield from composition.lint(engine, effect, rule, _lint_bounded)
    elif engine in _LINTERS:
        yield from _LINTERS[engine](rule, effect)
    else:
        yield Mistake((), f"There is no engine {engine}.{suggest(engine, ENGINES)}")


def _place(mistake: Mistake, lines: Mapping[str, int]) -> Finding:
    """Write the place of a finding; where its own line is unknown, that of what surrounds it."""
    path, line = mistake.path, mistake.line
    while line is None and lines:
        line = lines.get(write_pointer(path))
        if not path:
            break
        path = path[:-1]
    return Finding(write_pointer(mistake.path), line, mistake.message, mistake.severity)
