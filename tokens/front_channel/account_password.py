"""The page on which a person who is signed in chooses a new password, or their first one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from tenants.credentials import is_typed_secret
from tenants.errors import InvalidEntity
from tenants.queries import account as facts
from tenants.queries.subject_credentials import normalise_password
from tenants.services import subject_credentials as services
from tokens import limits
from tokens.front_channel import continuations, passwords, signing_in
from tokens.front_channel.account_pages import DONE, Own, PersonalPage, require_own_proof
from tokens.front_channel.continuations import Continuation
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.passwords import NEW_PASSWORD
from tokens.sign_ins import Proof

if TYPE_CHECKING:
    from django.http import HttpResponse

TEMPLATE: Final = "front_channel/account_password.html"
CURRENT_PASSWORD: Final = "current_password"  # noqa: S105 - a field's name.


class PasswordPage(PersonalPage):
    """`/account/password`; the person stays signed in here and nowhere else."""

    is_sensitive: ClassVar[bool] = True

    def show_own(self, own: Own) -> HttpResponse:
        """Show the form."""
        return _render(own, _read_hash(own))

    def submit_own(self, own: Own) -> HttpResponse:
        """Take the new password of whoever knows the old one."""
        stored = _read_hash(own)
        form = own.visit.request.POST
        if stored and not _is_right(own, form.get(CURRENT_PASSWORD, ""), stored):
            return _render(own, stored, has_failed=True)
        try:
            number = services.set_password(
                own.tenant_id, own.subject_id, form.get(NEW_PASSWORD, ""), actor=own.actor
            )
        except InvalidEntity as error:
            return _render(own, stored, problems=error.messages[services.FIELD])
        back = Continuation(signing_in.ACCOUNT, f"{DONE}=password", int(own.visit.now))
        sealed = continuations.seal(own.visit.tenant, back)
        proof = _prove(own, has_typed=bool(stored))
        return signing_in.complete(own.visit, proof, sealed, number=number)


def _read_hash(own: Own) -> str:
    if not own.visit.tenant.sign_in.allows_password:
        raise PageRefused("not_offered", status=404)
    stored = facts.find_password_hash(own.tenant_id, own.subject_id)
    if not stored:
        require_own_proof(own.visit)
    return stored


def _is_right(own: Own, password: str, stored: str) -> bool:
    """Compare the old password; a browser that was left alone is no place to guess it.

    Raises:
        RateLimited: it was tried too often.
        CredentialCheckBusy: nothing was compared.
    """
    tenant, address, name = own.visit.tenant, own.visit.address, str(own.subject_id)
    has_failed = limits.admit_person(tenant, name, address)
    if not is_typed_secret(normalise_password(password), stored):
        limits.count_person_failure(tenant, name, address)
        return False
    if has_failed:
        limits.forget_person_failures(tenant, name, address)
    return True


def _prove(own: Own, *, has_typed: bool) -> Proof:
    """Say how the person was recognised: by the old password, else as when they signed in."""
    if has_typed:
        return passwords.prove_by_password(own.visit, own.subject_id)
    known, visit = own.person.authentication, own.visit
    profile_id = own.person.trust_profile_id
    return Proof(own.subject_id, known.acr, known.amr, visit.address, visit.user_agent, profile_id)


def _render(
    own: Own, stored: str, *, has_failed: bool = False, problems: list[str] | None = None
) -> HttpResponse:
    context = {
        "email": own.person.name,
        "field": NEW_PASSWORD,
        "has_password": bool(stored),
        "has_failed": has_failed,
        "problems": problems or [],
    }
    status = 403 if has_failed else 422 if problems else 200
    return own.visit.render(TEMPLATE, context, status=status)
