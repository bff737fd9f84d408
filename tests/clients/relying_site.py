"""A small Django site whose visitors sign in by a stock library, in a process of its own.

What it is asked stands on its standard input as JSON; it serves until that input ends.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import requests
from django.conf import settings
from django.http import JsonResponse
from django.urls import include, path

if TYPE_CHECKING:
    from django.http import HttpRequest

SECONDS = 10
# What the issuer says of itself, for the library that can't read it.
FOUND: dict[str, str] = {}
COMMON = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    configure, prefix, addresses = LIBRARIES[asked["library"]]
    settings.configure(
        **{
            "ALLOWED_HOSTS": ["127.0.0.1"],
            "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            "LOGIN_REDIRECT_URL": "/me",
            "LOGOUT_REDIRECT_URL": "/bye",
            "MIDDLEWARE": MIDDLEWARE,
            "ROOT_URLCONF": __name__,
            "SECRET_KEY": "of one test",
            "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
            "USE_TZ": True,
            **configure(asked),
        }
    )
    django.setup()
    urlpatterns.append(path(prefix, include(addresses)))
    serve(asked["port"])


def use_mozilla(asked: dict[str, Any]) -> dict[str, Any]:
    """Configure mozilla-django-oidc, which takes every address by itself."""
    address = f"{asked['issuer']}/.well-known/openid-configuration"
    FOUND.update(requests.get(address, timeout=SECONDS).json())
    return {
        "AUTHENTICATION_BACKENDS": ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
        "INSTALLED_APPS": [*COMMON, "mozilla_django_oidc"],
        "OIDC_OP_AUTHORIZATION_ENDPOINT": FOUND["authorization_endpoint"],
        "OIDC_OP_JWKS_ENDPOINT": FOUND["jwks_uri"],
        "OIDC_OP_LOGOUT_URL_METHOD": f"{__name__}.find_logout_address",
        "OIDC_OP_TOKEN_ENDPOINT": FOUND["token_endpoint"],
        "OIDC_OP_USER_ENDPOINT": FOUND["userinfo_endpoint"],
        "OIDC_RP_CLIENT_ID": asked["client_id"],
        "OIDC_RP_CLIENT_SECRET": asked["secret"],
        "OIDC_RP_SCOPES": "openid email profile",
        "OIDC_RP_SIGN_ALGO": "RS256",
        "OIDC_STORE_ID_TOKEN": True,
        "OIDC_TOKEN_USE_BASIC_AUTH": True,
        "OIDC_USE_PKCE": True,
    }


def find_logout_address(request: HttpRequest) -> str:
    """Send the visitor to our logout, with the library's own proof of who they are."""
    parameters = {
        "id_token_hint": request.session["oidc_id_token"],
        "post_logout_redirect_uri": request.build_absolute_uri("/bye"),
    }
    return f"{FOUND['end_session_endpoint']}?{urlencode(parameters)}"


def use_allauth(asked: dict[str, Any]) -> dict[str, Any]:
    """Configure django-allauth, which discovers every address."""
    app = {
        "provider_id": "ours",
        "name": "Ours",
        "client_id": asked["client_id"],
        "secret": asked["secret"],
        "settings": {"server_url": asked["issuer"], "oauth_pkce_enabled": True},
    }
    return {
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "INSTALLED_APPS": [
            *COMMON,
            "django.contrib.messages",
            "allauth",
            "allauth.account",
            "allauth.socialaccount",
            "allauth.socialaccount.providers.openid_connect",
        ],
        "MIDDLEWARE": [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"],
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": [app]}},
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
    }


def show_visitor(request: HttpRequest) -> JsonResponse:
    """Say who is signed in."""
    user = request.user
    return JsonResponse({"email": user.email if user.is_authenticated else None})


urlpatterns: list[Any] = [path("me", show_visitor), path("bye", show_visitor)]


LIBRARIES = {
    "allauth": (use_allauth, "accounts/", "allauth.urls"),
    "mozilla": (use_mozilla, "oidc/", "mozilla_django_oidc.urls"),
}


class Silent(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


def serve(port: int) -> None:
    """Make the tables and serve; the database lives in this thread's only connection."""
    from django.core.management import call_command  # noqa: PLC0415 - settings must be there.
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - the same.

    call_command("migrate", verbosity=0)
    server = make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Silent)

    def stop() -> None:
        sys.stdin.read()
        server.shutdown()

    threading.Thread(target=stop, daemon=True).start()
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.01)


if __name__ == "__main__":
    main()
