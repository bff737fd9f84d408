"""People prove who they are by a password, and choose a new one by a link that was mailed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from tenants.assurance import Assurance
from tenants.credentials import is_typed_secret, waste_argon2_time
from tenants.errors import InvalidEntity
from tenants.queries import subject_credentials as queries
from tenants.records import Actor
from tenants.services import subject_credentials as services
from tokens import limits
from tokens.email_link_store import Purpose
from tokens.front_channel import signing_in
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.followed_links import FollowedLinkPage
from tokens.sign_ins import Proof

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpResponse

    from tenants.queries.subject_credentials import StoredPassword
    from tokens.email_link_store import FoundLink
    from tokens.front_channel.page import Visit

AMR: Final = ("pwd",)  # RFC 8176 section 2
NEW_PASSWORD: Final = "new_password"  # noqa: S105 - a field's name.
NEW_TEMPLATE: Final = "front_channel/new_password.html"


def prove(visit: Visit, identifier: str, password: str) -> Proof | None:
    """Compare a password; None where it is wrong, and for whoever does not exist or is disabled.

    Each costs the same time.

    Raises:
        RateLimited: it was tried too often.
        CredentialCheckBusy: nothing was compared.
    """
    has_failed = limits.admit_person(visit.tenant, identifier, visit.address)
    stored = queries.find_password(visit.tenant.id, identifier)
    if not _is_right(password, stored) or stored is None:
        limits.count_person_failure(visit.tenant, identifier, visit.address)
        return None
    if has_failed:
        limits.forget_person_failures(visit.tenant, identifier, visit.address)
    return prove_by_password(visit, stored.subject_id)


def prove_by_password(visit: Visit, subject_id: UUID) -> Proof:
    """Say that a person knows their password."""
    return Proof(subject_id, Assurance.ONE_FACTOR, AMR, visit.address, visit.user_agent)


def person_of(visit: Visit, subject_id: UUID) -> Actor:
    """Name a person as who changes what is their own."""
    return Actor("subject", id=str(subject_id), address=visit.address)


def _is_right(password: str, stored: StoredPassword | None) -> bool:
    normal = queries.normalise_password(password)
    if stored is None:
        waste_argon2_time()
        return False
    return is_typed_secret(normal, stored.password_hash)


class NewPasswordPage(FollowedLinkPage):
    """Takes a new password of whoever has the link; every other sign-in of the person ends."""

    purpose = Purpose.RESET

    def render_link(
        self, visit: Visit, link: FoundLink, problems: list[str] | None = None
    ) -> HttpResponse:
        """Show the form, which names the address for password managers."""
        context = {"email": link.email, "problems": problems or [], "field": NEW_PASSWORD}
        return visit.render(
            NEW_TEMPLATE,
            context,
            status=422 if problems else 200,
            form_targets=self.form_targets(visit, link),
        )

    def follow(self, visit: Visit, link: FoundLink) -> HttpResponse:
        """Set the password and sign the person in."""
        if link.subject_id is None or not visit.tenant.sign_in.allows_password:
            raise PageRefused("not_offered", status=404)
        signing_in.find_address(visit, link.sealed_request)
        try:
            number = self._set(visit, link, link.subject_id)
        except InvalidEntity as error:
            return self.render_link(visit, link, error.messages[services.FIELD])
        proof = prove_by_password(visit, link.subject_id)
        return signing_in.complete(visit, proof, link.sealed_request, number=number)

    def _set(self, visit: Visit, link: FoundLink, subject_id: UUID) -> int:
        """Set the password; whatever refuses it leaves the link as it was."""
        actor = person_of(visit, subject_id)
        password = visit.request.POST.get(NEW_PASSWORD, "")
        with transaction.atomic():
            number = services.set_password(visit.tenant.id, subject_id, password, actor=actor)
            services.verify_email(visit.tenant.id, subject_id, link.email, actor=actor)
            self.use(visit, link)
        return number
