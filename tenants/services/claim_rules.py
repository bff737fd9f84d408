"""The rules of claim rules: what no token could carry, and what no rule can read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tenants import models
from tenants.claim_bounds import find_name_mistake
from tenants.claim_rules import find_value_mistake, lint_condition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import Model

MAX_RULES: Final = 200


def check_claim_rule(entity: Model, _links: Mapping[str, Sequence[Model]]) -> dict[str, list[str]]:
    """Answer what is wrong with a claim rule, by field."""
    assert isinstance(entity, models.ClaimRule)  # noqa: S101 - narrows the type for the checker.
    messages: dict[str, list[str]] = defaultdict(list)
    for name, mistake in (
        ("claim", find_name_mistake(entity.claim)),
        ("value", find_value_mistake(entity.source, entity.value)),
        ("__all__", _find_excess(entity)),
    ):
        if mistake:
            messages[name].append(mistake)
    messages["condition"] += lint_condition(entity.condition)
    return {name: texts for name, texts in messages.items() if texts}


def _find_excess(rule: models.ClaimRule) -> str:
    """Refuse more rules than a token's issuance can go through without being felt."""
    if not rule._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
        return ""
    count = models.ClaimRule.objects.filter(tenant=rule.tenant_id).count()
    return f"A tenant has {MAX_RULES} claim rules at most." if count >= MAX_RULES else ""
