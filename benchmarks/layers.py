"""`python -m benchmarks.layers`: where the microseconds of a request go, layer by layer.

The web server's own application is called in a process of its own, without HTTP, on a real
PostgreSQL. What counts is processor time: of the calling thread, and of the database's process
that serves it.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Final

from benchmarks import database, in_process, probes, servers, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.database import Database
    from benchmarks.in_process import Cost

PLAN: Final = in_process.Plan(rounds=30, calls=60)
SIDES: Final = 3
# The name of each measured request: its endpoint and the kind of its client or token.
REQUESTS: Final[Mapping[str, tuple[str, str]]] = {
    "client_credentials, ES256 JWT": ("client_credentials", "jwt"),
    "client_credentials, RS256 JWT": ("client_credentials", "rs256"),
    "client_credentials, opaque": ("client_credentials", "opaque"),
    "introspection, ES256 JWT": ("introspection", "jwt"),
    "introspection, opaque": ("introspection", "opaque"),
    "refresh, ES256 JWT": ("refresh", "refresh"),
}


def main() -> int:
    """Measure the named requests, or all, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("request", nargs="*", help=f"beginnings of: {'; '.join(REQUESTS)}")
    parser.add_argument("--rounds", type=int, default=PLAN.rounds)
    parser.add_argument("--calls", type=int, default=PLAN.calls)
    asked = parser.parse_args()
    wanted = tuple(asked.request) or ("",)
    plan = in_process.Plan(asked.rounds, asked.calls)
    sys.stdout.write("\n".join(run(plan, wanted)) + "\n")
    return 0


def run(plan: in_process.Plan = PLAN, wanted: tuple[str, ...] = ("",)) -> list[str]:
    """Measure on a PostgreSQL of its own and answer the lines of the table."""
    with database.running() as running:
        return table(measure(running, plan, wanted))


def measure(
    running: Database, plan: in_process.Plan, wanted: tuple[str, ...]
) -> dict[str, dict[str, Cost]]:
    """Answer the cost of each side of each request whose name begins as wanted."""
    variables = servers.platform_variables(running)
    requests = {name: request for name, request in REQUESTS.items() if name.startswith(wanted)}
    refreshes = any(name.startswith("refresh") for name in requests)
    # Each side uses refresh tokens up, once to warm up and once in each round.
    chains = SIDES * (plan.rounds + 1) * plan.calls if refreshes else 0
    asked = {
        "facts": json.loads(servers.prepare_platform(variables, chains)),
        "rounds": plan.rounds,
        "calls": plan.calls,
        "requests": requests,
    }
    command = [sys.executable, "-m", "benchmarks.layer_costs"]
    metrics = running.folder.parent / "metrics"
    metrics.mkdir()
    variables |= servers.serving_variables(metrics)
    written = json.loads(serving.call(command, variables, json.dumps(asked)))
    return {
        name: {side: in_process.Cost(**cost) for side, cost in costs.items()}
        for name, costs in written.items()
    }


def table(measured: Mapping[str, Mapping[str, Cost]]) -> list[str]:
    """Write the costs as a Markdown table: a column for each request, in microseconds."""
    seen = {layer for costs in measured.values() for layer in costs["layers"].parts}
    layers = [
        layer for layer in dict.fromkeys([probes.OUTSIDE, *probes.PROBES.values()]) if layer in seen
    ]
    lines = [
        f"| layer (microseconds) | {' | '.join(measured)} |",
        f"| --- |{' ---: |' * len(measured)}",
    ]
    for layer in layers:
        cells = [costs["layers"].parts.get(layer) for costs in measured.values()]
        lines.append(_line(layer, cells))
    whole = [costs["whole"] for costs in measured.values()]
    lines.append(_line("**all, without the probes**", [cost.web for cost in whole]))
    django = [costs["django"].web for costs in measured.values()]
    lines.append(_line("the same through Django and DRF", django))
    lines.append(_line("PostgreSQL, beside it", [cost.database for cost in whole]))
    lines.append(_line("elapsed, with waiting for it", [cost.elapsed for cost in whole]))
    empty = probes.measure_empty_step()
    return [*lines, "", f"An empty step would show {empty:.1f} microseconds."]


def _line(name: str, cells: list[float | None] | list[float]) -> str:
    texts = ["-" if cell is None else f"{cell:.1f}" for cell in cells]
    return f"| {name} | {' | '.join(texts)} |"


if __name__ == "__main__":
    sys.exit(main())
