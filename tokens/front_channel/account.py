"""The account page: what is known of a person, where they are signed in, and what has access."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from tenants.queries import account as facts
from tokens import account
from tokens.front_channel import user_agents
from tokens.front_channel.account_pages import DONE, Own, PersonalPage, page_number
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.scope_titles import describe_scopes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from django.http import HttpResponse

    from tokens.account import AppSession, Browser

TEMPLATE: Final = "front_channel/account.html"
APP_TEMPLATE: Final = "front_channel/account_app.html"
BROWSERS, APPS, DEVICES, SESSIONS = "browsers", "apps", "devices", "sessions"
# What was done, by the key that the address has.
NOTICES: Final = {
    "session": _("That session has ended."),
    "app": _("The application has no access any more."),
    "apps": _("No application has access any more."),
    "browser": _("You are signed out there."),
    "browsers": _("You are signed out everywhere else."),
    "password": _("Your password is saved. You are signed out everywhere else."),
    "passkey": _("The passkey is renamed."),
    "passkey-added": _("You can sign in with the new passkey."),
    "passkey-removed": _("The passkey is removed."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is signed in, as a page shows it."""

    row: Browser | AppSession
    device: str
    is_here: bool = False


class AccountPage(PersonalPage):
    """`/account`."""

    def show_own(self, own: Own) -> HttpResponse:
        """Show all of it; each list in pages of its own."""
        visit = own.visit
        known = facts.find_person(own.tenant_id, own.subject_id)
        if known is None:
            raise PageRefused("not_found", status=404)
        context = {
            "known": known,
            "rules": visit.tenant.sign_in,
            "passkeys": facts.list_passkeys(own.tenant_id, own.subject_id),
            "identities": facts.list_identities(own.tenant_id, own.subject_id),
            "notice": NOTICES.get(visit.request.GET.get(DONE, ""), ""),
            **_read_lists(own),
        }
        return visit.render(TEMPLATE, context)


class AppPage(PersonalPage):
    """`/account/apps/{client}`: what one application may do, and since when."""

    def show_own(self, own: Own) -> HttpResponse:
        """Show the application's access, its sessions, and how to withdraw it."""
        visit = own.visit
        app = account.find_app(own.owner, own.row_id)
        if app is None:
            raise PageRefused("not_found", status=404)
        number = page_number(visit, SESSIONS)
        sessions, has_more = account.list_app_sessions(own.owner, own.row_id, number)
        context = {
            "app": app,
            "scopes": describe_scopes(visit, app.scopes),
            SESSIONS: _place(sessions),
            "more": {SESSIONS: number + 1 if has_more else 0},
        }
        return visit.render(APP_TEMPLATE, context)


def _read_lists(own: Own) -> dict[str, Any]:
    owner = own.owner
    numbers = {name: page_number(own.visit, name) for name in (BROWSERS, APPS, DEVICES)}
    browsers, has_browsers = account.list_browsers(owner, numbers[BROWSERS])
    apps, has_apps = account.list_apps(owner, numbers[APPS])
    devices, has_devices = account.list_devices(owner, numbers[DEVICES])
    has_more = {BROWSERS: has_browsers, APPS: has_apps, DEVICES: has_devices}
    return {
        BROWSERS: _place(browsers, here=own.person.id),
        APPS: apps,
        DEVICES: _place(devices),
        "more": {name: numbers[name] + 1 if has_more[name] else 0 for name in numbers},
    }


def _place(rows: Iterable[Browser | AppSession], *, here: UUID | None = None) -> list[Place]:
    return [Place(row, user_agents.describe(row.user_agent), row.id == here) for row in rows]
