"""Measures whole requests and their layers; `benchmarks.layers` runs it in a process of its own.

It reads what to measure from standard input and writes each side's cost, both as JSON. The web
server's threads end with it, before the database does.
"""

from __future__ import annotations

import io
import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import django
from django.db import connection

from benchmarks import in_process, probes
from benchmarks.in_process import Side
from benchmarks.workloads import Workload, basic, form_of, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authplatform.lean_adapter import Application, Environ


@dataclass(frozen=True, slots=True)
class Bench:
    """What the database was filled with."""

    facts: Mapping[str, Any]
    refresh_tokens: list[str]

    def environ(self, workload: str, kind: str) -> Environ:
        """Make the variables of the next request as the web server does."""
        asked = Workload(workload)
        token = self.refresh_tokens.pop() if asked is Workload.REFRESH else ""
        content = form_of(asked, kind, self.facts, token).encode()
        return {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path_of(asked, self.facts),
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_AUTHORIZATION": basic(*self.facts["clients"][kind]),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": io.BytesIO(content),
            "wsgi.url_scheme": "http",
        }


def main() -> None:
    """Measure each named request."""
    asked = json.load(sys.stdin)
    django.setup()
    from authplatform import wsgi  # noqa: PLC0415 - it needs the models.

    plan = in_process.Plan(asked["rounds"], asked["calls"])
    bench = Bench(asked["facts"], list(asked["facts"]["refresh_tokens"]["refresh"]))
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    costs = {}
    for name, request in asked["requests"].items():
        prepare = partial(_times, partial(bench.environ, *request))
        lean = partial(_call, wsgi.application)
        sides: list[Side[Environ]] = [
            Side("whole", prepare, lean),
            Side("layers", prepare, lean, probes.installed),
            Side("django", prepare, partial(_call, wsgi.served)),
        ]
        measured = in_process.measure(sides, plan, backend=backend)
        costs[name] = {side: asdict(cost) for side, cost in measured.items()}
    json.dump(costs, sys.stdout)


def _call(application: Application, environ: Environ) -> None:
    """Call the application as a server does.

    Raises:
        RuntimeError: the answer is not 200.
    """
    statuses: list[str] = []
    answered = application(environ, lambda status, *_: statuses.append(status))  # type: ignore[arg-type]  # nobody writes by it.
    content = b"".join(answered)
    if hasattr(answered, "close"):
        answered.close()
    if not statuses[0].startswith("200"):
        raise RuntimeError(content.decode(errors="replace"))


def _times(make: Callable[[], Environ], calls: int) -> list[Environ]:
    return [make() for _ in range(calls)]


if __name__ == "__main__":
    main()
