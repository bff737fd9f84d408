"""A mail is sent to whom it may concern, and tried again when the mail server is away."""

from __future__ import annotations

import socket
import threading
import uuid
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from django.core import mail

from tenants.models import Tenant
from tests.factories.people import make_subject
from tests.factories.tenants import make_tenant
from tokens import tasks
from tokens.email_link_store import Purpose, hash_browser
from tokens.link_mails import LinkOrder, MailNotTaken, deliver, is_address
from tokens.models import EmailLink

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
NOW = 1_800_000_000.0
EMAIL = "ana@example.org"


@pytest.fixture
def order() -> LinkOrder:
    """Ana's order of a link to sign in."""
    tenant = make_tenant()
    make_subject(tenant, EMAIL)
    return LinkOrder(
        id=str(uuid.uuid4()),
        tenant_id=str(tenant.pk),
        tenant_name="Globex",
        issuer="https://id.example/t/acme/production/globex",
        purpose=Purpose.SIGN_IN,
        email=EMAIL,
        language="en",
        cut_off_number=0,
        browser=hash_browser("a browser").hex(),
    )


@pytest.mark.parametrize(
    ("purpose", "path", "subject"),
    [
        (Purpose.SIGN_IN, "sign-in/link", "Sign in at Globex"),
        (Purpose.RESET, "password/new", "A new password at Globex"),
    ],
)
def test_a_mail_leads_to_the_page_of_its_purpose(
    order: LinkOrder, purpose: str, path: str, subject: str
) -> None:
    assert deliver(replace(order, purpose=purpose), now=NOW)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([EMAIL], subject)
    assert f"{order.issuer}/{path}?link=ael_" in str(sent.body)
    assert sent.extra_headers == {"Auto-Submitted": "auto-generated"}


def test_the_mail_goes_to_the_address_that_is_kept(order: LinkOrder) -> None:
    assert deliver(replace(order, email="ANA@example.ORG"), now=NOW)
    assert mail.outbox[0].to == [EMAIL]


@pytest.mark.parametrize("purpose", [Purpose.SIGN_IN, Purpose.RESET])
def test_nobody_gets_no_mail(order: LinkOrder, purpose: str) -> None:
    assert not deliver(replace(order, purpose=purpose, email="nobody@example.org"), now=NOW)
    assert mail.outbox == []
    assert not EmailLink.objects.exists()


def test_an_order_that_was_carried_out_and_used_sends_nothing_more(order: LinkOrder) -> None:
    assert deliver(order, now=NOW)
    EmailLink.objects.update(used_at="2026-01-01T00:00:00Z")
    assert not deliver(order, now=NOW)
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_asked_again(order: LinkOrder, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    outcome = tasks.send_link.apply((asdict(order),))
    assert isinstance(outcome.result, ConnectionRefusedError)
    assert outcome.state == "FAILURE"
    assert EmailLink.objects.count() == 1


REPLIES = {b"EHLO": "250 here", b"HELO": "250 here", b"MAIL": "250 fine"}


def refuse_one(listener: socket.socket) -> None:
    """Take one connection, as a mail server that knows no mailbox and says whose."""
    connection, _ = listener.accept()
    with closing(connection), connection.makefile("rb") as lines:
        connection.sendall(b"220 here\r\n")
        for line in lines:
            reply = REPLIES.get(line[:4].upper(), f"550 no mailbox {EMAIL}")
            connection.sendall(f"{reply}\r\n".encode())
            if line.upper().startswith(b"QUIT"):
                return


def test_what_a_mail_server_says_of_somebody_stands_in_no_log(
    order: LinkOrder, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        server = threading.Thread(target=refuse_one, args=(listener,), daemon=True)
        server.start()
        with pytest.raises(MailNotTaken, match="SMTPRecipientsRefused") as raised:
            deliver(order, now=NOW)
        server.join(timeout=10)
    assert EMAIL not in str(raised.value)
    assert raised.value.__suppress_context__
    assert EMAIL not in caplog.text


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ana@example.org", True),
        ("ana+news.o'neil@example.org", True),
        ("ana@ex\u00e4mple.org", True),
        ('"x\x1cBcc:all@example.org"@example.org', False),
        ("ana@[127.0.0.1]", False),
        ("\u212aim@example.org", False),
        ("ana@b\u2028.example", False),
        ("a" * 64 + "@" + "b." * 100 + "example", False),
        ("", False),
    ],
    ids=["plain", "signs", "IDN", "quotes", "machine", "kelvin", "separator", "long", "empty"],
)
def test_an_address_is_one_line_and_one_mailbox(text: str, *, is_one: bool) -> None:
    assert is_address(text) is is_one


def test_a_kept_address_of_two_lines_gets_no_mail(order: LinkOrder) -> None:
    broken = '"x\x1cBcc:all@example.org"@example.org'
    subject = make_subject(Tenant.objects.get(), broken)
    sent = replace(order, purpose=Purpose.RESET, email="", browser="", subject_id=str(subject.pk))
    assert not deliver(sent, now=NOW)
    assert mail.outbox == []
