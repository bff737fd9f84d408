"""Starts node's oidc-provider, whose locked packages are installed once, outside of the tree."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import programs, serving
from benchmarks.programs import Absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAMS: Final = Path(__file__).parent / "node_peer"
DATABASE: Final = "node"
CONNECTIONS: Final = 8
INSTALL_SECONDS: Final = 120
PACKAGE: Final = "oidc-provider"


@contextlib.contextmanager
def serve(
    store: str, chains: int, variables: Mapping[str, str], folder: Path
) -> Iterator[serving.Server]:
    """Run oidc-provider over a store: "postgresql", found by libpq's variables, or "memory".

    Raises:
        Absent: there is no node, or its packages can't be installed.
    """
    port, facts = serving.free_port(), folder / f"node-{store}.json"
    asked = {
        "STORE": store,
        "PORT": str(port),
        "FACTS": str(facts),
        "CHAINS": str(chains),
        "WORKERS": str(serving.WORKERS),
        "CONNECTIONS": str(CONNECTIONS),
        "NODE_ENV": "production",
    }
    command = [programs.find_node(), str(install() / "server.mjs")]
    with serving.running(command, {**variables, **asked}) as process:
        _wait_for(facts, process)
        read = json.loads(facts.read_text())
        yield serving.Server(f"http://127.0.0.1:{port}", process.pid, read)


def install() -> Path:
    """Install what the lock pins, where that was not done before; answer the programs' folder.

    Raises:
        Absent: there is no npm, or it can't.
    """
    lock = (PROGRAMS / "package-lock.json").read_bytes()
    folder = _cache() / f"node-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "node_modules" / PACKAGE).is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _copy_programs(folder)
        _run_npm(folder)
    _copy_programs(folder)
    return folder


def read_version() -> str:
    """Answer the version of oidc-provider that the lock pins."""
    lock = json.loads((PROGRAMS / "package-lock.json").read_text())
    return str(lock["packages"][f"node_modules/{PACKAGE}"]["version"])


def _copy_programs(folder: Path) -> None:
    for source in PROGRAMS.glob("*.*js*"):
        shutil.copyfile(source, folder / source.name)


def _run_npm(folder: Path) -> None:
    command = [*programs.find_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    outcome = subprocess.run(  # noqa: S603 - our own command.
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if outcome.returncode:
        shutil.rmtree(folder)
        raise Absent(f"npm can't install {PACKAGE}: {outcome.stderr.strip().splitlines()[-1:]}")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "authplatform-benchmarks"


def _wait_for(facts: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + serving.START_TIMEOUT_SECONDS
    while not facts.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("node did not start; its own words stand above")
        time.sleep(serving.POLL_SECONDS)
