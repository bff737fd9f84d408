"""`make bench`: paired, interleaved rounds against django-oauth-toolkit, as one table."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import load, processes, rows, servers

if TYPE_CHECKING:
    from benchmarks.servers import Database, Server

COUNTED_SECONDS = 1


@dataclass(slots=True)
class Cell:
    """What one server did in one row, over all rounds; processor time in microseconds."""

    rates: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    web_us: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)
    refused: int = 0
    statements: float = 0.0


def main() -> int:
    """Measure the rows that are named, or all of them, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("row", nargs="*", choices=[*rows.ROWS, []], default=[])
    parser.add_argument("--seconds", type=int, default=5, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        running = stack.enter_context(servers.database())
        both = [stack.enter_context(start(running)) for start in (servers.ours, servers.toolkit)]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for row in chosen.row or rows.ROWS:
            cells = _measure(row, both, running, folder, (chosen.seconds, chosen.rounds))
            _print(row, both, cells)
    return 0


def _measure(
    row: str, both: list[Server], running: Database, folder: Path, plan: tuple[int, int]
) -> list[Cell]:
    """Measure in turns, so that whatever the machine does meanwhile hits both alike."""
    seconds, rounds = plan
    cells = [Cell() for _ in both]
    loads = [rows.load_of(row, server, folder) for server in both]
    for asked in loads:
        load.run(asked, 1)  # Warm caches and connections.
        load.discard_used(asked)
    for _ in range(rounds):
        for server, asked, cell in zip(both, loads, cells, strict=True):
            _measure_round(server, asked, cell, running, seconds)
    for asked, cell in zip(loads, cells, strict=True):
        cell.statements = _count_statements(asked, running)
    return cells


def _measure_round(
    server: Server, asked: load.Load, cell: Cell, running: Database, seconds: int
) -> None:
    before = processes.cpu_seconds(server.process), processes.cpu_seconds(running.process)
    measured = load.run(asked, seconds)
    after = processes.cpu_seconds(server.process), processes.cpu_seconds(running.process)
    web, database = (
        (end - begin) / measured.requests * 1e6 for begin, end in zip(before, after, strict=True)
    )
    cell.rates.append(measured.per_second)
    cell.p50_ms.append(measured.p50_ms)
    cell.p99_ms.append(measured.p99_ms)
    cell.web_us.append(web)
    cell.database_us.append(database)
    cell.refused += measured.refused
    load.discard_used(asked)


def _count_statements(asked: load.Load, running: Database) -> float:
    running.log_statements(enabled=True)
    before = running.count_statements()
    measured = load.run(asked, COUNTED_SECONDS)
    running.log_statements(enabled=False)
    return (running.count_statements() - before) / measured.requests


def _print(row: str, both: list[Server], cells: list[Cell]) -> None:
    write = sys.stdout.write
    write(f"\n{row}: per second | spread | p50 ms | p99 ms | web us | database us | statements\n")
    for server, cell in zip(both, cells, strict=True):
        spread = (max(cell.rates) - min(cell.rates)) / statistics.median(cell.rates)
        write(
            f"  {server.name:36} {statistics.median(cell.rates):8.0f} | {spread:5.0%}"
            f" | {statistics.median(cell.p50_ms):6.2f} | {statistics.median(cell.p99_ms):6.2f}"
            f" | {statistics.median(cell.web_us):5.0f} | {statistics.median(cell.database_us):5.0f}"
            f" | {cell.statements:4.1f}{f' | {cell.refused} refused' if cell.refused else ''}\n"
        )
    first, second = (statistics.median(cell.rates) for cell in cells)
    write(f"  ratio {first / second:.1f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
