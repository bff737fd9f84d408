"""A prepared statement gives the server every value as it is, and reads every column back."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, InternalError, ProgrammingError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokens import database

pytestmark = pytest.mark.django_db

SOME_ID = uuid.UUID("0197d8a0-0000-7000-8000-000000000001")
VALUES: dict[str, tuple[str, Any]] = {
    "uuid": ("uuid", SOME_ID),
    "no uuid": ("uuid", None),
    "text": ("text", "naïve\n😀%s $1"),
    "empty text": ("text", ""),
    "varchar": ("varchar", "a"),
    "bytes": ("bytea", b"\x00\xff"),
    "true": ("bool", True),
    "small number": ("smallint", -7),
    "number": ("int", 2**31 - 1),
    "large number": ("bigint", -(2**63)),
    "float": ("float8", 1795178571.25),
    "texts": ("text[]", ["a", "", 'b"{,}\\', "😀"]),
    "no texts": ("text[]", []),
    "varchars": ("varchar[]", ["a"]),
    "ids": ("uuid[]", [SOME_ID, uuid.UUID(int=0)]),
    "large numbers": ("bigint[]", [1, -2, 2**62]),
    # Rarer types travel as text.
    "moment": ("timestamptz", datetime(2026, 11, 20, 12, 30, 0, 5, tzinfo=UTC)),
    "numbers": ("int[]", [1, 2]),
}


@pytest.mark.parametrize("name", VALUES)
def test_value_comes_back_as_it_went(name: str) -> None:
    sql_type, value = VALUES[name]
    assert database.execute(f"SELECT %(value)b::{sql_type}", {"value": value}) == [(value,)]


@given(texts=st.lists(st.text(st.characters(exclude_characters="\x00", codec="utf-8")), max_size=5))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
def test_any_texts_come_back_as_they_went(texts: list[str]) -> None:
    sql = "SELECT %(texts)s::text[], to_jsonb(%(texts)s::text[]), %(texts)s::text[] = %(texts)s"
    assert database.execute(sql, {"texts": texts}) == [(texts, texts, True)]


def test_json_is_read_back_as_an_object() -> None:
    sql = "SELECT %(facts)s::jsonb"
    assert database.execute(sql, {"facts": '{"a": ["ß", 1, null]}'}) == [({"a": ["ß", 1, None]},)]


def test_name_that_is_used_twice_is_one_parameter_and_percents_are_halved() -> None:
    rows = database.execute("SELECT %(n)b::int + %(m)b::int * %(n)b::int, '%%'", {"n": 2, "m": 3})
    assert rows == [(8, "%")]


def test_statement_without_columns_has_no_rows() -> None:
    assert database.execute("SET LOCAL statement_timeout = 1000", {}) == []


REFUSED: dict[str, tuple[str, dict[str, object], type[Exception]]] = {
    "no table": ("SELECT 1 FROM nowhere", {}, ProgrammingError),
    "no syntax": ("SELECT FROM WHERE", {}, ProgrammingError),
    "a NUL in a text": ("SELECT %(t)s::text", {"t": "a\x00b"}, DataError),
    "a division by zero": ("SELECT 1 / %(n)b::int", {"n": 0}, DataError),
    "a number too large for int": ("SELECT %(n)b::int", {"n": 2**31}, DataError),
    "a number too large for bigint": ("SELECT %(n)b::bigint", {"n": 2**63}, DataError),
    "one such number of many": ("SELECT %(n)b::bigint[]", {"n": [1, -(2**63) - 1]}, DataError),
    "half a surrogate pair": ("SELECT %(t)s::text", {"t": "a\ud800"}, DataError),
    "half a surrogate pair in JSON": ("SELECT %(t)s::jsonb", {"t": '"\ud800"'}, DataError),
    "a NUL in JSON": ("SELECT %(t)s::jsonb", {"t": r'"\u0000"'}, DataError),
    "a text as a number": ("SELECT %(n)b::int", {"n": "1"}, DataError),
    "a text as a truth": ("SELECT %(b)b::bool", {"b": "false"}, DataError),
    "a number as bytes": ("SELECT %(b)b::bytea", {"b": 3}, DataError),
    "a text as an id": ("SELECT %(id)b::uuid", {"id": str(SOME_ID)}, DataError),
    "a null among texts": ("SELECT %(t)s::text[]", {"t": ["a", None]}, DataError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_statement_is_djangos_error_and_the_next_one_runs(name: str) -> None:
    sql, parameters, error = REFUSED[name]
    with pytest.raises(error), transaction.atomic():
        database.execute(sql, parameters)
    assert database.execute("SELECT 1", {}) == [(1,)]


def test_value_that_cannot_be_written_is_found_before_anything_is_sent() -> None:
    with transaction.atomic():
        with pytest.raises(DataError):
            database.execute("SELECT %(n)b::int", {"n": 2**31})
        assert database.execute("SELECT %(n)b::int", {"n": 1}) == [(1,)]


def test_statements_of_a_connection_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MAX_STATEMENTS", 3)
    for number in range(6):
        assert database.execute(f"SELECT {number}", {}) == [(number,)]
    assert database.execute("SELECT 0", {}) == [(0,)]
    counted = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'tokens%%'"
    assert database.execute(counted, {}) == [(3,)]


def test_refused_transaction_makes_the_server_forget_no_other_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = "SELECT name FROM pg_prepared_statements WHERE name LIKE 'tokens%%'"
    monkeypatch.setattr(database, "MAX_STATEMENTS", 3)
    for number in range(3):
        database.execute(f"SELECT {number}", {})
    with transaction.atomic():
        with contextlib.suppress(DataError):
            database.execute("SELECT 1 / %(n)b::int", {"n": 0})
        for number in range(10, 15):
            with pytest.raises(InternalError):
                database.execute(f"SELECT {number}", {})
        transaction.set_rollback(True)
    assert len(database.execute(names, {})) == 3
