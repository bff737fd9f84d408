"""When a secret was used last is written down by the process that saw it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.run.platform_process import wait_until

if TYPE_CHECKING:
    from tests.live.installation import Installation

WRITTEN_SECONDS = 15.0  # The workers write every ten.


def test_last_use_of_a_secret_is_written_down(live: Installation) -> None:
    assert live.shell.call("read_last_use", client_id="seldom") is None
    live.fetch_token("seldom")
    asked_at = time.time()

    def is_written() -> bool:
        used_at = live.shell.call("read_last_use", client_id="seldom")
        return used_at is not None and abs(used_at - asked_at) < 2

    wait_until(is_written, WRITTEN_SECONDS)
