"""Tries an unsaved access policy on a request, beside the live configuration; writes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tenants.errors import InvalidEntity
from tenants.policy import decide, decide_access
from tenants.queries.client_core import read_client
from tenants.queries.refused_requests import ask_access, find_refused_request
from tenants.queries.subjects import find_subjects
from tenants.queries.tenant_core import build_policy
from tenants.records import ACCESS, INTROSPECTION, NOTHING, AccessRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import Model

    from tenants.models import AccessPolicy
    from tenants.records import (
        JSON,
        ClientRecord,
        Decision,
        PolicyRecord,
        SubjectRecord,
        TenantSnapshot,
    )

LINKS: Final = ("clients", "apis", "scopes", "subjects", "groups", "trust_profiles")
# What a record has in place of the key of what it links to.
NAMES: Final = {"scopes": "name", "groups": "slug"}
COLUMNS: Final = (
    *("slug", "effect", "engine", "rule", "mode", "client_kinds", "operations"),
    *("limit_scopes", "limit_lifetime_seconds", "limit_audiences"),
)
NOT_KEPT: Final = (
    "No trace of a refused token request, introspection or access evaluation is kept under this id."
)


@dataclass(frozen=True, slots=True)
class Question:
    """A request to try: built of its parts, or one that was refused under `request_id`.

    `entities` are those of an access evaluation.
    """

    client_id: str = ""
    operation: str = ""
    scopes: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    subject: str = ""
    request_id: str = ""
    entities: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the edited policy changes; an empty text stands for nothing."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A request, judged by the live configuration and by the one with the edited policy."""

    request: AccessRequest
    live: Decision
    edited: Decision
    differences: tuple[Difference, ...]


def try_policy(
    tenant: TenantSnapshot,
    question: Question,
    policy: AccessPolicy,
    links: Mapping[str, Iterable[Model]],
) -> Trial:
    """Judge a request twice: as things are, and as if the policy were saved.

    Links that are not given are the stored ones.

    Raises:
        InvalidEntity: naming the part of the question that this tenant doesn't know.
    """
    request = ask(tenant, question)
    others = tuple(each for each in tenant.policies if each.id != policy.pk)
    own = (build_record(policy, links, tenant.version),) if policy.is_enabled else ()
    edited = replace(tenant, policies=(*others, *own))
    before, after = _decide(request, tenant), _decide(request, edited)
    return Trial(request, before, after, compare(before, after))


def build_record(
    policy: AccessPolicy, links: Mapping[str, Iterable[Model]], version: int
) -> PolicyRecord:
    """Build the record of a policy that may not be stored, as the snapshot would."""
    row = {name: _list_targets(policy, links, name) for name in LINKS}
    columns = {name: getattr(policy, name) for name in COLUMNS}
    return build_policy({"policy": {"id": str(policy.pk), **columns}, **row}, version)


def _list_targets(
    policy: AccessPolicy, links: Mapping[str, Iterable[Model]], name: str
) -> list[str]:
    is_new = policy._state.adding  # noqa: SLF001 - Django's documented way to ask this.
    stored: Iterable[Model] = () if is_new else getattr(policy, name).all()
    return [str(getattr(target, NAMES.get(name, "pk"))) for target in links.get(name, stored)]


def ask(tenant: TenantSnapshot, question: Question) -> AccessRequest:
    """Build the request that a question describes.

    Raises:
        InvalidEntity: naming the part that this tenant doesn't know.
    """
    if question.request_id:
        request = find_refused_request(tenant, question.request_id, question.entities)
        if request is None:
            raise InvalidEntity({"request_id": [NOT_KEPT]})
        return request
    client = _find_client(tenant, question.client_id)
    subject = _find_subject(tenant, question.subject)
    if question.entities:
        return _ask_access(tenant, client, question)
    is_token = question.operation not in {ACCESS, INTROSPECTION}
    return AccessRequest(
        grant_type=question.operation if is_token else "",
        client=client,
        subject=subject,
        requested_scopes=question.scopes or None,
        requested_audiences=question.audiences or _audiences_of(tenant, question),
        operation="" if is_token else question.operation,
        groups=subject.groups if subject else None,
        method="POST",
        now=time.time(),
        caller=client if question.operation == ACCESS else None,
    )


def _ask_access(tenant: TenantSnapshot, caller: ClientRecord, question: Question) -> AccessRequest:
    """Ask as the decision point is asked; a subject, scopes and audiences may stand beside."""
    if question.operation != ACCESS:
        text = "Only an access evaluation has these; choose that operation, or leave this empty."
        raise InvalidEntity({"access": [text]})
    entities = dict(question.entities)
    if question.subject:
        entities.setdefault("subject", {"type": "user", "id": question.subject})
    request = ask_access(tenant, caller, entities)
    return replace(
        request,
        requested_scopes=question.scopes or request.requested_scopes,
        requested_audiences=question.audiences or request.requested_audiences,
    )


def _find_client(tenant: TenantSnapshot, client_id: str) -> ClientRecord:
    client = read_client(tenant.id, client_id) if client_id else None
    if client is None:
        raise InvalidEntity({"client_id": ["This tenant has no such client."]})
    return client


def _find_subject(tenant: TenantSnapshot, text: str) -> SubjectRecord | None:
    if not text:
        return None
    try:
        subject_id = UUID(text)
    except ValueError:
        raise InvalidEntity({"subject": ["A subject is named by its id, a UUID."]}) from None
    subject = find_subjects(tenant.id, [subject_id]).get(subject_id)
    if subject is None:
        raise InvalidEntity({"subject": ["This tenant has no such subject."]})
    return subject


def _audiences_of(tenant: TenantSnapshot, question: Question) -> tuple[str, ...]:
    """Name the audiences of an introspected token, which a token always has."""
    if question.operation != INTROSPECTION:
        return ()
    scopes = (tenant.scopes[name] for name in question.scopes if name in tenant.scopes)
    return tuple(dict.fromkeys(tenant.apis[scope.api_id].audience for scope in scopes))


def _decide(request: AccessRequest, tenant: TenantSnapshot) -> Decision:
    return (decide_access if request.operation else decide)(request, tenant)


def compare(before: Decision, after: Decision) -> tuple[Difference, ...]:
    """List what differs between two decisions, policies by their slugs."""
    old, new = _list_facts(before), _list_facts(after)
    return tuple(
        Difference(what, old.get(what, ""), new.get(what, ""))
        for what in dict.fromkeys((*old, *new))
        if old.get(what) != new.get(what)
    )


def _list_facts(decision: Decision) -> dict[str, str]:
    settings = decision.settings if decision.is_allowed else None
    facts = {
        "decision": "allowed" if decision.is_allowed else "refused",
        "reason": "" if decision.is_allowed else str(decision.refusal.reason),
        "scopes": " ".join(decision.granted_scopes),
        "audiences": " ".join(api.audience for api in decision.apis),
        "access token lifetime": f"{settings.access_token_lifetime_seconds} s" if settings else "",
    }
    for policy in decision.policies:
        effect = "applied" if policy.is_applied else "no effect"
        facts[f"policy {policy.slug}"] = (
            f"{policy.effect} ({policy.mode}): {policy.verdict}, {effect}"
        )
    return {what: text for what, text in facts.items() if text}


def split_names(text: str) -> Sequence[str]:
    """Take names apart that stand with spaces between them."""
    return tuple(dict.fromkeys(text.split()))
