"""What is aimed at, as ratios between rows of one run, and what came of it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.workloads import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measuring import Cell

    Cells = Mapping[tuple[Workload, str], Cell]

P99_MS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Goal:
    """A row's rate, in a workload, as a multiple of another row's."""

    workload: Workload
    row: str
    other: str
    least: float


GOALS: Final = (
    Goal(Workload.CLIENT_CREDENTIALS, "ours-jwt", "bare", 0.6),
    Goal(Workload.CLIENT_CREDENTIALS, "django-jwt", "bare", 0.45),
    Goal(Workload.CLIENT_CREDENTIALS, "ours-jwt", "django-jwt", 1.3),
    Goal(Workload.CLIENT_CREDENTIALS, "ours-jwt", "toolkit-plain-granian", 3),
    Goal(Workload.CLIENT_CREDENTIALS, "ours-jwt", "node-postgresql", 1),
    Goal(Workload.INTROSPECTION, "ours-jwt", "toolkit-plain-granian", 5),
    Goal(Workload.INTROSPECTION, "ours-opaque", "toolkit-plain-granian", 5),
    Goal(Workload.INTROSPECTION, "ours-jwt", "node-postgresql", 0.8),
    Goal(Workload.INTROSPECTION, "ours-opaque", "node-postgresql", 0.8),
    Goal(Workload.REFRESH, "ours-jwt", "toolkit-plain-granian", 6),
)


def table(measured: Sequence[tuple[Workload, Sequence[Cell]]]) -> list[str]:
    """Write what of the goals this run can say; nothing where their rows were left out."""
    cells = {(workload, cell.row.name): cell for workload, row in measured for cell in row}
    lines = [line for goal in GOALS for line in _lines(goal, cells)]
    ours = cells.get((Workload.CLIENT_CREDENTIALS, "ours-jwt"))
    if ours is not None:
        p99 = statistics.median(ours.p99_ms)
        verdict = _verdict(is_met=p99 < P99_MS)
        lines.append(
            f"| client_credentials: p99 in ms | under {P99_MS:g} | {p99:.1f} | {verdict} |"
        )
    head = ["", "| goal | at least | measured | |", "| --- | ---: | ---: | --- |"]
    return [*head, *lines] if lines else []


def _lines(goal: Goal, cells: Cells) -> list[str]:
    own, other = (cells.get((goal.workload, name)) for name in (goal.row, goal.other))
    if own is None or other is None:
        return []
    ratio = own.ratio_to(other)
    name = f"{goal.workload}: `{goal.row}` to `{goal.other}`"
    return [f"| {name} | {goal.least:g} | {ratio:.2f} | {_verdict(is_met=ratio >= goal.least)} |"]


def _verdict(*, is_met: bool) -> str:
    return "met" if is_met else "**missed**"
