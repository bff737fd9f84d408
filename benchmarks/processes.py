"""Adds up the processor time and the memory of process trees. Linux only: it reads /proc."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def own_cpu_seconds(process: int) -> float:
    """Answer the processor time of one process, to the nanosecond, without its descendants.

    Source: clock_getcpuclockid(3), whose clocks Linux numbers by the complement of the process id.
    """
    return time.clock_gettime(~process << 3 | 2)


def busy_share(seconds: float) -> float:
    """Watch for some seconds how much of all cores is used; before a run, that is by others."""
    began = _read_clocks()
    time.sleep(seconds)
    spent = [now - then for now, then in zip(_read_clocks(), began, strict=True)]
    return 1 - sum(spent[3:5]) / sum(spent)  # Idle, and waiting for a disk. Source: proc_stat(5).


def _read_clocks() -> list[int]:
    line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    return [int(text) for text in line.split()[1:9]]


def cpu_seconds(root: int) -> float:
    """Answer the processor time that a process and all of its descendants have used."""
    return _add_up(root, *_read_all(_cpu_seconds_of))


def memory_kb(root: int) -> float:
    """Answer the resident memory of a process and all of its descendants, shared pages in parts."""
    return _add_up(root, *_read_all(_memory_kb_of))


def _cpu_seconds_of(entry: Path, fields: list[str]) -> float:
    # Its own time, and that of children it has waited for.
    waited = sum(int(field) for field in fields[13:15]) / TICKS_PER_SECOND
    return own_cpu_seconds(int(entry.name)) + waited


def _memory_kb_of(entry: Path, _fields: list[str]) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB$", (entry / "smaps_rollup").read_text(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _read_all(
    measure: Callable[[Path, list[str]], float],
) -> tuple[dict[int, list[int]], dict[int, float]]:
    """Answer the children of each process, and what is measured of each."""
    children: dict[int, list[int]] = {}
    found: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            _read(entry, measure, children, found)
    return children, found


def _read(
    entry: Path,
    measure: Callable[[Path, list[str]], float],
    children: dict[int, list[int]],
    found: dict[int, float],
) -> None:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
        found[int(entry.name)] = measure(entry, fields)
    except OSError:
        return  # It has ended meanwhile.
    children.setdefault(int(fields[1]), []).append(int(entry.name))


def _add_up(process: int, children: dict[int, list[int]], found: dict[int, float]) -> float:
    below = sum(_add_up(child, children, found) for child in children.get(process, ()))
    return found.get(process, 0.0) + below
