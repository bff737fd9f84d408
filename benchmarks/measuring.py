"""Measures rows in turns, so that whatever the machine does meanwhile hits all of them alike."""

from __future__ import annotations

import math
import os
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from benchmarks import processes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.database import Database
    from benchmarks.load import Measured
    from benchmarks.rows import Row

WARM_UP_SECONDS = 2
WARM_UP_RUNS = 5
COUNTED_SECONDS = 1
REST_SECONDS = 0.1
IDLE_SECONDS = 0.01  # Of processor time while resting: its own threads look around.
LONGEST_REST_SECONDS = 15.0


class Load(Protocol):
    """Whatever makes load for some seconds and says what it brought."""

    def run(self, seconds: int) -> Measured:
        """Make load."""


@dataclass(slots=True)
class Cell:
    """What one row did in one workload, over all rounds; processor time in microseconds.

    `process` is the first of the web server's processes; 0 where there is none.
    """

    row: Row
    load: Load
    process: int = 0
    rates: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    web_us: list[float] = field(default_factory=list)
    database_us: list[float] = field(default_factory=list)
    generator_us: list[float] = field(default_factory=list)
    refused: int = 0
    statements: float = 0.0

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)

    @property
    def spread(self) -> float:
        """How far the rounds lie apart, as a part of the median."""
        return (max(self.rates) - min(self.rates)) / self.rate if self.rate else 0.0

    def run(self, seconds: int) -> Measured:
        """Make load for that long, or for as long as this row needs.

        Raises:
            RuntimeError: nothing was answered.
        """
        measured = self.load.run(max(seconds, self.row.least_seconds))
        if not measured.requests:
            raise RuntimeError(f"{self.row.name} answered nothing")
        return measured

    def ratio_to(self, other: Cell) -> float:
        """How many times as fast as another row this one is: the median over the rounds' pairs."""
        pairs = zip(self.rates, other.rates, strict=True)
        # Whoever answered nothing well is infinitely slower.
        return statistics.median(own / theirs if theirs else math.inf for own, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Rounds:
    """How many rounds of how many seconds."""

    number: int
    seconds: int


def measure(cells: Sequence[Cell], rounds: Rounds, database: Database) -> None:
    """Fill the cells of one workload."""
    for cell in cells:
        _warm_up(cell)
    for _ in range(rounds.number):
        for cell in cells:
            _measure_round(cell, rounds.seconds, database)
    for cell in cells:
        cell.statements = _count_statements(cell, database)


def _warm_up(cell: Cell) -> None:
    """Let caches fill and connections open; the first request to Django alone loads much."""
    for _ in range(WARM_UP_RUNS):
        if cell.load.run(WARM_UP_SECONDS).requests:
            break
    _let_rest(cell)


def _let_rest(cell: Cell) -> None:
    """Wait until a server has answered what was asked before the load ended.

    With a slow hash per request that takes seconds, which the next row would have to pay.
    """
    used, deadline = -1.0, time.monotonic() + LONGEST_REST_SECONDS
    while cell.process and time.monotonic() < deadline:
        now = processes.cpu_seconds(cell.process)
        if now - used < IDLE_SECONDS:
            return
        used = now
        time.sleep(REST_SECONDS)


def _measure_round(cell: Cell, seconds: int, database: Database) -> None:
    before = _cpu_seconds(cell, database)
    measured = cell.run(seconds)
    web, stored = (
        (end - begin) / measured.requests * 1e6
        for begin, end in zip(before, _cpu_seconds(cell, database), strict=True)
    )
    cell.rates.append(measured.per_second)
    cell.p50_ms.append(measured.p50_ms)
    cell.p99_ms.append(measured.p99_ms)
    cell.web_us.append(web)
    cell.database_us.append(stored)
    cell.generator_us.append(measured.generator_seconds / measured.requests * 1e6)
    cell.refused += measured.refused
    _let_rest(cell)


def _cpu_seconds(cell: Cell, database: Database) -> tuple[float, float]:
    web = processes.cpu_seconds(cell.process) if cell.process else 0.0
    if cell.process == os.getpid():
        web = processes.own_cpu_seconds(cell.process)
    return web, processes.cpu_seconds(database.process)


def _count_statements(cell: Cell, database: Database) -> float:
    with database.logging_statements() as since:
        measured = cell.run(COUNTED_SECONDS)
        statements = database.count_statements(since)
    _let_rest(cell)
    return statements / measured.requests
