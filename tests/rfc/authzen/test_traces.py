"""AuthZEN 1.0: what a denied evaluation leaves behind, and under which identifier."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tenants.records import SYSTEM
from tenants.services import clients
from tests.factories.tokens import make_subject
from tests.rfc.authzen.records import ALICE, BOB, READ, RECORD_1, WRITE, DecisionPoint
from tokens import refusals

if TYPE_CHECKING:
    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient
    from tokens.models import Refusal

SECRET = "acs_" + "s" * 40
WHOLE: dict[str, Any] = {
    "subject": {**BOB, "properties": {"role": "guest", "token": SECRET}},
    "action": {**WRITE, "properties": {"soft": True}},
    "resource": {**RECORD_1, "properties": {"owner": "carol"}},
    "context": {"purpose": "audit"},
}


@pytest.fixture(autouse=True)
def _keep_traces() -> None:
    refusals.LIMITS.forget()


def trace_of(request_id: str) -> Refusal:
    from tokens.models import Refusal  # noqa: PLC0415 - once Django is set up.

    return Refusal.objects.get(request_id=request_id)


def test_a_trace_says_about_what_was_asked_and_by_whom(
    point: DecisionPoint, gateway: MadeClient
) -> None:
    answer = point.post(WHOLE)
    assert answer["X-Refusal-Trace"] == "kept"
    trace = trace_of(answer.json()["context"]["request_id"]).trace
    assert trace["request"]["caller"] == gateway.client_id
    assert trace["request"]["evaluation"] == {
        "subject": {**BOB, "properties": {"role": "(text)", "token": "(text)"}},
        "action": {**WRITE, "properties": {"soft": "(boolean)"}},
        "resource": {**RECORD_1, "properties": {"owner": "(text)"}},
        "context": {"purpose": "(text)"},
    }
    failed = trace["checks"][-1]
    assert (failed["name"], failed["inputs"]["action"]["name"]) == ("policies_allow", "write")
    assert failed["inputs"]["caller"]["client_id"] == gateway.client_id
    assert all(text not in json.dumps(trace) for text in (SECRET, "carol", "audit", "guest"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"subject": {**BOB, "id": "b" * 5000}}, id="long"),
        pytest.param({"subject": {**BOB, "id": SECRET}}, id="secret"),
        pytest.param({"resource": {**RECORD_1, "id": "\u202e\x1b[31m"}}, id="control"),
        pytest.param({"context": {"a" * 900 + str(n): n for n in range(60)}}, id="names"),
        pytest.param({"context": {"list": [1] * 3000}}, id="too-large-to-read"),
    ],
)
def test_whatever_was_asked_the_trace_stays_small_and_clean(
    point: DecisionPoint, change: dict[str, Any]
) -> None:
    answer = point.post({**WHOLE, **change})
    assert answer.json()["decision"] is False
    trace = json.dumps(trace_of(answer.json()["context"]["request_id"]).trace, ensure_ascii=False)
    assert len(trace) < 12_000
    assert SECRET not in trace
    assert trace.isprintable()


@pytest.mark.requirement("AuthZEN 1.0", "10.1.3", "The caller's identifier is in every answer.")
@pytest.mark.parametrize("path", ["evaluation", "evaluations"])
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param("{", {}, 400, id="malformed"),
        pytest.param("{}", {"Authorization": "Bearer x.y.z"}, 401, id="stranger"),
    ],
)
def test_an_error_names_our_identifier_beside_the_callers(
    point: DecisionPoint, path: str, body: str, headers: dict[str, str], status: int
) -> None:
    answer = point.post_raw(
        body, path=f"/access/v1/{path}", **headers, **{"X-Request-Id": "theirs-1"}
    )
    assert (answer.status_code, answer["X-Request-Id"]) == (status, "theirs-1")
    assert answer["X-Refusal-Trace"] == "kept"
    assert trace_of(answer.json()["request_id"]).error == answer.json()["error"]


def test_a_client_that_lost_a_scope_may_not_do_what_its_token_says(
    tenant: Tenant, api: Api, service: MadeClient, gateway: MadeClient
) -> None:
    point = DecisionPoint(tenant, gateway)
    subject = {"type": "client", "id": service.client_id}
    resource = {"type": "api", "id": api.slug}
    assert point.ask(subject, WRITE, resource)[0] is True
    read = api.scopes.get(name="read")
    clients.save_client(service.client, actor=SYSTEM, links={"scopes": [read]})
    decision, context = point.ask(subject, WRITE, resource)
    assert (decision, context["reason"]) == (False, "scope_not_of_client")
    assert point.ask(subject, READ, resource)[0] is True
    # Of a user, the resource server's own scopes say nothing.
    assert point.ask(ALICE, WRITE, resource)[1]["reason"] == "no_policy_allows"


def test_the_erasure_of_a_subject_takes_the_traces_about_it_along(
    tenant: Tenant, point: DecisionPoint
) -> None:
    from tenants.services.erasure import rows_of  # noqa: PLC0415 - once Django is set up.
    from tokens.models import Refusal  # noqa: PLC0415 - as above.

    person = make_subject(tenant)
    denied = point.ask({"type": "user", "id": str(person.pk).upper()}, WRITE, RECORD_1)[1]
    about = rows_of(Refusal, Refusal.personal_data, person)
    assert list(about.values_list("request_id", flat=True)) == [denied["request_id"]]
