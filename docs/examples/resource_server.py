"""A resource server: it greets whoever shows a token that its issuer made for its audience.

A JWT is verified here, by the issuer's published keys: no call per request, but a revoked token
is good until it expires. An opaque token is shown to the issuer: one call, and always up to date.
"""

from __future__ import annotations

import os
from typing import cast

import httpx
import jwt
from django.conf import settings

ISSUER = os.environ["RESOURCE_SERVER_ISSUER"]
AUDIENCE = os.environ["RESOURCE_SERVER_AUDIENCE"]
CLIENT = (os.environ["RESOURCE_SERVER_CLIENT_ID"], os.environ["RESOURCE_SERVER_CLIENT_SECRET"])
# Where a client begins: {issuer}/apis/{api}/.well-known/oauth-protected-resource, if you like.
METADATA = os.environ.get("RESOURCE_SERVER_METADATA", "")
KEYS = jwt.PyJWKClient(f"{ISSUER}/jwks")

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
)

from django.core.wsgi import get_wsgi_application
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rest_framework.request import Request

Claims = dict[str, object]


def verify_by_keys(token: str) -> Claims:
    """Return a JWT's claims. Source: RFC 9068 section 4."""
    key = KEYS.get_signing_key_from_jwt(token)
    claims: Claims = jwt.decode(
        token, key, algorithms=["ES256", "RS256"], audience=AUDIENCE, issuer=ISSUER
    )
    return claims


def verify_by_introspection(token: str) -> Claims:
    """Return what the issuer says about a token. Source: RFC 7662 section 2."""
    answer = httpx.post(f"{ISSUER}/oauth/introspect", data={"token": token}, auth=CLIENT)
    claims: Claims = answer.raise_for_status().json()
    if not claims["active"]:
        raise AuthenticationFailed("invalid_token")
    return claims


class BearerToken(BaseAuthentication):
    """Accepts access tokens. Source: RFC 6750 section 2.1."""

    def authenticate(self, request: Request) -> tuple[None, Claims]:
        """Return the token's claims as the request's credentials."""
        _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
        verify = verify_by_keys if token.count(".") == 2 else verify_by_introspection  # noqa: PLR2004 - a JWT has three parts.
        try:
            return None, verify(token)
        except (jwt.PyJWTError, httpx.HTTPError) as error:
            raise AuthenticationFailed("invalid_token") from error

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature.
        """Say how to do it right. Source: RFC 6750 section 3, RFC 9728 section 5.1."""
        begin = f', resource_metadata="{METADATA}"' if METADATA else ""
        return f'Bearer error="invalid_token"{begin}'


class HasToken(BasePermission):
    """Lets in whoever has shown a good token."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature.
        """Tell whether there is one."""
        return bool(request.auth)


class Greeting(APIView):
    """The one resource."""

    authentication_classes = (BearerToken,)
    permission_classes = (HasToken,)

    def get(self, request: Request) -> Response:
        """Greet the client, and say what it may do."""
        claims = cast("Claims", request.auth)
        return Response({"hello": claims.get("client_id"), "scope": claims.get("scope")})


urlpatterns = [path("hello", Greeting.as_view())]
application = get_wsgi_application()
