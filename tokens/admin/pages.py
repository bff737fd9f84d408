"""Adds the pages of this package to the admin site, and the tabs that lead to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.urls import reverse

from tenants.admin_site import Page, PlatformAdminSite, Tab
from tokens.admin import (
    decisions,
    grant_detail,
    grant_list,
    limited,
    named_end,
    previews,
    refusal_access,
    refusals,
    trust_trials,
)
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
        (
            f"{PATH}session/<uuid:row_id>/end-named/",
            named_end.end_by_session,
            "session_end_named",
        ),
        (f"{PATH}token/<uuid:row_id>/end-named/", named_end.end_by_token, "token_end_named"),
        (f"{PATH}token/<uuid:row_id>/", grant_detail.show_token, "token_detail"),
        (f"{PATH}token/<uuid:row_id>/end/", grant_detail.revoke_token, "token_end"),
        (
            f"{PATH}outside/<uuid:row_id>/",
            grant_detail.show_foreign_token,
            "foreign_token_detail",
        ),
        (
            f"{PATH}outside/<uuid:row_id>/end/",
            grant_detail.end_foreign_token,
            "foreign_token_end",
        ),
    ),
)

REFUSALS_TITLE = "Refusals"
REFUSALS_PATH = "refusals/"
REFUSALS_PAGE = Page(
    title=REFUSALS_TITLE,
    icon="block",
    group="Support",
    view_name="refusals",
    is_allowed=refusal_access.may_see,
    routes=(
        (REFUSALS_PATH, refusals.list_refusals, "refusals"),
        (f"{REFUSALS_PATH}find/", refusals.find_refusal, "find_refusal"),
        (f"{REFUSALS_PATH}meanings/", decisions.show_decisions, "decisions"),
        (f"{REFUSALS_PATH}<uuid:row_id>/", refusals.show_refusal, "refusal_detail"),
        (f"{PATH}token/<uuid:row_id>/why/", previews.show_why, "token_why"),
        ("preview/<uuid:client_id>/", previews.preview_client, "client_preview"),
        ("test-a-token/<uuid:profile_id>/", trust_trials.show_trial, "trust_profile_trial"),
    ),
)


LIMITS_PAGE = Page(
    title="Limits",
    icon="speed",
    group="Support",
    view_name="limits",
    is_allowed=refusal_access.may_see,
    routes=(("limits/", limited.list_limited, "limits"),),
)


def _link_by(parameter: str) -> Callable[[str], str]:
    return lambda object_id: address_of(**{parameter: object_id})


def _link_to_refusals(parameter: str) -> Callable[[str], str]:
    return lambda object_id: f"{reverse(refusals.LIST)}?{parameter}={object_id}"


def _preview_of(object_id: str) -> str:
    return reverse("admin:client_preview", args=[object_id])


def _trial_of(object_id: str) -> str:
    return reverse("admin:trust_profile_trial", args=[object_id])


def add_to(site: PlatformAdminSite) -> None:
    """Add the list to the navigation, and a tab to whatever has sessions and tokens."""
    site.register_page(PAGE)
    for label, parameter in (
        ("tenants.Tenant", "tenant"),
        ("tenants.Client", "client"),
        ("tenants.Subject", "subject"),
    ):
        site.register_tab(label, Tab(TITLE, _link_by(parameter), may_see))
    site.register_page(REFUSALS_PAGE)
    site.register_page(LIMITS_PAGE)
    for label, parameter in (("tenants.Tenant", "tenant"), ("tenants.Client", "client")):
        link = _link_to_refusals(parameter)
        site.register_tab(label, Tab(REFUSALS_TITLE, link, refusal_access.may_see))
    site.register_tab("tenants.TrustProfile", Tab("Test a token", _trial_of, trust_trials.may_try))
    site.register_tab("tenants.Client", Tab("Preview", _preview_of, refusal_access.may_see))


add_to(admin.site)  # type: ignore[arg-type]  # the lazy stand-in of our own site.
