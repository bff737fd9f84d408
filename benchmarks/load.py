"""Makes load with wrk and reads what it says."""

from __future__ import annotations

import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import programs, workloads
from benchmarks.workloads import Workload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.serving import Server

LUA = Path(__file__).parent / "lua"
CONNECTIONS = 16
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one round brought: requests, refused ones, and latencies in milliseconds.

    `generator_seconds` is the processor time of the load itself.
    """

    requests: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    generator_seconds: float

    @property
    def per_second(self) -> float:
        """Good answers per second."""
        return (self.requests - self.refused) / self.seconds


@dataclass(frozen=True, slots=True)
class RowLoad:
    """Sixteen connections that ask one server for one thing, without a pause."""

    workload: Workload
    server: Server
    kind: str
    folder: Path

    def run(self, seconds: int) -> Measured:
        """Run one round from this machine against this machine.

        Raises:
            Absent: wrk is missing.
        """
        is_refresh = self.workload is Workload.REFRESH
        url = self.server.base_url + workloads.path_of(self.workload, self.server.facts)
        threads = CONNECTIONS if is_refresh else 2
        client = workloads.basic(*self.server.facts["clients"][self.kind])
        return _run(self._script, url, (client, self._argument()), seconds, threads=threads)

    @property
    def _script(self) -> str:
        return "refresh.lua" if self.workload is Workload.REFRESH else "post.lua"

    def _argument(self) -> str:
        """Write the body, or the file with the tokens with which each connection begins."""
        if self.workload is not Workload.REFRESH:
            return workloads.form_of(self.workload, self.kind, self.server.facts)
        first = self.folder / f"{self.server.process}-{self.kind}.tokens"
        chains: list[str] = self.server.facts["refresh_tokens"][self.kind]
        taken = chains[:CONNECTIONS]
        del chains[:CONNECTIONS]  # Each works once, whichever server on this database takes it.
        if len(taken) < CONNECTIONS:
            raise RuntimeError("the first refresh tokens are used up; ask for fewer rounds")
        first.write_text("".join(f"{token}\n" for token in taken))
        return str(first)


@dataclass(frozen=True, slots=True)
class FileLoad:
    """Connections that send the requests of a list in turn; each is a line of many.lua."""

    server: Server
    folder: Path
    lines: Sequence[str]
    connections: int = CONNECTIONS

    def run(self, seconds: int) -> Measured:
        """Run one round.

        Raises:
            Absent: wrk is missing.
        """
        path = self.folder / f"{self.server.process}.requests"
        path.write_text("".join(f"{line}\n" for line in self.lines))
        base_url, connections = self.server.base_url, self.connections
        return _run("many.lua", base_url, (str(path),), seconds, connections=connections)


def run_generator(command: list[str]) -> tuple[str, float]:
    """Run a command and answer what it wrote and the processor time that it used, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    outcome = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own commands.
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return outcome.stdout, used


def _run(
    script: str,
    url: str,
    arguments: tuple[str, ...],
    seconds: int,
    *,
    threads: int = 2,
    connections: int = CONNECTIONS,
) -> Measured:
    command = [programs.find_wrk(), f"-t{threads}", f"-c{connections}", f"-d{seconds}s"]
    command += ["--latency", "--timeout=20s", "-s", str(LUA / script), url, "--", *arguments]
    return read(*run_generator(command))


def read(text: str, generator_seconds: float) -> Measured:
    """Read what wrk wrote.

    Raises:
        ValueError: it made no requests; its own words are the message.
    """
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
        generator_seconds=generator_seconds,
    )


def _percentile(text: str, number: int) -> float:
    found = re.search(rf"^\s+{number}%\s+([\d.]+)(us|ms|s|m)$", text, re.MULTILINE)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")
