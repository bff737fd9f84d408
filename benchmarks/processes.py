"""Adds up the processor time of process trees."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int) -> float:
    """Answer the processor time that a process and all of its descendants have used."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            _read(entry, children, used)
    return _add_up(root, children, used)


def _read(entry: Path, children: dict[int, list[int]], used: dict[int, float]) -> None:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return  # It has ended meanwhile.
    process, parent = int(entry.name), int(fields[1])
    children.setdefault(parent, []).append(process)
    # User and system time, its own and that of children it has waited for.
    used[process] = sum(int(field) for field in fields[11:15]) / TICKS_PER_SECOND


def _add_up(process: int, children: dict[int, list[int]], used: dict[int, float]) -> float:
    below = sum(_add_up(child, children, used) for child in children.get(process, ()))
    return used.get(process, 0.0) + below
