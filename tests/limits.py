"""Takes back what a test has used up of the limits: they are shared by processes and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokens import limits
from tokens.limits.rows import LimitRows

if TYPE_CHECKING:
    from tokens.limits.redis_store import LimitCache


def forget_limits() -> None:
    """Empty the table if this test has written to it, and begin as a new process does."""
    store = shared_store()
    if isinstance(store, LimitRows):
        delete_rows(store)
    limits.forget()


def shared_store() -> LimitCache | LimitRows | None:
    """Answer the store that the limits have opened, if they have."""
    return limits.STORE._store  # noqa: SLF001 - a test looks inside.


def delete_rows(store: LimitRows) -> None:
    """Delete every row, on the store's own connection: tests see theirs in a transaction."""
    wrapper = store._wrapper  # noqa: SLF001 - as above.
    if wrapper is not None and wrapper.connection is not None:
        wrapper.connection.execute("DELETE FROM tokens_limitstate")
