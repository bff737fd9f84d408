"""A policy that can't work, or does more than it seems to, is not saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.errors import InvalidEntity
from tenants.models import AccessPolicy
from tenants.policy_engines import Finding, Severity
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.policy_rules import write_finding
from tests.factories import tenants as factories

if TYPE_CHECKING:
    from tests.factories.records import Changes

pytestmark = pytest.mark.django_db


def save(**fields: Changes) -> AccessPolicy:
    tenant = factories.make_tenant()
    factories.make_api(tenant)
    policy = AccessPolicy(tenant_id=tenant.pk, slug="rule", **fields)
    changes.save(policy, actor=SYSTEM)
    return policy


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"engine": "match", "rule": {"client": {"kind": "service"}}},
        {"engine": "match", "rule": {"apis": {"$contains": {"slug": {"$one-of": ["a", "a"]}}}}},
        {"effect": "limit", "limit_lifetime_seconds": 60},
        {"effect": "limit", "limit_scopes": ["read"]},
    ],
    ids=["allow", "match", "warning-only", "lifetime", "scopes"],
)
def test_sound_policy_is_saved(fields: Changes) -> None:
    assert AccessPolicy.objects.filter(pk=save(**fields).pk).exists()


@pytest.mark.parametrize(
    ("fields", "name", "part"),
    [
        (
            {"engine": "match", "rule": {"client": {"knid": "a"}}},
            "rule",
            "/client/knid: The request document has no knid here. Did you mean kind?",
        ),
        ({"engine": "match", "rule": "a"}, "rule", "The rule is a pattern"),
        (
            {"engine": "cedar", "rule": "permit(principal, action, resource);\npermit("},
            "rule",
            "Line 2: Cedar can't read this policy",
        ),
        (
            {"effect": "deny", "engine": "match", "rule": {"claims": {"role": "a"}}},
            "rule",
            "$present",
        ),
        ({"effect": "limit", "limit_scopes": ["raead"]}, "limit_scopes", "has no raead"),
        ({"effect": "limit", "limit_scopes": [5]}, "limit_scopes", "has no 5"),
        ({"effect": "limit", "limit_scopes": []}, "limit_scopes", "at least one"),
        ({"effect": "limit", "limit_audiences": "a"}, "limit_audiences", "at least one"),
        (
            {"effect": "limit", "limit_audiences": ["https://no.example/"]},
            "limit_audiences",
            "has no https://no.example/",
        ),
    ],
    ids=str,
)
def test_finding_stands_at_its_field(fields: Changes, name: str, part: str) -> None:
    with pytest.raises(InvalidEntity) as refused:
        save(**fields)
    assert [part in text for text in refused.value.messages[name]] == [True]


def test_finding_is_written_with_its_place() -> None:
    assert write_finding(Finding("", None, "Wrong.", Severity.ERROR)) == "Wrong."
    assert write_finding(Finding("/a", None, "Wrong.", Severity.ERROR)) == "/a: Wrong."
    assert write_finding(Finding("/a", 3, "Wrong.", Severity.ERROR)) == "Line 3: Wrong."
