"""People make an account: an e-mail address, a link, a name and a password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _

from tenants.assurance import Assurance
from tenants.errors import Conflict, InvalidEntity
from tenants.records import Actor
from tenants.services import subject_credentials as services
from tokens.email_link_store import Purpose
from tokens.front_channel import email_links, passwords, signing_in
from tokens.front_channel.email_links import MailPage
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.followed_links import FollowedLinkPage
from tokens.sign_ins import Proof

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tenants.models import Subject
    from tenants.records import SignInRules
    from tokens.email_link_store import FoundLink
    from tokens.front_channel.page import Visit

NAME: Final = "name"
TEMPLATE: Final = "front_channel/new_account.html"


class SignUpPage(MailPage):
    """Sends a link to make an account or, to who has one, a mail that says so."""

    purpose = Purpose.SIGN_UP

    def is_offered(self, rules: SignInRules) -> bool:
        """Say whether the tenant offers it."""
        return rules.allows_sign_up

    def texts(self) -> dict[str, str]:
        """Answer what the page says."""
        return {
            "title": _("Make an account"),
            "sentence": _("We send you a link. Follow it in this browser to go on."),
            "button": _("Send the link"),
        }


class NewAccountPage(FollowedLinkPage):
    """Makes the account of whoever has the link, and signs them in."""

    purpose = Purpose.SIGN_UP

    def render_link(
        self, visit: Visit, link: FoundLink, problems: dict[str, list[str]] | None = None
    ) -> HttpResponse:
        """Show the form; the tenant may do without passwords."""
        problems = problems or {}
        context = {
            "email": link.email,
            "name": visit.request.POST.get(NAME, "")[:200],
            "name_problems": problems.get(NAME, ()),
            "problems": [text for key in problems if key != NAME for text in problems[key]],
            "field": passwords.NEW_PASSWORD,
            "allows_password": visit.tenant.sign_in.allows_password,
        }
        return visit.render(
            TEMPLATE,
            context,
            status=422 if problems else 200,
            form_targets=self.form_targets(visit, link),
        )

    def follow(self, visit: Visit, link: FoundLink) -> HttpResponse:
        """Make the account."""
        rules = visit.tenant.sign_in
        if not rules.allows_sign_up:
            raise PageRefused("not_offered", status=404)
        signing_in.find_address(visit, link.sealed_request)
        name = visit.request.POST.get(NAME, "").strip()
        password = visit.request.POST.get(passwords.NEW_PASSWORD, "")
        problems = _find_missing(name, password, needs_password=rules.allows_password)
        if problems:
            return self.render_link(visit, link, problems)
        try:
            subject = self._make(visit, link, name, password if rules.allows_password else "")
        except InvalidEntity as error:
            return self.render_link(visit, link, error.messages)
        except Conflict as error:
            raise PageRefused("link_dead", status=410) from error
        amr = passwords.AMR if rules.allows_password else email_links.AMR
        proof = Proof(subject.pk, Assurance.ONE_FACTOR, amr, visit.address, visit.user_agent)
        return signing_in.complete(visit, proof, link.sealed_request)

    def _make(self, visit: Visit, link: FoundLink, name: str, password: str) -> Subject:
        """Make the account; whatever refuses it leaves the link as it was."""
        actor = Actor("system", label="sign-up", address=visit.address)
        with transaction.atomic():
            subject = services.sign_up(
                visit.tenant.id, link.email.lower(), name, password, actor=actor
            )
            self.use(visit, link)
        return subject


def _find_missing(name: str, password: str, *, needs_password: bool) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if not name or not name.isprintable():
        problems[NAME] = [_("Write your name.")]
    if needs_password and not password:
        problems[services.FIELD] = [_("Choose a password.")]
    return problems
