"""Reads a JSON body strictly. Source: RFC 8259, RFC 7493."""

from __future__ import annotations

import json
import math
import re
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

from rest_framework.parsers import BaseParser

from tenants.api import problems
from tenants.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON

MAX_BODY_BYTES: Final = 65_536
MAX_NESTING: Final = 16
# PostgreSQL stores neither NUL characters nor halves of surrogate pairs.
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """Reads one JSON object of bounded size, without repeated members and unstorable texts."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - the framework's signature.
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - as above.
    ) -> dict[str, JSON]:
        """Read the body.

        Raises:
            Problem: it is too large, or no such object.
        """
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            text = f"Send at most {MAX_BODY_BYTES} bytes."
            raise Problem(problems.CONTENT_TOO_LARGE, text)
        return parse_object(body)


def parse_object(body: bytes) -> dict[str, JSON]:
    """Read one JSON object.

    Raises:
        Problem: it is malformed.
    """
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        detail = "The body is no JSON, or not encoded in UTF-8."
        raise Problem(problems.MALFORMED_REQUEST, detail) from error
    if not isinstance(document, dict):
        _refuse("Send one JSON object.")
    _check(document, MAX_NESTING)
    return document


def _members(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) < len(pairs):
        _refuse("An object names a member twice.")
    return members


def _check(value: JSON, depth: int) -> None:
    if depth == 0:
        _refuse(f"The body is nested more than {MAX_NESTING} deep.")
    match value:
        case str() if UNSTORABLE.search(value):
            _refuse("A text contains a NUL character or half of a surrogate pair.")
        case float() if not math.isfinite(value):
            _refuse("A number is too large.")
        case list():
            for item in value:
                _check(item, depth - 1)
        case dict():
            for name, item in value.items():
                _check(name, depth)
                _check(item, depth - 1)


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"{name} is no JSON.")


def _refuse(detail: str) -> NoReturn:
    raise Problem(problems.MALFORMED_REQUEST, detail)
