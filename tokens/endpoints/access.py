"""The policy decision point of a tenant. Source: OpenID AuthZEN Authorization API 1.0."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from tenants import snapshot
from tenants.policy import DESCRIPTIONS, Reason
from tokens import error_handler, gate, limits
from tokens.access_evaluations import Judged, judge
from tokens.answers import NO_STORE, Answer
from tokens.client_authentication import authenticate, require_confidential
from tokens.endpoints.view import EndpointView
from tokens.errors import (
    AccessDenied,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    TokenMissing,
)
from tokens.evaluation_requests import (
    MalformedEvaluation,
    Semantic,
    read_batch,
    read_evaluation,
)
from tokens.parameters import JSON_TYPE, Parameters, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from tenants.records import JSON, ClientRecord, TenantSnapshot
    from tokens.parameters import EndpointRequest

# Source: RFC 6750 section 2.1.
_BEARER: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
# What may be sent back as a header: no control characters. Source: RFC 9110 section 5.5.
_REQUEST_ID: Final = re.compile(r"[\x20-\x7e]{1,255}")
MISSING: Final = "Send a bearer token of this tenant, or authenticate the client by HTTP Basic."
NOT_ACCEPTED: Final = "The token is malformed, expired, revoked, or not of this issuer."
NOT_A_CLIENT: Final = "Tokens of end users are no good here; a client must ask for its own."


def answer_evaluation(request: EndpointRequest) -> Answer:
    """Say who asks, read the question, judge it. Source: sections 6.1 and 6.2."""
    caller = authenticate_caller(request)
    return _answer_one(request, caller)


def answer_evaluations(request: EndpointRequest) -> Answer:
    """Judge several questions; without any, one as above. Source: sections 7.1 and 7.2."""
    caller = authenticate_caller(request)
    try:
        batch = read_batch(request.parameters.document)
    except MalformedEvaluation as error:
        raise InvalidRequest(str(error)) from error
    if batch is None:
        return _answer_one(request, caller)
    outcomes = judge(batch.items, batch.semantic, caller=caller, request=request)
    written: list[JSON] = [_write(outcome, request) for outcome in outcomes]
    return Answer({"evaluations": written}, headers=_record(outcomes, request))


def _answer_one(request: EndpointRequest, caller: ClientRecord) -> Answer:
    try:
        evaluation = read_evaluation(request.parameters.document)
    except MalformedEvaluation as error:
        raise InvalidRequest(str(error)) from error
    outcomes = judge([evaluation], Semantic.EXECUTE_ALL, caller=caller, request=request)
    return Answer(_write(outcomes[0], request), headers=_record(outcomes, request))


def authenticate_caller(request: EndpointRequest) -> ClientRecord:
    """Find the client that asks, by its own token or its credentials.

    Raises:
        InvalidToken: the token is none of this tenant's, or its client may not act any more.
        InsufficientScope: the token is an end user's.
        InvalidClient: the credentials are wrong.
        RateLimited: the caller sends too many requests, or failed too often.
    """
    if not request.authorization:
        raise TokenMissing(MISSING)
    if request.authorization[:6].lower() != "bearer":
        client = authenticate(request)
        require_confidential(client)
        return client
    match = _BEARER.fullmatch(request.authorization.strip())
    if match is None:
        raise InvalidToken(NOT_ACCEPTED)
    with limits.watch_token(request.tenant, match[1], request.address):
        return _find_token_client(request, match[1])


def _find_token_client(request: EndpointRequest, text: str) -> ClientRecord:
    token = gate.accept(request.tenant, text)
    if token is None:
        raise InvalidToken(NOT_ACCEPTED)
    limits.admit_token(request.tenant, token, request.address)
    if token.subject_id is not None:
        raise InsufficientScope(NOT_A_CLIENT)
    found = snapshot.CURRENT.client(request.tenant, token.client_id)
    if found is None or found.id != token.client or not found.is_enabled:
        raise InvalidToken(NOT_ACCEPTED)
    return found


def _write(outcome: Judged, request: EndpointRequest) -> dict[str, JSON]:
    """Write a decision; a denial says why, and where its trace is. Source: section 5.5."""
    if outcome.is_allowed:
        return {"decision": True}
    if outcome.decision is None:
        error: JSON = {"status": int(outcome.status), "message": outcome.message}
        return {"decision": False, "context": {"error": error, "request_id": request.request_id}}
    reason = outcome.decision.refusal.reason
    context: JSON = {
        "reason": str(reason),
        "reason_admin": {"en": DESCRIPTIONS[Reason(reason)]},
        "request_id": request.request_id,
    }
    return {"decision": False, "context": context}


def _record(outcomes: Iterable[Judged], request: EndpointRequest) -> dict[str, str]:
    """Record the first denial; the others of a batch would have the same request id."""
    denied = next((o for o in outcomes if o.decision and not o.is_allowed), None)
    if denied is None or denied.decision is None:
        return dict(NO_STORE)
    reason = Reason(denied.decision.refusal.reason)
    error = AccessDenied(DESCRIPTIONS[reason], asked=denied.asked, decision=denied.decision)
    kept = error_handler.record_refusal(error, request, operation=AccessView.operation)
    return {**NO_STORE, **kept}


class AccessView(EndpointView):
    """What both endpoints share: a JSON body, and the caller's own request id in the answer."""

    operation: ClassVar[str] = "evaluation"
    http_method_names = ["post", "options"]

    def dispatch(self, request: HttpRequest, *args: object, **named: object) -> HttpResponseBase:
        """Answer with the identifier that the caller has sent. Source: section 10.1.3."""
        response = super().dispatch(request, *args, **named)
        stated = request.META.get("HTTP_X_REQUEST_ID", "")
        if _REQUEST_ID.fullmatch(stated):
            response.headers["X-Request-Id"] = stated
        return response

    def refuse(self, error: Exception, request: EndpointRequest) -> Answer:
        """Name our own identifier in the body: in the header stands the caller's."""
        answer = super().refuse(error, request)
        return replace(answer, body={**(answer.body or {}), "request_id": request.request_id})

    def read_parameters(
        self, body: bytes, content_type: str, _tenant: TenantSnapshot
    ) -> Parameters:
        """Read the JSON object, which has no parameters. Source: section 10.1."""
        if content_type.partition(";")[0].strip().lower() != JSON_TYPE:
            raise InvalidRequest(f"Send the body as {JSON_TYPE}.")
        return Parameters(document=read_document(body))


class EvaluationView(AccessView):
    """`/access/v1/evaluation`."""

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_evaluation(request)


class EvaluationsView(AccessView):
    """`/access/v1/evaluations`."""

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_evaluations(request)
