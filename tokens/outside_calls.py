"""Bounds the calls to outside issuers, so that a slow one of a tenant holds up nobody else's.

Anybody can make a process call an issuer before anything is authenticated, and a process answers
requests by two threads only. A call therefore runs in a thread of its own, one at a time for each
tenant, and the request waits for it: one request of the process for seconds, others for a moment.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

T = TypeVar("T")

CALLS_AT_ONCE: Final = 8
PATIENCE_SECONDS: Final = 3.0
MOMENT_SECONDS: Final = 0.5


class NotCalled(Exception):
    """The call was never begun, as too many are on their way."""


class NoAnswerYet(Exception):
    """The call goes on, and whoever asks again later may find its answer."""


class OutsideCalls:
    """Runs calls in threads of their own, and bounds who waits for them, and for how long."""

    def __init__(self, calls_at_once: int = CALLS_AT_ONCE) -> None:
        """Allow so many calls at once, each of another tenant."""
        self._calls_at_once = calls_at_once
        self._callers: set[UUID | None] = set()
        self._change = threading.Condition()
        self._patient = threading.BoundedSemaphore(1)

    def run(self, tenant_id: UUID | None, call: Callable[[], T]) -> T:
        """Make a call for a tenant and answer what it answers; what it raises is raised.

        Raises: NotCalled, NoAnswerYet.
        """
        is_patient = self._patient.acquire(blocking=False)
        ends_at = time.monotonic() + MOMENT_SECONDS
        try:
            future = self._begin(tenant_id, call)
            seconds = PATIENCE_SECONDS if is_patient else max(0.0, ends_at - time.monotonic())
            return _wait(future, seconds)
        finally:
            if is_patient:
                self._patient.release()

    def _begin(self, tenant_id: UUID | None, call: Callable[[], T]) -> Future[T]:
        with self._change:
            if not self._change.wait_for(lambda: self._has_place(tenant_id), MOMENT_SECONDS):
                raise NotCalled
            self._callers.add(tenant_id)
        future: Future[T] = Future()
        # The log lines of the call carry the id of the request that began it.
        arguments = (self._run, tenant_id, call, future)
        thread = threading.Thread(target=copy_context().run, args=arguments, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # The system has no more threads.
            self._leave(tenant_id)
            raise NotCalled from error
        return future

    def _has_place(self, tenant_id: UUID | None) -> bool:
        return tenant_id not in self._callers and len(self._callers) < self._calls_at_once

    def _run(self, tenant_id: UUID | None, call: Callable[[], T], future: Future[T]) -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits.
            self._leave(tenant_id)
            future.set_exception(error)
        else:
            self._leave(tenant_id)
            future.set_result(answer)

    def _leave(self, tenant_id: UUID | None) -> None:
        with self._change:
            self._callers.discard(tenant_id)
            self._change.notify_all()


def _wait(future: Future[T], seconds: float) -> T:
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise NoAnswerYet from error


CALLS: Final = OutsideCalls()
