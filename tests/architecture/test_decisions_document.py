"""docs/decisions.md has a paragraph for every check and reason code, and none for anything else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenants import policy
from tenants.refusal_reasons import ACCESS_DENIED, Reason
from tokens import error_handler
from tokens.errors import RATE_LIMITED, SESSION_LIMIT_REACHED, OAuthError
from tokens.front_channel.authorization_errors import UNPROVEN

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/decisions.md").read_text()
PARAGRAPHS = dict(re.findall(r"^### `([a-z_]+)`\n\n((?:.+\n)+)", DOCUMENT, re.MULTILINE))


def find_errors(parent: type[OAuthError] = OAuthError) -> Iterator[type[OAuthError]]:
    for error in parent.__subclasses__():
        yield error
        yield from find_errors(error)


def check_names() -> set[str]:
    decided = (policy.CHECKS, policy.ACCESS_CHECKS, policy.INTROSPECTION_CHECKS)
    names = {name for checks in decided for name, _ in checks}
    return names | {policy.CLAIMS_MADE} | {error.check for error in find_errors()}


def reason_names() -> set[str]:
    server_error = error_handler.answer_error(ValueError("made up")).body
    assert server_error is not None
    wire = {error.error for error in find_errors()} | {ACCESS_DENIED, str(server_error["error"])}
    reasons = {str(reason) for reason in Reason} | {RATE_LIMITED, SESSION_LIMIT_REACHED}
    return wire | reasons | UNPROVEN


def test_every_check_and_reason_code_has_a_paragraph_and_nothing_else_does() -> None:
    assert set(PARAGRAPHS) == check_names() | reason_names()


def test_no_name_is_both_a_check_and_a_reason_code() -> None:
    assert check_names().isdisjoint(reason_names())


def test_no_name_has_two_paragraphs() -> None:
    headings = re.findall(r"^### `([a-z_]+)`$", DOCUMENT, re.MULTILINE)
    assert len(headings) == len(set(headings)) == len(PARAGRAPHS)


@pytest.mark.parametrize("name", sorted(PARAGRAPHS))
def test_paragraph_says_more_than_its_name(name: str) -> None:
    assert len(PARAGRAPHS[name].split()) >= 4
    assert PARAGRAPHS[name].rstrip().endswith((".", ":"))
