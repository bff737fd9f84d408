"""Entity tags and the conditions of writes. Source: RFC 9110 sections 8.8.3 and 13.1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.http import parse_etags

from tenants.api import problems
from tenants.api.problems import Problem

if TYPE_CHECKING:
    from rest_framework.request import Request


def entity_tag(version: int | str) -> str:
    """Write the strong entity tag of a version."""
    return f'"{version}"'


def require_match(request: Request, version: int | str) -> None:
    """Refuse a write that does not say which version it changes. Source: RFC 6585 section 3.

    Raises:
        Problem: If-Match is missing, or names another version.
    """
    if "HTTP_IF_MATCH" not in request.META:
        text = "Send the ETag of the version that you have read as If-Match."
        raise Problem(problems.PRECONDITION_REQUIRED, text)
    check_match(request, version)


def check_match(request: Request, version: int | str) -> None:
    """Refuse a write whose If-Match names another version; without the header it passes.

    Raises:
        Problem: the versions differ.
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None or header.strip() == "*":
        return
    # A weak tag never matches here. Source: RFC 9110 section 8.8.3.2.
    if entity_tag(version) not in parse_etags(header):
        text = "Read the resource again and repeat the change on what it is now."
        raise Problem(problems.PRECONDITION_FAILED, text)
