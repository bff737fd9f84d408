"""Judges calls of an Api by the tenant's access policies, as a resource server asks.

Source: OpenID AuthZEN Authorization API 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tenants import snapshot
from tenants.policy import decide_access
from tenants.queries.subjects import find_subjects
from tenants.records import ACCESS, AccessRequest
from tokens.evaluation_requests import Evaluation, MalformedEvaluation, Semantic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tenants.records import ApiRecord, ClientRecord, Decision, SubjectRecord, TenantSnapshot
    from tokens.parameters import EndpointRequest

    FindClient = Callable[[TenantSnapshot, str], ClientRecord | None]

# The types of AuthZEN entities that stand for something of the tenant.
API: Final = "api"
CLIENT: Final = "client"
USER: Final = "user"


@dataclass(frozen=True, slots=True)
class Judged:
    """An evaluation's outcome; what could not be judged has no decision but an HTTP status."""

    asked: AccessRequest | None = None
    decision: Decision | None = None
    status: int = HTTPStatus.OK
    message: str = ""

    @property
    def is_allowed(self) -> bool:
        """Whether the call may go on; an error closes it. Source: section 7.2.1."""
        return self.decision is not None and self.decision.is_allowed


class NotJudged(Exception):
    """An evaluation asks about what the caller may not ask about; status and text are public."""

    def __init__(self, status: int, message: str) -> None:
        """Keep what to answer."""
        super().__init__(message)
        self.status = status
        self.message = message


def judge(
    items: Sequence[Evaluation | MalformedEvaluation],
    semantic: Semantic,
    *,
    caller: ClientRecord,
    request: EndpointRequest,
) -> list[Judged]:
    """Judge evaluations in order until the semantic stops; one statement reads all subjects."""
    subjects = find_subjects(request.tenant.id, name_subjects(items))
    outcomes: list[Judged] = []
    for item in items:
        outcome = _judge_one(item, caller, request, subjects)
        outcomes.append(outcome)
        if _is_last(semantic, is_allowed=outcome.is_allowed):
            break
    return outcomes


def _is_last(semantic: Semantic, *, is_allowed: bool) -> bool:
    """Say whether this outcome ends the batch. Source: section 7.1.2.1."""
    if semantic is Semantic.DENY_ON_FIRST_DENY:
        return not is_allowed
    return semantic is Semantic.PERMIT_ON_FIRST_PERMIT and is_allowed


def _judge_one(
    item: Evaluation | MalformedEvaluation,
    caller: ClientRecord,
    request: EndpointRequest,
    subjects: Mapping[UUID, SubjectRecord],
) -> Judged:
    if isinstance(item, MalformedEvaluation):
        return Judged(status=HTTPStatus.BAD_REQUEST, message=str(item))
    try:
        asked = request_access(item, caller, request, subjects=subjects)
    except NotJudged as refused:
        return Judged(status=refused.status, message=refused.message)
    return Judged(asked, decide_access(asked, request.tenant))


def _find_current(tenant: TenantSnapshot, client_id: str) -> ClientRecord | None:
    return snapshot.CURRENT.client(tenant, client_id)


def request_access(
    evaluation: Evaluation,
    caller: ClientRecord,
    request: EndpointRequest,
    *,
    subjects: Mapping[UUID, SubjectRecord],
    find_client: FindClient = _find_current,
) -> AccessRequest:
    """Say for whom and for what is asked.

    The subject is one of ours where it is a `user` by its id here, the client another's where it
    is a `client`; the resource selects an Api where it is an `api`, and the action then a scope.
    A client is held to its own scopes, as at the token endpoint.

    Raises:
        NotJudged: it is about another client, which only its resource server may ask about.
    """
    tenant = request.tenant
    api = _find_api(evaluation, tenant)
    is_api = evaluation.text("resource", "type") == API
    audience = api.audience if api else evaluation.text("resource", "id")
    subject = subjects.get(_user_id(evaluation) or caller.id)
    client = caller
    scope_ceiling = None
    if evaluation.text("subject", "type") == CLIENT:
        name = evaluation.text("subject", "id")
        if name != caller.client_id:
            _require_resource_server(caller, tenant, api)
            client = _require_client(tenant, name, find_client)
        scope_ceiling = _scopes_of(client, tenant)
    return AccessRequest(
        grant_type="",
        client=client,
        subject=subject,
        requested_scopes=_find_scopes(evaluation, tenant, api),
        requested_audiences=(audience,) if is_api else (),
        scope_ceiling=scope_ceiling,
        address=request.address,
        user_agent=request.user_agent,
        operation=ACCESS,
        groups=subject.groups if subject else None,
        method=request.method,
        headers=request.headers,
        now=request.now,
        caller=caller,
        action=evaluation.action,
        resource=evaluation.resource,
        context=evaluation.context,
        access_subject=evaluation.subject,
    )


def _find_api(evaluation: Evaluation, tenant: TenantSnapshot) -> ApiRecord | None:
    if evaluation.text("resource", "type") != API:
        return None
    name = evaluation.text("resource", "id")
    return tenant.apis_by_audience.get(name) or tenant.apis_by_slug.get(name)


def _find_scopes(
    evaluation: Evaluation, tenant: TenantSnapshot, api: ApiRecord | None
) -> tuple[str, ...] | None:
    """Take an action for a scope where the Api that is asked about has one of this name."""
    scope = tenant.scopes.get(evaluation.text("action", "name"))
    if api is None or scope is None or scope.api_id != api.id:
        return None
    return (scope.name,)


def _require_resource_server(
    caller: ClientRecord, tenant: TenantSnapshot, api: ApiRecord | None
) -> None:
    served: Iterable[ApiRecord] = [api] if api else tenant.apis.values()
    if not any(caller.id in each.resource_server_ids for each in served):
        text = "Only a resource server of the Api may ask about another client."
        raise NotJudged(HTTPStatus.FORBIDDEN, text)


def _require_client(
    tenant: TenantSnapshot, client_id: str, find_client: FindClient
) -> ClientRecord:
    client = find_client(tenant, client_id) if "\x00" not in client_id else None
    if client is None:
        raise NotJudged(HTTPStatus.NOT_FOUND, "This tenant has no such client.")
    return client


def _scopes_of(client: ClientRecord, tenant: TenantSnapshot) -> frozenset[str]:
    return frozenset(name for name, s in tenant.scopes.items() if s.id in client.scope_ids)


def name_subjects(items: Iterable[Evaluation | MalformedEvaluation]) -> set[UUID]:
    """Name the end users of the tenant about whom is asked."""
    ids = (_user_id(item) for item in items if isinstance(item, Evaluation))
    return {found for found in ids if found is not None}


def _user_id(evaluation: Evaluation) -> UUID | None:
    """Read the id of a subject of ours; a resource server may know its users by other names."""
    if evaluation.text("subject", "type") != USER:
        return None
    try:
        return UUID(evaluation.text("subject", "id"))
    except ValueError:
        return None
