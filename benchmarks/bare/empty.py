"""A WSGI function that answers nothing at once: what is left is the web server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authplatform import child_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

child_signals.terminate_with_parent()
CONTENT = b"{}"
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(CONTENT)))]


def application(
    _environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Answer an empty object."""
    start_response("200 OK", HEADERS)
    return [CONTENT]
