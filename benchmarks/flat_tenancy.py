"""`python -m benchmarks flat`: nothing grows with the number of tenants.

Three platforms with 10, 1 000 and 10 000 tenants on one PostgreSQL answer the same requests in
turns; the requests go to ten tenants of each, spread over all of them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from authplatform.postgres import owner_url
from benchmarks import database, flat_table, many_tenants, plans, processes, servers, serving
from benchmarks.load import CONNECTIONS, FileLoad
from benchmarks.workloads import basic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.database import Database

SIZES: Final = (10, 1_000, 10_000)
ASKED_TENANTS: Final = 10
ASKED_CLIENTS: Final = 2
ROUNDS: Final = 5
SECONDS: Final = 2
STARTS: Final = 3
ADMIN_CONNECTIONS: Final = 4  # People are slower than services.
POLL_SECONDS: Final = 0.01
TOKEN_BODY: Final = "grant_type=client_credentials&scope=read"  # noqa: S105 - a form.
APP: Final = "authplatform_app"


@dataclass(slots=True)
class Platform:
    """An installation with so many tenants, and what was measured of it."""

    tenants: int
    variables: dict[str, str]
    facts: Mapping[str, Any]
    starts_ms: list[float] = field(default_factory=list)
    memory_kb: list[float] = field(default_factory=list)
    made_ms: list[float] = field(default_factory=list)
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu_us: dict[str, list[float]] = field(default_factory=dict)
    ran: dict[str, list[plans.Ran]] = field(default_factory=dict)

    @property
    def database(self) -> str:
        """The name of its database."""
        return f"tenants_{self.tenants}"

    @property
    def asked(self) -> list[int]:
        """The numbers of the tenants that are asked, spread over all."""
        step = max(self.tenants // ASKED_TENANTS, 1)
        return list(range(0, self.tenants, step))[:ASKED_TENANTS]

    def path(self, number: int) -> str:
        """Answer the path of an issuer."""
        return f"/t/{many_tenants.path_of(self.facts['path'], number)}"

    def authorization(self, number: int, client: int) -> str:
        """Write HTTP Basic of a tenant's client."""
        secret = many_tenants.copied_secret(self.facts["secrets"][client], number)
        return basic(self.facts["client_ids"][client], secret)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as a line of the load's file."""

    method: str
    path: str
    authorization: str = "-"
    cookie: str = "-"
    body: str = "-"

    def line(self) -> str:
        """Write the line."""
        fields = [self.method, self.path, self.authorization, self.cookie, self.body]
        return "\t".join(fields)

    def send(self, base_url: str) -> bytes:
        """Send it once.

        Raises:
            OSError: it is refused, or nobody listens.
        """
        headers = {"Authorization": self.authorization, "Cookie": self.cookie}
        asked = urllib.request.Request(  # noqa: S310 - our own server.
            base_url + self.path,
            data=None if self.body == "-" else self.body.encode(),
            headers={name: text for name, text in headers.items() if text != "-"},
            method=self.method,
        )
        with urllib.request.urlopen(asked, timeout=30) as response:  # noqa: S310 - as above.
            content: bytes = response.read()
            return content


def run() -> list[str]:
    """Make the platforms, measure them in turns, and answer the lines of the tables."""
    with database.running() as running:
        platforms = [_make(running, size) for size in SIZES]
        for _ in range(STARTS):
            for platform in platforms:
                _time_start(platform)
        for platform in platforms:
            command = [sys.executable, "-m", "benchmarks.many_tenants", "create", "0"]
            platform.made_ms = json.loads(serving.call(command, platform.variables))
        _measure_requests(platforms, running)
    return flat_table.table(platforms)


def _make(running: Database, size: int) -> Platform:
    name = f"tenants_{size}"
    running.create(name)
    variables = servers.platform_variables(running)
    variables["DATABASE_URL"] = owner_url(running.folder, name)
    serving.call([sys.executable, "manage.py", "prepare_database", "--verbosity=0"], variables)
    fill = [sys.executable, "-m", "benchmarks.many_tenants", "fill", str(size)]
    began = time.monotonic()
    facts = json.loads(serving.call(fill, variables))
    sys.stderr.write(f"{size} tenants made in {time.monotonic() - began:.0f} s\n")
    return Platform(size, variables, facts)


def _command(port: int) -> list[str]:
    return serving.granian("authplatform.wsgi:application", port)


def _serving_variables(platform: Platform) -> dict[str, str]:
    return {**platform.variables, "DATABASE_ROLE": APP}


def _time_start(platform: Platform) -> None:
    """Measure the time from the command to the first token, and the memory after a few."""
    port = serving.free_port()
    base_url = f"http://127.0.0.1:{port}"
    began = time.perf_counter()
    with serving.running(_command(port), _serving_variables(platform)) as process:
        _wait_for_token(platform, base_url)
        platform.starts_ms.append((time.perf_counter() - began) * 1_000)
        time.sleep(serving.SETTLE_SECONDS)
        for _ in range(4):  # Enough for both processes to have answered.
            for number in platform.asked:
                _token(platform, number).send(base_url)
        platform.memory_kb.append(processes.memory_kb(process.pid))


def _wait_for_token(platform: Platform, base_url: str) -> None:
    deadline = time.monotonic() + serving.START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            _token(platform, 0).send(base_url)
        except OSError:
            time.sleep(POLL_SECONDS)
        else:
            return
    raise RuntimeError("the web server did not start; its own words stand above")


def _token(platform: Platform, number: int, client: int = 0) -> Request:
    authorization = platform.authorization(number, client)
    path = f"{platform.path(number)}/oauth/token"
    return Request("POST", path, authorization, body=TOKEN_BODY)


def _requests(platform: Platform, base_url: str) -> dict[str, list[Request]]:
    """Make the requests of each row; those that introspect need a token of each client."""
    pairs = [(n, c) for n in platform.asked for c in range(ASKED_CLIENTS)]
    introspections = []
    for number, client in pairs:
        token = json.loads(_token(platform, number, client).send(base_url))["access_token"]
        path = f"{platform.path(number)}/oauth/introspect"
        authorization = platform.authorization(number, client)
        introspections.append(Request("POST", path, authorization, body=f"token={token}"))
    cookies = platform.facts["cookies"]
    return {
        "token": [_token(platform, *pair) for pair in pairs],
        "introspection": introspections,
        "jwks": [Request("GET", f"{platform.path(number)}/jwks") for number in platform.asked],
        "admin: a tenant's clients": [
            Request("GET", "/admin/tenants/client/", cookie=cookies["owner"])
        ],
        "admin: a tenant, found by name": [
            Request("GET", "/admin/tenants/tenant/?q=template", cookie=cookies["platform"])
        ],
    }


def _measure_requests(platforms: list[Platform], running: Database) -> None:
    """Serve all platforms at once and ask them in turns."""
    with servers.Servers(running) as stack, tempfile.TemporaryDirectory() as name:
        served = []
        for platform in platforms:
            port = serving.free_port()
            variables = _serving_variables(platform)
            server = stack.enter_context(serving.serve(_command(port), port, variables, {}))
            served.append((platform, server, _requests(platform, server.base_url)))
        for row in served[0][2]:
            connections = ADMIN_CONNECTIONS if row.startswith("admin") else CONNECTIONS
            loads = [
                FileLoad(server, Path(name), [one.line() for one in requests[row]], connections)
                for _, server, requests in served
            ]
            for load in loads:
                load.run(SECONDS)
            _analyze(platforms, running)
            for _ in range(ROUNDS):
                for (platform, server, _), load in zip(served, loads, strict=True):
                    _measure_round(platform, server, row, load, running)
            _analyze(platforms, running)
            for platform, server, requests in served:
                platform.ran[row] = _watch(platform, server, requests[row][0], running)


def _analyze(platforms: list[Platform], running: Database) -> None:
    """Take the statistics of all of them now: by itself PostgreSQL does so one after the other."""
    for platform in platforms:
        with running.connect(platform.database) as superuser:
            superuser.execute("ANALYZE")


def _measure_round(
    platform: Platform, server: serving.Server, row: str, load: FileLoad, running: Database
) -> None:
    roots = (server.process, running.process)
    before = sum(processes.cpu_seconds(root) for root in roots)
    measured = load.run(SECONDS)
    used = sum(processes.cpu_seconds(root) for root in roots) - before
    if measured.refused or not measured.requests:
        raise RuntimeError(f"{row}: {measured.refused} of {measured.requests} are refused")
    platform.rates.setdefault(row, []).append(measured.per_second)
    platform.cpu_us.setdefault(row, []).append(used / measured.requests * 1e6)


def _watch(
    platform: Platform, server: serving.Server, request: Request, running: Database
) -> list[plans.Ran]:
    """Answer the statements of one request, with their plans."""
    with running.logging_statements() as since:
        request.send(server.base_url)
        statements = plans.read_statements(running, since)
    return plans.explain(statements, platform.variables["DATABASE_URL"], APP)
