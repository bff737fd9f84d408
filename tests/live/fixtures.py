"""The running platform as a fixture: one per test session, for all tests that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # It has no types.

from tests.live.installation import Installation, installed

if TYPE_CHECKING:
    from collections.abc import Iterator


# Where the tests are that share a running platform, by what they share.
FOLDERS = {"live": ("tests/live/", "tests/clients/"), "run": ("tests/run/",)}


@pytest.fixture(scope="session")
def live() -> Iterator[Installation]:
    """Give the running platform; a test leaves it running as it found it."""
    with installed() as installation:
        yield installation


class SharedPlatformScheduling(LoadScopeScheduling):  # type: ignore[misc]  # As above.
    """Sends all tests of a running platform to one worker, and every other test anywhere."""

    def _split_scope(self, nodeid: str) -> str:
        """Name what must stay together; each other test stands alone."""
        return next((name for name, below in FOLDERS.items() if nodeid.startswith(below)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedPlatformScheduling:
    """Take the place of `--dist=loadgroup`, whose marks pytest 9.2 does not pass on."""
    return SharedPlatformScheduling(config, log)
