"""Pages of a list, each beginning behind the last name of the one before."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.core.exceptions import ValidationError

from tenants.api import problems
from tenants.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 100


def write_link(request: Request, asked: dict[str, Any], cursor: str) -> str:
    """Name the next page. Source: RFC 8288 section 3."""
    sent = {name: request.query_params[name] for name in asked if name in request.query_params}
    return f'<{request.path}?{urlencode({**sent, "cursor": cursor})}>; rel="next"'


def write_cursor(name: str) -> str:
    """Write the name behind which the next page begins."""
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def read_cursor(text: str, validate: Callable[[str], None]) -> str:
    """Read the name behind which the page begins; an empty text stands for the first page.

    Raises:
        Problem: it is no cursor of this list.
    """
    if not text:
        return ""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        name = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        validate(name)
    except (ValueError, binascii.Error, ValidationError) as error:
        errors = {"cursor": ["Send the next_cursor of the page before, as it was."]}
        detail = "Correct the parameters that `errors` names."
        raise Problem(problems.INVALID_PARAMETER, detail, errors=errors) from error
    return name
