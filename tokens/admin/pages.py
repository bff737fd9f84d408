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
    logout_deliveries,
    named_end,
    password_links,
    previews,
    refusal_access,
    refusals,
    sign_ins,
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
        (f"{PATH}sign-in/<uuid:row_id>/", sign_ins.show_sign_in, "sign_in_detail"),
        (f"{PATH}sign-in/<uuid:row_id>/end/", sign_ins.end_sign_in, "sign_in_end"),
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
        ("password/<uuid:subject_id>/", password_links.show_password, "subject_password"),
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


DELIVERIES_TITLE = "Logout deliveries"
DELIVERIES_PATH = "logout-deliveries/"
DELIVERIES_PAGE = Page(
    title=DELIVERIES_TITLE,
    icon="outgoing_mail",
    group="Support",
    view_name="logout_deliveries",
    is_allowed=may_see,
    routes=(
        (DELIVERIES_PATH, logout_deliveries.list_deliveries, "logout_deliveries"),
        (
            f"{DELIVERIES_PATH}<uuid:row_id>/again/",
            logout_deliveries.try_again,
            "logout_delivery_again",
        ),
    ),
)


def _link_by(parameter: str) -> Callable[[str], str]:
    return lambda object_id: address_of(**{parameter: object_id})


def _link_to_refusals(parameter: str) -> Callable[[str], str]:
    return lambda object_id: f"{reverse(refusals.LIST)}?{parameter}={object_id}"


def _link_to_deliveries(client_id: str) -> str:
    return f"{reverse(logout_deliveries.LIST)}?client={client_id}"


def _preview_of(object_id: str) -> str:
    return reverse("admin:client_preview", args=[object_id])


def _trial_of(object_id: str) -> str:
    return reverse("admin:trust_profile_trial", args=[object_id])


def _password_of(object_id: str) -> str:
    return reverse("admin:subject_password", args=[object_id])


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
    site.register_page(DELIVERIES_PAGE)
    site.register_tab("tenants.Client", Tab(DELIVERIES_TITLE, _link_to_deliveries, may_see))
    for label, parameter in (("tenants.Tenant", "tenant"), ("tenants.Client", "client")):
        link = _link_to_refusals(parameter)
        site.register_tab(label, Tab(REFUSALS_TITLE, link, refusal_access.may_see))
    site.register_tab("tenants.TrustProfile", Tab("Test a token", _trial_of, trust_trials.may_try))
    site.register_tab("tenants.Client", Tab("Preview", _preview_of, refusal_access.may_see))
    site.register_tab("tenants.Subject", Tab("Password", _password_of, password_links.may_see))


add_to(admin.site)  # type: ignore[arg-type]  # the lazy stand-in of our own site.
