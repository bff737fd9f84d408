"""The lines that the platform prints at its start do what they promise."""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from tests.live.management_shell import variables_of
from tests.run.platform_process import ROOT, wait_until

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


def run(*words: str, live: Installation) -> str:
    """Run a program as a person does who stands in the installation's folder."""
    return subprocess.run(  # noqa: S603 - our own command, or a line that we printed.
        words, cwd=ROOT, env=variables_of(live.platform), capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.needs("curl")
def test_everything_that_can_be_tried_works_in_a_shell(live: Installation) -> None:
    printed = run(sys.executable, "manage.py", "demo", "--more", live=live).splitlines()
    told = [line for line in printed if line.startswith("  ")]
    trials = dict(zip(told[::2], told[1::2], strict=True))
    assert len(trials) > 20
    assert any("hospital's opaque token" in title for title in trials)
    for title, line in trials.items():
        answer = run("/bin/sh", "-c", line, live=live)
        document = json.loads(answer) if answer else {}
        assert ("error" in document) is title.endswith(": refused"), (title, answer)
        assert "active" not in document or document["active"] is True, title


@pytest.mark.needs("curl")
def test_certificate_of_an_api_is_named_by_its_token_and_published(live: Installation) -> None:
    printed = run(sys.executable, "manage.py", "demo", "--more", live=live).splitlines()
    lines = {
        title: json.loads(run("/bin/sh", "-c", line, live=live))
        for title, line in itertools.pairwise(printed)
        if "certificate" in title
    }
    told, keys = lines.values()
    header = jwt.get_unverified_header(told["access_token"])
    (certified,) = (key for key in keys["keys"] if "x5c" in key)
    der = base64.b64decode(certified["x5c"][0])
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assert header["x5t#S256"] == certified["x5t#S256"] == digest
    public = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(public, EllipticCurvePublicKey)
    claims = jwt.decode(told["access_token"], public, algorithms=["ES256"], audience="archive")
    assert claims["client_id"] == "machine"


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
