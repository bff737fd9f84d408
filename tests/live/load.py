"""A bounded load of token requests, all of whose answers are kept."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from typing import TYPE_CHECKING

from tests.live.workers import HOST, Answer, post
from tests.run.platform_process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

CLIENTS = ("service", "opaque", "renewing", "renewing")
MAXIMUM_ANSWERS = 1500
PAUSE_SECONDS = 0.03


class Load:
    """Several threads that ask for tokens, each request on a connection of its own."""

    def __init__(self, live: Installation) -> None:
        self.answers: list[Answer] = []
        self._live = live
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=[name]) for name in CLIENTS]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int, status: int = 200) -> None:
        """Wait until so many more requests have been answered with this status."""
        target = len(self.answered(status)) + count
        wait_until(lambda: len(self.answered(status)) >= target, 30)

    def answered(self, status: int = 200) -> list[Answer]:
        return [answer for answer in self.answers if answer.status == status]

    def statuses(self) -> set[int]:
        return {answer.status for answer in self.answers}

    def tokens(self) -> list[str]:
        """List every token, of access and of refreshing, that was answered."""
        names = ("access_token", "refresh_token")
        bodies = [answer.body for answer in self.answered()]
        return [body[name] for body in bodies for name in names if name in body]

    def _ask(self, client_id: str) -> None:
        while not self._stopping.is_set() and len(self.answers) < MAXIMUM_ANSWERS:
            connection = http.client.HTTPConnection(HOST, self._live.platform.port, timeout=20)
            with contextlib.closing(connection):
                form = {"grant_type": "client_credentials"}
                self.answers.append(post(connection, self._live, "/oauth/token", client_id, **form))
            time.sleep(PAUSE_SECONDS)


@contextlib.contextmanager
def under_load(live: Installation) -> Iterator[Load]:
    """Load the platform while the test does something to it."""
    load = Load(live)
    load.start()
    try:
        yield load
    finally:
        load.stop()
