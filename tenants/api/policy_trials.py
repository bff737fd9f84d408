"""Tries a policy before it is saved: the same as the admin's test panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from tenants.api import openapi
from tenants.api.document import Document, read_body
from tenants.api.fields import Choice, ScopeText, Text
from tenants.api.links import split_links
from tenants.api.policies import SCOPES
from tenants.api.policy_document import PolicyDocument
from tenants.api.view import TenantView, caller_of, in_console
from tenants.errors import NotFound
from tenants.models import AccessPolicy
from tenants.models.access_policy import OperationChoice
from tenants.policy_engines import lint
from tenants.queries.managed_policies import LINKS, POLICIES
from tenants.queries.policy_trials import Question, split_names, try_policy
from tenants.queries.tenant_core import read_core

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rest_framework.request import Request

    from tenants.queries.policy_trials import Trial
    from tenants.records import JSON, Decision, TenantSnapshot


@extend_schema_field(OpenApiTypes.OBJECT)
class Entities(serializers.JSONField):
    """The subject, action, resource and context of an access evaluation."""

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401 - what the caller sent.
        """Refuse what is no object."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Write an object.")
        return data


class EditedPolicyDocument(PolicyDocument):
    """A policy that is not saved; of a stored one, what is left out stays as it is."""

    slug = Text(max_length=63, required=False)  # A policy may be tried before it has a name.


class QuestionDocument(Document[Any]):
    """The request to try: of a client, or one that was refused."""

    client_id = Text(max_length=255, required=False)
    operation = Choice(choices=OperationChoice.choices, required=False)
    scope = ScopeText(required=False)
    audience = Text(
        max_length=4096, allow_blank=True, required=False, help_text="Spaces between several."
    )
    subject = serializers.UUIDField(required=False)
    access = Entities(required=False)
    request_id = Text(
        max_length=64,
        required=False,
        help_text="The X-Request-Id of a refused token request, introspection or evaluation.",
    )


class PolicyTrialDocument(Document[Any]):
    """A policy to try, stored, edited or new, and the request to try it on."""

    policy_id = serializers.UUIDField(required=False, help_text="The stored policy, if any.")
    policy = EditedPolicyDocument(required=False)
    request = QuestionDocument()


class DecisionDocument(serializers.Serializer[Any]):
    """A decision with its ordered checks and what each policy said."""

    is_allowed = serializers.BooleanField()
    reason = serializers.CharField()
    checks = serializers.ListField(child=serializers.DictField())
    policies = serializers.ListField(child=serializers.DictField())
    scopes = serializers.ListField(child=serializers.CharField())
    audiences = serializers.ListField(child=serializers.CharField())
    access_token_lifetime_seconds = serializers.IntegerField(allow_null=True)


class PolicyTrialAnswerDocument(serializers.Serializer[Any]):
    """What the linter says, both decisions, and what differs between them."""

    findings = serializers.ListField(child=serializers.DictField())
    live = DecisionDocument()
    edited = DecisionDocument()
    differences = serializers.ListField(child=serializers.DictField())


class PolicyTrialView(TenantView):
    """Tries a policy on a request; nothing is written, so reading is all that it needs."""

    scopes: ClassVar[Mapping[str, str]] = {"read": SCOPES["read"], "write": SCOPES["read"]}

    @extend_schema(
        operation_id="test_policy",
        request=PolicyTrialDocument,
        responses=openapi.answers(200, PolicyTrialAnswerDocument, 404, *openapi.BODY),
    )
    @in_console
    def post(self, request: Request, **_path: str) -> Response:
        """Judge a request by the live configuration and by the edited, unsaved policy."""
        caller = caller_of(request)
        values = read_body(request, PolicyTrialDocument)
        return Response(judge(_read_tenant(caller.tenant.path), values))


def judge(tenant: TenantSnapshot, values: Mapping[str, Any]) -> dict[str, JSON]:
    """Judge a validated document's request by the live configuration and by its policy.

    Raises:
        NotFound: the tenant has no such policy.
        InvalidEntity: naming what is wrong with the policy or the request.
    """
    policy = _find_policy(tenant.id, values.get("policy_id"))
    own, links = split_links(tenant.id, LINKS, values.get("policy", {}))
    for name, value in own.items():
        setattr(policy, name, value)
    trial = try_policy(tenant, _read_question(values["request"]), policy, links)
    return _describe(policy, trial)


def _read_tenant(path: str) -> TenantSnapshot:
    core = read_core(path, base_url=settings.TENANTS_BASE_URL)
    if core is None:
        raise NotFound("no such tenant")
    return core


def _find_policy(tenant_id: UUID, policy_id: UUID | None) -> AccessPolicy:
    if policy_id is None:
        return AccessPolicy(tenant_id=tenant_id, slug="edited")
    return POLICIES.get(tenant_id, policy_id)


def _read_question(values: Mapping[str, Any]) -> Question:
    return Question(
        client_id=values.get("client_id", ""),
        operation=values.get("operation", OperationChoice.CLIENT_CREDENTIALS.value),
        scopes=tuple(values.get("scope", ())),
        audiences=tuple(split_names(values.get("audience", ""))),
        subject=str(values.get("subject", "")),
        request_id=values.get("request_id", ""),
        entities=values.get("access", {}),
    )


def _describe(policy: AccessPolicy, trial: Trial) -> dict[str, JSON]:
    findings = lint(policy.effect, policy.engine, policy.rule)
    return {
        "findings": [
            {"path": f.path, "message": f.message, "severity": str(f.severity)} for f in findings
        ],
        "live": _describe_decision(trial.live),
        "edited": _describe_decision(trial.edited),
        "differences": [
            {"what": each.what, "before": each.before, "after": each.after}
            for each in trial.differences
        ],
    }


def _describe_decision(decision: Decision) -> dict[str, JSON]:
    own = decision.settings if decision.is_allowed else None
    return {
        "is_allowed": decision.is_allowed,
        "reason": "" if decision.is_allowed else str(decision.refusal.reason),
        "checks": [
            {"name": c.name, "passed": c.passed, "reason": str(c.reason), "detail": c.detail}
            for c in decision.checks
        ],
        "policies": [
            {
                "slug": p.slug,
                "effect": p.effect,
                "mode": p.mode,
                "verdict": str(p.verdict),
                "is_applied": p.is_applied,
            }
            for p in decision.policies
        ],
        "scopes": [*decision.granted_scopes],
        "audiences": [api.audience for api in decision.apis],
        "access_token_lifetime_seconds": own.access_token_lifetime_seconds if own else None,
    }
