"""Tests of the one way in which an entity is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from tenants.errors import Conflict, InvalidEntity
from tenants.models import (
    AccessPolicy,
    Api,
    AuditEvent,
    ClientSecret,
    ConfigurationChange,
    Environment,
    Platform,
    Project,
    Scope,
    Subject,
    Tenant,
)
from tenants.records import SYSTEM, Actor
from tenants.services import changes
from tenants.services.client_secrets import add_secret
from tests.factories.tenants import (
    allow,
    find_scopes,
    make_api,
    make_client,
    make_environment,
    make_tenant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

pytestmark = pytest.mark.django_db

OPERATOR = Actor("operator", id="7", address="192.0.2.9")


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


def _newest() -> ConfigurationChange:
    return ConfigurationChange.objects.order_by("-id")[0]


def test_a_write_leaves_a_change_and_an_event(tenant: Tenant) -> None:
    api = Api(tenant=tenant, slug="bills", audience="https://bills.example/")
    changes.save(api, actor=OPERATOR, reason="we need it")
    change = _newest()
    assert (change.scope_kind, change.scope_id) == ("tenant", str(tenant.pk))
    assert (change.entity_kind, change.entity_id) == ("api", str(api.pk))
    assert (change.actor_kind, change.actor_id) == ("operator", "7")
    assert change.audit_event is not None
    assert change.audit_event.detail.reason == "we need it"
    assert change.state is not None
    assert change.state["audience"] == "https://bills.example/"
    event = AuditEvent.objects.filter(tenant_id=tenant.pk).order_by("-sequence")[0]
    assert (event.event, event.entity_id) == ("api.created", str(api.pk))
    assert change.version == Tenant.objects.get(pk=tenant.pk).version


SCOPES: dict[str, tuple[Callable[[Tenant], Model], str]] = {
    "platform": (lambda _: Platform.objects.get(), "platform"),
    "project": (lambda t: t.environment.project, "platform"),
    "environment": (lambda t: t.environment, "environment"),
    "tenant": (lambda t: t, "tenant"),
    "Api": (lambda t: t.apis.get(slug="orders"), "tenant"),
    "scope": (lambda _: Scope.objects.get(name="read"), "tenant"),
    "client": (lambda t: make_client(t, is_allowed=False).client, "client"),
    "policy": (allow, "tenant"),
}


def _versions() -> dict[str, int]:
    kinds = ("platform", "environment", "tenant", "client")
    reads = [f"SELECT '{kind}', version FROM tenants_{kind}" for kind in kinds]  # noqa: S608 - fixed texts.
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(reads))
        return dict(cursor.fetchall())


@pytest.mark.parametrize("name", SCOPES)
def test_each_write_raises_the_version_of_its_scope(tenant: Tenant, name: str) -> None:
    find, kind = SCOPES[name]
    entity = find(tenant)
    before = _versions()
    changes.save(entity, actor=SYSTEM)
    after = _versions()
    assert {k: after[k] - before[k] for k in before} == {k: int(k == kind) for k in before}
    assert _newest().scope_kind == kind


def test_the_object_in_hand_knows_its_new_version(tenant: Tenant) -> None:
    stale = Tenant.objects.get(pk=tenant.pk)
    make_api(tenant, "bills", scopes=["pay"])
    stale.name = "renamed"
    changes.save(stale, actor=SYSTEM)
    stored = Tenant.objects.get(pk=tenant.pk)
    assert (stored.name, stored.version) == ("renamed", stale.version)


def test_an_update_never_turns_back_a_secret_s_last_use(tenant: Tenant) -> None:
    client = make_client(tenant, is_allowed=False).client
    stale = client.secrets.get()
    ClientSecret.objects.update(last_used_at="2030-01-01T00:00:00Z")
    stale.label = "renamed"
    changes.save(stale, actor=SYSTEM)
    assert ClientSecret.objects.get().last_used_at is not None


def test_what_was_deleted_meanwhile_is_a_conflict(tenant: Tenant) -> None:
    api = tenant.apis.get(slug="orders")
    changes.delete(tenant.apis.get(slug="orders"), actor=SYSTEM)
    api.name = "back again?"
    with pytest.raises((Conflict, InvalidEntity)):
        changes.save(api, actor=SYSTEM)
    assert not Api.objects.filter(slug="orders").exists()


def test_a_refused_write_leaves_nothing(tenant: Tenant) -> None:
    counts = (ConfigurationChange.objects.count(), AuditEvent.objects.count())
    for api in (
        Api(tenant=tenant, slug="Not A Slug", audience="x"),
        Api(tenant=tenant, slug="orders", audience="https://another.example"),
        Api(tenant=tenant, slug="second", audience="https://orders.example/"),
    ):
        with pytest.raises(InvalidEntity) as refused:
            changes.save(api, actor=SYSTEM)
        assert all(refused.value.messages.values())
    assert counts == (ConfigurationChange.objects.count(), AuditEvent.objects.count())


def test_a_message_names_the_field(tenant: Tenant) -> None:
    with pytest.raises(InvalidEntity) as refused:
        changes.save(Api(tenant=tenant, slug="Not A Slug", audience=""), actor=SYSTEM)
    assert refused.value.messages.keys() == {"slug", "audience"}


def test_no_secret_gets_into_the_history(tenant: Tenant) -> None:
    made = make_client(tenant, is_allowed=False)
    add_secret(made.client, label="second", actor=SYSTEM)
    states = ConfigurationChange.objects.filter(entity_kind="client_secret").values_list(
        "state", flat=True
    )
    assert len(states) == 2
    for state in states:
        assert state is not None
        assert not {"secret_hash", "typed_secret_hash"} & state.keys()


def test_users_are_no_configuration(tenant: Tenant) -> None:
    count = ConfigurationChange.objects.count()
    changes.save(Subject(tenant=tenant, name="Alice"), actor=SYSTEM)
    assert ConfigurationChange.objects.count() == count
    assert AuditEvent.objects.filter(event="subject.created").exists()


def test_a_deletion_is_a_change_without_state(tenant: Tenant) -> None:
    policy = allow(tenant)
    policy_id = str(policy.pk)
    changes.delete(policy, actor=OPERATOR, reason="not needed")
    change = _newest()
    assert (change.entity_kind, change.entity_id, change.state) == (
        "access_policy",
        policy_id,
        None,
    )


@pytest.mark.usefixtures("tenant")
def test_what_is_still_in_use_stays() -> None:
    with pytest.raises(Conflict):
        changes.delete(Project.objects.get(), actor=SYSTEM)
    with pytest.raises(Conflict):
        changes.delete(make_environment(), actor=SYSTEM)
    assert Environment.objects.exists()


@pytest.mark.parametrize(
    ("entity", "field", "value"),
    [
        (lambda t: t, "slug", "other"),
        (lambda t: t.apis.get(slug="orders"), "slug", "other"),
        (lambda _: Scope.objects.get(name="read"), "name", "other"),
        (lambda t: make_client(t, is_allowed=False).client, "client_id", "other"),
        (allow, "slug", "other"),
    ],
    ids=["tenant", "api", "scope", "client", "policy"],
)
def test_names_are_for_ever(
    tenant: Tenant, entity: Callable[[Tenant], Model], field: str, value: str
) -> None:
    found = entity(tenant)
    setattr(found, field, value)
    with pytest.raises(InvalidEntity, match="can't be changed"):
        changes.save(found, actor=SYSTEM)


def test_policies_go_with_their_last_client_and_stay_for_others(tenant: Tenant) -> None:
    one, two = (make_client(tenant, name, is_allowed=False).client for name in ("one", "two"))
    allow(tenant, one, slug="only-one")
    allow(tenant, one, two, slug="both")
    allow(tenant, slug="everybody")
    changes.delete(one, actor=SYSTEM)
    assert set(AccessPolicy.objects.values_list("slug", flat=True)) == {"both", "everybody"}
    assert AuditEvent.objects.filter(event="access_policy.deleted").count() == 1


def test_links_are_written_and_kept_in_the_history(tenant: Tenant) -> None:
    client = make_client(tenant, is_allowed=False).client
    scopes = find_scopes(tenant, ["read"])
    changes.save(client, actor=SYSTEM, links={"scopes": scopes})
    state = _newest().state
    assert state is not None
    assert state["scopes"] == [str(scopes[0].pk)]


def test_a_write_announces_itself(tenant: Tenant) -> None:
    with CaptureQueriesContext(connection) as statements:
        allow(tenant)
    assert any("pg_notify" in query["sql"] for query in statements)


def test_a_unique_value_that_the_form_could_not_see_is_told_in_words(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(tenant=tenant, slug="orders", audience="https://another.example")
    # Row-level security hides the other row from the check, but not from the constraint.
    monkeypatch.setattr(Api, "full_clean", lambda *_args, **_named: None)
    with pytest.raises(InvalidEntity) as refused:
        changes.save(api, actor=SYSTEM)
    assert isinstance(refused.value.__cause__, IntegrityError)
