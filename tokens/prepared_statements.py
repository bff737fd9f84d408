"""Prepares a statement once per connection and runs it by libpq's own call, all values in binary.

A cursor builds dumpers, columns and generators for every execution, which takes three times as long
as the call itself. What the server says of a statement when it is prepared is kept instead: the
types of its parameters, and how its columns are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from struct import Struct
from struct import error as StructError  # noqa: N812 - the class has a function's name.
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from psycopg import errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from psycopg import Connection
    from psycopg.pq.abc import PGresult

# A row's types are the statement's business; whoever reads it names them at once.
Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = "Mapping[str, object]"
_Encoder: TypeAlias = Callable[[Any], bytes]

# A parameter as psycopg writes it; the letter says how it would be sent, which the server decides.
_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)[bst]|%%")
# What an encoder says of a value that is not of the type, or too large for it.
_UNWRITABLE: Final = (StructError, UnicodeEncodeError, TypeError, AttributeError)
_GOOD: Final = frozenset((ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK))
_UUID, _TEXT, _INT8 = 2950, 25, 20
_LENGTH: Final = Struct("!i")
# Dimensions, whether there are nulls, the elements' type, their number and the first one's index.
_ARRAY_HEAD: Final = Struct("!iiIii")
_EMPTY_ARRAY_HEAD: Final = Struct("!iiI")


def _encode_jsonb(text: str) -> bytes:
    # The type's wire format begins with its version.
    return b"\x01" + text.encode()


def _encode_bytes(value: bytes) -> bytes:
    # `bytes` itself would take a number, and make as many zeros of it.
    return memoryview(value).tobytes()


def _array_encoder(element_type: int, encode: _Encoder) -> _Encoder:
    """Make what encodes a list, whose elements are never null."""

    def encode_list(elements: Sequence[object]) -> bytes:
        if not elements:
            return _EMPTY_ARRAY_HEAD.pack(0, 0, element_type)
        parts = [_ARRAY_HEAD.pack(1, 0, element_type, len(elements), 1)]
        for element in elements:
            encoded = encode(element)
            parts += (_LENGTH.pack(len(encoded)), encoded)
        return b"".join(parts)

    return encode_list


_encode_uuid: Final = attrgetter("bytes")
_encode_int8: Final = Struct("!q").pack
# By the type's number in pg_type: the server sends and takes these everywhere alike.
_ENCODERS: Final[Mapping[int, _Encoder]] = {
    # As a number, since everything, even the text "false", would be true.
    16: Struct("!b").pack,
    17: _encode_bytes,
    _INT8: _encode_int8,
    21: Struct("!h").pack,
    23: Struct("!i").pack,
    _TEXT: str.encode,
    701: Struct("!d").pack,
    1043: str.encode,
    _UUID: _encode_uuid,
    3802: _encode_jsonb,
    1009: _array_encoder(_TEXT, str.encode),
    1015: _array_encoder(1043, str.encode),
    1016: _array_encoder(_INT8, _encode_int8),
    2951: _array_encoder(_UUID, _encode_uuid),
}


class PreparedStatement:
    """One SQL text as one connection has prepared it."""

    __slots__ = ("_connection", "_encoders", "_formats", "_has_rows", "_name", "_rows")

    def __init__(self, connection: Connection[Row], name: bytes, sql: str) -> None:
        """Prepare the statement; two round trips.

        Raises: psycopg.Error where the server refuses it.
        """
        text, names = _number_parameters(sql)
        pgconn = connection.pgconn
        _check(pgconn.prepare(name, text))
        described = _check(pgconn.describe_prepared(name))
        self._name = name
        self._connection = pgconn
        self._encoders, self._formats = _choose_encoders(connection, names, described)
        self._has_rows = described.nfields > 0
        self._rows = Transformer(connection)
        columns = [described.ftype(number) for number in range(described.nfields)]
        self._rows.set_loader_types(columns, Format.BINARY)

    def run(self, parameters: Parameters) -> list[Row]:
        """Run the statement and answer its rows.

        Raises: psycopg.Error; a DataError for a value of another type, before anything is sent.
        """
        try:
            values = [
                None if (value := parameters[name]) is None else encode(value)
                for name, encode in self._encoders
            ]
        except _UNWRITABLE as error:
            raise errors.DataError("a value is not of its parameter's type") from error
        result = self._connection.exec_prepared(
            self._name,
            values,  # type: ignore[arg-type]  # None is NULL: only this method's type forgets it.
            self._formats,
            Format.BINARY,
        )
        if result.status not in _GOOD:
            raise errors.error_from_result(result)
        if not self._has_rows:
            return []
        self._rows.set_pgresult(result, set_loaders=False)
        return self._rows.load_rows(0, result.ntuples, tuple)

    def deallocate(self) -> None:
        """Let the server forget it."""
        self._connection.exec_(b"DEALLOCATE " + self._name)


def _number_parameters(sql: str) -> tuple[bytes, list[str]]:
    """Write parameters as the protocol counts them, each name once."""
    numbers: dict[str, int] = {}

    def write(match: re.Match[str]) -> str:
        name = match[1]
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else "%"

    return _PLACEHOLDER.sub(write, sql).encode(), [*numbers]


def _choose_encoders(
    connection: Connection[Row], names: Iterable[str], described: PGresult
) -> tuple[list[tuple[str, _Encoder]], list[int]]:
    """Choose for each parameter how the type is written that the server gave it."""
    encoders: list[tuple[str, _Encoder]] = []
    formats: list[int] = []
    for number, name in enumerate(names):
        encode = _ENCODERS.get(described.param_type(number))
        formats.append(Format.TEXT if encode is None else Format.BINARY)
        encoders.append((name, encode or _text_encoder(connection)))
    return encoders, formats


def _text_encoder(connection: Connection[Row]) -> _Encoder:
    """Make what writes a value of a rarer type as psycopg does."""

    def encode(value: object) -> bytes:
        dumped = Transformer(connection).get_dumper(value, PyFormat.TEXT).dump(value)
        return b"" if dumped is None else bytes(dumped)

    return encode


def _check(result: PGresult) -> PGresult:
    if result.status not in _GOOD:
        raise errors.error_from_result(result)
    return result
