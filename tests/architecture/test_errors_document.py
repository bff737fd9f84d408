"""docs/errors.md tells every code, sentence and reason of the code, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tenants.refusal_reasons import DESCRIPTIONS, WIRE_ERRORS, Reason
from tenants.trust import TrustReason
from tokens.errors import OAuthError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/errors.md").read_text()
SENTENCE = re.compile(r"[A-Z].* .*\.")
# Said by the view and by the error handler themselves.
OUTSIDE_THE_CLASSES = {("invalid_request", "405"), ("server_error", "500")}
CODES_RAISED = re.compile(r"(?:InvalidAssertion|InvalidJWT)\(\s*\"(\w+)\"")
MODULES = (
    *("client_authentication", "database", "error_handler", "foreign_subjects", "issuance"),
    "limits/__init__",
    "parameters",
    *("refresh_tokens", "token_store", "callers", "master_tokens", "master_token_quotas"),
    *("users", "user_tokens", "session_limits", "step_up", "tenant_signatures"),
)


def _rows(heading: str) -> list[list[str]]:
    """Read the rows of the table below a heading, without its head."""
    section = DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip().strip("`") for cell in line[1:-1].split(" | ")] for line in lines]


def _children(kind: type[OAuthError]) -> Iterator[type[OAuthError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _children(child)


def test_every_code_is_told_with_its_status() -> None:
    told = {(row[0], row[1]) for row in _rows("Codes")}
    raised = {
        (kind.error, str(int(kind.status)))
        for kind in _children(OAuthError)
        if kind.__module__.startswith("tokens.") and hasattr(kind, "error")
    }
    assert told == raised | OUTSIDE_THE_CLASSES


def test_every_row_says_what_to_do() -> None:
    for heading in ("Codes", "Sentences", "Reasons to refuse an assertion"):
        rows = _rows(heading)
        assert rows
        assert all(len(row[-1]) > 10 for row in rows)


def _sources() -> list[Path]:
    folders = [ROOT / "tokens/endpoints", ROOT / "tokens/grants", ROOT / "tokens/graphql"]
    inner = [path for folder in folders for path in folder.glob("*.py")]
    return [*(ROOT / f"tokens/{name}.py" for name in MODULES), *inner]


def _text_of(node: ast.AST) -> str:
    """Write a constant or a formatted text, with an ellipsis for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part) or "…" for part in node.values)
    return ""


def _sentences(tree: ast.AST) -> Iterator[str]:
    """Find the public sentences: texts that begin upper-case and end with a full stop."""
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        text = "" if id(node) in documentation | inner else _text_of(node)
        if SENTENCE.fullmatch(text):
            yield text


def test_every_sentence_is_told() -> None:
    told = {row[0] for row in _rows("Sentences")}
    written = {text for path in _sources() for text in _sentences(ast.parse(path.read_text()))}
    assert told == written


def test_every_reason_of_a_decision_is_told() -> None:
    rows = {row[0]: row[1:] for row in _rows("Reasons of a decision")}
    assert rows == {reason.value: [WIRE_ERRORS[reason], DESCRIPTIONS[reason]] for reason in Reason}


def test_every_reason_to_refuse_an_assertion_is_told() -> None:
    told = {row[0] for row in _rows("Reasons to refuse an assertion")}
    modules = [path.read_text() for path in (ROOT / "tokens").glob("*.py")]
    raised = {code for text in modules for code in CODES_RAISED.findall(text)}
    assert told == raised | {reason.value for reason in TrustReason}
