"""Measures calls inside one process, in turns, so that even a busy machine says something."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from benchmarks import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Side(Generic[T]):
    """What is measured under a name: `call`, once with each item that `prepare` makes untimed.

    `during` is entered around the calls of a round and gives the seconds that their parts took.
    """

    name: str
    prepare: Callable[[int], Sequence[T]]
    call: Callable[[T], object]
    during: Callable[[], AbstractContextManager[Mapping[str, float]]] | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over the rounds, in microseconds per call: processor time here and there."""

    web: float
    database: float
    elapsed: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """How often: in each of the rounds each side is called so many times."""

    rounds: int
    calls: int


@dataclass(slots=True)
class _Samples:
    web: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)

    def median(self) -> Cost:
        return Cost(
            statistics.median(self.web),
            statistics.median(self.database),
            statistics.median(self.elapsed),
            {name: statistics.median(seconds) for name, seconds in self.parts.items()},
        )


def measure(sides: Sequence[Side[T]], plan: Plan, *, backend: int) -> dict[str, Cost]:
    """Answer each side's cost; `backend` is the process of this thread's database connection."""
    samples = {side.name: _Samples() for side in sides}
    for side in sides:
        _run(side, plan.calls, _Samples(), backend)  # Warm caches and prepared statements.
    for _ in range(plan.rounds):
        for side in sides:
            _run(side, plan.calls, samples[side.name], backend)
    return {name: sample.median() for name, sample in samples.items()}


def _run(side: Side[T], calls: int, samples: _Samples, backend: int) -> None:
    items = side.prepare(calls)
    gc.collect()
    if side.during is None:
        _time(side.call, items, samples, backend)
        return
    with side.during() as parts:
        _time(side.call, items, samples, backend)
    for name, seconds in parts.items():
        samples.parts.setdefault(name, []).append(seconds / calls * 1e6)


def _time(call: Callable[[T], object], items: Sequence[T], samples: _Samples, backend: int) -> None:
    database = processes.own_cpu_seconds(backend)
    began, started = time.thread_time(), time.perf_counter()
    for item in items:
        call(item)
    web, elapsed = time.thread_time() - began, time.perf_counter() - started
    database = processes.own_cpu_seconds(backend) - database
    samples.web.append(web / len(items) * 1e6)
    samples.elapsed.append(elapsed / len(items) * 1e6)
    samples.database.append(database / len(items) * 1e6)
