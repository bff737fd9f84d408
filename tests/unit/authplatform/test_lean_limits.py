"""The lean adapter holds the same limits as Django's path, and both count together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient, basic
from tests.unit.authplatform.test_lean_adapter import Answered, call

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db
GRANT = b"grant_type=client_credentials"


@pytest.fixture
def client() -> MadeClient:
    tenant = make_tenant()
    make_api(tenant)
    return make_client(tenant, scopes=["read"])


def ask(client: MadeClient, secret: str = "", **variables: str) -> Answered:
    path = f"/t/{client.client.tenant.path}/oauth/token"
    header = basic(client.client_id, secret or client.secret)
    return call(path, GRANT, HTTP_AUTHORIZATION=header, **variables)


def test_a_client_that_sends_too_much_is_told_to_wait(client: MadeClient) -> None:
    client.client.client_requests_per_minute = 1
    client.client.client_request_burst = 1
    changes.save(client.client, actor=SYSTEM)
    assert ask(client).status.startswith("200")
    answered = [ask(client) for _ in range(3)][-1]
    assert answered.status == "429 Too Many Requests"
    assert int(answered.headers["retry-after"]) >= 1
    assert json.loads(answered.body)["error"] == "temporarily_unavailable"


def test_failures_on_one_path_delay_on_the_other(client: MadeClient) -> None:
    for _ in range(5):
        assert ask(client, "wrong").status.startswith("401")
    assert OAuthClient(client.client.tenant).token(client).status_code == 429
    assert ask(client, REMOTE_ADDR="192.0.2.7").status.startswith("200")


def test_an_address_behind_a_trusted_proxy_is_the_callers(
    client: MadeClient, settings: Settings
) -> None:
    settings.AUTHPLATFORM_TRUSTED_PROXIES = ["127.0.0.0/8"]
    for _ in range(5):
        ask(client, "wrong", HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert ask(client, HTTP_X_FORWARDED_FOR="192.0.2.7").status.startswith("429")
    assert ask(client, HTTP_X_FORWARDED_FOR="192.0.2.8").status.startswith("200")
