"""The public keys of an issuer. Source: RFC 7517 section 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokens import keys
from tokens.answers import Answer
from tokens.endpoints.cross_origin import ANY_ORIGIN
from tokens.endpoints.view import EndpointView, find_confirmed_tenant, write_answer

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

CACHE_SECONDS = 300


class JwksView(EndpointView):
    """`/jwks`: the current, next and previous keys; never a symmetric one."""

    http_method_names = ["get", "head", "options"]

    def get(self, _request: HttpRequest, issuer: str) -> HttpResponse:
        """Answer the key set; every web page may read it."""
        key_set = keys.jwks(find_confirmed_tenant(issuer))
        # Keys come into being with the first token; until then nobody should keep this answer.
        caching = f"public, max-age={CACHE_SECONDS}" if key_set["keys"] else "no-cache"
        return write_answer(Answer(key_set, headers={"Cache-Control": caching, **ANY_ORIGIN}))
