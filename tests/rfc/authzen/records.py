"""The working group's fixture: alice, bob and two records, with the policies that it demands.

Source: AuthZEN Authorization API 1.0, certification scenario, section "Required Fixture".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tenants.models import AccessPolicy
from tenants.records import SYSTEM
from tenants.services import changes
from tests.oauth_client import OAuthClient, basic

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tenants.records import JSON
    from tests.factories.tenants import MadeClient

ALICE: dict[str, Any] = {"type": "user", "id": "alice"}
BOB: dict[str, Any] = {"type": "user", "id": "bob"}
ADMIN: dict[str, Any] = {**BOB, "properties": {"role": "admin"}}
RECORD_1: dict[str, Any] = {"type": "record", "id": "record-1"}
RECORD_2: dict[str, Any] = {"type": "record", "id": "record-2"}
ACTIVE: dict[str, Any] = {**RECORD_1, "properties": {"status": "active"}}
ARCHIVED: dict[str, Any] = {**RECORD_2, "properties": {"status": "archived"}}
READ: dict[str, Any] = {"name": "read"}
WRITE: dict[str, Any] = {"name": "write"}

RULES: dict[str, JSON] = {
    "readers": {
        "subject": {"type": "user", "id": {"$enum": ["alice", "bob"]}},
        "action": {"name": "read"},
        "resource": {"type": "record"},
    },
    "writers": {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "write"},
        "resource": {
            "type": "record",
            "properties": {"status": {"$one-of": [{"$absent": True}, "active"]}},
        },
    },
    "admins": {
        "subject": {"properties": {"role": "admin"}},
        "action": {"name": "write"},
        "resource": {"type": "record", "properties": {"status": "archived"}},
    },
    "soft-delete": {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "delete", "properties": {"soft": True}},
        "resource": {"type": "record"},
    },
}


def write_rules(tenant: Tenant, gateway: MadeClient) -> None:
    """Write the fixture's rules as policies for one resource server."""
    for slug, rule in RULES.items():
        policy = AccessPolicy(
            tenant=tenant, slug=slug, engine="match", rule=rule, operations=["access"]
        )
        changes.save(policy, actor=SYSTEM, links={"clients": [gateway.client]})


class DecisionPoint:
    """Asks a tenant's decision point as one resource server."""

    def __init__(self, tenant: Tenant, caller: MadeClient) -> None:
        self.oauth = OAuthClient(tenant)
        self.headers = {"Authorization": basic(caller.client_id, caller.secret)}

    def ask(
        self, subject: object, action: object, resource: object, **more: object
    ) -> tuple[bool, dict[str, Any]]:
        """Ask one question; answer the decision and its context."""
        answer = self.post({"subject": subject, "action": action, "resource": resource, **more})
        assert answer.status_code == 200, answer.content
        document = answer.json()
        return document["decision"], document.get("context", {})

    def ask_all(self, **document: object) -> list[bool]:
        """Ask several questions; answer the decisions in order."""
        answer = self.post(document, path="/access/v1/evaluations")
        assert answer.status_code == 200, answer.content
        return [each["decision"] for each in answer.json()["evaluations"]]

    def post(
        self, document: object, *, path: str = "/access/v1/evaluation", **headers: str
    ) -> HttpResponse:
        """Send a document."""
        return self.post_raw(json.dumps(document), path=path, **headers)

    def post_raw(
        self,
        body: str | bytes,
        *,
        path: str = "/access/v1/evaluation",
        content_type: str = "application/json",
        **headers: str,
    ) -> HttpResponse:
        """Send a body as it is."""
        return self.oauth.post_raw(
            path, body, content_type=content_type, **{**self.headers, **headers}
        )
