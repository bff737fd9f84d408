"""Aidbox: access is opened policy by policy, and whoever was refused learns why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import AccessPolicy
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.management_client import ManagementClient
from tests.oauth_client import OAuthClient
from tests.rfc.authzen.records import DecisionPoint

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
READ = {"name": "read"}
PATIENT = {"type": "Patient", "id": "1"}
DOCTOR: dict[str, Any] = {"type": "user", "id": "d", "properties": {"role": "doctor", "ward": "A"}}
PORTER: dict[str, Any] = {"type": "user", "id": "p", "properties": {"role": "porter"}}


@dataclass(frozen=True, slots=True)
class Box:
    """The tenant, the API that asks, and a client that wants tokens."""

    tenant: Tenant
    api: MadeClient
    client: MadeClient

    def write(self, slug: str, rule: object, *, effect: str = "allow", **fields: Any) -> None:  # noqa: ANN401 - of a model.
        links = fields.pop("links", {"clients": [self.api.client]})
        fields = {"engine": "match", "operations": ["access"], "rule": rule, **fields}
        policy = AccessPolicy(tenant=self.tenant, slug=slug, effect=effect, **fields)
        changes.save(policy, actor=SYSTEM, links=links)

    def may(self, subject: object, resource: object = PATIENT, action: object = READ) -> bool:
        return DecisionPoint(self.tenant, self.api).ask(subject, action, resource)[0]

    def token_status(self) -> int:
        return OAuthClient(self.tenant).token(self.client).status_code


@pytest.fixture
def box() -> Box:
    tenant = make_tenant(claim_profile="aidbox", signing_algorithm="RS256")
    make_api(tenant, "fhir", scopes=["patients"])
    api = make_client(tenant, "api", is_allowed=False)
    client = make_client(tenant, "client", scopes=["patients"], is_allowed=False)
    return Box(tenant, api, client)


def test_without_a_policy_nothing_is_open(box: Box) -> None:
    assert not box.may(DOCTOR)
    assert box.token_status() == 400


def test_pattern_opens_what_it_matches_and_nothing_else(box: Box) -> None:
    box.write("doctors", {"subject": {"properties": {"role": "doctor"}}, "action": READ})
    assert box.may(DOCTOR)
    assert not box.may(PORTER)
    assert not box.may(DOCTOR, action={"name": "delete"})


def test_two_absent_values_are_not_equal(box: Box) -> None:
    """There, a field of the user that was missing equalled one of the resource that was missing."""
    rule = {"subject": {"properties": {"ward": {"$ref": "resource.properties.ward"}}}}
    box.write("same-ward", rule)
    for ward, decision in (("A", True), ("B", False)):
        assert box.may(DOCTOR, {**PATIENT, "properties": {"ward": ward}}) is decision
    assert not box.may(PORTER, {**PATIENT, "properties": {"bed": 1}})
    assert not box.may(PORTER)


def test_deny_wins_whatever_allows(box: Box) -> None:
    box.write("everything", None, engine="allow")
    secret = {"resource": {"properties": {"secret": {"$present": True, "$enum": [True]}}}}
    box.write("secrets", secret, effect="deny")
    assert box.may(DOCTOR)
    assert not box.may(DOCTOR, {**PATIENT, "properties": {"secret": True}})


def test_policy_that_is_linked_concerns_those_only(box: Box) -> None:
    box.write("all-tokens", None, engine="allow", operations=["client_credentials"], links={})
    assert box.token_status() == 200
    assert not box.may(DOCTOR)
    other = make_client(box.tenant, "other", is_allowed=False)
    assert not DecisionPoint(box.tenant, other).ask(DOCTOR, READ, PATIENT)[0]


def test_json_schema_and_composition_decide_like_patterns(box: Box) -> None:
    has_ward = {
        "type": "object",
        "required": ["subject"],
        "properties": {
            "subject": {
                "type": "object",
                "required": ["properties"],
                "properties": {"properties": {"type": "object", "required": ["ward"]}},
            }
        },
    }
    reads = {"engine": "match", "rule": {"action": READ}}
    box.write("both", [{"engine": "schema", "rule": has_ward}, reads], engine="all")
    assert box.may(DOCTOR)
    assert not box.may(PORTER)


def test_policy_is_tried_before_it_is_saved_and_each_check_is_told(box: Box) -> None:
    manager = ManagementClient(
        box.tenant, ("management:policies:read", "management:policies:write")
    )
    manager.base = f"/api/v1/tenants/{box.tenant.path}/policies"
    question = {"client_id": "client", "scope": "patients"}
    answer = manager.post(
        "/test", {"policy": {"slug": "new", "clients": ["client"]}, "request": question}
    )
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["live"]["is_allowed"], told["edited"]["is_allowed"]) == (False, True)
    assert told["edited"]["policies"][-1]["slug"] == "new"
    assert box.token_status() == 400
