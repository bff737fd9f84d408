"""A management shell of a running installation: another process that works on its database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.run.platform_process import ROOT

if TYPE_CHECKING:
    from tests.run.platform_process import Platform

SCRIPT = "from tests.live import operations; operations.serve()"
COMMAND = (sys.executable, "manage.py", "shell", "--no-imports", "-v", "0", "-c", SCRIPT)


class ManagementShell:
    """Runs the operations of tests/live/operations.py, one per line, in a process of its own."""

    def __init__(self, platform: Platform) -> None:
        """Start the shell on the installation's data."""
        self._process = subprocess.Popen(  # noqa: S603 - our own command.
            COMMAND,
            cwd=ROOT,
            env=variables_of(platform),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401 - any JSON.
        """Run one operation and answer what it answers; its change is committed by then."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"operation": operation, "arguments": arguments}) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, f"the management shell ended in {operation}; its own words stand above"
        said = json.loads(line)
        assert "failure" not in said, said["failure"]
        return said["answer"]

    def close(self) -> None:
        """End the shell and wait until it is gone."""
        self._process.communicate()


def variables_of(platform: Platform) -> dict[str, str]:
    """Say where the installation is: a command needs nothing else, and gets nothing of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"DATA_DIR": str(platform.folder), "PORT": str(platform.port)}
