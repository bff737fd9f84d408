"""Patterns over claims open nothing by what is absent, broken or huge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.claim_patterns import compile_claims, lint_claims
from tenants.records import Verdict

if TYPE_CHECKING:
    from tenants.records import JSON

ROWS: dict[str, tuple[JSON, dict[str, JSON], Verdict]] = {
    "equal": ({"a": "b"}, {"a": "b"}, Verdict.TRUE),
    "different": ({"a": "b"}, {"a": "c"}, Verdict.FALSE),
    "absent": ({"a": "b"}, {}, Verdict.INDETERMINATE),
    "true is not 1": ({"a": True}, {"a": 1}, Verdict.INDETERMINATE),
    "one of a list": ({"a": {"$contains": "b"}}, {"a": ["c", "b"]}, Verdict.TRUE),
    "another claim": ({"a": {"$ref": "claims.b"}}, {"a": "x", "b": "x"}, Verdict.TRUE),
    "not the client": ({"a": {"$ref": "client.id"}}, {"a": "x"}, Verdict.INDETERMINATE),
    "a name with dots": ({"https://a.example/x": 1}, {"https://a.example/x": 1}, Verdict.TRUE),
    "malformed": ({"a": {"$nothing": 1}}, {"a": 1}, Verdict.INDETERMINATE),
    "no pattern": ("a", {"a": 1}, Verdict.INDETERMINATE),
    "empty": ({}, {"a": 1}, Verdict.INDETERMINATE),
    "too many claims": ({"a": 1}, {"a": 1, "b": [0] * 3_000}, Verdict.INDETERMINATE),
}


@pytest.mark.parametrize(("pattern", "claims", "verdict"), ROWS.values(), ids=ROWS)
def test_a_pattern_says(pattern: JSON, claims: dict[str, JSON], verdict: Verdict) -> None:
    assert compile_claims(pattern)(claims) is verdict


GOOD: dict[str, JSON] = {
    "empty": {},
    "a value": {"repository": "octo/app"},
    "operators": {"a": {"$regex": "x.*"}, "b": {"$present": True}, "c": {"$enum": [1, 2]}},
    "another claim": {"a": {"$ref": "claims.b"}},
    "another claim by its steps": {"a": {"$ref": ["claims", "https://a.example/b"]}},
}


@pytest.mark.parametrize("pattern", GOOD.values(), ids=GOOD)
def test_a_good_pattern_has_no_mistakes(pattern: JSON) -> None:
    assert lint_claims(pattern) == []


BAD: dict[str, tuple[JSON, str]] = {
    "a list": ([], "Write an object"),
    "a text": ("a", "Write an object"),
    "null": (None, "Write an object"),
    "an unknown operator": ({"a": {"$equals": 1}}, "/a/$equals: $equals is no operator"),
    "null as a value": ({"a": None}, "/a: Null counts as absent"),
    "a list as a value": ({"a": [1]}, "/a: A list is no pattern"),
    "look-around": ({"a": {"$regex": "(?=x)"}}, "RE2 refuses this pattern"),
    "an empty pattern": ({"a": {}}, "/a: An empty pattern says nothing"),
    "what is no claim": ({"a": {"$ref": "client.kind"}}, "$ref names another claim"),
    "deep below": ({"a": {"$one-of": [{"$ref": "time.hour"}]}}, "$ref names another claim"),
    "huge": ({"a": "x" * 20_000}, "A rule has 16384 bytes"),
    "unstorable": ({"a": "\x00"}, "can't be stored"),
}


@pytest.mark.parametrize(("pattern", "text"), BAD.values(), ids=BAD)
def test_a_mistake_names_its_place_and_the_fix(pattern: JSON, text: str) -> None:
    mistakes = lint_claims(pattern)
    assert mistakes
    assert text in mistakes[0]
    assert "/claims" not in mistakes[0]
