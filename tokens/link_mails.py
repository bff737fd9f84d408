"""Sends the mails that carry links, in a task: how long a page takes tells nothing of accounts.

A page only orders a mail. Here is found out whether there is anybody to send it to, and the secret
comes into being; so it never stands in the queue.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from smtplib import SMTPException
from typing import TYPE_CHECKING, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.utils import translation
from django.utils.translation import gettext as _

from tenants.queries import subject_credentials
from tokens import email_link_store
from tokens.email_link_store import ANY_BROWSER, NewLink, Purpose

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.queries.subject_credentials import Recipient

LIFETIME_SECONDS: Final = 600
# Who did not ask for the mail does not wait for it.
OPERATOR_LIFETIME_SECONDS: Final = 86_400
PARAMETER: Final = "link"
MAX_ADDRESS_CHARACTERS: Final = 254
# Source: RFC 5322 section 3.2.3 (dot-atom); ASCII only, as some other letters, such as the sign for
# kelvin, become those of somebody else's address in lower case.
LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
PATHS: Final = {
    Purpose.SIGN_IN: "sign-in/link",
    Purpose.SIGN_UP: "sign-up/new",
    Purpose.RESET: "password/new",
}


class MailNotTaken(Exception):
    """The mail server did not take a mail; says of which kind the failure is, not of whom."""


@dataclass(frozen=True, slots=True)
class LinkOrder:
    """A mail that somebody asked for, in types that a queue can carry.

    `browser` is the digest of the browser's secret in hexadecimal digits, empty where an operator
    asked: then `subject_id` says for whom.
    """

    id: str
    tenant_id: str
    tenant_name: str
    issuer: str
    purpose: str
    email: str
    language: str
    cut_off_number: int
    browser: str = ""
    sealed_request: str = ""
    subject_id: str = ""


def is_address(text: str) -> bool:
    """Say whether mail can be sent to an address as it is written.

    It is narrower than RFC 5322: within quotes stand characters which Python's headers take for
    the end of a line, and in brackets the addresses of machines.
    """
    local, _at, domain = text.rpartition("@")
    if len(text) > MAX_ADDRESS_CHARACTERS or not LOCAL_PART.fullmatch(local) or "[" in domain:
        return False
    try:
        validate_email(text)
        domain.encode("idna")
    except (ValidationError, UnicodeError):
        return False
    return True


class Text(NamedTuple):
    """What a mail says before and after its link."""

    subject: str
    opening: str
    closing: str


def deliver(order: LinkOrder, *, now: float) -> bool:
    """Send a mail if there is anybody to send it to, and say whether there was."""
    with translation.override(order.language):
        if order.purpose == Purpose.SIGN_UP:
            return _deliver_sign_up(order, now)
        recipient = _find_recipient(order)
        if recipient is None or not is_address(recipient.email):
            return False
        return _deliver_link(order, recipient.email, recipient.subject_id, now)


def _find_recipient(order: LinkOrder) -> Recipient | None:
    tenant_id = uuid.UUID(order.tenant_id)
    if order.subject_id:
        return subject_credentials.find_address(tenant_id, uuid.UUID(order.subject_id))
    return subject_credentials.find_recipient(tenant_id, order.email)


def _deliver_sign_up(order: LinkOrder, now: float) -> bool:
    """Send a link that makes an account or, to who has one, that there is nothing to make."""
    if subject_credentials.is_email_taken(uuid.UUID(order.tenant_id), order.email):
        _send(order.email, _known_text(order), f"{order.issuer}/sign-in")
        return True
    return _deliver_link(order, order.email, None, now)


def _deliver_link(order: LinkOrder, email: str, subject_id: UUID | None, now: float) -> bool:
    link = NewLink(
        id=uuid.UUID(order.id),
        tenant_id=uuid.UUID(order.tenant_id),
        subject_id=subject_id,
        purpose=order.purpose,
        email=email,
        browser_hash=bytes.fromhex(order.browser) if order.browser else ANY_BROWSER,
        sealed_request=order.sealed_request,
        cut_off_number=order.cut_off_number,
        lifetime_seconds=LIFETIME_SECONDS if order.browser else OPERATOR_LIFETIME_SECONDS,
    )
    secret = email_link_store.store(link, now=now)
    if secret is None:
        return False
    path = PATHS[Purpose(order.purpose)]
    _send(email, _text_of(order), f"{order.issuer}/{path}?{PARAMETER}={secret}")
    return True


def _text_of(order: LinkOrder) -> Text:
    """Write a mail; it repeats nothing that a stranger who asked for it could have typed."""
    name = {"name": " ".join(order.tenant_name.split())}
    match order.purpose:
        case Purpose.SIGN_UP:
            return Text(
                _("Your account at %(name)s") % name,
                _("Follow this link to make your account at %(name)s:") % name,
                _closing(),
            )
        case Purpose.RESET if not order.browser:
            return Text(
                _("Your password at %(name)s") % name,
                _("Follow this link to choose your password at %(name)s:") % name,
                _("It works once, within 24 hours."),
            )
        case Purpose.RESET:
            return Text(
                _("A new password at %(name)s") % name,
                _("Follow this link to choose a new password at %(name)s:") % name,
                _closing(),
            )
        case _:
            return Text(
                _("Sign in at %(name)s") % name,
                _("Follow this link to sign in at %(name)s:") % name,
                _closing(),
            )


def _known_text(order: LinkOrder) -> Text:
    name = {"name": " ".join(order.tenant_name.split())}
    return Text(
        _("Your account at %(name)s") % name,
        _("You have an account at %(name)s already. Sign in here:") % name,
        _("If you did not ask for this mail, there is nothing to do."),
    )


def _closing() -> str:
    return _(
        "It works once, within 10 minutes, in the browser in which you asked for it. "
        "If you did not ask for it, there is nothing to do."
    )


def _send(address: str, text: Text, link: str) -> None:
    body = f"{text.opening}\n\n{link}\n\n{text.closing}\n"
    # Some servers would answer with "I am away"; who asked for a link needs no such mail.
    headers = {"Auto-Submitted": "auto-generated"}  # RFC 3834 section 5
    try:
        EmailMessage(text.subject, body, to=[address], headers=headers).send()
    except SMTPException as error:
        # What a server answers names the address, and the queue logs why it tries again.
        raise MailNotTaken(type(error).__name__) from None
