"""The running platform as a fixture: one per test session, for all tests that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.installation import Installation, installed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def live() -> Iterator[Installation]:
    """Give the running platform; a test leaves it running as it found it."""
    with installed() as installation:
        yield installation


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share the platform on one worker of pytest-xdist."""
    for item in items:
        if "live" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("live"))
