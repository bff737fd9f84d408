"""Every refusal is counted, the first of a kind keep a trace, and no secret gets into one."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tenants.database_roles import CONSOLE
from tenants.models import AccessPolicy, Platform
from tenants.policy import decide
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories import records
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tokens import partitions, purge, refusal_counts, refusals
from tokens.errors import InvalidClient, InvalidGrant, InvalidScope, OAuthError
from tokens.models import Refusal, RefusalCount
from tokens.parameters import EndpointRequest, Parameters
from tokens.refusal_limits import TraceLimits
from tokens.refusal_traces import (
    REDACTED,
    SECRET_PARAMETERS,
    TRACE_BYTES,
    Refused,
    build_trace,
    columns,
)
from tokens.token_ids import expiry_ordered_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import DjangoAssertNumQueries, Settings

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _nothing_pending() -> Iterator[None]:
    refusals.LIMITS.forget()
    refusal_counts.forget()
    yield
    refusals.LIMITS.forget()
    refusal_counts.forget()


@dataclass(frozen=True, slots=True)
class World:
    """A tenant with an Api and a client that may read it."""

    tenant: Tenant
    made: MadeClient
    oauth: OAuthClient

    def ask(self, **parameters: Any) -> HttpResponse:  # noqa: ANN401 - as the client takes them.
        return self.oauth.token(self.made, **parameters)


@pytest.fixture
def world(db: None) -> World:  # noqa: ARG001 - it must be there.
    tenant = make_tenant()
    make_api(tenant)
    return World(tenant, make_client(tenant, scopes=["read"]), OAuthClient(tenant))


def kept(response: HttpResponse) -> Refusal:
    assert response["X-Refusal-Trace"] == "kept"
    return Refusal.objects.get(request_id=response["X-Request-Id"])


# Over HTTP: what is kept and what the answer says.


def test_denied_decision_keeps_its_walk_under_the_request_id(world: World) -> None:
    response = world.ask(scope="nonsense")
    refusal = kept(response)
    assert (refusal.error, refusal.reason) == ("invalid_scope", "scope_unknown")
    assert (refusal.operation, refusal.grant_type) == ("token", "client_credentials")
    assert (refusal.tenant_id, refusal.client_id) == (world.tenant.pk, world.made.client.pk)
    assert refusal.presented_client_id == "api-client"
    assert abs(refusal.occurred_at - timezone.now()) < timedelta(seconds=10)
    trace = refusal.trace
    assert trace["request"]["scope"] == "nonsense"
    assert trace["request"]["authentication_method"] == "client_secret_basic"
    assert trace["request"]["parameters"] == ["grant_type", "scope"]
    assert trace["versions"]["client"] >= 1
    assert [check["name"] for check in trace["checks"] if not check["passed"]] == [
        "scope_known_and_allowed"
    ]
    assert trace["checks"][-1]["detail"] == "nonsense"
    assert trace["checks"][-1]["inputs"]["requested_scopes"] == ["nonsense"]


def test_policy_that_denies_is_named_in_the_trace(world: World) -> None:
    changes.save(AccessPolicy(tenant=world.tenant, slug="no", effect="deny"), actor=SYSTEM)
    refusal = kept(world.ask(scope="read"))
    assert refusal.reason == "policy_denied"
    policies = {policy["slug"]: policy for policy in refusal.trace["policies"]}
    assert policies["no"]["is_applied"] is True
    assert policies["no"]["effect"] == "deny"


def test_failed_client_authentication_is_kept_without_the_secret(world: World) -> None:
    made = type(world.made)(world.made.client, "wrong-secret-of-somebody")
    refusal = kept(world.oauth.token(made, scope="read"))
    assert (refusal.error, refusal.client_id) == ("invalid_client", world.made.client.pk)
    assert refusal.trace["checks"][0]["name"] == "client_authenticated"
    assert refusal.trace["checks"][0]["detail"] == "wrong credentials or method"
    assert "wrong-secret-of-somebody" not in orjson.dumps(refusal.trace).decode()


def test_unknown_client_is_kept_by_what_it_called_itself(world: World) -> None:
    response = world.oauth.post(
        "/oauth/token", grant_type="client_credentials", client_id="nobody", client_secret="x" * 20
    )
    refusal = kept(response)
    assert (refusal.client_id, refusal.presented_client_id) == (None, "nobody")


def test_unreadable_parameters_are_refused_in_the_tenants_name(world: World) -> None:
    response = world.oauth.post_raw("/oauth/token", "scope=a&scope=b")
    assert response.status_code == 400
    refusal = kept(response)
    assert (refusal.error, refusal.reason) == ("invalid_request", "invalid_request")
    assert refusal.trace["checks"][0]["name"] == "request_readable"


@pytest.mark.parametrize(
    ("path", "operation"),
    [("/oauth/introspect", "introspect"), ("/oauth/revoke", "revoke")],
)
def test_other_endpoints_keep_theirs(world: World, path: str, operation: str) -> None:
    response = world.oauth.post(path, token="x")
    assert kept(response).operation == operation


def test_bearer_that_is_refused_is_not_in_the_trace(world: World) -> None:
    refusal = kept(world.oauth.end_session("0123456789abcdef-not-a-token"))
    assert (refusal.operation, refusal.error) == ("session", "invalid_token")
    assert "0123456789abcdef" not in orjson.dumps(refusal.trace).decode()


def test_grants_own_refusal_says_which(world: World) -> None:
    refusal = kept(world.ask(grant_type="refresh_token", refresh_token="x"))
    assert refusal.reason == "grant_not_of_client"


def test_only_the_first_of_a_minute_keep_a_trace_and_all_are_counted(
    world: World, settings: Settings
) -> None:
    settings.TOKENS_REFUSAL_TRACES_PER_MINUTE = 2
    answers = [world.ask(scope="nonsense")["X-Refusal-Trace"] for _ in range(4)]
    assert answers == ["kept", "kept", "counted", "counted"]
    assert world.ask(scope="read", audience="urn:none")["X-Refusal-Trace"] == "kept"
    assert Refusal.objects.count() == 3
    assert refusal_counts.flush() == 5
    totals: dict[str, int] = {}
    for count in RefusalCount.objects.all():
        totals[count.reason] = totals.get(count.reason, 0) + count.count
    assert totals == {"scope_unknown": 4, "audience_unknown": 1}


def test_success_has_no_header_and_costs_no_statement(
    world: World, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    world.ask(scope="read")
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 1000
    with django_assert_num_queries(1):
        response = world.ask(scope="read")
    assert response.status_code == 200
    assert "X-Refusal-Trace" not in response
    assert Refusal.objects.count() == 0


def test_counted_refusal_costs_no_statement(
    world: World, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.TOKENS_REFUSAL_TRACES_PER_MINUTE = 0
    world.ask(scope="nonsense")
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 1000
    with django_assert_num_queries(0):
        assert world.ask(scope="nonsense")["X-Refusal-Trace"] == "counted"


def test_trace_that_cannot_be_stored_changes_nothing(world: World) -> None:
    with connection.cursor() as cursor:
        for partition in partitions.list_partitions("default", partitions.REFUSALS):
            cursor.execute(f"DROP TABLE {partition.name}")
    response = world.ask(scope="nonsense")
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_scope"
    assert response["X-Refusal-Trace"] == "counted"
    assert world.ask(scope="read").status_code == 200


def test_unknown_issuer_has_nobody_to_keep_a_trace_for(world: World) -> None:
    response = world.oauth.http.post("/t/no/such/tenant/oauth/token")
    assert response.status_code == 404
    assert "X-Refusal-Trace" not in response


# The trace itself.


def make_refused(error: OAuthError, **changes_: Any) -> Refused:  # noqa: ANN401 - fields of records.
    values = changes_.pop("values", {})
    request = EndpointRequest(
        tenant=records.make_tenant(),
        parameters=Parameters({name: (text,) for name, text in values.items()}),
        now=NOW,
        cut_off_number=0,
        request_id="0" * 32,
        **changes_.pop("request", {}),
    )
    return Refused(error, request, "token", **changes_)


@given(secret=st.text(st.characters(codec="ascii", exclude_characters='"\\'), min_size=8))
@pytest.mark.parametrize("name", SECRET_PARAMETERS)
def test_no_secret_parameter_gets_into_a_row(name: str, secret: str) -> None:
    values = {name: secret, "scope": f"read {secret}", "client_id": secret, "grant_type": secret}
    error = InvalidGrant("No.", detail=f"this was wrong: {secret}")
    refused = make_refused(error, values=values, presented_client_id=secret)
    written = orjson.dumps({n: str(v) for n, v in columns(refused).items() if n != "request_id"})
    # What is left of a text that a fixed member name happens to contain is not the secret.
    assert f"wrong: {secret}".encode() not in written
    assert columns(refused)["presented_client_id"] == REDACTED


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("acs_" + "A" * 64, id="client-secret"),
        pytest.param("art_" + "-" * 64, id="refresh-token"),
        pytest.param("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", id="jwt"),
        pytest.param("0123456789ABCDEF" * 4, id="opaque"),
    ],
)
def test_what_has_the_form_of_a_secret_is_cut_out_anywhere(text: str) -> None:
    request = {"user_agent": f"curl {text}", "address": "192.0.2.1"}
    refused = make_refused(
        InvalidScope("No.", detail=text), values={"scope": text}, request=request
    )
    assert text not in orjson.dumps(build_trace(refused)).decode()


def test_secret_of_the_header_is_cut_out_as_well() -> None:
    refused = make_refused(InvalidClient("No.", detail="was hunter22"), secrets=("hunter22",))
    assert "hunter22" not in orjson.dumps(build_trace(refused)).decode()


@pytest.mark.parametrize("text", ["\x00", "\ud800", "\n\u202e", "\U0001f600"])
def test_any_text_can_be_stored(text: str) -> None:
    refused = make_refused(InvalidScope("No.", detail=text), request={"user_agent": text})
    row = columns(refused)
    assert "\\u0000" not in str(row["trace"])
    assert "\\ud800" not in str(row["trace"])


def test_trace_is_bounded_whatever_was_sent() -> None:
    scopes = [f"scope-{number}" for number in range(2_000)]
    client = records.make_client()
    asked = records.make_request(client, *scopes, scope_ceiling=frozenset(scopes))
    decision = decide(asked, records.make_tenant())
    values = {f"{number}-{'p' * 60}": "x" for number in range(60)} | {"scope": " ".join(scopes)}
    error = InvalidScope("No.", asked=asked, decision=decision)
    trace = build_trace(make_refused(error, values=values, client_record=client))
    assert len(orjson.dumps(trace)) <= TRACE_BYTES
    assert trace["checks"]


def test_many_policies_are_cut_and_the_trace_says_so() -> None:
    api = records.make_api()
    scope = records.make_scope(api)
    policies = tuple(
        records.make_policy(f"policy-{number:03}", effect="deny") for number in range(100)
    )
    tenant = records.make_tenant([api], [scope], policies=policies)
    asked = records.make_request(records.make_client(scope), "read")
    decision = decide(asked, tenant)
    trace = build_trace(make_refused(InvalidScope("No.", asked=asked, decision=decision)))
    assert trace["is_cut"] is True
    assert len(orjson.dumps(trace)) <= TRACE_BYTES


def test_reason_of_an_error_is_the_decisions_else_the_given_one_else_the_wire_code() -> None:
    asked = records.make_request(records.make_client(), "read")
    decision = decide(asked, records.make_tenant())
    assert InvalidScope("No.", decision=decision).reason == decision.refusal.reason
    assert InvalidScope("No.", reason="scope_missing").reason == "scope_missing"
    assert InvalidScope("No.").reason == "invalid_scope"


# Limits.


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make_limits(clock: Clock, *, per_minute: int = 5, per_second: int = 100) -> TraceLimits:
    return TraceLimits(per_minute=lambda: per_minute, per_second=lambda: per_second, clock=clock)


def test_each_kind_has_its_first_few_again_in_the_next_minute() -> None:
    clock, tenant = Clock(), uuid4()
    limits = make_limits(clock, per_minute=2)
    first, second = (tenant, "a", "r"), (tenant, "b", "r")
    assert [limits.take(first) for _ in range(3)] == [True, True, False]
    assert limits.take(second)
    clock.now = 60
    assert limits.take(first)


def test_all_kinds_together_keep_no_more_than_the_rate() -> None:
    clock = Clock()
    limits = make_limits(clock, per_second=10)
    assert sum(limits.take((uuid4(), "a", "r")) for _ in range(1_000)) == 10
    clock.now += 0.5
    assert sum(limits.take((uuid4(), "a", "r")) for _ in range(1_000)) == 5


def test_switched_off_keeps_nothing() -> None:
    assert not make_limits(Clock(), per_minute=0).take((uuid4(), "a", "r"))


def test_kinds_that_are_remembered_are_bounded() -> None:
    clock = Clock()
    limits = make_limits(clock, per_second=1_000_000)
    assert sum(limits.take((uuid4(), "a", "r")) for _ in range(12_000)) == 10_000


# Counts.


@pytest.mark.django_db
def test_counts_add_up_over_processes_and_unknown_clients() -> None:
    tenant_id, client = uuid4(), uuid4()
    for _ in range(2):
        for who in (client, None):
            refusal_counts.add(tenant_id=tenant_id, client=who, reason="r", now=NOW)
        assert refusal_counts.flush() == 2
    rows = RefusalCount.objects.filter(tenant=tenant_id)
    assert {(row.client_id, row.count) for row in rows} == {(client, 2), (None, 2)}
    assert refusal_counts.flush() == 0


@pytest.mark.django_db
def test_counts_of_many_threads_add_up_while_they_are_written() -> None:
    tenant_id = uuid4()

    def refuse_often() -> None:
        for _ in range(500):
            refusal_counts.add(tenant_id=tenant_id, client=None, reason="r", now=NOW)

    threads = [threading.Thread(target=refuse_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        refusal_counts.flush()
    refusal_counts.flush()
    assert RefusalCount.objects.get(tenant=tenant_id).count == 4_000


@pytest.mark.django_db
def test_counts_of_too_many_clients_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal_counts, "MAX_PENDING", 3)
    tenant_id = uuid4()
    for _ in range(10):
        refusal_counts.add(tenant_id=tenant_id, client=uuid4(), reason="r", now=NOW)
    assert refusal_counts.flush() == 10
    assert {row.count for row in RefusalCount.objects.filter(client=None)} == {7}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_counts_that_could_not_be_written_wait() -> None:
    refusal_counts.add(tenant_id=uuid4(), client=None, reason="r" * 100, now=NOW)
    with pytest.raises(Exception, match="too long"):
        refusal_counts.flush()
    refusal_counts.forget()
    refusal_counts.add(tenant_id=uuid4(), client=None, reason="r", now=NOW)
    assert refusal_counts.flush() == 1


# Retention and isolation.


def make_refusal(tenant: Tenant, *, days_ago: float = 0, **fields: Any) -> Refusal:  # noqa: ANN401
    at = timezone.now() - timedelta(days=days_ago)
    return Refusal.objects.create(
        id=expiry_ordered_uuid(int(at.timestamp() * 1_000), uuid4().bytes[:10]),
        tenant=tenant,
        **{"request_id": uuid4().hex, "operation": "token", "reason": "r", "error": "e", **fields},
        trace={},
    )


@pytest.mark.django_db
def test_tenant_that_keeps_less_loses_its_old_refusals_and_no_other_does() -> None:
    short, usual = make_tenant("short", refusal_retention_seconds=3600), make_tenant("usual")
    old = [make_refusal(tenant, days_ago=0.05) for tenant in (short, usual)]
    new = [make_refusal(tenant) for tenant in (short, usual)]
    purge.purge_expired(timezone.now(), max_batches=5)
    left = set(Refusal.objects.values_list("pk", flat=True))
    assert left == {row.pk for row in (old[1], *new)}


@pytest.mark.django_db
def test_counts_leave_after_the_platforms_retention() -> None:
    now = timezone.now()
    for days in (6, 8):
        minute = now - timedelta(days=days)
        RefusalCount.objects.create(tenant_id=uuid4(), minute=minute, reason="r", count=1)
    purge.purge_expired(now, max_batches=5)
    assert [row.minute for row in RefusalCount.objects.all()] == [now - timedelta(days=6)]


@pytest.mark.django_db(transaction=True, serialized_rollback=True, databases=["default", "owner"])
def test_partitions_of_refusals_are_made_ahead_and_dropped_after_the_platforms_retention() -> None:
    Platform.objects.update(refusal_retention_seconds=86_400)
    before = {p.name for p in partitions.list_partitions("default", partitions.REFUSALS)}
    assert len(before) >= 9
    try:
        done = partitions.maintain(timezone.now() + timedelta(days=4))
        dropped = {name for name in done.dropped if name.startswith("tokens_refusal_")}
        assert dropped
        assert dropped < before
        assert any(name.startswith("tokens_refusal_") for name in done.made)
    finally:
        with connection.cursor() as cursor:
            for partition in partitions.list_partitions("default", partitions.REFUSALS):
                cursor.execute(f"DROP TABLE {partition.name}")
        partitions.make_ahead(timezone.now(), using="default")


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["tokens_refusal", "tokens_refusalcount"])
def test_console_sees_no_foreign_refusals(table: str) -> None:
    own, foreign = make_tenant("own"), make_tenant("foreign")
    for tenant in (own, foreign):
        make_refusal(tenant)
        RefusalCount.objects.create(tenant=tenant, minute=timezone.now(), reason="r", count=1)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {CONSOLE}")
        cursor.execute("SELECT set_config('app.tenant_ids', %s, true)", [f"{{{own.pk}}}"])
        cursor.execute(f"SELECT tenant_id FROM {table}")  # noqa: S608 - our own names.
        assert cursor.fetchall() == [(own.pk,)]
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_look_ups_by_request_id_and_by_newest_use_an_index() -> None:
    tenant = make_tenant()
    queries = {
        "request": Refusal.objects.filter(tenant=tenant, request_id="x"),
        "newest": Refusal.objects.filter(tenant=tenant).order_by("-id")[:50],
        "client": Refusal.objects.filter(tenant=tenant, presented_client_id="x").order_by("-id"),
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for rows in queries.values():
        assert "Seq Scan" not in rows.explain()


def test_ids_are_ordered_by_the_time_of_the_refusal() -> None:
    early, late = (expiry_ordered_uuid(int(at * 1_000), bytes(10)) for at in (NOW, NOW + 1))
    assert early < late
    assert Refusal(id=early).occurred_at.timestamp() == NOW
