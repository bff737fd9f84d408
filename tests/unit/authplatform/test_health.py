import json
import socket

import pytest
from django.db import DEFAULT_DB_ALIAS, connection
from django.test import Client
from pytest_django import Settings

from authplatform.celery import app
from tokens import partitions

TOKEN = "t" * 32


def test_healthz_answers_anyone(client: Client) -> None:
    response = client.get("/healthz", headers={"X-Forwarded-For": "198.51.100.1"})
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_names_each_check(client: Client) -> None:
    response = client.get("/readyz")
    outcomes = json.loads(response.content)
    assert outcomes.keys() == {"database", "broker", "keys", "partitions"}
    assert {outcomes[name] for name in ("database", "keys", "partitions")} == {"ok"}


@pytest.mark.django_db
def test_readyz_fails_without_its_broker(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        monkeypatch.setattr(app.conf, "broker_url", url)
        monkeypatch.setattr(app.conf, "broker_write_url", url)
        response = client.get("/readyz")
    assert response.status_code == 503
    assert json.loads(response.content)["broker"] == "failed"
    assert not settings.AUTHPLATFORM_IS_QUEUE_IN_DATABASE


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["TENANTS_TOKEN_PEPPERS", "TENANTS_KEY_ENCRYPTION_KEYS"])
def test_readyz_fails_without_its_keys(client: Client, settings: Settings, name: str) -> None:
    setattr(settings, name, {})
    response = client.get("/readyz")
    assert (response.status_code, response.json()["keys"]) == (503, "failed")


@pytest.mark.django_db
def test_readyz_fails_without_partitions_ahead(client: Client) -> None:
    last = partitions.list_partitions(DEFAULT_DB_ALIAS)[1:]
    with connection.cursor() as cursor:
        for partition in last:
            cursor.execute(f"DROP TABLE {partition.name}")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["partitions"]) == (503, "failed")


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
@pytest.mark.parametrize(
    ("address", "headers"),
    [
        pytest.param("198.51.100.1", {}, id="from elsewhere"),
        pytest.param("127.0.0.1", {"X-Forwarded-For": "198.51.100.1"}, id="through a proxy"),
        pytest.param("198.51.100.1", {"Authorization": "Bearer wrong"}, id="wrong token"),
        pytest.param("198.51.100.1", {"Authorization": "Bearer é"}, id="not ASCII"),
    ],
)
def test_inside_is_hidden_from_strangers(
    client: Client, settings: Settings, path: str, address: str, headers: dict[str, str]
) -> None:
    settings.AUTHPLATFORM_OPERATIONS_TOKEN = TOKEN
    assert client.get(path, REMOTE_ADDR=address, headers=headers).status_code == 404


def test_empty_token_opens_nothing(client: Client, settings: Settings) -> None:
    settings.AUTHPLATFORM_OPERATIONS_TOKEN = ""
    headers = {"Authorization": "Bearer "}
    assert client.get("/metrics", REMOTE_ADDR="198.51.100.1", headers=headers).status_code == 404


@pytest.mark.django_db
def test_metrics_count_requests_by_route(client: Client, settings: Settings) -> None:
    settings.AUTHPLATFORM_OPERATIONS_TOKEN = TOKEN
    client.get("/healthz")
    response = client.get(
        "/metrics",
        REMOTE_ADDR="198.51.100.1",
        headers={"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "203.0.113.1"},
    )
    assert response.status_code == 200
    assert b'authplatform_request_seconds_count{route="healthz",status="200"}' in response.content
