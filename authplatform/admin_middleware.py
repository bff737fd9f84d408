"""Django's session, CSRF, sign-in, message and static file layers, for the admin's paths only.

A token request passes each of them with one comparison of its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest, HttpResponseForbidden
    from django.http.response import HttpResponseBase

    Answer = HttpResponseBase | Awaitable[HttpResponseBase]

ADMIN_PATH = "/admin"
STATIC_PATH = "/static/"


class AdminSessions(SessionMiddleware):
    """Loads and saves the admin login."""

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer the request."""
        if request.path_info.startswith(ADMIN_PATH):
            return super().__call__(request)
        return self.get_response(request)


class AdminCsrf(CsrfViewMiddleware):
    """Refuses forms that come from elsewhere; pages of end users use csrf_protect themselves."""

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer the request."""
        if request.path_info.startswith(ADMIN_PATH):
            return super().__call__(request)
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., HttpResponseBase],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseForbidden | None:
        """Check the request just before its view."""
        if request.path_info.startswith(ADMIN_PATH):
            return super().process_view(request, callback, callback_args, callback_kwargs)
        return None


class AdminAuthentication(AuthenticationMiddleware):
    """Finds the operator of the admin login."""

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer the request."""
        if request.path_info.startswith(ADMIN_PATH):
            return super().__call__(request)
        return self.get_response(request)


class AdminMessages(MessageMiddleware):
    """Carries messages from one admin page to the next."""

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer the request."""
        if request.path_info.startswith(ADMIN_PATH):
            return super().__call__(request)
        return self.get_response(request)


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise has no types.
    """Serves the static files of the applications."""

    def __call__(self, request: HttpRequest) -> Answer:
        """Answer the request."""
        inner = super().__call__ if request.path_info.startswith(STATIC_PATH) else self.get_response
        answer: Answer = inner(request)
        return answer
