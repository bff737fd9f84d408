"""Starts what is compared, each on first use, on the same PostgreSQL and the same two cores."""

from __future__ import annotations

import contextlib
import json
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from authplatform.postgres import owner_url
from authplatform.secret_file import generate_secrets
from benchmarks import node_server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.database import Database
    from benchmarks.serving import Server

CHAINS: Final = 16 * 24  # Each run uses up sixteen; two rows may share a database.


class Servers(contextlib.ExitStack):
    """The servers of one run; leaving it ends them all."""

    def __init__(self, database: Database) -> None:
        """Start nothing yet."""
        super().__init__()
        self.database = database
        self._started: dict[str, Server] = {}

    def find(self, name: str) -> Server:
        """Answer the server of this name, started if need be.

        Raises:
            Absent: a program that it needs is missing.
        """
        if name not in self._started:
            self._started[name] = self.enter_context(self._start(name))
        return self._started[name]

    def _start(self, name: str) -> AbstractContextManager[Server]:
        start: Mapping[str, Callable[[], AbstractContextManager[Server]]] = {
            "lean": lambda: self._serve_platform("on"),
            "django": lambda: self._serve_platform("off"),
            "toolkit-granian": lambda: self._serve_toolkit(serving.granian),
            "toolkit-gunicorn": lambda: self._serve_toolkit(serving.gunicorn),
            "node-postgresql": lambda: self._serve_node("postgresql"),
            "node-memory": lambda: self._serve_node("memory"),
            "bare": self._serve_bare,
            "empty": self._serve_empty,
        }
        return start[name]()

    @cached_property
    def platform(self) -> tuple[dict[str, str], dict[str, Any]]:
        """The platform's variables, and what its database was filled with."""
        variables = platform_variables(self.database)
        return variables, json.loads(prepare_platform(variables, CHAINS))

    @cached_property
    def _toolkit(self) -> tuple[dict[str, str], dict[str, Any]]:
        self.database.create("toolkit")
        variables = {
            "SECRET_KEY": generate_secrets()["SECRET_KEY"],
            "DATABASE_URL": owner_url(self.database.folder, "toolkit"),
            "DJANGO_SETTINGS_MODULE": "benchmarks.toolkit_site.settings",
        }
        prepare = [sys.executable, "-m", "benchmarks.toolkit_site.prepare", str(CHAINS)]
        return variables, json.loads(serving.call(prepare, variables))

    @contextlib.contextmanager
    def _serve_platform(self, lean_adapter: str) -> Iterator[Server]:
        prepared, facts = self.platform
        metrics = self.database.folder.parent / f"metrics-{lean_adapter}"
        metrics.mkdir()
        variables = {**prepared, **serving_variables(metrics), "LEAN_ADAPTER": lean_adapter}
        port = serving.free_port()
        command = serving.granian("authplatform.wsgi:application", port)
        with serving.serve(command, port, variables, facts) as server:
            yield server

    @contextlib.contextmanager
    def _serve_toolkit(self, command: Callable[[str, int], list[str]]) -> Iterator[Server]:
        variables, facts = self._toolkit
        port = serving.free_port()
        application = command("benchmarks.toolkit_site.wsgi:application", port)
        with serving.serve(application, port, variables, facts) as server:
            yield server

    def _serve_node(self, store: str) -> AbstractContextManager[Server]:
        if store == "postgresql":
            self.database.create(node_server.DATABASE)
        variables = self.database.client_variables(node_server.DATABASE)
        return node_server.serve(store, CHAINS, variables, self.database.folder.parent)

    @contextlib.contextmanager
    def _serve_bare(self) -> Iterator[Server]:
        """Serve the bare function, which writes into the platform's own table."""
        _, facts = self.platform
        variables = self.database.client_variables()
        prepare = [sys.executable, "-m", "benchmarks.bare.prepare"]
        prepared = json.loads(serving.call(prepare, variables, json.dumps(facts)))
        variables["BARE_FACTS"] = json.dumps(prepared)
        port = serving.free_port()
        command = serving.granian("benchmarks.bare.wsgi:application", port)
        with serving.serve(command, port, variables, prepared) as server:
            yield server

    def _serve_empty(self) -> AbstractContextManager[Server]:
        port = serving.free_port()
        command = serving.granian("benchmarks.bare.empty:application", port)
        facts = {"token_path": "/", "clients": {"any": ["any", "any"]}}
        return serving.serve(command, port, {}, facts)


def platform_variables(database: Database) -> dict[str, str]:
    """Make the environment of an installation, in which commands act as the database's owner."""
    return {
        **generate_secrets(),
        "AUTHPLATFORM_ENVIRONMENT": "test",
        "CELERY_BROKER_URL": "memory://",
        "DATABASE_URL": owner_url(database.folder),
        "DATABASE_ROLE": "",
        "DATA_DIR": str(database.folder.parent),
        "DJANGO_SETTINGS_MODULE": "authplatform.settings",
    }


def serving_variables(metrics: Path) -> dict[str, str]:
    """Say what is different in a web process: its role, and metrics over all processes."""
    return {"DATABASE_ROLE": "authplatform_app", "PROMETHEUS_MULTIPROC_DIR": str(metrics)}


def prepare_platform(variables: Mapping[str, str], chains: int) -> str:
    """Fill the platform's database; answer what the load needs as JSON."""
    serving.call([sys.executable, "manage.py", "prepare_database", "--verbosity=0"], variables)
    return serving.call([sys.executable, "-m", "benchmarks.prepare", str(chains)], variables)
