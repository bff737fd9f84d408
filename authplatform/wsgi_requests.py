"""Django's request and its handler, for whatever media type somebody names.

Django reads that header before any of its error handling begins, and by its charset the query, so a
charset that is none would end in a traceback of the web server.
"""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class UnicodeRequest(WSGIRequest):
    """A request whose texts are UTF-8. Source: URL standard section 5.1, RFC 8259 section 8.1."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """Read the media type without obeying its charset; one that can't be read is none."""
        try:
            media_type, parameters = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):
            media_type, parameters = "", {}
        self.content_type, self.content_params = media_type, parameters


class UnicodeHandler(WSGIHandler):
    """Django's application, which makes such requests."""

    request_class = UnicodeRequest
