"""Adds the pages of this package to the admin site: one list, and tabs that lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from tenants.admin_site import Page, PlatformAdminSite, Tab
from tokens.admin import grant_detail, grant_list
from tokens.admin.access import may_see
from tokens.admin.grant_list import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE = "Sessions and tokens"
PATH = "sessions-and-tokens/"
PAGE = Page(
    title=TITLE,
    icon="vpn_lock",
    group="Support",
    view_name="sessions_and_tokens",
    is_allowed=may_see,
    routes=(
        (PATH, grant_list.list_grants, "sessions_and_tokens"),
        (f"{PATH}find/", grant_list.find_grant, "find_grant"),
        (f"{PATH}session/<uuid:row_id>/", grant_detail.show_session, "session_detail"),
        (f"{PATH}session/<uuid:row_id>/end/", grant_detail.end_session, "session_end"),
        (f"{PATH}token/<uuid:row_id>/", grant_detail.show_token, "token_detail"),
        (f"{PATH}token/<uuid:row_id>/end/", grant_detail.revoke_token, "token_end"),
    ),
)


def _link_by(parameter: str) -> Callable[[str], str]:
    return lambda object_id: address_of(**{parameter: object_id})


def add_to(site: PlatformAdminSite) -> None:
    """Add the list to the navigation, and a tab to whatever has sessions and tokens."""
    site.register_page(PAGE)
    for label, parameter in (
        ("tenants.Tenant", "tenant"),
        ("tenants.Client", "client"),
        ("tenants.Subject", "subject"),
    ):
        site.register_tab(label, Tab(TITLE, _link_by(parameter), may_see))


add_to(admin.site)  # type: ignore[arg-type]  # the lazy stand-in of our own site.
