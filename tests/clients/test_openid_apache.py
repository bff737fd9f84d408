"""Apache's mod_auth_openidc, unmodified, in front of a folder of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.apache_site import running_apache
from tests.clients.openid import find_port, make_openid_client

if TYPE_CHECKING:
    from tests.live.installation import Installation

pytestmark = pytest.mark.needs("apache2")


def test_only_who_signed_in_sees_the_pages(live: Installation) -> None:
    port = find_port()
    home = f"http://127.0.0.1:{port}"
    client = make_openid_client(
        live,
        "apache",
        redirect_uris=f"{home}/inside/callback",
        post_logout_redirect_uris=f"{home}/bye.txt",
    )
    with running_apache(port, client):
        person = client.person
        page = person.open(f"{home}/inside/page.txt")
        assert (page.url, page.text) == (f"{home}/inside/page.txt", "for those inside")
        assert page.headers["X-Email"] == client.email
        assert page.headers["X-Issuer"] == client.issuer
        assert person.pages == ["password-form", "consent-form"]

        page = person.open(f"{home}/inside/callback?logout={home}/bye.txt")
        assert (page.url, page.text) == (f"{home}/bye.txt", "for everybody")
        person.open(f"{home}/inside/page.txt")
        assert person.pages.count("password-form") == 2
