"""Makes load with wrk and reads what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

LUA = Path(__file__).parent / "lua"
CONNECTIONS = 16
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class NoGenerator(Exception):
    """There is no wrk on this machine."""


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request: which script sends it where, with which arguments."""

    script: str
    url: str
    arguments: tuple[str, ...]
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """What one round brought: requests, refused ones, and latencies in milliseconds."""

    requests: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Good answers per second."""
        return (self.requests - self.refused) / self.seconds


def run(load: Load, seconds: int) -> Measured:
    """Run one round from this machine against this machine.

    Raises:
        NoGenerator: wrk is missing.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoGenerator("make bench needs wrk; Debian has it as a package.")
    command = [wrk, f"-t{load.threads}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    command += ["-s", str(LUA / load.script), load.url, "--", *load.arguments]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return _read(outcome.stdout)


def discard_used(load: Load) -> None:
    """Drop the refresh tokens with which the last run began: each works once."""
    if load.script == "refresh.lua":
        first = Path(load.arguments[1])
        first.write_text("".join(first.read_text().splitlines(keepends=True)[CONNECTIONS:]))


def _read(text: str) -> Measured:
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text)
    if total is None:
        raise ValueError(text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return Measured(
        requests=int(total[1]),
        refused=int(refused[1]) if refused else 0,
        seconds=float(total[2]) * _UNITS[total[3]] / 1000,
        p50_ms=_percentile(text, 50),
        p99_ms=_percentile(text, 99),
    )


def _percentile(text: str, number: int) -> float:
    found = re.search(rf"^\s+{number}%\s+([\d.]+)(us|ms|s|m)$", text, re.MULTILINE)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")
