"""Installs the locked npm packages and runs the programs of tests/clients/node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import find_program

PROGRAMS = Path(__file__).parent / "node"
NPM = Path("lib/node_modules/npm/bin/npm-cli.js")
INSTALL_SECONDS = 180
RUN_SECONDS = 20


def install(folder: Path) -> Path:
    """Install what package-lock.json pins into a copy of the programs, and answer where.

    Raises:
        AssertionError: npm can't; its own words are the message.
    """
    copy = folder / "node"
    shutil.copytree(PROGRAMS, copy, ignore=shutil.ignore_patterns("node_modules"))
    outcome = subprocess.run(  # noqa: S603 - our own command.
        [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return copy


def run(folder: Path, program: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON.
    """Run a program with what it is asked on standard input; answer what it writes."""
    outcome = subprocess.run(  # noqa: S603 - our own program.
        [_node(), f"{program}.mjs"],
        cwd=folder,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return dict(json.loads(outcome.stdout))


def _node() -> str:
    node = find_program("node")
    assert node is not None
    return node


def _npm() -> list[str]:
    """Find npm beside the wheel's node, else on the path."""
    beside = Path(_node()).parent.parent / NPM
    if beside.exists():
        return [_node(), str(beside)]
    npm = shutil.which("npm")
    assert npm is not None, "there is node, but no npm"
    return [npm]
