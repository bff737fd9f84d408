"""Writes what was measured as Markdown, and puts it into docs/performance.md."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import re
import statistics
from typing import TYPE_CHECKING, Final

from benchmarks import node_server, programs, serving
from benchmarks.load import CONNECTIONS
from benchmarks.processes import busy_share
from benchmarks.rows import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.database import Database
    from benchmarks.measuring import Cell, Rounds
    from benchmarks.workloads import Workload

PAGE: Final[Path] = serving.ROOT / "docs" / "performance.md"
PACKAGES: Final = ("Django", "djangorestframework", "django-oauth-toolkit", "granian", "gunicorn")
WATCHED_SECONDS: Final = 2.0
HEAD: Final = (
    "per second",
    "spread",
    "ours is ... times as fast",
    "p50 ms",
    "p99 ms",
    "web us",
    "database us",
    "generator us",
    "statements",
)


def table(workload: Workload, cells: Sequence[Cell]) -> list[str]:
    """Write the lines of one workload's table."""
    ours = next((cell for cell in cells if cell.row.name == OURS), None)
    lines = [f"| {workload} | {' | '.join(HEAD)} |", f"| --- |{' ---: |' * len(HEAD)}"]
    lines += [_line(cell, ours) for cell in cells]
    return lines


def surroundings() -> list[str]:
    """Say when, on which machine, and how busy it was before anything was started."""
    others = busy_share(WATCHED_SECONDS)
    machine = f"{_processor()}, {os.cpu_count()} cores"
    return [
        f"- {dt.datetime.now(dt.UTC):%Y-%m-%d}; {machine} for all of it together.",
        f"- {others:.0%} of the cores were used by others just before; a quiet machine says 0 %.",
    ]


def conditions(database: Database, rounds: Rounds) -> list[str]:
    """Say on what and with what was measured."""
    versions = [f"{name} {_version_of(name)}" for name in PACKAGES]
    with database.connect() as connection:
        found = connection.execute(
            "SELECT current_setting('server_version'), current_setting('synchronous_commit'),"
            " current_setting('fsync')"
        ).fetchone()
    postgres, synchronous_commit, fsync = found or ("?", "?", "?")
    durability = f"fsync {fsync}, synchronous_commit {synchronous_commit}"
    processes = f"{serving.WORKERS} web processes"
    return [
        *surroundings(),
        f"- {processes}, of {serving.THREADS} threads each in Python; {CONNECTIONS} connections.",
        f"- {rounds.number} interleaved rounds of {rounds.seconds} seconds for each row; medians.",
        f"- PostgreSQL {postgres} over a unix socket, {durability}.",
        f"- Python {platform.python_version()}, {', '.join(versions)}.",
        f"- {_node_versions()}, wrk {_wrk_version()}.",
    ]


def write(section: str, lines: Sequence[str]) -> None:
    """Put the lines in place of a section of the page.

    Raises:
        ValueError: the page has no such section.
    """
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    text = "\n".join((begin, "", *lines, "", end))
    page, count = pattern.subn(lambda _: text, PAGE.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{PAGE.name} has no section {section}")
    PAGE.write_text(page, encoding="utf-8")


def _line(cell: Cell, ours: Cell | None) -> str:
    numbers: Mapping[str, str] = {
        "rate": f"{cell.rate:,.0f}".replace(",", " "),
        "spread": f"{cell.spread:.0%}",
        "ratio": f"{ours.ratio_to(cell):.2f}" if ours else "-",
        "p50": f"{statistics.median(cell.p50_ms):.2f}",
        "p99": _number(statistics.median(cell.p99_ms), 1),
        "web": f"{statistics.median(cell.web_us):.0f}",
        "database": f"{statistics.median(cell.database_us):.0f}",
        "generator": f"{statistics.median(cell.generator_us):.0f}",
        "statements": f"{cell.statements:.1f}",
    }
    refused = f" ({cell.refused} refused)" if cell.refused else ""
    return f"| {cell.row.title}{refused} | {' | '.join(numbers.values())} |"


def _number(value: float, digits: int) -> str:
    return "-" if value != value else f"{value:.{digits}f}"  # noqa: PLR0124 - not a number.


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(absent)"


def _node_versions() -> str:
    try:
        node = programs.read_version([programs.find_node(), "--version"])
    except programs.Absent:
        return "no node"
    return f"node {node}, oidc-provider {node_server.read_version()}"


def _wrk_version() -> str:
    return programs.read_version([programs.find_wrk(), "--version"])


def _processor() -> str:
    """Name the processor, where the system says it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a file of Linux.
            names = re.findall(r"^model name\s*:\s*(.+)$", file.read(), re.MULTILINE)
    except OSError:
        names = []
    return names[0].strip() if names else platform.machine()
