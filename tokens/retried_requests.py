"""Asks again what was refused, or what a resource server would ask, so that policies can be tried.

Everything that is still known is looked up anew: whether a subject is enabled, what a client may.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tenants.errors import InvalidEntity
from tenants.queries.client_core import read_client
from tenants.queries.subjects import find_subjects
from tenants.records import INTROSPECTION
from tokens.access_evaluations import NotJudged, name_subjects, request_access
from tokens.evaluation_requests import REQUIRED, MalformedEvaluation, read_evaluation
from tokens.explain import explain_request_id, request_of
from tokens.parameters import JSON_TYPE, EndpointRequest, Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON, AccessRequest, ClientRecord, TenantSnapshot
    from tokens.models import Refusal

    Members = Mapping[str, JSON]

TOKEN_OPERATION: Final = "token"  # noqa: S105 - the name of an operation, no secret.
# A person's browser asks for the same as the token request that would have followed.
AUTHORIZE_OPERATION: Final = "authorize"
INTROSPECT_OPERATION: Final = "introspect"


def find_refused_request(
    tenant: TenantSnapshot, request_id: str, entities: Members
) -> AccessRequest | None:
    """Ask again what was refused, as far as its trace keeps it; None where there is none.

    Of a foreign token's claims, and of an evaluation's properties and context, traces have names
    only; `entities` adds the latter.

    Raises:
        InvalidEntity: what is added is no part of such a request.
    """
    refusal = explain_request_id(tenant.id, request_id)
    if refusal is None:
        return None
    asked: Mapping[str, Any] = refusal.trace.get("request", {})
    if isinstance(asked.get("evaluation"), dict):
        return _ask_evaluation_again(tenant, refusal, asked, entities)
    if entities:
        text = "The refused request is no access evaluation; leave this empty."
        raise InvalidEntity({"access": [text]})
    return _ask_token_again(tenant, refusal, asked)


def ask_access(tenant: TenantSnapshot, caller: ClientRecord, entities: Members) -> AccessRequest:
    """Ask as a resource server would, by the entities of an evaluation.

    Raises:
        InvalidEntity: the decision point would refuse to judge this.
    """
    now = time.time()
    return _judge_by(EndpointRequest(tenant, Parameters(), now, 0), caller, entities)


def _ask_evaluation_again(
    tenant: TenantSnapshot, refusal: Refusal, asked: Mapping[str, Any], entities: Members
) -> AccessRequest | None:
    caller = read_client(tenant.id, asked.get("caller", ""))
    if caller is None:
        return None
    circumstances = EndpointRequest(
        tenant,
        Parameters(),
        refusal.occurred_at.timestamp(),
        0,
        address=refusal.address,
        user_agent=asked.get("user_agent", ""),
        headers={"content-type": JSON_TYPE},
    )
    return _judge_by(circumstances, caller, _complete(asked["evaluation"], entities))


def _complete(kept: Mapping[str, Any], entities: Members) -> Members:
    """Add what was stated now to what the trace has kept; properties are never kept."""
    complete = dict(entities)
    for name, required in REQUIRED.items():
        found = kept.get(name, {})
        stated = entities.get(name, {})
        if isinstance(stated, dict):
            complete[name] = {key: found[key] for key in required if key in found} | stated
    return complete


def _judge_by(
    circumstances: EndpointRequest, caller: ClientRecord, entities: Members
) -> AccessRequest:
    """Build the request that the decision point would judge, with everything as it is stored."""
    tenant = circumstances.tenant
    try:
        evaluation = read_evaluation(entities)
        subjects = find_subjects(tenant.id, name_subjects([evaluation]))
        return request_access(
            evaluation, caller, circumstances, subjects=subjects, find_client=_find_stored
        )
    except MalformedEvaluation as error:
        raise InvalidEntity({"access": [str(error)]}) from error
    except NotJudged as refused:
        raise InvalidEntity({"access": [refused.message]}) from refused


def _find_stored(tenant: TenantSnapshot, client_id: str) -> ClientRecord | None:
    return read_client(tenant.id, client_id)


def _ask_token_again(
    tenant: TenantSnapshot, refusal: Refusal, asked: Mapping[str, Any]
) -> AccessRequest | None:
    """Ask for the token again, or about it where a policy has hidden it from an introspection."""
    client = read_client(tenant.id, refusal.presented_client_id)
    if client is None or not refusal.grant_type:
        return None
    request = request_of(refusal, client)
    if refusal.operation in {TOKEN_OPERATION, AUTHORIZE_OPERATION}:
        return _with_live_subject(tenant, request)
    caller = read_client(tenant.id, asked["caller"]) if asked.get("caller") else None
    if refusal.operation != INTROSPECT_OPERATION or caller is None:
        return None
    return replace(request, operation=INTROSPECTION, caller=caller)


def _with_live_subject(tenant: TenantSnapshot, request: AccessRequest) -> AccessRequest:
    """Let a subject that is disabled still be so; one that is gone counts as it was."""
    if request.subject is None:
        return request
    found = find_subjects(tenant.id, [request.subject.id]).get(request.subject.id)
    return replace(request, subject=found) if found else request
