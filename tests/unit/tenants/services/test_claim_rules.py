"""Claim rules are checked by the service, wherever they are written."""

from __future__ import annotations

import pytest

from tenants.errors import InvalidEntity
from tenants.models import ClaimRule
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.claim_rules import MAX_RULES
from tests.factories.tenants import make_client, make_tenant

pytestmark = pytest.mark.django_db


def test_every_mistake_is_named_by_its_field_at_once() -> None:
    rule = ClaimRule(
        tenant=make_tenant(),
        slug="r",
        claim="exp",
        source=ClaimRule.Source.TEMPLATE,
        value="${nothing}",
        condition={"nothing": 1},
    )
    with pytest.raises(InvalidEntity) as caught:
        changes.save(rule, actor=SYSTEM)
    assert set(caught.value.messages) == {"claim", "value", "condition"}
    assert not ClaimRule.objects.exists()


def test_tenant_has_a_bounded_number_of_rules_that_can_still_be_changed() -> None:
    tenant, other = make_tenant(), make_tenant("other")
    ClaimRule.objects.bulk_create(
        ClaimRule(tenant=tenant, slug=f"r{number}", claim="c", value=1)
        for number in range(MAX_RULES)
    )
    with pytest.raises(InvalidEntity, match="claim rules at most"):
        changes.save(ClaimRule(tenant=tenant, slug="more", claim="c", value=1), actor=SYSTEM)
    first = ClaimRule.objects.get(slug="r0")
    first.value = 2
    changes.save(first, actor=SYSTEM)
    changes.save(ClaimRule(tenant=other, slug="r", claim="c", value=1), actor=SYSTEM)


def test_rule_names_no_client_of_another_tenant() -> None:
    foreign = make_client(make_tenant("other"))
    rule = ClaimRule(tenant=make_tenant(), slug="r", claim="c", value=1, client=foreign.client)
    with pytest.raises(InvalidEntity) as caught:
        changes.save(rule, actor=SYSTEM)
    assert set(caught.value.messages) == {"client"}
