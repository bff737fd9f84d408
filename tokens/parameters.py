"""Reads the parameters of a request strictly. Source: RFC 6749 sections 3.2 and appendix B."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from tenants.records import NO_HEADERS, NOTHING
from tenants.request_records import request_record
from tokens.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from tokens.jose import InvalidJWT, parse_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tenants.records import JSON, TenantSnapshot

MAX_BODY_BYTES: Final = 65_536
MAX_PARAMETERS: Final = 64
MAX_SCOPE_CHARACTERS: Final = 4_096
MAX_USAGE_LIMIT: Final = 1_000_000
FORM: Final = "application/x-www-form-urlencoded"
JSON_TYPE: Final = "application/json"
# Source: RFC 8707 section 2 and RFC 8693 section 2.1: only these may be sent more than once.
REPEATABLE: Final = frozenset(("resource", "audience"))


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request; an empty value counts as omitted.

    `document` is the JSON object of an endpoint that takes one in place of parameters.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    document: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)

    def get(self, name: str) -> str:
        """Answer the parameter's value, or an empty text."""
        values = self.values.get(name)
        return values[0] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Answer every value of a repeatable parameter, in order."""
        return self.values.get(name, ())

    def require(self, name: str) -> str:
        """Answer the parameter's value.

        Raises:
            InvalidRequest: it is missing.
        """
        value = self.get(name)
        if not value:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value


@request_record(frozen=True, slots=True)
class EndpointRequest:
    """One request to an endpoint of a tenant, as the steps of the walk see it.

    `now` is in seconds since the epoch, and `cut_off_number` the number that this process held
    when the request began. `headers` are those that policies may read, by lower-case names.
    """

    tenant: TenantSnapshot
    parameters: Parameters
    now: float
    cut_off_number: int
    authorization: str = ""
    address: str = ""
    user_agent: str = ""
    api_slug: str = ""
    request_id: str = ""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)

    @property
    def requested_scopes(self) -> tuple[str, ...] | None:
        """The scopes that are asked for, or None where none is named. Source: RFC 6749 3.3."""
        text = self.parameters.get("scope")
        if len(text) > MAX_SCOPE_CHARACTERS:
            raise InvalidRequest("The parameter scope is too long.")
        return tuple(dict.fromkeys(text.split(" "))) if text else None

    @property
    def requested_usage_limit(self) -> int:
        """How often the token may be used at most, which only tightens; 0 where nothing is said."""
        text = self.parameters.get("usage_limit")
        if not text:
            return 0
        is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_USAGE_LIMIT))
        if not is_number or not 1 <= int(text) <= MAX_USAGE_LIMIT:
            raise InvalidRequest(
                f"The parameter usage_limit takes a whole number from 1 to {MAX_USAGE_LIMIT}."
            )
        return int(text)

    @property
    def requested_audiences(self) -> tuple[str, ...]:
        """The audiences asked for by `audience` or `resource`. Source: RFC 8707 section 2."""
        asked = self.parameters.all("audience") + self.parameters.all("resource")
        return tuple(dict.fromkeys(asked))


def read_parameters(body: bytes, content_type: str, *, allow_json: bool) -> Parameters:
    """Read a form, or a JSON object where the tenant allows it.

    Raises:
        InvalidRequest: the body is malformed, or a parameter is repeated.
    """
    _refuse_excess(body)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == FORM:
        return read_form(body)
    if media_type == JSON_TYPE and allow_json:
        return _read_json(body)
    if media_type == JSON_TYPE:
        raise UnsupportedMediaType("This tenant takes forms only; send a form, not JSON.")
    if not body:
        return Parameters()
    raise UnsupportedMediaType(f"Send the parameters as {FORM}.")


def read_form(raw: bytes) -> Parameters:
    """Read form-encoded parameters.

    Raises:
        InvalidRequest: the text is no valid UTF-8, or a parameter is repeated.
    """
    pairs = raw.split(b"&") if raw else []
    return _collect(_decode_pair(pair) for pair in pairs if pair)


def _decode_pair(pair: bytes) -> tuple[str, str]:
    name, _, value = pair.partition(b"=")
    return _decode(name), _decode(value)


def _decode(text: bytes) -> str:
    try:
        if b"%" in text or b"+" in text:
            text = unquote_to_bytes(text.replace(b"+", b" "))
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The parameters are not valid UTF-8.") from error


def read_document(body: bytes) -> Mapping[str, JSON]:
    """Read a JSON object whose members are no parameters.

    Raises:
        InvalidRequest: it is none, or too large or deep.
    """
    _refuse_excess(body)
    try:
        return parse_json_object(body)
    except InvalidJWT as error:
        raise InvalidRequest(
            "The body is no plain JSON object without repeated members.", detail=error.detail
        ) from error


def _refuse_excess(body: bytes) -> None:
    if len(body) > MAX_BODY_BYTES:
        raise RequestTooLarge(f"The body has more than {MAX_BODY_BYTES} bytes.")


def _read_json(body: bytes) -> Parameters:
    members = read_document(body)
    pairs = ((name, value) for name, member in members.items() for value in _texts(name, member))
    return _collect(pairs)


def _texts(name: str, member: JSON) -> Iterable[str]:
    members = member if isinstance(member, list) and name in REPEATABLE else [member]
    for value in members:
        if isinstance(value, str):
            yield value
        elif value is not None:
            raise InvalidRequest("The members of the JSON object must be texts.")


def _collect(pairs: Iterable[tuple[str, str]]) -> Parameters:
    values: dict[str, tuple[str, ...]] = {}
    for count, (name, value) in enumerate(pairs):
        if count >= MAX_PARAMETERS:
            raise InvalidRequest(f"More than {MAX_PARAMETERS} parameters.")
        if "\x00" in value or "\x00" in name:
            raise InvalidRequest("A parameter contains a NUL character.")
        if name in values and name not in REPEATABLE:
            raise InvalidRequest("A parameter is repeated.", detail=f"repeated: {name[:50]!r}")
        if value:
            values[name] = (*values.get(name, ()), value)
        elif name not in REPEATABLE:
            values.setdefault(name, ())
    return Parameters(values)
