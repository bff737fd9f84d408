"""A database that stands by after a failover: 503 with Retry-After, and the connection goes."""

from __future__ import annotations

import io
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from django.db import (
    DataError,
    InternalError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.test import Client as Browser
from django.test import RequestFactory
from django.urls import reverse

from authplatform import failover
from authplatform.lean_adapter import LeanAdapter
from tenants.models import Tenant
from tests.admin.operators import PASSWORD, make_operator
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.management_client import WRITE, ManagementClient
from tests.oauth_client import FORM, OAuthClient, basic
from tokens import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tenants.models import User

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MAKE_READ_ONLY = "ALTER DATABASE {} SET default_transaction_read_only = on"
MAKE_WRITABLE = "ALTER DATABASE {} RESET default_transaction_read_only"


class Answer(NamedTuple):
    """What every way of asking answers alike."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class World(NamedTuple):
    """What is asked, made before the failover."""

    tenant: Tenant
    client: MadeClient
    manager: ManagementClient
    operator: User
    browser: Browser


@pytest.fixture(autouse=True)
def _restored_connection(db: None) -> Iterator[None]:  # noqa: ARG001 - torn down after this one.
    yield
    connection.close()


@pytest.fixture
def world() -> World:
    tenant = make_tenant()
    make_api(tenant)
    operator = make_operator("root", is_superuser=True)
    browser = Browser(raise_request_exception=False)
    browser.force_login(operator)
    client = make_client(tenant, scopes=["read"])
    return World(tenant, client, ManagementClient(tenant, (WRITE,)), operator, browser)


def alter_database(statement: str) -> None:
    """Change what new connections of this database may do."""
    other = connections["default"].copy()
    other.settings_dict["OPTIONS"] = {
        **other.settings_dict["OPTIONS"],
        "target_session_attrs": "any",
    }
    name = other.ops.quote_name(other.settings_dict["NAME"])
    try:
        with other.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(statement.format(name))
    finally:
        other.close()


@contextmanager
def standing_by() -> Iterator[None]:
    """Let the database take no writes, on this thread's connection and on new ones."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    alter_database(MAKE_READ_ONLY)
    try:
        yield
    finally:
        alter_database(MAKE_WRITABLE)


def from_django(response: Any) -> Answer:  # noqa: ANN401 - the stubs' type has another name.
    return Answer(response.status_code, response.headers, response.content)


def ask_adapter(world: World) -> Answer:
    """Ask for a token in front of Django."""
    body = b"grant_type=client_credentials"
    started: list[tuple[str, list[tuple[str, str]]]] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/t/{world.tenant.path}/oauth/token",
        "CONTENT_TYPE": FORM,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": basic(world.client.client_id, world.client.secret),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(body),
    }

    def start(status: str, headers: list[tuple[str, str]], _: object = None, /) -> Any:  # noqa: ANN401 - unused.
        started.append((status, headers))

    content = b"".join(LeanAdapter(lambda *_: [])(environ, start))
    status, headers = started[0]
    return Answer(int(status[:3]), dict(headers), content)


def ask_endpoint(world: World) -> Answer:
    """Ask for a token by Django's way."""
    return from_django(OAuthClient(world.tenant).token(world.client))


def ask_management(world: World) -> Answer:
    """Make a client by the management API."""
    manager = world.manager
    made = {"client_id": f"made-{uuid.uuid4()}", "kind": "service"}
    headers = {"Authorization": f"Bearer {manager.token}"}
    return from_django(
        manager.http.post(manager.base, json.dumps(made), "application/json", headers=headers)
    )


def ask_sign_in(world: World) -> Answer:
    """Sign in to the console."""
    form = {"username": world.operator.username, "password": PASSWORD}
    browser = Browser(raise_request_exception=False)
    return from_django(browser.post(reverse("admin:login"), form))


def delete_in_console(world: World) -> Answer:
    """Delete the tenant's first client in the console."""
    url = reverse("admin:tenants_client_delete", args=[world.client.client.pk])
    return from_django(world.browser.post(url, {"post": "yes", "reason": "test"}))


WRITES: dict[str, tuple[Callable[[World], Answer], int]] = {
    "token, lean adapter": (ask_adapter, 200),
    "token, Django": (ask_endpoint, 200),
    "management API": (ask_management, 201),
    "console, sign-in": (ask_sign_in, 302),
    "console, delete": (delete_in_console, 302),
}


@pytest.mark.parametrize(("ask", "good"), WRITES.values(), ids=WRITES)
def test_write_on_a_standby_is_unavailable_until_the_failover_is_over(
    world: World, ask: Callable[[World], Answer], good: int
) -> None:
    with standing_by():
        refused = ask(world)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert b"read-only" not in refused.body
        assert connection.connection is None
        # No new connection to a standby either, so nothing old is answered from it.
        again = ask(world)
        assert (again.status, again.headers["Retry-After"]) == (503, "1")
    assert ask(world).status == good


def test_nothing_is_introspected_by_a_standby(world: World) -> None:
    issuer = OAuthClient(world.tenant)
    token = issuer.token(world.client).json()["access_token"]
    with standing_by():
        connection.close()
        assert issuer.introspect(world.client, token).status_code == 503
    assert issuer.introspect(world.client, token).json()["active"] is True


def test_standby_is_not_ready(world: World) -> None:
    with standing_by():
        response = world.browser.get("/readyz")
        assert (response.status_code, response.json()["database"]) == (503, "failed")
        assert world.browser.get("/readyz").json()["database"] == "failed"
        assert world.browser.get("/healthz").status_code == 200
    assert world.browser.get("/readyz").json()["database"] == "ok"


def test_prepared_statement_on_a_standby_is_unavailable_and_not_carried_out() -> None:
    sql = "DELETE FROM tokens_replayedassertion WHERE issuer_id = gen_random_uuid()"
    with standing_by():
        with pytest.raises(database.DatabaseUnavailable) as caught:
            database.execute(sql, {}, is_repeatable=True)
        assert not isinstance(caught.value, database.ConnectionLost)
        assert connection.connection is None
    assert database.execute(sql, {}) == []


@pytest.mark.parametrize("is_prepared", [True, False], ids=["prepared", "by Django"])
def test_transaction_on_a_standby_ends_and_leaves_a_usable_thread(*, is_prepared: bool) -> None:
    def write() -> None:
        with transaction.atomic():
            if is_prepared:
                database.execute("DELETE FROM tokens_replayedassertion", {})
            Tenant.objects.update(name="other")

    with standing_by(), pytest.raises((database.DatabaseUnavailable, OperationalError)):
        write()
    assert connection.connection is None
    assert not connection.in_atomic_block
    assert database.execute("SELECT 1", {}) == [(1,)]


def test_other_internal_errors_stay_what_they_are() -> None:
    def go_on_in_a_failed_transaction() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            with pytest.raises(DataError):
                cursor.execute("SELECT 1 / 0")
            cursor.execute("SELECT 1")

    with pytest.raises(InternalError):
        go_on_in_a_failed_transaction()


def answer(error: Exception) -> Answer:
    """Answer an error as Django would have it answered."""
    try:
        raise error
    except type(error):
        return from_django(failover.answer_server_error(RequestFactory().get("/admin/")))


def test_fault_of_ours_is_a_server_error() -> None:
    assert answer(LookupError("secret")).status == 500
    assert b"secret" not in answer(LookupError("secret")).body


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OperationalError("secret"), id="database away"),
        pytest.param(database.DatabaseUnavailable("secret"), id="token path's database away"),
    ],
)
def test_error_that_passes_is_unavailable(error: Exception) -> None:
    refused = answer(error)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert b"secret" not in refused.body
