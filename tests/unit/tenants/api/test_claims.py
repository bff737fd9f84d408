"""The management API's claim rules and claim profiles: documents, links, versions and lint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tenants.models import AuditEvent, ClaimProfile, ClaimRule
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.management_client import ManagementClient, read_problem

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from tenants.models import Tenant
    from tenants.records import JSON

pytestmark = pytest.mark.django_db
SCOPES = ("management:claims:read", "management:claims:write")
PLAIN: dict[str, Any] = {"slug": "plan", "claim": "https://claims.example/plan", "value": {"a": 1}}
DEFAULTS: dict[str, Any] = {
    "source": "constant",
    "condition": {},
    "is_required": False,
    "api": None,
    "client": None,
    "grant_type": "",
}


def errors_of(answer: Answer) -> dict[str, Any]:
    problem = read_problem(answer)
    assert problem["status"] == 422
    return dict(problem["errors"])


KINDS = ("claim-rules", "claim-profiles")


class ClaimsClient(ManagementClient):
    """Speaks to the claim rules and profiles of one tenant."""

    def __init__(self, tenant: Tenant, scopes: tuple[str, ...] = SCOPES) -> None:
        super().__init__(tenant, scopes)
        self.base = f"/api/v1/tenants/{tenant.path}"

    def make(self, kind: str, body: dict[str, Any]) -> tuple[str, str]:
        """Create an entity; answer its address and its ETag."""
        answer = self.post(f"/{kind}", body)
        assert answer.status_code == 201, answer.content
        return answer["Location"], answer["ETag"]


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


@pytest.fixture
def api(tenant: Tenant) -> ClaimsClient:
    return ClaimsClient(tenant)


def test_rule_is_created_read_changed_and_deleted(tenant: Tenant, api: ClaimsClient) -> None:
    location, tag = api.make("claim-rules", PLAIN)
    read = api.get(location)
    assert read.json() == {"id": str(ClaimRule.objects.get().pk), **PLAIN, **DEFAULTS}
    assert read["ETag"] == tag
    change = {"source": "template", "value": "${client_id}", "is_required": True}
    assert api.patch(location, change).status_code == 428
    changed = api.patch(location, change, tag)
    assert changed.json()["value"] == "${client_id}"
    assert api.patch(location, change, tag).status_code == 412
    assert api.delete(location).status_code == 204
    assert api.get(location).status_code == 404
    events = AuditEvent.objects.filter(tenant_id=tenant.pk, event__startswith="claim_rule.")
    assert [event.event.partition(".")[2] for event in events.order_by("sequence")] == [
        *("created", "updated", "deleted")
    ]


def test_rule_is_linked_by_names_of_its_tenant(tenant: Tenant, api: ClaimsClient) -> None:
    make_api(tenant, "orders")
    make_client(tenant, "web")
    location, _ = api.make("claim-rules", {**PLAIN, "api": "orders", "client": "web"})
    read = api.get(location).json()
    assert (read["api"], read["client"]) == ("orders", "web")
    make_client(make_tenant("other"), "foreign")
    refused = api.post("/claim-rules", {**PLAIN, "client": "foreign"})
    assert "client" in errors_of(refused)


@pytest.mark.parametrize(
    ("change", "member"),
    [
        pytest.param({"claim": "sub"}, "claim", id="reserved"),
        pytest.param({"claim": "__proto__"}, "claim", id="prototype"),
        pytest.param({"claim": " a"}, "claim", id="space"),
        pytest.param({"source": "record", "value": "signing_key"}, "value", id="no-field"),
        pytest.param({"source": "record", "value": {"a": 1}}, "value", id="no-name"),
        pytest.param({"source": "template", "value": "${unknown}"}, "value", id="unknown-name"),
        pytest.param({"source": "template", "value": "${a${b}}"}, "value", id="nested"),
        pytest.param({"source": "template", "value": "$5"}, "value", id="lone-dollar"),
        pytest.param({"source": "template", "value": "${scopes}"}, "value", id="list-in-a-text"),
        pytest.param({"source": "template", "value": "x" * 2_001}, "value", id="long"),
        pytest.param({"source": "template", "value": "${client_id}" * 21}, "value", id="many"),
        pytest.param({"source": "template", "value": "${subject.email}"}, "value", id="no-such"),
        pytest.param({"source": "foreign_claim", "value": "a..b"}, "value", id="empty-step"),
        pytest.param({"source": "foreign_claim", "value": ["a"] * 12}, "value", id="many-steps"),
        pytest.param({"source": "subject_attribute", "value": 7}, "value", id="number"),
        pytest.param({"value": "x" * 5_000}, "value", id="large"),
        pytest.param({"value": [[[[[[[[[1]]]]]]]]]}, "value", id="deep"),
        pytest.param({"value": {"__proto__": 1}}, "value", id="prototype-inside"),
        pytest.param({"value": 10**30}, "value", id="beyond-64-bits"),
        pytest.param({"condition": {"nothing": 1}}, "condition", id="unknown-field"),
        pytest.param({"condition": {"client_id": {"$regex": "("}}}, "condition", id="no-pattern"),
        pytest.param({"condition": {"foreign": {"$present": True}}}, "condition", id="whole"),
        pytest.param({"condition": []}, "condition", id="no-object"),
        pytest.param({"source": "magic"}, "source", id="unknown-source"),
    ],
)
def test_rule_that_could_never_work_is_refused_by_its_member(
    api: ClaimsClient, change: dict[str, JSON], member: str
) -> None:
    refused = api.post("/claim-rules", {**PLAIN, **change})
    assert member in errors_of(refused)
    assert not ClaimRule.objects.exists()


def test_profile_is_created_read_changed_and_deleted(api: ClaimsClient) -> None:
    body = {"slug": "partners", "base": "onewelcome", "group_claims_budget_bytes": 100}
    location, tag = api.make("claim-profiles", body)
    assert api.get(location).json().items() >= body.items()
    changed = api.patch(location, {"is_dual": True}, tag)
    assert changed.json()["is_dual"] is True
    refused = api.post("/claim-profiles", {**body, "group_claims_budget_bytes": 65_537})
    assert "group_claims_budget_bytes" in errors_of(refused)
    assert api.delete(location).status_code == 204
    assert not ClaimProfile.objects.exists()


def test_lists_come_in_pages(tenant: Tenant, api: ClaimsClient) -> None:
    for slug in ("a", "b", "c"):
        changes.save(ClaimRule(tenant=tenant, slug=slug, claim="c", value=1), actor=SYSTEM)
    first = api.get("/claim-rules?page_size=2").json()
    assert [rule["slug"] for rule in first["items"]] == ["a", "b"]
    second = api.get(f"/claim-rules?cursor={first['next_cursor']}").json()
    assert ([rule["slug"] for rule in second["items"]], second["next_cursor"]) == (["c"], None)


@pytest.mark.parametrize("kind", KINDS)
def test_another_tenants_entity_reads_as_not_there(kind: str, api: ClaimsClient) -> None:
    other = make_tenant("other")
    entity = (
        ClaimRule(tenant=other, slug="r", claim="c", value=1)
        if kind == "claim-rules"
        else ClaimProfile(tenant=other, slug="r", base="rfc9068")
    )
    changes.save(entity, actor=SYSTEM)
    for entity_id in (entity.pk, uuid4()):
        path = f"/{kind}/{entity_id}"
        for answer in (api.get(path), api.patch(path, {}, "x"), api.delete(path)):
            assert answer.status_code == 404
    assert api.get(f"/{kind}").json()["items"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_reading_is_no_right_to_write(kind: str, tenant: Tenant) -> None:
    reader = ClaimsClient(tenant, SCOPES[:1])
    assert reader.get(f"/{kind}").status_code == 200
    assert reader.post(f"/{kind}", {}).status_code == 403
