"""The public keys of an issuer. Source: RFC 7517 section 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.http import HttpResponse

from tokens import keys
from tokens.answers import Answer
from tokens.endpoints.cross_origin import ANY_ORIGIN
from tokens.endpoints.view import EndpointView, find_tenant, write_answer

if TYPE_CHECKING:
    from django.http import HttpRequest

CACHE_SECONDS = 300


class JwksView(EndpointView):
    """`/jwks`: the current, next and previous keys; never a symmetric one."""

    http_method_names: ClassVar[list[str]] = ["get", "head", "options"]

    def get(self, request: HttpRequest, issuer: str) -> HttpResponse:
        """Answer the key set; every web page may read it."""
        headers = {"Cache-Control": f"public, max-age={CACHE_SECONDS}", **ANY_ORIGIN}
        return write_answer(Answer(keys.jwks(find_tenant(issuer)), headers=headers))
