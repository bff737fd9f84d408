"""Runs the token path's statements: prepared, on one kept cursor per thread and connection."""

from __future__ import annotations

import select
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from tokens.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.backends.base.base import BaseDatabaseWrapper

# A row's types are the statement's business; whoever reads it names them at once.
Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = "Mapping[str, object]"
PREPARE_THRESHOLD = 5


class DatabaseUnavailable(ServiceUnavailable):
    """The database could not run a statement now; nothing of it has been stored."""


class ConnectionLost(DatabaseUnavailable):
    """The connection went while a statement ran, so nobody knows whether it was carried out."""


@dataclass(slots=True)
class _Kept:
    """What a thread keeps of its connection: the cursor, and a way to see that the server went."""

    connection: psycopg.Connection[Row]
    cursor: psycopg.Cursor[Row]
    poll: select.poll


_kept = threading.local()


def execute(sql: str, parameters: Parameters, *, is_repeatable: bool = False) -> list[Row]:
    """Run one statement on Django's own connection and answer its rows.

    Outside of a transaction a lost connection is replaced once, and the statement repeated if it
    was never sent, or if the caller says that running it twice is harmless.

    Raises:
        ConnectionLost: it was sent and may have been carried out.
        DatabaseUnavailable: there is no connection, or the server is too busy.
        DatabaseError: the statement itself is refused.
    """
    wrapper = connections[DEFAULT_DB_ALIAS]
    try:
        return _run(wrapper, sql, parameters)
    except ConnectionLost:
        if wrapper.in_atomic_block or not is_repeatable:
            raise
        return _run(wrapper, sql, parameters)


def _run(wrapper: BaseDatabaseWrapper, sql: str, parameters: Parameters) -> list[Row]:
    cursor = _take_cursor(wrapper)
    started = time.perf_counter() if wrapper.queries_logged else 0.0
    try:
        cursor.execute(sql, parameters, prepare=True, binary=True)
        return cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        _refuse(wrapper, error)
    finally:
        if started:
            # So that Django's counting of statements in tests and in debugging sees this one.
            seconds = f"{time.perf_counter() - started:.3f}"
            wrapper.queries_log.append({"sql": sql, "time": seconds})


def _take_cursor(wrapper: BaseDatabaseWrapper) -> psycopg.Cursor[Row]:
    kept: _Kept | None = getattr(_kept, "value", None)
    if kept is not None and kept.connection is wrapper.connection:
        if not _is_gone(wrapper, kept):
            return kept.cursor
        if wrapper.in_atomic_block:
            raise ConnectionLost("The database went away; try again.")
        wrapper.close()
    _kept.value = kept = _keep(wrapper)
    return kept.cursor


def _keep(wrapper: BaseDatabaseWrapper) -> _Kept:
    try:
        wrapper.ensure_connection()
    except DatabaseError as error:
        detail = f"no connection: {type(error).__name__}"
        raise DatabaseUnavailable("The database is away; try again.", detail=detail) from error
    connection: psycopg.Connection[Row] = wrapper.connection
    # Django switches prepared statements off; its own cursors never use them, this one does.
    connection.prepare_threshold = PREPARE_THRESHOLD
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return _Kept(connection, psycopg.Cursor(connection), poll)


def _is_gone(wrapper: BaseDatabaseWrapper, kept: _Kept) -> bool:
    """Say whether the server has left an idle connection, before anything is sent on it."""
    if kept.connection.closed:
        return True
    # An idle server only speaks to give notice, or to say goodbye: only then ask it.
    return bool(kept.poll.poll(0)) and not wrapper.is_usable()


def _refuse(wrapper: BaseDatabaseWrapper, error: psycopg.Error) -> NoReturn:
    detail = f"{type(error).__name__}: {error.sqlstate}"
    if wrapper.connection is None or wrapper.connection.closed:
        if not wrapper.in_atomic_block:
            wrapper.close()
        raise ConnectionLost("The database went away; try again.", detail=detail) from error
    if isinstance(error, psycopg.OperationalError):
        # A lock or a statement took too long, or a resource is used up: nothing was stored.
        wrapper.errors_occurred = True
        raise DatabaseUnavailable("The database is busy; try again.", detail=detail) from error
    with wrapper.wrap_database_errors:
        raise error
