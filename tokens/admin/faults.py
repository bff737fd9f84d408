"""Names what to look at when a request was refused: the policy, client, Api or level at fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.urls import reverse

from tenants.models import AccessPolicy, Api
from tenants.records import ACCESS
from tenants.refusal_reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokens.models import Refusal

OF_CLIENT: Final = frozenset(
    {
        *(Reason.CLIENT_DISABLED, Reason.GRANT_NOT_OF_CLIENT, Reason.SCOPE_MISSING),
        *(Reason.SCOPE_NOT_OF_CLIENT, Reason.NO_SCOPE_LEFT, Reason.REFRESH_DISABLED),
        *("invalid_client", "unauthorized_client"),
    }
)
OF_POLICIES: Final = frozenset(
    {
        *(Reason.POLICY_DENIED, Reason.POLICY_DENIED_SCOPE, Reason.POLICY_DENIED_AUDIENCE),
        *(Reason.LIMITS_LEAVE_NO_SCOPE, Reason.LIMITS_LEAVE_NO_AUDIENCE),
    }
)
UNCOVERED: Final = frozenset(
    {Reason.NO_POLICY_ALLOWS, Reason.NO_POLICY_ALLOWS_SCOPE, Reason.NO_POLICY_ALLOWS_AUDIENCE}
)
OF_APIS: Final = frozenset({Reason.API_DISABLED, Reason.APIS_DISAGREE, Reason.ONE_API_ONLY})
OF_ENVIRONMENT: Final = frozenset({Reason.GRANT_NOT_ALLOWED_HERE, Reason.ALGORITHM_NOT_ALLOWED})
OF_TENANT: Final = frozenset({Reason.TENANT_DISABLED, Reason.CLAIM_PROFILE_UNKNOWN})
MAX_NAMED: Final = 10
PANEL: Final = "admin:tenants_accesspolicy_test"
EVALUATION_OPERATION: Final = "evaluation"


@dataclass(frozen=True, slots=True)
class Fault:
    """A page where the cause of a refusal can be seen and mended."""

    title: str
    address: str


def find_faults(refusal: Refusal) -> tuple[Fault, ...]:
    """List the pages to look at, the likeliest first; at most one statement."""
    reason, detail = refusal.reason, _failed_detail(refusal)
    if reason in OF_POLICIES:
        rows = _find_policies(refusal, detail.split())
        trials = [_try_policy(refusal, row) for row in rows[:1]]
        return (*map(_name_policy, rows), *trials)
    if reason in UNCOVERED:
        rows = _find_policies(refusal, _asked_policies(refusal))
        return (*map(_name_policy, rows), _offer_policy(refusal), _try_policy(refusal, None))
    if reason in OF_CLIENT and refusal.client_id:
        title = f"Client {refusal.presented_client_id}"
        return (Fault(title, reverse("admin:tenants_client_change", args=[refusal.client_id])),)
    if reason in OF_APIS:
        return _name_apis(refusal, detail.split())
    return _name_level(refusal)


def _name_level(refusal: Refusal) -> tuple[Fault, ...]:
    tenant, subject = refusal.tenant, refusal.trace.get("request", {}).get("subject")
    if refusal.reason == Reason.SUBJECT_DISABLED and subject:
        return (Fault("The end user", reverse("admin:tenants_subject_change", args=[subject])),)
    if refusal.reason in OF_TENANT:
        address = reverse("admin:tenants_tenant_change", args=[tenant.pk])
        return (Fault(f"Tenant {tenant.path}", address),)
    if refusal.reason in OF_ENVIRONMENT:
        address = reverse("admin:tenants_environment_change", args=[tenant.environment_id])
        return (Fault("Its environment", address),)
    return ()


def _failed_detail(refusal: Refusal) -> str:
    failed = [check for check in refusal.trace.get("checks", ()) if not check["passed"]]
    return str(failed[0]["detail"]) if failed else ""


def _asked_policies(refusal: Refusal) -> list[str]:
    return [policy["slug"] for policy in refusal.trace.get("policies", ())]


def _find_policies(refusal: Refusal, slugs: Iterable[str]) -> list[AccessPolicy]:
    rows = AccessPolicy.objects.filter(tenant=refusal.tenant_id, slug__in=[*slugs])
    return list(rows[:MAX_NAMED])


def _name_policy(policy: AccessPolicy) -> Fault:
    address = reverse("admin:tenants_accesspolicy_change", args=[policy.pk])
    return Fault(f"Access policy {policy.slug}", address)


def _try_policy(refusal: Refusal, policy: AccessPolicy | None) -> Fault:
    """Lead to the test panel with this very request, for a change or for a new policy."""
    parameters = {"request_id": refusal.request_id}
    if policy is None:
        parameters = {**_begin_policy(refusal), **parameters}
        title, address = "Try a new policy on this", reverse(f"{PANEL}_new")
    else:
        title = f"Try a change of {policy.slug} on this"
        address = reverse(PANEL, args=[policy.pk])
    return Fault(title, f"{address}?{urlencode(parameters)}")


def _name_apis(refusal: Refusal, slugs: Iterable[str]) -> tuple[Fault, ...]:
    rows = Api.objects.filter(tenant=refusal.tenant_id, slug__in=[*slugs])
    return tuple(
        Fault(f"Api {api.slug}", reverse("admin:tenants_api_change", args=[api.pk]))
        for api in rows[:MAX_NAMED]
    )


def _offer_policy(refusal: Refusal) -> Fault:
    parameters = urlencode(_begin_policy(refusal))
    address = f"{reverse('admin:tenants_accesspolicy_add')}?{parameters}"
    return Fault("Write a new access policy", address)


def _begin_policy(refusal: Refusal) -> dict[str, str]:
    """Begin a policy with links to what was refused, so that it does not speak of everybody."""
    is_access = refusal.operation == EVALUATION_OPERATION
    begun = {
        "tenant": str(refusal.tenant_id),
        "clients": str(refusal.client_id or ""),
        "operations": ACCESS if is_access else refusal.grant_type,
    }
    return {name: text for name, text in begun.items() if text}
