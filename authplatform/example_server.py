"""Loads the example resource server under the supervisor, so that it ends with everything else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from authplatform import child_signals

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"

# Without this, kill -9 of the supervisor leaves the workers on their port.
child_signals.terminate_with_parent()
child_signals.leave_with_supervisor()
sys.path.insert(0, str(EXAMPLES))
application = importlib.import_module("resource_server").application
