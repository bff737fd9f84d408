"""Reads the outside of a compact JWT strictly: segments, base64url and JSON. No cryptography."""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Never

if TYPE_CHECKING:
    from collections.abc import Collection

    from tenants.records import JSON

MAXIMUM_TOKEN_CHARACTERS: Final = 16_384
COMPACT_SEGMENTS: Final = 3
MAXIMUM_NESTING: Final = 16
MAXIMUM_NAME_CHARACTERS: Final = 255
MAXIMUM_INTEGER: Final = 2**63 - 1
REFUSED_HEADERS: Final = ("crit", "b64")

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidJWT(Exception):
    """A JWT is refused; `reason` is a fixed code and `detail` is for the log only."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason code and the detail, which never holds the token itself."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class UnverifiedHeader:
    """All that is ever read from a JOSE header: `jwk`, `jku`, `x5u` and `x5c` don't get here."""

    algorithm: str
    key_id: str | None
    type: str | None


@dataclass(frozen=True, slots=True)
class UnverifiedJWT:
    """A compact JWT taken apart; nothing in it has been verified."""

    header: UnverifiedHeader
    signing_input: bytes
    payload: bytes
    signature: bytes


def encode_base64url(raw: bytes) -> str:
    """Encode without padding. Source: RFC 7515 section 2."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Decode the one unpadded encoding of some bytes.

    Raises: InvalidJWT for padding, other characters, and left-over bits that are not zero.
    Source: RFC 7515 section 2, RFC 4648 section 3.5.
    """
    try:
        decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise InvalidJWT("malformed", "a segment is not base64url") from None
    # The decoder skips foreign characters, so only a text that encodes back is the real one.
    if encode_base64url(decoded) != text:
        raise InvalidJWT("malformed", "a segment is not canonical base64url")
    return decoded


def parse_json_object(raw: bytes) -> dict[str, JSON]:
    """Parse a JSON object strictly.

    Raises: InvalidJWT for duplicate members, NaN, integers beyond 64 bits, deep nesting, NUL and
    lone surrogates.
    Source: RFC 7515 section 4, RFC 7519 section 4.
    """
    try:
        text = raw.decode("utf-8")
        _refuse_nesting(text)
        parsed = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_writable_integer,
        )
    except ValueError:
        raise InvalidJWT("malformed", "not a strict JSON text") from None
    if not isinstance(parsed, dict):
        raise InvalidJWT("malformed", "not a JSON object")
    _refuse_unstorable(parsed)
    return parsed


def decode_unverified_header(token: str, *, algorithms: Collection[str]) -> UnverifiedHeader:
    """Read the header of a compact JWT whose algorithm is in the allow-list.

    Raises: InvalidJWT.
    Source: RFC 8725 sections 3.1 and 3.2.
    """
    return _parse_header(_segments(token)[0], algorithms)


def decode_unverified(token: str, *, algorithms: Collection[str]) -> UnverifiedJWT:
    """Take a compact JWT apart whose algorithm is in the allow-list.

    Raises: InvalidJWT.
    Source: RFC 7515 section 5.2.
    """
    header, payload, signature = _segments(token)
    return UnverifiedJWT(
        header=_parse_header(header, algorithms),
        signing_input=f"{header}.{payload}".encode("ascii"),
        payload=decode_base64url(payload),
        signature=decode_base64url(signature),
    )


def unverified_claims(token: str) -> dict[str, JSON]:
    """Read the claims of a JWT before anything about it is known, to find whose keys verify it.

    Nothing that this answers may be believed. Raises: InvalidJWT.
    """
    return parse_json_object(decode_base64url(_segments(token)[1]))


def _segments(token: str) -> tuple[str, str, str]:
    if len(token) > MAXIMUM_TOKEN_CHARACTERS:
        raise InvalidJWT("too_large", "more than 16384 characters")
    segments = token.split(".")
    if len(segments) != COMPACT_SEGMENTS or not token.isascii():
        raise InvalidJWT("malformed", "not three ASCII segments")
    return segments[0], segments[1], segments[2]


def _parse_header(segment: str, algorithms: Collection[str]) -> UnverifiedHeader:
    header = parse_json_object(decode_base64url(segment))
    for name in REFUSED_HEADERS:
        if name in header:
            # Source: RFC 7515 section 4.1.11; we understand no extension.
            raise InvalidJWT("unsupported_header", f"the header has {name}")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidJWT("algorithm_not_allowed", "alg is not in the allow-list")
    return UnverifiedHeader(algorithm, _name(header, "kid"), _name(header, "typ"))


def _name(header: dict[str, JSON], member: str) -> str | None:
    if member not in header:
        return None
    value = header[member]
    if not isinstance(value, str) or not 1 <= len(value) <= MAXIMUM_NAME_CHARACTERS:
        raise InvalidJWT("malformed", f"{member} is not a short string")
    return value


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse_constant(name: str) -> Never:
    raise ValueError(name)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number beyond all bounds")
    return number


def _writable_integer(digits: str) -> int:
    """Refuse what no answer of ours could repeat: other parsers read it as another number."""
    number = int(digits)
    if abs(number) > MAXIMUM_INTEGER:
        raise ValueError("a number beyond all bounds")
    return number


def _refuse_nesting(text: str) -> None:
    if text.count("[") + text.count("{") <= MAXIMUM_NESTING:
        return
    depth = 0
    for character in _STRING.sub("", text):
        depth += (character in "[{") - (character in "]}")
        if depth > MAXIMUM_NESTING:
            raise ValueError("nested too deeply")


def _refuse_unstorable(value: JSON) -> None:
    """Refuse text that PostgreSQL can't store, before it can become an error of ours."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise InvalidJWT("malformed", "NUL or a lone surrogate in a string")
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(member)
    elif isinstance(value, list):
        for element in value:
            _refuse_unstorable(element)
