"""People ask for mails with links: to sign in, for a new password; others follow elsewhere.

A page answers the same, as fast, whether or not there is an account with the address.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from django.db import transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from tenants import audit, snapshot
from tenants.assurance import Assurance
from tenants.errors import InvalidEntity, NotFound
from tenants.queries import subject_credentials
from tokens import limits, tasks
from tokens.email_link_store import Purpose, hash_browser
from tokens.errors import ServiceUnavailable
from tokens.front_channel import signing_in
from tokens.front_channel.arrivals import read_arrival
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.followed_links import FollowedLinkPage
from tokens.front_channel.page import Page
from tokens.link_mails import (
    LIFETIME_SECONDS,
    MAX_ADDRESS_CHARACTERS,
    LinkOrder,
    is_address,
)
from tokens.sign_ins import Proof

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tenants.models import Subject
    from tenants.records import Actor, SignInRules
    from tokens.email_link_store import FoundLink
    from tokens.front_channel.arrivals import Arrival
    from tokens.front_channel.page import Visit

AMR: Final = ("otp",)  # RFC 8176 section 2
EMAIL: Final = "email"
ASK_TEMPLATE: Final = "front_channel/ask_for_mail.html"
SENT_TEMPLATE: Final = "front_channel/mail_sent.html"
LINK_TEMPLATE: Final = "front_channel/sign_in_link.html"


def order_link(visit: Visit, purpose: str, email: str, sealed: str) -> None:
    """Order the mail that a person asked for in this browser.

    Raises:
        RateLimited: too many were asked for.
        ServiceUnavailable: the task queue is away.
    """
    limits.admit_mail(visit.tenant, email, visit.address)
    order = LinkOrder(
        id=str(uuid.uuid4()),
        tenant_id=str(visit.tenant.id),
        tenant_name=visit.tenant.branding.name,
        issuer=visit.tenant.issuer,
        purpose=purpose,
        email=email,
        language=visit.language,
        cut_off_number=visit.number,
        browser=hash_browser(visit.browser).hex(),
        sealed_request=sealed,
    )
    _send(order)


def send_password_link(tenant_id: uuid.UUID, subject: Subject, actor: Actor) -> None:
    """Send a person a link to set a password, which an operator asked for; it lasts a day.

    Raises:
        NotFound: the tenant has no such enabled user.
        InvalidEntity: the user has no e-mail address, or nobody signs in with a password.
        ServiceUnavailable: the task queue is away.
    """
    tenant = snapshot.CURRENT.tenant(subject.tenant.path)
    if tenant is None or tenant.id != tenant_id or not subject.is_enabled:
        raise NotFound("There is no such user.")
    if not tenant.sign_in.allows_password:
        raise InvalidEntity({"tenant": ["The tenant does not allow signing in with a password."]})
    recipient = subject_credentials.find_address(tenant_id, subject.pk)
    if recipient is None or not is_address(recipient.email):
        raise InvalidEntity({"email": ["The user has no e-mail address to send a link to."]})
    order = LinkOrder(
        id=str(uuid.uuid4()),
        tenant_id=str(tenant_id),
        tenant_name=tenant.branding.name,
        issuer=tenant.issuer,
        purpose=Purpose.RESET,
        email="",
        language=tenant.branding.default_language,
        cut_off_number=snapshot.CURRENT.confirm(),
        subject_id=str(subject.pk),
    )
    with transaction.atomic():
        audit.record_event(
            tenant_id=tenant_id,
            event="subject.password_link_sent",
            actor=actor,
            entity_kind="subject",
            entity_id=str(subject.pk),
        )
        transaction.on_commit(partial(_send, order))


def _send(order: LinkOrder) -> None:
    try:
        tasks.send_link.delay(asdict(order))
    except OperationalError as error:
        raise ServiceUnavailable("The task queue does not answer.") from error


class MailPage(Page):
    """A page on which a person types an e-mail address and gets a mail with a link."""

    purpose: ClassVar[str]

    def is_offered(self, rules: SignInRules) -> bool:
        """Say whether the tenant offers it."""
        raise NotImplementedError

    def texts(self) -> dict[str, str]:
        """Answer the page's `title`, its `sentence` and the text of its `button`."""
        raise NotImplementedError

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Show the form."""
        return self._ask(visit, self._arrive(visit))

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Order the mail, and say where to look for it."""
        arrival = self._arrive(visit)
        email = visit.request.POST.get(EMAIL, "").strip()
        if not is_address(email):
            return self._ask(visit, arrival, _("Write an e-mail address, such as ana@example.org."))
        order_link(visit, self.purpose, email, arrival.sealed)
        context = {
            **self.texts(),
            "email": email,
            "minutes": LIFETIME_SECONDS // 60,
            "query": arrival.query,
        }
        return visit.render(SENT_TEMPLATE, context)

    def _arrive(self, visit: Visit) -> Arrival:
        if not self.is_offered(visit.tenant.sign_in):
            raise PageRefused("not_offered", status=404)
        return read_arrival(visit)

    def _ask(self, visit: Visit, arrival: Arrival, problem: str = "") -> HttpResponse:
        context = {
            **self.texts(),
            "email": visit.request.POST.get(EMAIL, arrival.login_hint)[:MAX_ADDRESS_CHARACTERS],
            "problem": problem,
            "query": arrival.query,
        }
        return visit.render(ASK_TEMPLATE, context, status=422 if problem else 200)


class EmailPage(MailPage):
    """Sends a link that signs in."""

    purpose = Purpose.SIGN_IN

    def is_offered(self, rules: SignInRules) -> bool:
        """Say whether the tenant offers it."""
        return rules.allows_email

    def texts(self) -> dict[str, str]:
        """Answer what the page says."""
        return {
            "title": _("Sign in by e-mail"),
            "sentence": _("We send you a link. Follow it in this browser, and you are signed in."),
            "button": _("Send the link"),
        }


class ForgottenPage(MailPage):
    """Sends a link to choose a new password."""

    purpose = Purpose.RESET

    def is_offered(self, rules: SignInRules) -> bool:
        """Say whether the tenant offers it."""
        return rules.allows_password

    def texts(self) -> dict[str, str]:
        """Answer what the page says."""
        return {
            "title": _("Choose a new password"),
            "sentence": _("We send you a link. Follow it in this browser to choose a password."),
            "button": _("Send the link"),
        }


class SignInLinkPage(FollowedLinkPage):
    """Signs in whoever has the link, once they say so."""

    purpose = Purpose.SIGN_IN

    def render_link(self, visit: Visit, link: FoundLink) -> HttpResponse:
        """Ask whether to sign in."""
        targets = self.form_targets(visit, link)
        return visit.render(LINK_TEMPLATE, {"email": link.email}, form_targets=targets)

    def follow(self, visit: Visit, link: FoundLink) -> HttpResponse:
        """Sign in."""
        if link.subject_id is None or not visit.tenant.sign_in.allows_email:
            raise PageRefused("not_offered", status=404)
        signing_in.find_address(visit, link.sealed_request)
        self.use(visit, link)
        proof = Proof(link.subject_id, Assurance.ONE_FACTOR, AMR, visit.address, visit.user_agent)
        return signing_in.complete(visit, proof, link.sealed_request)
