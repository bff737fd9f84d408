"""`python -m benchmarks settings`: the web server's settings, by measurement.

One platform on one PostgreSQL, served by granian as the supervisor starts it, and beside that with
one other setting at a time, in turns. The first row compares it with itself.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import database, load, measuring, serving
from benchmarks.rows import OURS, ROWS
from benchmarks.servers import CHAINS, platform_variables, prepare_platform, serving_variables
from benchmarks.workloads import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


ROUNDS: Final = measuring.Rounds(3, 2)
WORKLOADS: Final = (Workload.CLIENT_CREDENTIALS, Workload.INTROSPECTION)
# What differs from the supervisor's command; an argument that stands last wins.
SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "as started (2 blocking threads)": (),
    "1 blocking thread": ("--blocking-threads=1",),
    "3 blocking threads": ("--blocking-threads=3",),
    "4 blocking threads": ("--blocking-threads=4",),
    "single-threaded runtime": ("--runtime-mode=st",),
    "multi-threaded runtime": ("--runtime-mode=mt",),
    "at most 8 requests at once per worker": ("--backpressure=8",),
    "3 workers": ("--workers=3",),
}
HEAD: Final = (
    "per second",
    "to what is started",
    "p50 ms",
    "p99 ms",
    "p99 of what is started",
    "web us",
    "database us",
)


def run() -> list[str]:
    """Measure every setting beside the first, and answer the lines of the tables."""
    found: dict[Workload, list[str]] = {workload: _head(workload) for workload in WORKLOADS}
    with tempfile.TemporaryDirectory() as name, database.running() as running:
        variables = platform_variables(running)
        facts = json.loads(prepare_platform(variables, CHAINS))
        with _serve(variables, facts, ()) as first:
            for title, arguments in SETTINGS.items():
                with _serve(variables, facts, arguments) as other:
                    for workload, lines in found.items():
                        cells = [_cell(workload, server, Path(name)) for server in (first, other)]
                        measuring.measure(cells, ROUNDS, running)
                        lines += [_line(title, cell, cells[0]) for cell in cells[1:]]
    return [line for lines in found.values() for line in (*lines, "")][:-1]


@contextmanager
def _serve(
    variables: Mapping[str, str],
    facts: Mapping[str, object],
    arguments: Sequence[str],
) -> Iterator[serving.Server]:
    with tempfile.TemporaryDirectory() as metrics:
        given = {**variables, **serving_variables(Path(metrics)), "LEAN_ADAPTER": "on"}
        port = serving.free_port()
        command = [*serving.granian("authplatform.wsgi:application", port), *arguments]
        with serving.serve(command, port, given, facts) as server:
            yield server


def _cell(workload: Workload, server: serving.Server, folder: Path) -> measuring.Cell:
    row = ROWS[OURS]
    asked = load.RowLoad(workload, server, row.kinds[workload], folder)
    return measuring.Cell(row, asked, server.process)


def _head(workload: Workload) -> list[str]:
    return [f"| {workload} | {' | '.join(HEAD)} |", f"| --- |{' ---: |' * len(HEAD)}"]


def _line(title: str, cell: measuring.Cell, first: measuring.Cell) -> str:
    numbers = (
        f"{cell.rate:,.0f}".replace(",", " "),
        f"{cell.ratio_to(first):.2f}",
        f"{statistics.median(cell.p50_ms):.2f}",
        f"{statistics.median(cell.p99_ms):.1f}",
        f"{statistics.median(first.p99_ms):.1f}",
        f"{statistics.median(cell.web_us):.0f}",
        f"{statistics.median(cell.database_us):.0f}",
    )
    return f"| {title} | {' | '.join(numbers)} |"
