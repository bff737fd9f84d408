"""Tests of the answers that are errors."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from hypothesis import given
from hypothesis import strategies as st

from tenants.errors import CredentialCheckBusy, SnapshotUnconfirmed
from tokens import errors
from tokens.database import ConnectionLost, DatabaseUnavailable
from tokens.error_handler import answer_error
from tokens.errors import (
    InsufficientScope,
    InvalidClient,
    InvalidGrant,
    InvalidToken,
    OAuthError,
    ServiceUnavailable,
    TokenMissing,
)

ISSUER = "https://a.example/t/a/b/c"
PASSING = [
    SnapshotUnconfirmed("x"),
    CredentialCheckBusy("x"),
    OperationalError("x"),
    InterfaceError("x"),
    DatabaseUnavailable("x"),
    ConnectionLost("x"),
    ServiceUnavailable("x"),
]


def _children(kind: type[OAuthError]) -> list[type[OAuthError]]:
    return [kind, *(child for sub in kind.__subclasses__() for child in _children(sub))]


# What some errors know beside their sentence.
MORE: dict[type[OAuthError], dict[str, Any]] = {
    errors.QuotaExceeded: {"retry_after_seconds": 60},
    errors.QueryRefused: {"code": "TOO_DEEP"},
    errors.RateLimited: {"retry_after_seconds": 60},
}


@pytest.mark.parametrize("kind", _children(OAuthError)[1:], ids=lambda kind: kind.__name__)
def test_each_error_is_answered_by_its_own_status(kind: type[OAuthError]) -> None:
    error = kind("Do this.", detail="not for the caller", **MORE.get(kind, {}))
    answer = answer_error(error, issuer=ISSUER)
    assert answer.status == kind.status
    assert answer.body == {"error": kind.error, "error_description": "Do this."}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"


def test_every_wire_code_is_written_as_the_standards_write_it() -> None:
    for kind in _children(OAuthError)[1:]:
        assert re.fullmatch(r"[a-z_]+", kind.error)
    for code, kind in errors.BY_WIRE_CODE.items():
        assert kind.error == code


CHALLENGES: dict[str, tuple[OAuthError, str | None]] = {
    "Basic tried": (
        InvalidClient("x", tried_basic=True),
        f'Basic realm="{ISSUER}", charset="UTF-8"',
    ),
    "Basic not tried": (InvalidClient("x"), None),
    "no token": (TokenMissing("x"), f'Bearer realm="{ISSUER}"'),
    "bad token": (
        InvalidToken('say "no"'),
        f'Bearer realm="{ISSUER}", error="invalid_token", error_description="say \'no\'"',
    ),
    "too little scope": (
        InsufficientScope("x"),
        f'Bearer realm="{ISSUER}", error="insufficient_scope", error_description="x"',
    ),
    "anything else": (InvalidGrant("x"), None),
}


@pytest.mark.parametrize("row", CHALLENGES.values(), ids=CHALLENGES)
def test_a_challenge_follows_the_scheme_that_was_tried(row: tuple[OAuthError, str | None]) -> None:
    error, challenge = row
    assert answer_error(error, issuer=ISSUER).headers.get("WWW-Authenticate") == challenge


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_will_pass_is_a_503_that_says_when_to_come_back(error: Exception) -> None:
    answer = answer_error(error, issuer=ISSUER)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.body is not None
    assert answer.body["error"] == "temporarily_unavailable"


def test_what_nobody_foresaw_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answer_error(RuntimeError("a secret of ours"), issuer=ISSUER)
    assert answer.status == 500
    assert "secret" not in str(answer.body)
    assert caplog.records[0].exc_info is not None


@given(st.text())
def test_a_description_never_breaks_the_grammar(text: str) -> None:
    answer = answer_error(InvalidToken(text), issuer=ISSUER)
    assert answer.body is not None
    told = str(answer.body["error_description"])
    # Source: RFC 6749 section 5.2.
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*", told)
    assert re.fullmatch(r"[\x20-\x7e]*", answer.headers["WWW-Authenticate"])
