"""Runs every request to the admin under the console's database role."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.db import transaction

from tenants.queries import console, operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

ADMIN = "/admin/"
# They work with the sign-in itself, not with any tenant's rows.
SIGN_IN_PATHS = frozenset(("/admin/login/", "/admin/logout/", "/admin/jsi18n/"))


class ConsoleRole:
    """Holds an operator to their tenants by row-level security, for the whole request.

    One transaction spans the view and the rendering of its answer: templates are lazy and read
    rows, too. The admin login itself is loaded before and saved after it, as the login role.
    Whoever is not signed in gets the role without any tenant.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep what answers the request."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; a failed one (status 500 and above) leaves nothing behind."""
        reach = _find_reach(request)
        if reach is None:
            return self.get_response(request)
        request.META[operators.REACH] = reach
        with transaction.atomic():
            console.take_role(reach)
            response = self.get_response(request)
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                transaction.set_rollback(True)
        return response


def _find_reach(request: HttpRequest) -> operators.ConsoleReach | None:
    path = request.path_info
    if not path.startswith(ADMIN) or path in SIGN_IN_PATHS:
        return None
    return operators.find_reach(request.user)
