"""The rules of access policies: what can't work, or would do more than its author means."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tenants import models
from tenants.policy_engines import Severity, lint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.db.models import Model

    from tenants.policy_engines import Finding


def check_policy(entity: Model, _links: Mapping[str, Sequence[Model]]) -> dict[str, list[str]]:
    """Answer what is wrong with a policy's rule and its limits, by field."""
    assert isinstance(entity, models.AccessPolicy)  # noqa: S101 - narrows the type for the checker.
    messages: dict[str, list[str]] = defaultdict(list)
    for finding in lint(entity.effect, entity.engine, entity.rule):
        if finding.severity is Severity.ERROR:
            messages["rule"].append(write_finding(finding))
    for name, text in _find_unknown_limits(entity):
        messages[name].append(text)
    return dict(messages)


def write_finding(finding: Finding) -> str:
    """Write a finding as one message: its line or else its place, and what to mend."""
    place = f"Line {finding.line}" if finding.line else finding.path
    return f"{place}: {finding.message}" if place else finding.message


def _find_unknown_limits(policy: models.AccessPolicy) -> Iterator[tuple[str, str]]:
    """Find names that this tenant lacks: a misspelt one would leave less than is meant."""
    scopes = models.Scope.objects.filter(tenant=policy.tenant_id)
    apis = models.Api.objects.filter(tenant=policy.tenant_id)
    for name, stated, existing in (
        ("limit_scopes", policy.limit_scopes, scopes.values_list("name", flat=True)),
        ("limit_audiences", policy.limit_audiences, apis.values_list("audience", flat=True)),
    ):
        if stated is None:
            continue
        if not isinstance(stated, list) or not stated:
            yield name, "Write a list with at least one name, or leave this empty."
            continue
        known = list(existing)
        missing = [str(item)[:100] for item in stated if item not in known]
        if missing:
            yield name, f"This tenant has no {missing[0]}; name one of its own."
