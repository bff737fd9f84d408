"""The lines that the platform prints at its start do what they promise."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

import pytest
import requests

from tests.run.platform_process import wait_until

if TYPE_CHECKING:
    from tests.live.installation import Installation

TENANTS = ("spaceblocks", "thinktecture", "ideavate", "onewelcome", "aidbox")


def find_lines(live: Installation, path: str) -> list[str]:
    """Find the lines beginning with curl that call a tenant of the demo."""
    printed = [line.strip() for line in live.platform.output if line.startswith("curl ")]
    return [line for line in printed if f"/t/{path}/" in line]


def call(line: str) -> requests.Response:
    """Do what curl does with the line, which has no other options."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-sS", action="store_true")
    parser.add_argument("-u")
    parser.add_argument("-d", action="append")
    parser.add_argument("url")
    asked = parser.parse_args(shlex.split(line)[1:])
    client_id, _, secret = asked.u.partition(":")
    form = [tuple(pair.split("=", 1)) for pair in asked.d]
    return requests.post(asked.url, data=form, auth=(client_id, secret), timeout=10)


@pytest.mark.parametrize("slug", TENANTS)
def test_printed_line_gets_a_token(live: Installation, slug: str) -> None:
    (line,) = find_lines(live, f"demo/seeds/{slug}")

    answer = call(line)

    assert answer.status_code == 200, answer.text
    assert answer.json()["access_token"]


def test_example_resource_server_greets_the_demo_client(live: Installation) -> None:
    (line,) = find_lines(live, "demo/seeds/ideavate")
    token = call(line).json()["access_token"]
    url = f"http://127.0.0.1:{live.platform.port + 1}/hello"

    def greets() -> bool:
        try:
            answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=5)
        except requests.ConnectionError:
            return False
        return bool(answer.json() == {"hello": "demo-machine", "scope": "read:accounts"})

    wait_until(greets, 20)
