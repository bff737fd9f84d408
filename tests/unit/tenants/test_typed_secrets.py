"""Secrets that people typed cost argon2 once a minute, and a flood of them is bounded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from tenants import credentials
from tenants.credentials import (
    hash_typed_secret,
    is_typed_secret,
    waste_argon2_time,
)
from tenants.errors import CredentialCheckBusy

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    credentials._remembered.clear()  # noqa: SLF001 - what is remembered outlives a test.


def test_a_typed_secret_is_compared_by_argon2id() -> None:
    typed_hash = hash_typed_secret("correct horse")
    assert typed_hash.startswith("$argon2id$")
    assert is_typed_secret("correct horse", typed_hash)
    assert not is_typed_secret("correct house", typed_hash)
    assert not is_typed_secret("correct hors\ud800", typed_hash)


@pytest.mark.parametrize("secret", ["", "1234567", "x" * 513])
def test_a_typed_secret_is_bounded(secret: str) -> None:
    with pytest.raises(ValueError, match="8 to 512"):
        hash_typed_secret(secret)
    assert not is_typed_secret(secret, PasswordHasher(1, 8, 1).hash(secret))


@pytest.mark.parametrize(
    "typed_hash",
    [
        pytest.param("", id="empty"),
        pytest.param("pbkdf2$1$x$y", id="another scheme"),
        pytest.param("$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2g", id="argon2i"),
        pytest.param("$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2g", id="4 GiB"),
        pytest.param("$argon2id$v=19$m=8,t=999999,p=1$c29tZXNhbHQ$aGFzaGhhc2g", id="for hours"),
    ],
)
def test_a_hash_that_we_would_not_compute_never_matches(typed_hash: str) -> None:
    assert not is_typed_secret("correct horse", typed_hash)


def test_a_right_typed_secret_is_remembered_and_a_wrong_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed_hash = hash_typed_secret("correct horse")
    assert is_typed_secret("correct horse", typed_hash)
    assert not is_typed_secret("correct house", typed_hash)
    monkeypatch.setattr(credentials, "ARGON2_WAIT_SECONDS", 0.0)
    with credentials._Argon2Slot():  # noqa: SLF001 - no argon2 can run while it is taken.
        assert is_typed_secret("correct horse", typed_hash)
        with pytest.raises(CredentialCheckBusy):
            is_typed_secret("correct house", typed_hash)


def test_what_is_remembered_is_forgotten_after_a_minute() -> None:
    now = 1000.0
    remembered = credentials._Remembered(clock=lambda: now)  # noqa: SLF001 - its expiry is tested.
    tag = remembered.tag(b"correct horse", "hash")
    assert not remembered.contains(tag)
    remembered.add(tag)
    now += 59.9
    assert remembered.contains(tag)
    now += 0.2
    assert not remembered.contains(tag)


def test_what_is_remembered_is_bounded_and_the_least_used_leaves() -> None:
    remembered = credentials._Remembered()  # noqa: SLF001 - the bound is what is tested.
    tags = [remembered.tag(str(number).encode(), "hash") for number in range(1025)]
    for tag in tags[:1024]:
        remembered.add(tag)
    assert remembered.contains(tags[0])
    remembered.add(tags[1024])
    assert remembered.contains(tags[0])
    assert not remembered.contains(tags[1])


def test_a_remembered_secret_does_not_open_another_hash() -> None:
    first, second = hash_typed_secret("correct horse"), hash_typed_secret("other secret")
    assert is_typed_secret("correct horse", first)
    assert not is_typed_secret("correct horse", second)


def test_a_flood_of_typed_secrets_is_refused_and_leaves_the_place_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credentials, "ARGON2_WAIT_SECONDS", 0.02)
    typed_hash = hash_typed_secret("correct horse")
    entered, leave = threading.Event(), threading.Event()

    def occupy() -> None:
        with credentials._Argon2Slot():  # noqa: SLF001 - the one place of the process.
            entered.set()
            leave.wait(5)

    thread = threading.Thread(target=occupy)
    thread.start()
    assert entered.wait(5)
    with pytest.raises(CredentialCheckBusy):
        is_typed_secret("wrong secret", typed_hash)
    with pytest.raises(CredentialCheckBusy):
        waste_argon2_time()
    leave.set()
    thread.join()
    assert is_typed_secret("correct horse", typed_hash)


def test_an_unknown_client_costs_what_a_known_one_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    typed_hash = hash_typed_secret("correct horse")
    unknown = credentials._unknown_client_hash()  # noqa: SLF001 - compared with a real one.
    assert unknown.split("$")[1:4] == typed_hash.split("$")[1:4]
    monkeypatch.setattr(credentials, "ARGON2_WAIT_SECONDS", 0.0)
    with credentials._Argon2Slot(), pytest.raises(CredentialCheckBusy):  # noqa: SLF001
        is_typed_secret("short", typed_hash)
