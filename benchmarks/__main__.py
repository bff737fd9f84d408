"""`make bench`: tokens per second beside those of others, on one machine in one run.

Without a name it measures every row in every workload; with names only those. `layers`, `flat` and
`settings` are measurements of their own.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    database,
    flat_tenancy,
    goals,
    granian_settings,
    layers,
    load,
    measuring,
    parts,
    programs,
    report,
)
from benchmarks.programs import Absent
from benchmarks.rows import ROWS, Row
from benchmarks.servers import Servers
from benchmarks.workloads import Workload
from tokens.jwk import SigningAlgorithm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.measuring import Cell, Rounds

OTHERS = {
    "layers": layers.run,
    "flat": flat_tenancy.run,
    "settings": granian_settings.run,
}


def main() -> int:
    """Measure what is named, or all rows, and print the tables."""
    names = [*ROWS, *Workload, *OTHERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of: {', '.join(names)}")
    parser.add_argument("--seconds", type=int, default=2, help="length of a round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--write", action="store_true", help=f"into {report.PAGE.name}, too")
    asked = parser.parse_args()
    # So that whoever ends it, such as timeout(1), leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unknown = sorted(set(asked.name) - set(names))
    if unknown:
        parser.error(f"nothing is called {', '.join(unknown)}; there are {', '.join(names)}")
    others = [name for name in OTHERS if name in asked.name]
    for name in others:
        lines = [*report.surroundings(), ""]
        _publish(name, [*lines, *OTHERS[name]()], write=asked.write)
    if not others:
        rounds = measuring.Rounds(asked.rounds, asked.seconds)
        _publish("rows", _measure_rows(asked.name, rounds), write=asked.write)
    return 0


def _publish(section: str, lines: list[str], *, write: bool) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    if write:
        report.write(section, lines)


def _measure_rows(names: list[str], rounds: Rounds) -> list[str]:
    """Measure the rows and workloads that are named, and answer the lines of their tables."""
    programs.find_wrk()
    rows = [row for name, row in ROWS.items() if name in names] or list(ROWS.values())
    workloads = [workload for workload in Workload if workload in names] or list(Workload)
    with tempfile.TemporaryDirectory() as name, database.running() as running:
        lines = report.conditions(running, rounds)
        measured = []
        with Servers(running) as servers:
            for workload in workloads:
                cells, absent = _find_cells(workload, rows, servers, Path(name))
                measuring.measure(cells, rounds, running)
                found = ["", *report.table(workload, cells), *absent]
                _say("\n".join(found))
                lines += found
                measured.append((workload, cells))
    return [*lines, *goals.table(measured)]


def _find_cells(
    workload: Workload, rows: Iterable[Row], servers: Servers, folder: Path
) -> tuple[list[Cell], list[str]]:
    """Start what takes part in a workload; name what can't."""
    cells, absent = [], []
    for row in rows:
        kind = row.kinds.get(workload)
        if kind is None:
            continue
        try:
            cells.append(_make_cell(row, workload, kind, servers, folder))
        except Absent as missing:
            absent.append(f"Left out: {row.title}, because {missing}.")
            _say(absent[-1])
    return cells, ["", *absent] if absent else []


def _make_cell(row: Row, workload: Workload, kind: str, servers: Servers, folder: Path) -> Cell:
    if row.server:
        server = servers.find(row.server)
        asked = load.RowLoad(workload, server, kind, folder)
        return measuring.Cell(row, asked, server.process)
    if row.name == "pgbench":
        programs.find_pgbench()
        return measuring.Cell(row, parts.PgbenchLoad(servers.database, servers.platform[1], folder))
    return measuring.Cell(row, parts.SigningLoad(SigningAlgorithm(kind)), os.getpid())


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
