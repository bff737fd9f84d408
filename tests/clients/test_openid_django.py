"""mozilla-django-oidc and django-allauth, unmodified, each in a Django site of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.clients.openid import OpenIDClient, find_port, make_openid_client
from tests.run.platform_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.walking_person import WalkingPerson
    from tests.live.installation import Installation

COMMAND = (sys.executable, "-m", "tests.clients.relying_site")
LIBRARIES = {
    "mozilla": ("/oidc/authenticate/", "/oidc/callback/", "client_secret_basic"),
    "allauth": (
        "/accounts/oidc/ours/login/",
        "/accounts/oidc/ours/login/callback/",
        "client_secret_post",
    ),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A site that runs, and where its visitors begin to sign in."""

    address: str
    begins_at: str
    client: OpenIDClient

    def visitor(self, person: WalkingPerson) -> object:
        """Answer as whom the site knows somebody."""
        page = person.open(f"{self.address}/me")
        assert page.status_code == 200, page.text
        return page.json()["email"]


@contextlib.contextmanager
def running_site(live: Installation, library: str) -> Iterator[Site]:
    """Run the site until the test is over."""
    begins_at, callback, method = LIBRARIES[library]
    port = find_port()
    address = f"http://127.0.0.1:{port}"
    client = make_openid_client(
        live,
        library,
        redirect_uris=address + callback,
        post_logout_redirect_uris=f"{address}/bye",
        token_endpoint_auth_method=method,
    )
    asked = {
        "library": library,
        "issuer": client.issuer,
        "client_id": client.client_id,
        "secret": client.secret,
        "port": port,
    }
    with subprocess.Popen(  # noqa: S603 - our own command.
        COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "serving\n"
        yield Site(address, address + begins_at, client)
        process.stdin.close()


@pytest.mark.parametrize("library", LIBRARIES)
def test_visitor_signs_in(live: Installation, library: str) -> None:
    with running_site(live, library) as site:
        person = site.client.person
        assert site.visitor(person) is None

        page = person.open(site.begins_at)

        assert page.url == f"{site.address}/me", page.text
        assert page.json() == {"email": site.client.email}
        assert person.pages == ["password-form", "consent-form"]
        again = site.client.person
        again.open(site.begins_at)
        assert (site.visitor(again), again.pages) == (site.client.email, ["password-form"])


def test_visitor_of_mozilla_signs_out_everywhere(live: Installation) -> None:
    with running_site(live, "mozilla") as site:
        person = site.client.person
        person.open(site.begins_at)
        page = person.post(f"{site.address}/oidc/logout/")

        assert page.url == f"{site.address}/bye", page.text
        assert site.visitor(person) is None
        person.open(site.begins_at)
        assert person.pages.count("password-form") == 2
