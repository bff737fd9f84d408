"""The management API's access policies: documents, links, versions, lint and trials."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import AccessPolicy, AuditEvent, Group, TrustProfile
from tenants.queries.managed_policies import POLICIES
from tenants.records import SYSTEM
from tenants.services import changes, clients
from tests.factories.policies import make_policy
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.factories.tokens import make_subject
from tests.management_client import ManagementClient, read_problem
from tests.oauth_client import OAuthClient
from tests.rfc.authzen.records import DecisionPoint
from tokens import refusals

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tenants.records import JSON
    from tests.factories.tenants import MadeClient

pytestmark = pytest.mark.django_db
SCOPES = ("management:policies:read", "management:policies:write")
NO_LINKS = ("clients", "apis", "scopes", "subjects", "groups", "trust_profiles")
NOTHING_SAID: dict[str, Any] = {
    "description": "",
    "is_enabled": True,
    "effect": "allow",
    "mode": "enforce",
    "engine": "allow",
    "rule": None,
    **{name: [] for name in ("operations", "client_kinds", *NO_LINKS)},
    **dict.fromkeys(("limit_scopes", "limit_lifetime_seconds", "limit_audiences")),
}


RECORD: dict[str, JSON] = {"type": "record", "id": "record-1"}
WHOLE: dict[str, Any] = {
    "subject": {"type": "user", "id": "bob"},
    "action": {"name": "read"},
    "resource": RECORD,
}


class PolicyClient(ManagementClient):
    """Speaks to the policies of one tenant."""

    def __init__(self, tenant: Tenant, scopes: tuple[str, ...] = SCOPES) -> None:
        super().__init__(tenant, scopes)
        self.base = f"/api/v1/tenants/{tenant.path}/policies"

    def make(self, slug: str = "orders", **members: object) -> dict[str, Any]:
        answer = self.post("", {"slug": slug, **members})
        assert answer.status_code == 201, answer.content
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def service(tenant: Tenant) -> MadeClient:
    return make_client(tenant, scopes=["read", "write"])


@pytest.fixture
def api(tenant: Tenant) -> PolicyClient:
    return PolicyClient(tenant)


def errors_of(answer: Any) -> dict[str, list[str]]:  # noqa: ANN401 - Django's test response.
    problem = read_problem(answer)
    assert problem["code"] == "invalid_entity", problem
    errors: dict[str, list[str]] = problem["errors"]
    return errors


def test_a_policy_has_its_defaults(api: PolicyClient) -> None:
    made = api.make()
    assert made == {"id": made["id"], "slug": "orders", **NOTHING_SAID}
    answer = api.get(f"/{made['id']}")
    assert answer.json() == made
    assert answer["ETag"].startswith('"')


def test_a_policy_says_everything(api: PolicyClient, tenant: Tenant, service: MadeClient) -> None:
    person = make_subject(tenant)
    changes.save(Group(tenant=tenant, slug="staff"), actor=SYSTEM)
    TrustProfile.objects.create(
        tenant=tenant, slug="partner", issuer="https://p.example", algorithms=["ES256"]
    )
    said: dict[str, Any] = {
        "description": "Contractors.",
        "is_enabled": False,
        "effect": "limit",
        "mode": "shadow",
        "engine": "match",
        "rule": {"client": {"kind": "service"}},
        "operations": ["client_credentials", "introspection"],
        "client_kinds": ["service"],
        "clients": [service.client_id],
        "apis": ["orders"],
        "scopes": ["read", "write"],
        "subjects": [str(person.pk)],
        "groups": ["staff"],
        "trust_profiles": ["partner"],
        "limit_scopes": ["read"],
        "limit_lifetime_seconds": 60,
        "limit_audiences": ["https://orders.example/"],
    }
    made = api.make(**said)
    assert made == {"id": made["id"], "slug": "orders", **said}
    event = AuditEvent.objects.get(entity_id=made["id"])
    assert (event.event, event.actor_kind) == ("access_policy.created", "client")


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"slug": "No"}, "slug"),
        ({"effect": "permit"}, "effect"),
        ({"engine": "match"}, "rule"),
        ({"rule": {"client": {"kind": "web"}}}, "rule"),
        ({"engine": "match", "rule": {"clinet": {"kind": "web"}}}, "rule"),
        ({"engine": "match", "rule": {"client": {"client_id": {"$regex": "("}}}}, "rule"),
        ({"engine": "cedar", "rule": "permit(principal"}, "rule"),
        ({"engine": "match", "effect": "deny", "rule": {"address": "192.0.2.1"}}, "rule"),
        ({"operations": ["password"]}, "operations.0"),
        ({"operations": ["access", "access"]}, "operations"),
        ({"clients": ["nobody"]}, "clients"),
        ({"subjects": ["nobody"]}, "subjects.0"),
        ({"subjects": [str(uuid4())]}, "subjects"),
        ({"limit_scopes": ["read"]}, "limit_scopes"),
        ({"effect": "limit"}, "effect"),
        ({"effect": "limit", "limit_scopes": []}, "limit_scopes"),
        ({"effect": "limit", "limit_scopes": ["raed"]}, "limit_scopes"),
        ({"effect": "limit", "limit_lifetime_seconds": 0}, "limit_lifetime_seconds"),
        ({"effect": "limit", "limit_audiences": "https://orders.example/"}, "limit_audiences"),
        ({"is_enabled": "yes"}, "is_enabled"),
        ({"operation": ["access"]}, "operation"),
        ({"version": 3}, "version"),
    ],
    ids=itertools.count(),
)
def test_a_wrong_member_is_named(api: PolicyClient, members: dict[str, Any], named: str) -> None:
    errors = errors_of(api.post("", {"slug": "orders", **members}))
    assert named in errors
    assert not AccessPolicy.objects.filter(slug="orders").exists()


def test_a_slug_is_given_once_and_stays(api: PolicyClient) -> None:
    made = api.make()
    assert errors_of(api.post("", {"slug": "orders"})).keys() == {"slug"}
    tag = api.get(f"/{made['id']}")["ETag"]
    assert "slug" in errors_of(api.patch(f"/{made['id']}", {"slug": "other"}, tag))


def test_a_change_names_the_version_that_it_changes(api: PolicyClient, service: MadeClient) -> None:
    path = f"/{api.make()['id']}"
    assert read_problem(api.patch(path, {"effect": "deny"}))["code"] == "precondition_required"
    first = api.get(path)["ETag"]
    changed = api.patch(path, {"clients": [service.client_id], "effect": "deny"}, first)
    assert changed.status_code == 200
    assert (changed.json()["effect"], changed.json()["clients"]) == ("deny", [service.client_id])
    assert changed["ETag"] != first
    assert read_problem(api.patch(path, {"clients": []}, first))["code"] == "precondition_failed"
    assert api.patch(path, {}, changed["ETag"])["ETag"] == changed["ETag"]
    assert read_problem(api.delete(path, **{"If-Match": first}))["code"] == "precondition_failed"
    assert api.delete(path, **{"If-Match": changed["ETag"]}).status_code == 204
    assert read_problem(api.get(path))["code"] == "not_found"


def test_a_written_policy_decides_the_next_request(
    api: PolicyClient, tenant: Tenant, service: MadeClient
) -> None:
    oauth = OAuthClient(tenant)
    assert oauth.token(service).status_code == 200
    made = api.make(effect="deny", clients=[service.client_id])
    assert oauth.token(service).json()["error"] == "unauthorized_client"
    assert api.delete(f"/{made['id']}").status_code == 204
    assert oauth.token(service).status_code == 200


def test_lists_come_in_pages(api: PolicyClient, tenant: Tenant) -> None:
    for number in range(3):
        make_policy(tenant, f"p{number}", effect="deny", operations=["access"])
    whole = api.get("?effect=deny").json()
    assert [item["slug"] for item in whole["items"]] == ["p0", "p1", "p2"]
    assert whole["next_cursor"] is None
    page = api.get("?effect=deny&page_size=2")
    cursor = page.json()["next_cursor"]
    assert f"cursor={cursor}" in page["Link"]
    rest = api.get(f"?effect=deny&page_size=2&cursor={cursor}").json()
    assert [item["slug"] for item in rest["items"]] == ["p2"]
    assert rest["next_cursor"] is None
    for query in ("cursor=x", "page_size=0", "effect=permit", "colour=red"):
        assert read_problem(api.get(f"?{query}"))["code"] == "invalid_parameter"


def test_a_list_costs_seven_statements_however_long(tenant: Tenant, service: MadeClient) -> None:
    for number in range(3):
        make_policy(tenant, f"p{number}", clients=[service.client], operations=["access"])
    with CaptureQueriesContext(connection) as statements:
        assert len(POLICIES.page(tenant.pk, after="", limit=10)) == 4
    assert len(statements) == 7


@pytest.mark.parametrize("scopes", [("management:clients:read",), SCOPES[:1], SCOPES[1:]])
def test_each_right_needs_its_scope(tenant: Tenant, scopes: tuple[str, ...]) -> None:
    api = PolicyClient(tenant, scopes)
    made = make_policy(tenant, "no", operations=["access"])
    reads = [api.get(""), api.get(f"/{made.pk}"), api.post("/test", {"request": {}})]
    writes = [api.post("", {"slug": "a"}), api.delete(f"/{made.pk}")]
    for answers, scope in ((reads, SCOPES[0]), (writes, SCOPES[1])):
        codes = {answer.status_code == 403 for answer in answers}
        assert codes == {scope not in scopes}


def test_policies_of_another_tenant_are_not_found(api: PolicyClient) -> None:
    there = make_tenant("initech")
    make_api(there)
    other = make_client(there, "theirs", scopes=["read"])
    foreign = make_policy(there, "theirs-only", effect="deny", operations=["access"])
    assert "theirs-only" not in [item["slug"] for item in api.get("").json()["items"]]
    for answer in (
        api.get(f"/{foreign.pk}"),
        api.patch(f"/{foreign.pk}", {"effect": "allow"}, '"x"'),
        api.delete(f"/{foreign.pk}"),
        api.post("/test", {"policy_id": str(foreign.pk), "request": {"client_id": "theirs"}}),
    ):
        assert read_problem(answer)["code"] == "not_found"
    assert "clients" in errors_of(api.post("", {"slug": "mine", "clients": [other.client_id]}))
    question = {"client_id": other.client_id}
    answer = api.post("/test", {"policy": {}, "request": question})
    assert "client_id" in errors_of(answer)


# Trials.


def test_an_unsaved_policy_is_tried_beside_the_live_ones(
    api: PolicyClient, tenant: Tenant, service: MadeClient
) -> None:
    question = {"client_id": service.client_id, "scope": "read write"}
    policy = {"effect": "limit", "limit_scopes": ["read"], "limit_lifetime_seconds": 60}
    answer = api.post("/test", {"policy": {"slug": "new", **policy}, "request": question})
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["findings"] == []
    assert told["live"]["scopes"] == ["read", "write"]
    assert told["edited"]["scopes"] == ["read"]
    assert told["edited"]["access_token_lifetime_seconds"] == 60
    assert {"what": "scopes", "before": "read write", "after": "read"} in told["differences"]
    assert [check["name"] for check in told["edited"]["checks"]][-4:-1] == [
        *("policies", "policies_allow", "limits_leave_something")
    ]
    assert {"slug": "new", "effect": "limit"}.items() <= told["edited"]["policies"][-1].items()
    assert not AccessPolicy.objects.filter(slug="new").exists()
    assert OAuthClient(tenant).token(service).json()["scope"] == "read write"


def test_a_stored_policy_is_replaced_by_its_edited_self(
    api: PolicyClient, tenant: Tenant, service: MadeClient
) -> None:
    stored = AccessPolicy.objects.get(slug=service.client_id)
    document = {"policy_id": str(stored.pk), "request": {"client_id": service.client_id}}
    same = api.post("/test", document).json()
    assert same["differences"] == []
    assert same["edited"]["is_allowed"] is True
    edited = {"engine": "match", "rule": {"client": {"kind": "web"}}}
    told = api.post("/test", {**document, "policy": edited}).json()
    assert told["live"]["is_allowed"] is True
    assert (told["edited"]["is_allowed"], told["edited"]["reason"]) == (False, "no_policy_allows")
    off = api.post("/test", {**document, "policy": {"is_enabled": False}}).json()
    assert off["edited"]["is_allowed"] is False
    assert OAuthClient(tenant).token(service).status_code == 200


def test_a_wrong_rule_is_told_and_allows_nothing(api: PolicyClient, service: MadeClient) -> None:
    document = {
        "policy_id": str(AccessPolicy.objects.get(slug=service.client_id).pk),
        "policy": {"engine": "match", "rule": {"clinet": {"kind": "web"}}},
        "request": {"client_id": service.client_id},
    }
    told = api.post("/test", document).json()
    assert told["findings"][0]["path"] == "/clinet"
    assert told["findings"][0]["severity"] == "error"
    assert told["edited"]["is_allowed"] is False


def test_a_real_refusal_is_tried_again(
    api: PolicyClient, tenant: Tenant, service: MadeClient
) -> None:
    refusals.LIMITS.forget()
    policy = make_policy(tenant, "no", effect="deny", scopes=[tenant.scopes.get(name="write")])
    refused = OAuthClient(tenant).token(service, scope="read write")
    assert refused.status_code == 400
    assert refused["X-Refusal-Trace"] == "kept"
    document = {
        "policy_id": str(policy.pk),
        "policy": {"mode": "shadow"},
        "request": {"request_id": refused["X-Request-Id"]},
    }
    told = api.post("/test", document).json()
    assert (told["live"]["is_allowed"], told["live"]["reason"]) == (False, "policy_denied_scope")
    assert told["edited"]["scopes"] == ["read", "write"]
    document["request"] = {"request_id": "0" * 32}
    assert "request_id" in errors_of(api.post("/test", document))


def test_an_access_evaluation_is_tried(api: PolicyClient, service: MadeClient) -> None:
    policy = {
        "engine": "match",
        "operations": ["access"],
        "rule": {"action": {"name": "read"}, "resource": {"type": "record"}},
        "clients": [service.client_id],
    }
    stored = str(AccessPolicy.objects.get(slug=service.client_id).pk)
    access = {"subject": {"type": "user", "id": "alice"}, "resource": {"type": "record", "id": "1"}}

    def is_allowed(name: str) -> bool:
        entities = {**access, "action": {"name": name}}
        question = {"client_id": service.client_id, "operation": "access", "access": entities}
        document = {"policy_id": stored, "policy": policy, "request": question}
        return bool(api.post("/test", document).json()["edited"]["is_allowed"])

    assert is_allowed("read") is True
    assert is_allowed("write") is False


def test_an_introspection_is_tried(api: PolicyClient, service: MadeClient) -> None:
    question = {"client_id": service.client_id, "operation": "introspection", "scope": "read"}
    policy = {"slug": "no", "effect": "deny", "apis": ["orders"]}
    told = api.post("/test", {"policy": policy, "request": question}).json()
    assert (told["live"]["is_allowed"], told["edited"]["is_allowed"]) == (True, False)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ({}, "client_id"),
        ({"client_id": "nobody"}, "client_id"),
        ({"client_id": "api-client", "subject": str(uuid4())}, "subject"),
        ({"client_id": "api-client", "subject": "alice"}, "request.subject"),
        ({"client_id": "api-client", "operation": "password"}, "request.operation"),
        ({"client_id": "api-client", "operation": "access", "access": []}, "request.access"),
        ({"client_id": "api-client", "access": {"action": "read"}}, "access"),
        ({"client_id": "api-client", "grant": "x"}, "request.grant"),
    ],
    ids=itertools.count(),
)
@pytest.mark.usefixtures("service")
def test_a_question_that_can_not_be_asked_says_why(
    api: PolicyClient, question: dict[str, Any], named: str
) -> None:
    assert named in errors_of(api.post("/test", {"policy": {}, "request": question}))


# Refused evaluations and introspections, asked again.


@pytest.fixture
def gateway(tenant: Tenant) -> MadeClient:
    """A resource server of the Api `orders`."""
    made = make_client(tenant, "gateway", is_allowed=False)
    orders = tenant.apis.get(slug="orders")
    changes.save(orders, actor=SYSTEM, links={"resource_server_clients": [made.client]})
    return made


@pytest.fixture
def point(tenant: Tenant, gateway: MadeClient) -> DecisionPoint:
    """The decision point as a resource server asks it, whose refusals keep their traces."""
    refusals.LIMITS.forget()
    make_policy(tenant, "calls", operations=["access"], clients=[gateway.client])
    return DecisionPoint(tenant, gateway)


def try_again(
    api: PolicyClient, request_id: str, policy: dict[str, Any], **more: object
) -> dict[str, Any]:
    question = {"request_id": request_id, **more}
    answer = api.post("/test", {"policy": policy, "request": question})
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def deny_by(tenant: Tenant, slug: str, rule: JSON) -> AccessPolicy:
    policy = AccessPolicy(tenant=tenant, slug=slug, effect="deny", engine="match", rule=rule)
    changes.save(policy, actor=SYSTEM)
    return policy


def test_a_refused_evaluation_is_asked_again_as_it_was(
    api: PolicyClient, tenant: Tenant, point: DecisionPoint
) -> None:
    rule: dict[str, Any] = {"resource": {"type": {"$present": True, "$enum": ["record"]}}}
    stored = deny_by(tenant, "no", rule)
    _, context = point.ask({"type": "user", "id": "bob"}, {"name": "write"}, RECORD)
    told = try_again(api, context["request_id"], {"mode": "shadow"})
    assert (told["live"]["is_allowed"], told["live"]["reason"]) == (False, "policy_denied")
    document = {
        "policy_id": str(stored.pk),
        "policy": {"rule": {**rule, "action": {"name": {"$present": True, "$enum": ["read"]}}}},
        "request": {"request_id": context["request_id"]},
    }
    told = api.post("/test", document).json()
    assert (told["live"]["is_allowed"], told["edited"]["is_allowed"]) == (False, True)


def test_what_a_trace_never_keeps_is_added_by_hand(
    api: PolicyClient, tenant: Tenant, point: DecisionPoint
) -> None:
    guest: dict[str, Any] = {
        "subject": {"properties": {"role": {"$present": True, "$enum": ["guest"]}}}
    }
    deny_by(tenant, "no-guests", guest)
    subject = {"type": "user", "id": "bob", "properties": {"role": "guest"}}
    request_id = point.ask(subject, {"name": "write"}, RECORD)[1]["request_id"]
    assert try_again(api, request_id, {"slug": "x"})["live"]["is_allowed"] is True
    added = {"subject": {"properties": {"role": "guest"}}, "context": {"purpose": "audit"}}
    told = try_again(api, request_id, {"slug": "x"}, access=added)
    assert told["live"]["reason"] == "policy_denied"


def test_an_evaluation_about_another_client_is_asked_again_by_who_asked(
    api: PolicyClient, tenant: Tenant, service: MadeClient, point: DecisionPoint
) -> None:
    deny = {"slug": "no", "effect": "deny", "scopes": ["write"]}
    stored = make_policy(tenant, "no", effect="deny", scopes=[tenant.scopes.get(name="write")])
    subject = {"type": "client", "id": service.client_id}
    resource = {"type": "api", "id": "orders"}
    context = point.ask(subject, {"name": "write"}, resource)[1]
    assert context["reason"] == "policy_denied_scope"
    changes.delete(stored, actor=SYSTEM)
    told = try_again(api, context["request_id"], deny)
    assert told["live"]["is_allowed"] is True
    assert (told["live"]["scopes"], told["edited"]["reason"]) == (["write"], "policy_denied_scope")
    clients.delete_client(service.client, actor=SYSTEM)
    question = {"policy": deny, "request": {"request_id": context["request_id"]}}
    assert "access" in errors_of(api.post("/test", question))


def test_a_hidden_introspection_is_asked_again(
    api: PolicyClient, tenant: Tenant, service: MadeClient, gateway: MadeClient
) -> None:
    refusals.LIMITS.forget()
    token = OAuthClient(tenant).token(service, scope="read").json()["access_token"]
    rule: dict[str, Any] = {
        "caller": {"client_id": {"$present": True, "$enum": [gateway.client_id]}}
    }
    deny_by(tenant, "no", rule)
    hidden = OAuthClient(tenant).introspect(gateway, token)
    assert hidden.json() == {"active": False}
    told = try_again(api, hidden["X-Request-Id"], {"slug": "x"})
    assert (told["live"]["is_allowed"], told["live"]["reason"]) == (False, "policy_denied")
    assert [check["name"] for check in told["live"]["checks"]] == ["policies"]


def test_an_evaluation_is_tried_as_the_decision_point_would_judge_it(
    api: PolicyClient, tenant: Tenant, service: MadeClient, point: DecisionPoint
) -> None:
    """Entities that stand for something of the tenant bring its links, groups and scopes."""
    person, group = make_subject(tenant), Group(tenant=tenant, slug="staff")
    changes.save(group, actor=SYSTEM, links={"subjects": [person]})
    make_policy(tenant, "no-staff", effect="deny", groups=[group])
    write = tenant.scopes.get(name="write")
    make_policy(tenant, "no-writing", effect="deny", scopes=[write])
    api_resource = {"type": "api", "id": "orders"}
    for subject, name, resource in (
        ({"type": "user", "id": str(person.pk)}, "read", RECORD),
        ({"type": "user", "id": "bob"}, "read", RECORD),
        ({"type": "user", "id": "bob"}, "write", api_resource),
        ({"type": "user", "id": "bob"}, "read", {"type": "api", "id": "nowhere"}),
        ({"type": "client", "id": service.client_id}, "write", api_resource),
        ({"type": "client", "id": service.client_id}, "read", api_resource),
    ):
        decision, context = point.ask(subject, {"name": name}, resource)
        entities = {"subject": subject, "action": {"name": name}, "resource": resource}
        question = {"client_id": "gateway", "operation": "access", "access": entities}
        told = api.post("/test", {"policy": {"slug": "x", "mode": "shadow"}, "request": question})
        live = told.json()["live"]
        assert (live["is_allowed"], live["reason"]) == (decision, context.get("reason", ""))


@pytest.mark.parametrize(
    ("access", "part"),
    [
        pytest.param({"action": {"name": "read"}}, "subject is missing", id="incomplete"),
        pytest.param({**WHOLE, "action": {"name": 1}}, "action.name", id="number"),
        pytest.param({**WHOLE, "context": []}, "context must be", id="context"),
        pytest.param(
            {**WHOLE, "subject": {"type": "client", "id": "nobody"}}, "no such", id="nobody"
        ),
    ],
)
@pytest.mark.usefixtures("point")
def test_an_evaluation_that_would_not_be_judged_says_why(
    api: PolicyClient, access: dict[str, Any], part: str
) -> None:
    question = {"client_id": "gateway", "operation": "access", "access": access}
    answer = api.post("/test", {"policy": {}, "request": question})
    assert part in " ".join(errors_of(answer)["access"])


def test_entities_belong_to_evaluations_only(
    api: PolicyClient, tenant: Tenant, service: MadeClient
) -> None:
    refusals.LIMITS.forget()
    refused = OAuthClient(tenant).token(service, scope="no-such")
    for question in (
        {"client_id": service.client_id, "access": WHOLE},
        {"request_id": refused["X-Request-Id"], "access": WHOLE},
    ):
        assert "access" in errors_of(api.post("/test", {"policy": {}, "request": question}))


def test_a_disabled_subject_stays_disabled_when_it_is_asked_again(
    api: PolicyClient, tenant: Tenant, point: DecisionPoint
) -> None:
    person = make_subject(tenant)
    person.is_enabled = False
    person.save()
    context = point.ask({"type": "user", "id": str(person.pk)}, {"name": "read"}, RECORD)[1]
    told = try_again(api, context["request_id"], {"slug": "x"})
    assert told["edited"]["reason"] == context["reason"] == "subject_disabled"
