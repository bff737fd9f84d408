"""Takes a database that stands by after a failover for one that is away, and lets go of it.

A connection that survived, or that a proxy gave to the old primary, refuses writes by SQLSTATE
25006. Django takes that for a fault of ours; here it becomes the error that passes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpResponse
from django.views.defaults import server_error
from psycopg.errors import ReadOnlySqlTransaction

from tenants.errors import SnapshotUnconfirmed
from tokens.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

RETRY_AFTER_SECONDS: Final = 1
PASSING: Final = (OperationalError, InterfaceError, ServiceUnavailable, SnapshotUnconfirmed)
UNAVAILABLE: Final = "The service can't answer right now; try again after a second.\n"


def watch(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Watch the statements of a connection that Django has just made."""
    if _refuse_standby not in connection.execute_wrappers:
        connection.execute_wrappers.append(_refuse_standby)


def _refuse_standby(
    execute: Callable[..., Any],
    sql: str,
    params: Any,  # noqa: ANN401 - Django's signature.
    many: bool,  # noqa: FBT001 - as above.
    context: dict[str, Any],
) -> Any:  # noqa: ANN401 - as above.
    try:
        return execute(sql, params, many, context)
    except InternalError as error:
        if not isinstance(error.__cause__, ReadOnlySqlTransaction):
            raise
        connection: BaseDatabaseWrapper = context["connection"]
        connection.close()
        raise OperationalError("the database accepts no writes: it stands by") from error


def answer_server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer 503 where the database is away, else 500; Django calls it while it has the error.

    The endpoints of tokens and the management API answer in their own forms before.
    """
    if isinstance(sys.exception(), PASSING):
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"}
        return HttpResponse(UNAVAILABLE, status=503, content_type="text/plain", headers=headers)
    return server_error(request)
