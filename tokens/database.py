"""Runs the token path's statements: prepared once for each thread's connection, and kept."""

from __future__ import annotations

import itertools
import select
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from psycopg import errors
from psycopg.pq import ConnStatus, TransactionStatus

from tokens.errors import ServiceUnavailable
from tokens.prepared_statements import Parameters, PreparedStatement, Row

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from psycopg.pq.abc import PGconn

__all__ = [
    "ConnectionLost",
    "DatabaseUnavailable",
    "Parameters",
    "Row",
    "execute",
]

# Statements are few; pages of the admin that put theirs together have some more.
MAX_STATEMENTS: Final = 100
# The planner adds up what all partitions would cost and so prefers to plan anew each time, for ten
# times what one planned once costs with a month of partitions (1 000 and 110 us).
PLAN_ONCE_SQL: Final = "SET plan_cache_mode = force_generic_plan"
# A migration has changed a column that the statement answers, or something has discarded it.
STALE: Final = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)


class DatabaseUnavailable(ServiceUnavailable):
    """The database could not run a statement now; nothing of it has been stored."""


class ConnectionLost(DatabaseUnavailable):
    """The connection went while a statement ran, so nobody knows whether it was carried out."""


@dataclass(slots=True)
class _Kept:
    """What a thread keeps of its connection: its statements, and a way to see the server go."""

    connection: psycopg.Connection[Row]
    pgconn: PGconn
    poll: select.poll
    statements: dict[str, PreparedStatement] = field(default_factory=dict)
    plans_once: bool = False


_kept = threading.local()
# Of the process, so that a connection which goes to another thread never has a name twice.
_numbers = itertools.count(1)


def execute(sql: str, parameters: Parameters, *, is_repeatable: bool = False) -> list[Row]:
    """Run one statement on Django's own connection and answer its rows.

    Outside of a transaction a lost connection is replaced once, and the statement repeated if it
    was never sent, or if the caller says that running it twice is harmless.

    Raises:
        ConnectionLost: it was sent and may have been carried out.
        DatabaseUnavailable: there is no connection, or the server is too busy.
        DatabaseError: the statement itself is refused.
    """
    wrapper = _find_wrapper()
    try:
        return _run(wrapper, sql, parameters)
    except ConnectionLost:
        if wrapper.in_atomic_block or not is_repeatable:
            raise
        return _run(wrapper, sql, parameters)


def _find_wrapper() -> BaseDatabaseWrapper:
    """Answer Django's connection of this thread: always the same one, but slow to be found."""
    wrapper: BaseDatabaseWrapper | None = getattr(_kept, "wrapper", None)
    if wrapper is None:
        wrapper = _kept.wrapper = connections[DEFAULT_DB_ALIAS]
    return wrapper


def _run(wrapper: BaseDatabaseWrapper, sql: str, parameters: Parameters) -> list[Row]:
    kept = _take(wrapper)
    started = time.perf_counter() if wrapper.queries_logged else 0.0
    try:
        _begin(kept)
        statement = kept.statements.get(sql) or _prepare(kept, sql)
        try:
            return statement.run(parameters)
        except STALE as error:
            return _run_anew(kept, sql, parameters, error)
    except psycopg.Error as error:
        _refuse(wrapper, error)
    finally:
        if started:
            # So that Django's counting of statements in tests and in debugging sees this one.
            seconds = f"{time.perf_counter() - started:.3f}"
            wrapper.queries_log.append({"sql": sql, "time": seconds})


def _begin(kept: _Kept) -> None:
    """Begin the transaction that Django is in; psycopg does so before its own first statement."""
    if kept.pgconn.transaction_status != TransactionStatus.IDLE:
        return
    if not kept.connection.autocommit:
        kept.connection.execute("")
    elif not kept.plans_once:  # Not in a transaction, which may yet be rolled back.
        kept.connection.execute(PLAN_ONCE_SQL)
        kept.plans_once = True


def _prepare(kept: _Kept, sql: str) -> PreparedStatement:
    statement = PreparedStatement(kept.connection, f"tokens_{next(_numbers)}".encode(), sql)
    kept.statements[sql] = statement
    while len(kept.statements) > MAX_STATEMENTS:
        kept.statements.pop(next(iter(kept.statements))).deallocate()
    return statement


def _run_anew(kept: _Kept, sql: str, parameters: Parameters, error: psycopg.Error) -> list[Row]:
    """Prepare again and run what the server would not run as it was prepared."""
    stale = kept.statements.pop(sql)
    kept.plans_once = False
    if kept.pgconn.transaction_status != TransactionStatus.IDLE:
        detail = f"{type(error).__name__}: {error.sqlstate}"
        raise DatabaseUnavailable("The database is busy; try again.", detail=detail) from error
    stale.deallocate()
    _begin(kept)
    return _prepare(kept, sql).run(parameters)


def _take(wrapper: BaseDatabaseWrapper) -> _Kept:
    kept: _Kept | None = getattr(_kept, "value", None)
    if kept is not None and kept.connection is wrapper.connection:
        if not _is_gone(wrapper, kept):
            return kept
        if wrapper.in_atomic_block:
            raise ConnectionLost("The database went away; try again.")
        wrapper.close()
    _kept.value = kept = _keep(wrapper)
    return kept


def _keep(wrapper: BaseDatabaseWrapper) -> _Kept:
    try:
        wrapper.ensure_connection()
    except DatabaseError as error:
        detail = f"no connection: {type(error).__name__}"
        raise DatabaseUnavailable("The database is away; try again.", detail=detail) from error
    connection: psycopg.Connection[Row] = wrapper.connection
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return _Kept(connection, connection.pgconn, poll)


def _is_gone(wrapper: BaseDatabaseWrapper, kept: _Kept) -> bool:
    """Say whether the server has left an idle connection, before anything is sent on it."""
    if kept.pgconn.status == ConnStatus.BAD:
        return True
    # An idle server only speaks to give notice, or to say goodbye: only then ask it.
    return bool(kept.poll.poll(0)) and not wrapper.is_usable()


def _refuse(wrapper: BaseDatabaseWrapper, error: psycopg.Error) -> NoReturn:
    detail = f"{type(error).__name__}: {error.sqlstate}"
    if wrapper.connection is None or wrapper.connection.closed:
        if not wrapper.in_atomic_block:
            wrapper.close()
        raise ConnectionLost("The database went away; try again.", detail=detail) from error
    if isinstance(error, errors.ReadOnlySqlTransaction):
        # After a failover the old primary stands by; the next request looks for the new one.
        wrapper.close()
        raise DatabaseUnavailable("The database is away; try again.", detail=detail) from error
    if isinstance(error, psycopg.OperationalError):
        # A lock or a statement took too long, or a resource is used up: nothing was stored.
        wrapper.errors_occurred = True
        raise DatabaseUnavailable("The database is busy; try again.", detail=detail) from error
    with wrapper.wrap_database_errors:
        raise error
