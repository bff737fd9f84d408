"""The rules of access policies: what can't work, or would do more than its author means."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tenants import models
from tenants.policy_engines import Severity, lint
from tenants.records import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import Model

    from tenants.policy_engines import Finding

LIMIT = "limit"
LIMITS = ("limit_scopes", "limit_lifetime_seconds", "limit_audiences")


def check_policy(entity: Model, links: Mapping[str, Sequence[Model]]) -> dict[str, list[str]]:
    """Answer what is wrong with a policy's rule, operations and limits, by field."""
    del links
    assert isinstance(entity, models.AccessPolicy)  # noqa: S101 - narrows the type for the checker.
    messages: dict[str, list[str]] = defaultdict(list)
    for finding in lint(entity.effect, entity.engine, entity.rule):
        if finding.severity is Severity.ERROR:
            messages["rule"].append(write_finding(finding))
    unknown = sorted(set(entity.operations) - OPERATIONS)
    if unknown:
        known = ", ".join(sorted(OPERATIONS))
        messages["operations"].append(f"{unknown[0]} is no operation; choose of {known}.")
    for name, text in (*_find_misplaced_limits(entity), *_find_unknown_limits(entity)):
        messages[name].append(text)
    return dict(messages)


def write_finding(finding: Finding) -> str:
    """Write a finding as one message: its line or else its place, and what to mend."""
    place = f"Line {finding.line}" if finding.line else finding.path
    return f"{place}: {finding.message}" if place else finding.message


def _find_misplaced_limits(policy: models.AccessPolicy) -> Iterable[tuple[str, str]]:
    given = [name for name in LIMITS if getattr(policy, name) is not None]
    if policy.effect != LIMIT:
        text = "Only a policy with the effect limit has limits; leave this empty."
        yield from ((name, text) for name in given)
    elif not given:
        yield "effect", "A limit needs scopes, a lifetime or audiences to which it limits."


def _find_unknown_limits(policy: models.AccessPolicy) -> Iterable[tuple[str, str]]:
    """Find names that this tenant lacks: a misspelt one would leave less than is meant."""
    scopes = models.Scope.objects.filter(tenant=policy.tenant_id).values_list("name", flat=True)
    apis = models.Api.objects.filter(tenant=policy.tenant_id).values_list("audience", flat=True)
    for name, stated, existing in (
        ("limit_scopes", policy.limit_scopes, scopes),
        ("limit_audiences", policy.limit_audiences, apis),
    ):
        if stated is None:
            continue
        if not isinstance(stated, list) or not stated:
            yield name, "Write a list with at least one name, or leave this empty."
            continue
        missing = [str(item)[:100] for item in stated if item not in set(existing)]
        if missing:
            yield name, f"This tenant has no {missing[0]}; name one of its own."
