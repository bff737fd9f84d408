"""A client is told of a logout by the real task worker, while the person is still looking."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from authplatform.env import PROVIDER_ADDRESS
from tests.relying_server import RelyingServer, serve_relying_party
from tests.run.platform_process import wait_until
from tokens.front_channel import cookies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.installation import Installation

TIMEOUT_SECONDS = 10.0


@pytest.fixture
def server() -> Iterator[RelyingServer]:
    # The only address of the loopback that an embedded platform calls.
    yield from serve_relying_party(PROVIDER_ADDRESS)


def test_client_is_told_within_a_second(live: Installation, server: RelyingServer) -> None:
    # The first time the worker has to read the tenant's configuration.
    assert min(seconds_until_told(live, server) for _ in range(3)) < 1.0
    assert len(server.told) == 3


def seconds_until_told(live: Installation, server: RelyingServer) -> float:
    """Sign somebody out, and answer how much later their client hears of it."""
    person = live.shell.call("sign_somebody_in", address=server.address)
    told = len(server.told)
    answer = requests.get(
        f"{live.issuer}/oauth/logout",
        params={"id_token_hint": person["id_token"]},
        cookies={cookies.SIGN_IN: person["cookie"]},
        timeout=TIMEOUT_SECONDS,
    )
    began = time.monotonic()
    assert "You are signed out" in answer.text
    wait_until(lambda: len(server.told) > told, TIMEOUT_SECONDS)
    return time.monotonic() - began
