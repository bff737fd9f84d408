"""What a person ends on their account: sessions, the access of applications, sign-ins.

Each is asked about on a page of its own and done by that page's form. What is not the person's own
is not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from django.utils.translation import gettext as _

from tokens import account, consents, sessions
from tokens.front_channel import user_agents
from tokens.front_channel.account_pages import Own, PersonalPage, go_back
from tokens.front_channel.errors import PageRefused
from tokens.sign_out import SIGNED_OUT, sign_out_by, sign_out_elsewhere_by

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tokens.account import App, AppSession, Browser

Row = TypeVar("Row")
TEMPLATE: Final = "front_channel/account_question.html"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before something ends, and what the button says."""

    title: str
    sentences: tuple[str, ...]
    button: str


class ActionPage(PersonalPage):
    """Asks, and does it; `done` is the key of the account's notice."""

    done: ClassVar[str]

    def ask(self, own: Own) -> Question:
        """Say what will end.

        Raises:
            PageRefused: there is no such thing of this person.
        """
        raise NotImplementedError

    def carry_out(self, own: Own) -> None:
        """End it.

        Raises:
            PageRefused: there is no such thing of this person.
        """
        raise NotImplementedError

    def show_own(self, own: Own) -> HttpResponse:
        """Ask whether that is meant."""
        return own.visit.render(TEMPLATE, {"question": self.ask(own)})

    def submit_own(self, own: Own) -> HttpResponse:
        """Do it and lead back to the account."""
        self.carry_out(own)
        return go_back(own.visit, self.done)


class EndSessionPage(ActionPage):
    """`/account/sessions/{id}/end`."""

    done: ClassVar[str] = "session"

    def ask(self, own: Own) -> Question:
        """Name the application and the device."""
        row = _find_session(own)
        device = user_agents.describe(row.user_agent)
        sentence = _("%(application)s on this device has to ask you again: %(device)s.")
        said = sentence % {"application": row.application, "device": device}
        return Question(_("End this session?"), (said,), _("End the session"))

    def carry_out(self, own: Own) -> None:
        """End the session with its tokens."""
        row = _find_session(own)
        sessions.end_session(own.tenant_id, row.id, ended_reason=SIGNED_OUT, actor=own.actor)


class WithdrawAppPage(ActionPage):
    """`/account/apps/{id}/withdraw`."""

    done: ClassVar[str] = "app"

    def ask(self, own: Own) -> Question:
        """Name the application."""
        app = _find_app(own)
        title = _("Withdraw the access of %(application)s?") % {"application": app.name}
        said = _("Its sessions end on all devices, and it has to ask for your consent again.")
        return Question(title, (said,), _("Withdraw"))

    def carry_out(self, own: Own) -> None:
        """Withdraw what was agreed to, with every session and token."""
        app = _find_app(own)
        consents.withdraw(own.tenant_id, own.subject_id, [app.client], actor=own.actor)


class WithdrawAllPage(ActionPage):
    """`/account/apps/withdraw`."""

    done: ClassVar[str] = "apps"

    def ask(self, own: Own) -> Question:
        """Say that it is about all of them."""
        said = (
            _("Every application has to ask for your consent again, on all devices."),
            _stay(own),
        )
        return Question(_("Withdraw the access of all applications?"), said, _("Withdraw all"))

    def carry_out(self, own: Own) -> None:
        """Withdraw everything, of however many applications."""
        for _page in range(account.MAX_PAGES):
            apps, has_more = account.list_apps(own.owner)
            clients = [app.client for app in apps]
            consents.withdraw(own.tenant_id, own.subject_id, clients, actor=own.actor)
            if not has_more:
                break


class SignOutBrowserPage(ActionPage):
    """`/account/browsers/{id}/end`."""

    done: ClassVar[str] = "browser"

    def ask(self, own: Own) -> Question:
        """Name the browser."""
        row = _find_browser(own)
        said = _("Your sessions in the applications that you use there end as well.")
        device = user_agents.describe(row.user_agent)
        return Question(_("Sign out there?"), (device, said), _("Sign out"))

    def carry_out(self, own: Own) -> None:
        """Sign out there; it may be here."""
        row = _find_browser(own)
        sign_out_by(
            own.actor,
            own.tenant_id,
            row.id,
            ended_reason=SIGNED_OUT,
            now=own.visit.now,
        )


class SignOutOthersPage(ActionPage):
    """`/account/browsers/end`."""

    done: ClassVar[str] = "browsers"

    def ask(self, own: Own) -> Question:
        """Say that it is about all but this one."""
        said = (_("Your sessions in the applications that you use there end as well."), _stay(own))
        return Question(_("Sign out everywhere else?"), said, _("Sign out everywhere else"))

    def carry_out(self, own: Own) -> None:
        """Sign out of every browser but this one."""
        sign_out_elsewhere_by(
            own.actor, own.tenant_id, own.subject_id, kept=own.person.id, now=own.visit.now
        )


def _stay(own: Own) -> str:
    return _("You stay signed in here as %(name)s.") % {"name": own.person.name}


def _find_session(own: Own) -> AppSession:
    return _own(account.find_session(own.owner, own.row_id))


def _find_app(own: Own) -> App:
    return _own(account.find_app(own.owner, own.row_id))


def _find_browser(own: Own) -> Browser:
    return _own(account.find_browser(own.owner, own.row_id))


def _own(row: Row | None) -> Row:
    if row is None:
        raise PageRefused("not_found", status=404)
    return row
