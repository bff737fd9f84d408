"""The authorization endpoint. Source: RFC 6749 section 3.1, OpenID Connect Core 3.1.2.1."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from tokens.front_channel.authorization_walk import address_of, grant, walk
from tokens.front_channel.continuations import (
    AUTHORIZE,
    CONSENT,
    MAX_QUERY_CHARACTERS,
    Continuation,
)
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.page import Page
from tokens.front_channel.steps import Grant
from tokens.parameters import FORM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponse

    from tokens.front_channel.authorization_walk import Asked
    from tokens.front_channel.page import Visit

# Whatever a form encodes is written in these. Source: URL standard, section 5.
WRITTEN: Final = re.compile(r"[\x21-\x7e]*")


class AuthorizeView(Page):
    """`/oauth/authorize`, and the same below `/apis/{api}`."""

    takes_foreign_posts: ClassVar[bool] = True

    def show(self, visit: Visit, **fixed: str) -> HttpResponse:
        """Answer the client, or send the person where they have to go first."""
        query = visit.request.META.get("QUERY_STRING", "")
        continuation = Continuation(_path_of(fixed), query, visit.now)

        def arrive(asked: Asked) -> HttpResponse:
            if isinstance(asked.step, Grant):
                return grant(visit, asked, asked.step.scopes)
            return visit.redirect(address_of(visit, CONSENT, continuation))

        return walk(visit, continuation, arrive, begun_at=None)

    def submit(self, visit: Visit, **fixed: str) -> HttpResponse:
        """Treat a form like a link, so that the browser sends the person's cookies with it.

        Source: OpenID Connect Core section 3.1.2.1.
        """
        request = visit.request
        if request.content_type != FORM:
            raise PageRefused("unreadable_request", status=415)
        body = request.body.decode("latin-1")
        query = "&".join(filter(None, (request.META.get("QUERY_STRING", ""), body)))
        if len(query) > MAX_QUERY_CHARACTERS:
            raise PageRefused("too_large", status=414)
        if not WRITTEN.fullmatch(query):
            raise PageRefused("unreadable_request")
        return visit.redirect(f"{visit.address_of(_path_of(fixed))}?{query}")


def _path_of(fixed: Mapping[str, str]) -> str:
    api = fixed.get("api", "")
    return f"apis/{api}/{AUTHORIZE}" if api else AUTHORIZE
