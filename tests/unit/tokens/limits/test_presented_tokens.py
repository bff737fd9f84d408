"""A bad token that comes again and again is delayed, and one that is good again is not."""

from __future__ import annotations

import pytest

from tests.factories.records import make_tenant
from tokens import limits
from tokens.errors import InvalidToken, RateLimited, TokenMissing

TENANT = make_tenant()
ADDRESS = "192.0.2.1"
FREE = 4


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process count alone, as it does while the store is away."""
    monkeypatch.setattr(limits.STORE, "_away_until", float("inf"))


def present(*, is_good: bool, text: str = "token") -> None:
    with limits.watch_token(TENANT, text, ADDRESS):
        if not is_good:
            raise InvalidToken("It is not good.")


def fail(times: int) -> None:
    for _ in range(times):
        with pytest.raises(InvalidToken):
            present(is_good=False)


def test_a_bad_token_is_delayed() -> None:
    fail(FREE + 1)
    with pytest.raises(RateLimited) as refused:
        present(is_good=True)
    assert refused.value.retry_after_seconds == 1
    present(is_good=True, text="another")


def test_a_token_that_is_good_again_begins_anew() -> None:
    # So it is with an issuer whose keys could not be fetched for a moment.
    fail(FREE)
    present(is_good=True)
    fail(FREE)
    present(is_good=True)
    assert not limits.FAILURES.has_failures


def test_no_token_is_no_failure() -> None:
    for _ in range(FREE + 2):
        with pytest.raises(TokenMissing), limits.watch_token(TENANT, "", ADDRESS):
            raise TokenMissing("There is none.")
    assert not limits.FAILURES.has_failures
