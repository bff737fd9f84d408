"""Maps every error to its answer: the only place where an error reply is built."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.db import InterfaceError, OperationalError

from tenants import snapshot
from tenants.errors import CredentialCheckBusy, SnapshotUnconfirmed
from tokens import refusals
from tokens.answers import NO_STORE, Answer
from tokens.client_authentication import PresentedCredentials, present
from tokens.errors import (
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidClient,
    InvalidToken,
    OAuthError,
    QueryRefused,
    QuotaExceeded,
    RateLimited,
    ServiceUnavailable,
    TokenMissing,
)
from tokens.refusal_traces import Refused, redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON
    from tokens.parameters import EndpointRequest

logger = logging.getLogger(__name__)
# Source: RFC 6749 section 5.2: what an error_description may not contain.
_FORBIDDEN: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
UNAVAILABLE: Final = "The service can't answer right now; try again after a second."
UNEXPECTED: Final = "Something went wrong here."
TRACE_HEADER: Final = "X-Refusal-Trace"
KEPT: Final = "kept"
COUNTED: Final = "counted"
_PASSING: Final = (SnapshotUnconfirmed, CredentialCheckBusy, OperationalError, InterfaceError)


def answer_refusal(error: Exception, request: EndpointRequest, *, operation: str) -> Answer:
    """Answer what a tenant's endpoint refused, and record it; a header says if a trace is kept.

    A fault of ours is no refusal and only logged; nor is it one to wait for a person.
    """
    error = _translate(error)
    answer = answer_error(error, issuer=request.tenant.issuer)
    if not isinstance(error, OAuthError) or not error.is_refusal:
        return answer
    recorded = record_refusal(error, request, operation=operation)
    return replace(answer, headers={**answer.headers, **recorded})


def record_refusal(
    error: OAuthError, request: EndpointRequest, *, operation: str
) -> dict[str, str]:
    """Record a refusal, and answer the header that says if a trace is kept."""
    is_kept = refusals.record(partial(_describe, error, request, operation))
    return {TRACE_HEADER: KEPT if is_kept else COUNTED}


def answer_error(error: Exception, *, issuer: str = "") -> Answer:
    """Answer an error in the standard's form; `issuer` names the realm of a challenge."""
    error = _translate(error)
    if not isinstance(error, OAuthError):
        logger.error("unexpected error", exc_info=error)
        return _answer("server_error", UNEXPECTED, 500, NO_STORE)
    logger.info("refused: %s %s", error.error, redact(error.detail or error.description))
    headers = {**NO_STORE, **_challenge(error, issuer), **_retry(error)}
    return _answer(error.error, error.description, error.status, headers)


def describe_for_graphql(error: Exception) -> dict[str, JSON]:
    """Describe an error as GraphQL does. Source: GraphQL specification section 7.1.2."""
    error = _translate(error)
    if not isinstance(error, OAuthError):
        return {"message": UNEXPECTED, "extensions": {"code": "SERVER_ERROR"}}
    code = error.code if isinstance(error, QueryRefused) else error.error.upper()
    message = _FORBIDDEN.sub("'", error.description)
    return {"message": message, "extensions": {"code": code}}


def _translate(error: Exception) -> Exception:
    """Name an error that will pass as the standard does."""
    if isinstance(error, _PASSING):
        return ServiceUnavailable(UNAVAILABLE, detail=f"{type(error).__name__}: {error}")
    return error


def _describe(error: OAuthError, request: EndpointRequest, operation: str) -> Refused:
    """Describe a refusal as far as the request was read; nothing is read from the database."""
    try:
        presented = present(request)
    except OAuthError:
        presented = PresentedCredentials(request.parameters.get("client_id"), "")
    client = error.asked.client if error.asked else None
    return Refused(
        error,
        request,
        operation,
        client_record=client or snapshot.CURRENT.held_client(request.tenant, presented.client_id),
        presented_client_id=client.client_id if client else presented.client_id,
        authentication_method=presented.method,
        secrets=(presented.secret, presented.assertion),
    )


def _answer(code: str, description: str, status: int, headers: Mapping[str, str]) -> Answer:
    body = {"error": code, "error_description": _FORBIDDEN.sub("'", description)}
    return Answer(body, HTTPStatus(status), headers)


def _challenge(error: OAuthError, issuer: str) -> dict[str, str]:
    """Write the challenge. Source: RFC 6749 section 5.2, RFC 6750 section 3, RFC 9470 section 3."""
    match error:
        case InvalidClient() if error.tried_basic:
            return {"WWW-Authenticate": f'Basic realm="{issuer}", charset="UTF-8"'}
        case TokenMissing():
            return {"WWW-Authenticate": f'Bearer realm="{issuer}"'}
        case InvalidToken() | InsufficientScope():
            return {"WWW-Authenticate": _bearer_challenge(error, issuer)}
        case InsufficientUserAuthentication():
            challenge = f'{_bearer_challenge(error, issuer)}, acr_values="{error.acr_values}"'
            return {"WWW-Authenticate": challenge}
        case _:
            return {}


def _bearer_challenge(error: OAuthError, issuer: str) -> str:
    text = _FORBIDDEN.sub("'", error.description)
    return f'Bearer realm="{issuer}", error="{error.error}", error_description="{text}"'


def _retry(error: OAuthError) -> dict[str, str]:
    if isinstance(error, ServiceUnavailable | QuotaExceeded | RateLimited):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {}
