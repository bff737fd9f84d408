"""How a person names and removes their passkeys; adding one is another page's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from django.utils.translation import gettext as _

from tenants.errors import InvalidEntity
from tenants.queries import account as facts
from tenants.services import passkeys
from tokens.front_channel.account_actions import ActionPage, Question
from tokens.front_channel.account_pages import Own, PersonalPage, go_back
from tokens.front_channel.errors import PageRefused

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tenants.models import Passkey

TEMPLATE: Final = "front_channel/account_passkey.html"
LABEL: Final = "label"


class PasskeyPage(PersonalPage):
    """`/account/passkeys/{id}`: its name."""

    is_sensitive: ClassVar[bool] = True

    def show_own(self, own: Own) -> HttpResponse:
        """Show the form with the name that it has."""
        passkey = _find(own)
        return own.visit.render(TEMPLATE, {"passkey": passkey, "label": passkey.label})

    def submit_own(self, own: Own) -> HttpResponse:
        """Take the new name."""
        text = own.visit.request.POST.get(LABEL, "").strip()
        label = text if text.isprintable() else ""
        try:
            passkeys.rename_passkey(
                own.tenant_id, own.subject_id, own.row_id, label, actor=own.actor
            )
        except InvalidEntity:
            context = {"passkey": _find(own), "label": label, "has_failed": True}
            return own.visit.render(TEMPLATE, context, status=422)
        return go_back(own.visit, "passkey")


class RemovePasskeyPage(ActionPage):
    """`/account/passkeys/{id}/remove`."""

    is_sensitive: ClassVar[bool] = True
    done: ClassVar[str] = "passkey-removed"

    def ask(self, own: Own) -> Question:
        """Name the passkey."""
        title = _("Remove the passkey %(label)s?") % {"label": _find(own).label}
        said = _("You can't sign in with it any more. Remove it from your device as well.")
        return Question(title, (said,), _("Remove"))

    def carry_out(self, own: Own) -> None:
        """Remove it."""
        passkeys.remove_passkey(own.tenant_id, own.subject_id, own.row_id, actor=own.actor)


def _find(own: Own) -> Passkey:
    passkey = facts.find_passkey(own.tenant_id, own.subject_id, own.row_id)
    if passkey is None:
        raise PageRefused("not_found", status=404)
    return passkey
