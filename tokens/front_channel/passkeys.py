"""A person signs in with a passkey, and makes one on their account; both need JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.http import JsonResponse
from django.utils.translation import gettext as _

from tenants.assurance import Assurance
from tenants.errors import Conflict, InvalidEntity
from tenants.queries import account as facts
from tenants.queries import subject_credentials as queries
from tenants.services import passkeys as services
from tokens import limits, passkeys
from tokens.front_channel import continuations, signing_in, user_agents
from tokens.front_channel.account_pages import (
    Own,
    PersonalPage,
    go_back,
    require_own_proof,
)
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.page import Page
from tokens.front_channel.passwords import person_of
from tokens.passkeys import Answer, Asker, InvalidPasskey, PasskeyOwner
from tokens.sign_ins import Proof

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tenants.models import Passkey
    from tokens.front_channel.page import Visit

# How a browser calls somebody of whom nothing is known.
UNNAMED: Final = "-"
ANSWER: Final = "credential"
LABEL: Final = "label"
TEMPLATE: Final = "front_channel/passkey_new.html"


class PasskeyOptionsPage(Page):
    """`/sign-in/passkey/options`: what the sign-in page's script asks the browser."""

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Write a challenge of this browser."""
        _require_offer(visit)
        return _tell(passkeys.request_options(_asker(visit)))


class PasskeySignInPage(Page):
    """`/sign-in/passkey`: takes what the authenticator answered."""

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Sign the person in."""
        _require_offer(visit)
        limits.admit_proof(visit.tenant, visit.address)
        sealed = visit.request.GET.get(continuations.PARAMETER, "")
        # A stale continuation is told before the challenge is used up.
        signing_in.find_address(visit, sealed)
        try:
            proof = _prove(visit, passkeys.read_answer(visit.request.POST.get(ANSWER, "")))
        except InvalidPasskey as error:
            raise PageRefused("passkey_refused", status=403, detail=str(error)) from error
        return signing_in.complete(visit, proof, sealed)


class NewPasskeyOptionsPage(PersonalPage):
    """`/account/passkeys/options`: what the script asks the browser to make."""

    is_sensitive: ClassVar[bool] = True

    def submit_own(self, own: Own) -> HttpResponse:
        """Write a challenge for the person, and what must not be made twice."""
        visit = own.visit
        _require_offer(visit)
        require_own_proof(visit)
        known = facts.list_passkeys(own.tenant_id, own.subject_id)
        options = passkeys.creation_options(
            _asker(visit, own),
            _describe_owner(own),
            issuer_name=visit.tenant.branding.name,
            known=[bytes(each.credential_id) for each in known],
        )
        return _tell(options)


class AddPasskeyPage(PersonalPage):
    """`/account/passkeys`: a new passkey, with a name by which the person knows it again."""

    is_sensitive: ClassVar[bool] = True

    def show_own(self, own: Own) -> HttpResponse:
        """Show the form; the browser's name is a good one to begin with."""
        _require_offer(own.visit)
        require_own_proof(own.visit)
        return _render(own, user_agents.describe(own.visit.user_agent))

    def submit_own(self, own: Own) -> HttpResponse:
        """Take the new passkey."""
        _require_offer(own.visit)
        require_own_proof(own.visit)
        form = own.visit.request.POST
        text = form.get(LABEL, "").strip()
        label = text if text.isprintable() else ""
        if not 1 <= len(label) <= services.MAX_LABEL_CHARACTERS:
            return _render(own, label, _("Write a name of 1 to 100 characters."))
        try:
            made = passkeys.verify_creation(_asker(own.visit, own), form.get(ANSWER, ""))
            services.add_passkey(own.tenant_id, own.subject_id, made, label, actor=own.actor)
        except InvalidPasskey as error:
            raise PageRefused("passkey_refused", status=403, detail=str(error)) from error
        except Conflict:
            return _render(own, label, _("You have ten passkeys. Remove one of them first."))
        except InvalidEntity:
            return _render(own, label, _("This passkey is known already."))
        return go_back(own.visit, "passkey-added")


def _prove(visit: Visit, answer: Answer) -> Proof:
    """Verify an answer, and note the use of its passkey.

    Raises:
        InvalidPasskey: nobody has proven anything.
    """
    passkey = queries.find_passkey(visit.tenant.id, answer.credential_id)
    if passkey is None:
        raise InvalidPasskey("unknown")
    use = passkeys.verify_answer(_asker(visit), answer, passkey)
    _note(visit, passkey, use)
    return Proof(
        passkey.subject_id,
        Assurance.PHISHING_RESISTANT,
        use.amr,
        visit.address,
        visit.user_agent,
    )


def _note(visit: Visit, passkey: Passkey, use: passkeys.Use) -> None:
    is_right = services.note_passkey_use(
        passkey,
        signature_count=use.signature_count,
        is_backed_up=use.is_backed_up,
        actor=person_of(visit, passkey.subject_id),
    )
    if not is_right:
        raise InvalidPasskey("the counter went back")


def _asker(visit: Visit, own: Own | None = None) -> Asker:
    return Asker(visit.tenant.id, visit.browser, own.subject_id if own else None)


def _describe_owner(own: Own) -> PasskeyOwner:
    person = facts.find_person(own.tenant_id, own.subject_id)
    account = (person.email or person.external_id) if person else ""
    return PasskeyOwner(own.subject_id, account or own.person.name or UNNAMED, own.person.name)


def _require_offer(visit: Visit) -> None:
    if not visit.tenant.sign_in.allows_passkey:
        raise PageRefused("not_offered", status=404)


def _render(own: Own, label: str, problem: str = "") -> HttpResponse:
    context = {"label": label, "problem": problem}
    return own.visit.render(TEMPLATE, context, status=422 if problem else 200)


def _tell(options: dict[str, Any]) -> HttpResponse:
    return JsonResponse(options, headers={"Cache-Control": "no-store"})
