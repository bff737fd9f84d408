"""Registered clients that nobody uses are proposed, disabled, deleted; others stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from tenants.models import AuditEvent, Client, ClientRegistration
from tenants.records import SYSTEM
from tenants.services import changes, registrations
from tenants.services.idle_registrations import advance
from tenants.tasks import remove_idle_clients
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, make_api
from tests.registering import make_open
from tokens import secret_uses

if TYPE_CHECKING:
    from tests.registering import Registering

pytestmark = pytest.mark.django_db
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
IDLE = BEGUN + timedelta(days=31)
DISABLED = IDLE + timedelta(days=8)
DELETED = DISABLED + timedelta(days=31)


@pytest.fixture
def somebody() -> Registering:
    return make_open(registered_client_idle_days=30)


@pytest.fixture
def registration(somebody: Registering) -> ClientRegistration:
    with time_machine.travel(BEGUN, tick=False):
        somebody.register()
    return ClientRegistration.objects.get()


def stage_of(registration: ClientRegistration) -> str:
    return ClientRegistration.objects.get(pk=registration.pk).stage


def test_idle_client_goes_in_three_stages(registration: ClientRegistration) -> None:
    client_id = registration.client_id
    assert advance(BEGUN + timedelta(days=29), limit=10) == 0

    assert advance(IDLE, limit=10) == 1
    assert stage_of(registration) == "proposed"
    assert advance(IDLE + timedelta(days=6), limit=10) == 0
    assert Client.objects.get().is_enabled

    assert advance(DISABLED, limit=10) == 1
    assert stage_of(registration) == "disabled"
    assert not Client.objects.get().is_enabled
    assert advance(DISABLED + timedelta(days=29), limit=10) == 0

    assert advance(DELETED, limit=10) == 1
    assert not Client.objects.exists()
    events = AuditEvent.objects.filter(actor_kind="system", entity_id=str(client_id))
    assert {event.event for event in events} == {"client.updated", "client.deleted"}


def test_client_that_is_used_again_lives_on(registration: ClientRegistration) -> None:
    advance(IDLE, limit=10)
    ClientRegistration.objects.update(last_used_at=IDLE)
    assert advance(IDLE + timedelta(days=1), limit=10) == 1
    assert stage_of(registration) == "live"


def test_client_that_an_operator_keeps_lives_on(registration: ClientRegistration) -> None:
    advance(IDLE, limit=10)
    advance(DISABLED, limit=10)
    registration.refresh_from_db()

    registrations.keep(registration, actor=SYSTEM, now=DISABLED)

    assert Client.objects.get().is_enabled
    assert advance(DELETED - timedelta(days=5), limit=10) == 0
    assert stage_of(registration) == "live"


def test_client_that_an_operator_enabled_is_never_deleted(
    registration: ClientRegistration,
) -> None:
    advance(IDLE, limit=10)
    advance(DISABLED, limit=10)
    client = Client.objects.get()
    client.is_enabled = True
    changes.save(client, actor=SYSTEM)

    assert advance(DELETED, limit=10) == 1
    assert stage_of(registration) == "live"


def test_client_that_an_operator_disabled_is_left_alone(
    registration: ClientRegistration,
) -> None:
    client = registration.client
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    assert advance(DELETED, limit=10) == 0
    assert Client.objects.exists()


def test_a_run_is_bounded(somebody: Registering) -> None:
    with time_machine.travel(BEGUN, tick=False):
        for _ in range(3):
            somebody.register()
    assert [advance(IDLE, limit=2) for _ in range(3)] == [2, 1, 0]


def test_task_brings_them_further(registration: ClientRegistration) -> None:
    with time_machine.travel(IDLE, tick=False):
        remove_idle_clients()
    assert stage_of(registration) == "proposed"


def test_tokens_count_as_uses_and_write_nothing_themselves(somebody: Registering) -> None:
    make_api(somebody.tenant)
    make_policy(somebody.tenant, "registered", client_kinds=["dynamic"])
    made = somebody.register(scope="read", grant_types=["client_credentials"], response_types=[])
    client = Client.objects.get(client_id=made["client_id"])
    ClientRegistration.objects.update(last_used_at=BEGUN)
    secret_uses.forget()

    answer = somebody.oauth.token(MadeClient(client, made["client_secret"]))

    assert answer.status_code == 200, answer.content
    assert ClientRegistration.objects.get().last_used_at == BEGUN
    assert secret_uses.flush() == 2
    assert ClientRegistration.objects.get().last_used_at > BEGUN
