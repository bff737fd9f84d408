"""AuthZEN 1.0: who may ask, about whom, in which tenant; and where to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client as HttpClient

from tenants.models import AccessPolicy, Group
from tenants.records import SYSTEM
from tenants.services import changes, clients
from tests.factories.tenants import allow, make_client, make_tenant
from tests.factories.tokens import Issuer, make_subject, subject_record
from tests.oauth_client import OAuthClient, basic
from tests.rfc.authzen.records import ALICE, READ, RECORD_1, DecisionPoint, write_rules

if TYPE_CHECKING:
    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient

DOCUMENT = "AuthZEN 1.0"
WHOLE = {"subject": ALICE, "action": READ, "resource": RECORD_1}


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def token_of(tenant: Tenant, client: MadeClient, **parameters: Any) -> str:  # noqa: ANN401 - as sent.
    text: str = OAuthClient(tenant).token(client, **parameters).json()["access_token"]
    return text


@pytest.fixture
def caller(tenant: Tenant, api: Api) -> MadeClient:  # noqa: ARG001 - has the scope.
    """A resource server that gets tokens of its own, in either format."""
    made = make_client(tenant, "checker", scopes=["read"])
    write_rules(tenant, made)
    return made


@pytest.mark.requirement(DOCUMENT, "10.1.2", "Who does not authenticate is answered 401.")
@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        ("", "Bearer realm="),
        ("Bearer", "Bearer realm="),
        ("Bearer ~", "Bearer realm="),
        ("Bearer e30.e30.x", "Bearer realm="),
        (basic("checker", "wrong"), "Basic realm="),
        (basic("nobody", "x"), "Basic realm="),
    ],
)
@pytest.mark.parametrize("path", ["evaluation", "evaluations"])
def test_a_stranger_learns_nothing(
    tenant: Tenant, caller: MadeClient, path: str, authorization: str, challenge: str
) -> None:
    point = DecisionPoint(tenant, caller)
    point.headers = {"Authorization": authorization} if authorization else {}
    answer = point.post(WHOLE, path=f"/access/v1/{path}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith(challenge)
    assert "decision" not in answer.json()


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_a_client_asks_by_its_own_token(
    tenant: Tenant, caller: MadeClient, token_format: str
) -> None:
    caller.client.access_token_format = token_format
    clients.save_client(caller.client, actor=SYSTEM)
    headers = bearer(token_of(tenant, caller, scope="read"))
    point = DecisionPoint(tenant, caller)
    assert point.post(WHOLE, **headers).json() == {"decision": True}
    clients.delete_client(caller.client, actor=SYSTEM)
    assert point.post(WHOLE, **headers).status_code == 401


@pytest.mark.requirement(DOCUMENT, "10.1.2", "Who may not ask is answered 403.")
def test_an_end_users_token_is_no_good(tenant: Tenant, api: Api, caller: MadeClient) -> None:
    person = make_subject(tenant)
    issuer = Issuer(tenant, api, caller.client_id)
    text = str(issuer.issue(subject=subject_record(person.pk))["access_token"])
    answer = DecisionPoint(tenant, caller).post(WHOLE, **bearer(text))
    assert answer.status_code == 403
    assert answer.json()["error"] == "insufficient_scope"


def test_a_public_client_is_refused(tenant: Tenant, caller: MadeClient) -> None:
    public = make_client(
        tenant, "spa", token_endpoint_auth_method="none", grant_types=["refresh_token"]
    )
    answer = DecisionPoint(tenant, caller).post(
        WHOLE, Authorization=basic(public.client_id, "anything")
    )
    assert answer.status_code == 401


def test_tokens_and_policies_of_another_tenant_count_for_nothing(
    tenant: Tenant, caller: MadeClient
) -> None:
    there = make_tenant("initech")
    from tests.factories.tenants import make_api  # noqa: PLC0415 - beside its only use.

    make_api(there)
    other = make_client(there, "checker", scopes=["read"], is_allowed=False)
    allow(there, slug="everybody")
    point = DecisionPoint(tenant, caller)
    assert point.post(WHOLE, **bearer(token_of(there, other, scope="read"))).status_code == 401
    changes.save(AccessPolicy(tenant=there, slug="no", effect="deny"), actor=SYSTEM)
    assert point.post(WHOLE).json() == {"decision": True}
    assert DecisionPoint(there, other).ask(**WHOLE)[0] is False


def test_without_a_policy_everything_is_denied(tenant: Tenant, gateway: MadeClient) -> None:
    decision, context = DecisionPoint(tenant, gateway).ask(**WHOLE)
    assert (decision, context["reason"]) == (False, "no_policy_allows")


def test_a_subject_of_ours_brings_its_groups(tenant: Tenant, gateway: MadeClient) -> None:
    member, stranger = make_subject(tenant), make_subject(tenant)
    staff = Group(tenant=tenant, slug="staff")
    changes.save(staff, actor=SYSTEM, links={"subjects": [member]})
    policy = AccessPolicy(tenant=tenant, slug="staff-only", operations=["access"])
    changes.save(policy, actor=SYSTEM, links={"clients": [gateway.client], "groups": [staff]})
    point = DecisionPoint(tenant, gateway)

    def is_allowed(subject_id: object) -> bool:
        return point.ask({"type": "user", "id": str(subject_id)}, READ, RECORD_1)[0]

    assert is_allowed(member.pk) is True
    assert [is_allowed(other) for other in (stranger.pk, tenant.pk, "alice", "")] == [False] * 4
    member.is_enabled = False
    member.save()
    assert is_allowed(member.pk) is False
    foreign = make_subject(make_tenant("initech"))
    assert is_allowed(foreign.pk) is False


def test_a_subject_can_be_linked_itself(tenant: Tenant, gateway: MadeClient) -> None:
    person = make_subject(tenant)
    policy = AccessPolicy(tenant=tenant, slug="one", operations=["access"])
    changes.save(policy, actor=SYSTEM, links={"subjects": [person]})
    point = DecisionPoint(tenant, gateway)
    assert point.ask({"type": "user", "id": str(person.pk)}, READ, RECORD_1)[0] is True
    assert point.ask(ALICE, READ, RECORD_1)[0] is False


def test_a_resource_server_asks_the_same_policies_about_a_call(
    tenant: Tenant, api: Api, service: MadeClient, gateway: MadeClient
) -> None:
    """`service` has a policy that allows it everything; a deny takes one scope away."""
    point = DecisionPoint(tenant, gateway)
    subject = {"type": "client", "id": service.client_id}
    resource = {"type": "api", "id": api.audience}
    assert point.ask(subject, READ, resource)[0] is True
    assert point.ask(subject, READ, {"type": "api", "id": api.slug})[0] is True
    read = api.scopes.get(name="read")
    policy = AccessPolicy(tenant=tenant, slug="no-reading", effect="deny")
    changes.save(policy, actor=SYSTEM, links={"scopes": [read]})
    decision, context = point.ask(subject, READ, resource)
    assert (decision, context["reason"]) == (False, "policy_denied_scope")
    assert point.ask(subject, {"name": "write"}, resource)[0] is True
    decision, context = point.ask(subject, READ, {"type": "api", "id": "https://unknown.example"})
    assert (decision, context["reason"]) == (False, "audience_unknown")


def test_only_a_resource_server_asks_about_another_client(
    tenant: Tenant, service: MadeClient, gateway: MadeClient
) -> None:
    other = make_client(tenant, "curious", is_allowed=True)
    subject = {"type": "client", "id": service.client_id}
    decision, context = DecisionPoint(tenant, other).ask(subject, READ, RECORD_1)
    assert (decision, context["error"]["status"]) == (False, 403)
    unknown = {"type": "client", "id": "nobody"}
    decision, context = DecisionPoint(tenant, gateway).ask(unknown, READ, RECORD_1)
    assert (decision, context["error"]["status"]) == (False, 404)
    itself = {"type": "client", "id": "curious"}
    assert DecisionPoint(tenant, other).ask(itself, READ, RECORD_1)[0] is True


@pytest.mark.requirement(DOCUMENT, "9.2.2", "The metadata name the decision point and its URLs.")
def test_the_metadata_name_what_answers(tenant: Tenant, caller: MadeClient) -> None:
    answer = HttpClient().get(f"/.well-known/authzen-configuration/t/{tenant.path}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    issuer = f"{settings.TENANTS_BASE_URL}/t/{tenant.path}"
    told = answer.json()
    assert told["policy_decision_point"] == issuer
    assert set(told) == {
        *("policy_decision_point", "access_evaluation_endpoint", "access_evaluations_endpoint")
    }
    point = DecisionPoint(tenant, caller)
    for name in ("access_evaluation_endpoint", "access_evaluations_endpoint"):
        path = told[name].removeprefix(issuer)
        assert point.post(WHOLE, path=path).json() == {"decision": True}


def test_an_unknown_tenant_has_no_decision_point(tenant: Tenant) -> None:
    http = HttpClient()
    assert http.get("/.well-known/authzen-configuration/t/no/such/tenant").status_code == 404
    answer = http.post(f"/t/{tenant.path}x/access/v1/evaluation", {}, "application/json")
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_questions_are_posted(tenant: Tenant, method: str) -> None:
    answer = getattr(HttpClient(), method)(f"/t/{tenant.path}/access/v1/evaluation")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"
