"""Attacks of clients that make themselves known, and what others do at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection

from tenants.errors import NotFound
from tenants.models import Client, ClientRegistration, ConfigurationChange
from tenants.queries.registrations import find_registration
from tenants.records import SYSTEM
from tenants.services import changes, registrations
from tenants.services.idle_registrations import advance
from tenants.services.registrations import Wanted
from tests.factories.code_flow import CodeFlow
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, make_api, make_tenant
from tests.registering import CALLBACK, Registering, make_open, serve_documents
from tests.rfc.rfc7592_management.test_management import sent
from tests.rfc.signers import client_assertion, make_signer
from tests.rfc.verification import issuer_of
from tokens import foreign_documents, outside_calls
from tokens.outside_calls import NoAnswerYet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    from pytest_django import Settings

    from tests.registering import Documents
    from tokens.outside_calls import OutsideCalls

pytestmark = pytest.mark.django_db
NOON = "2026-03-01T12:00:00Z"
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def somebody() -> Registering:
    return make_open()


@pytest.fixture
def documents(tmp_path: Path, settings: Settings) -> Iterator[Documents]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    settings.TENANTS_OUTGOING_CA_FILE = str(tmp_path / "ca.pem")
    yield from serve_documents(tmp_path)


@contextmanager
def held_up(calls: OutsideCalls, tenant_id: UUID) -> Iterator[None]:
    """Take the tenant's turn among calls to the outside, as a slow stranger does."""
    begun, over = threading.Event(), threading.Event()

    def call() -> bool:
        begun.set()
        return over.wait(10)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(calls.run, tenant_id, call)
        assert begun.wait(5)
        try:
            yield
        finally:
            over.set()
    assert waiting.exception() is None or isinstance(waiting.exception(), NoAnswerYet)


def test_changes_that_change_nothing_make_no_version(somebody: Registering) -> None:
    made = somebody.register()
    before = ConfigurationChange.objects.count()
    for _ in range(3):
        assert somebody.manage("PUT", made, sent(made)).status_code == 200
    assert ConfigurationChange.objects.count() == before


def test_one_address_changes_its_clients_only_so_often(somebody: Registering) -> None:
    made = somebody.register()
    with time_machine.travel(NOON, tick=False):
        answers = [
            somebody.manage("PUT", made, sent(made, client_name=f"app {number}")).status_code
            for number in range(62)
        ]
    assert (answers.count(200), answers.count(429)) == (60, 2)


def test_change_does_not_enable_what_an_operator_disables_meanwhile(
    somebody: Registering,
) -> None:
    made = somebody.register()
    stored = ClientRegistration.objects.get()
    read_before = find_registration(somebody.tenant.pk, stored.pk)
    assert read_before is not None
    assert read_before.client.is_enabled
    client = Client.objects.get(client_id=made["client_id"])
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)

    with pytest.raises(NotFound):
        registrations.update(read_before, Wanted({"name": "again"}, None), address="")

    client.refresh_from_db()
    assert (client.is_enabled, client.name) == (False, "")


def test_client_that_is_used_while_the_task_runs_stays(somebody: Registering) -> None:
    with time_machine.travel(BEGUN, tick=False):
        somebody.register()
    idle = BEGUN + timedelta(days=31)

    def use_it(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:  # noqa: ANN401 - Django's.
        if "pg_advisory_xact_lock" in sql:
            with connection.cursor() as cursor:
                cursor.cursor.execute(
                    "UPDATE tenants_clientregistration SET last_used_at = %s", [idle]
                )
        return execute(sql, *rest)

    with connection.execute_wrapper(use_it):
        assert advance(idle, limit=10) == 0
    assert ClientRegistration.objects.get().stage == "live"


def test_client_that_the_rules_have_outgrown_goes_as_well(somebody: Registering) -> None:
    with time_machine.travel(BEGUN, tick=False):
        somebody.register()
    environment = somebody.tenant.environment
    environment.allowed_grant_types = ["client_credentials"]
    changes.save(environment, actor=SYSTEM)

    assert [advance(BEGUN + timedelta(days=days), limit=1) for days in (31, 39)] == [1, 1]

    assert not Client.objects.exists()


def test_busy_moment_does_not_lock_a_document_out(documents: Documents) -> None:
    tenant = make_tenant(allow_client_metadata_documents=True)
    make_api(tenant)
    flow = CodeFlow(tenant, MadeClient(Client(client_id=documents.describe()), ""))
    with time_machine.travel(NOON, tick=False) as clock:
        with held_up(foreign_documents.CALLS, tenant.pk):
            assert flow.ask(redirect_uri=CALLBACK).status_code == 400
        assert documents.asked == []
        clock.shift(3)
        assert flow.ask(redirect_uri=CALLBACK).status_code == 200


def test_known_document_holds_for_whoever_may_fetch_no_more(documents: Documents) -> None:
    tenant = make_tenant(allow_client_metadata_documents=True)
    make_api(tenant)
    flow = CodeFlow(tenant, MadeClient(Client(client_id=documents.describe()), ""))
    with time_machine.travel(NOON, tick=False) as clock:
        assert flow.ask(redirect_uri=CALLBACK).status_code == 200
        clock.shift(3601)
        others = [f"{documents.address}/n{number}" for number in range(62)]
        pages = [flow.ask(client_id=other).status_code for other in others]
        assert pages[-1] == 429
        assert flow.ask(redirect_uri=CALLBACK).status_code == 200


def test_strangers_keys_wait_for_no_trusted_issuer_nor_hold_one_up(
    somebody: Registering, documents: Documents
) -> None:
    signer = make_signer()
    make_api(somebody.tenant)
    make_policy(somebody.tenant, "registered", client_kinds=["dynamic"])
    made = somebody.register(
        scope="read",
        grant_types=["client_credentials"],
        response_types=[],
        token_endpoint_auth_method="private_key_jwt",
        jwks_uri=documents.put("/keys", {"keys": [signer.jwk]}),
    )
    proof = client_assertion(signer, made["client_id"], issuer_of(somebody.tenant))

    with held_up(outside_calls.CALLS, somebody.tenant.pk):
        answer = somebody.oauth.token(**proof)

    assert answer.status_code == 200, answer.content
    assert documents.asked == ["/keys"]
