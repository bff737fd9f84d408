"""The URL of the mail server says how mail is handed over."""

from __future__ import annotations

import pytest

from authplatform.mail_server import MailServer, read_url


@pytest.mark.parametrize(
    ("url", "server"),
    [
        pytest.param("", MailServer(), id="none"),
        pytest.param("smtp://relay.example", MailServer("relay.example"), id="relay"),
        pytest.param(
            "smtp+starttls://me%40example:p%2Fw@mail.example",
            MailServer("mail.example", 587, "me@example", "p/w", uses_starttls=True),
            id="starttls",
        ),
        pytest.param(
            "smtps://me:pw@mail.example:2465",
            MailServer("mail.example", 2465, "me", "pw", uses_tls=True),
            id="tls",
        ),
    ],
)
def test_a_url_is_read(url: str, server: MailServer) -> None:
    assert read_url(url) == server


@pytest.mark.parametrize(
    "url", ["http://mail.example", "smtp:", "smtp://mail.example/box", "smtp://mail.example?a=b"]
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the URL"):
        read_url(url)
