"""The management API's initial access tokens: a text that is shown once, and a counter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tenants import credentials
from tenants.credentials import CredentialKind
from tenants.models import AuditEvent, ConfigurationChange, InitialAccessToken
from tests.factories.tenants import make_tenant
from tests.management_client import READ, ManagementClient, read_problem

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
SOON = "2036-01-01T00:00:00Z"
GOOD: dict[str, Any] = {"label": "Partners", "expires_at": SOON}


class TokensClient(ManagementClient):
    """Speaks to the initial access tokens of one tenant."""

    def __init__(self, tenant: Tenant, **options: Any) -> None:  # noqa: ANN401 - as its base.
        super().__init__(tenant, **options)
        self.base = f"/api/v1/tenants/{tenant.path}/initial-access-tokens"


@pytest.fixture
def api() -> TokensClient:
    return TokensClient(make_tenant())


def test_the_text_is_in_the_answer_that_makes_it_and_nowhere_else(api: TokensClient) -> None:
    answer = api.post("", GOOD)
    made = answer.json()
    assert answer.status_code == 201, made
    text = made.pop("initial_access_token")
    parsed = credentials.parse_credential(CredentialKind.INITIAL_ACCESS_TOKEN, text)
    assert parsed is not None
    assert str(parsed.row_id) == made["id"]
    assert made | GOOD == made
    assert (made["max_clients"], made["registered_clients"]) == (1, 0)
    path = f"/{made['id']}"
    assert answer["Location"] == f"{api.base}{path}"
    for shown in (api.get(path), api.get("")):
        assert text not in shown.content.decode()
        assert "token_hash" not in shown.content.decode()
    change = ConfigurationChange.objects.get(entity_kind="initial_access_token")
    assert change.state
    assert "token_hash" not in change.state
    event = AuditEvent.objects.get(entity_id=made["id"])
    assert (event.event, event.actor_kind) == ("initial_access_token.created", "client")


def test_a_use_makes_no_other_version_and_is_never_turned_back(api: TokensClient) -> None:
    made = api.post("", GOOD).json()
    path = f"/{made['id']}"
    tag = api.get(path)["ETag"]
    InitialAccessToken.objects.update(registered_clients=1)
    changed = api.patch(path, {"max_clients": 9, "is_enabled": False}, tag)
    assert changed.status_code == 200
    document = changed.json()
    assert (document["max_clients"], document["registered_clients"]) == (9, 1)
    assert document["is_enabled"] is False
    late = api.patch(path, {"max_clients": 10}, tag)
    assert read_problem(late)["code"] == "precondition_failed"


def test_a_deleted_token_is_gone(api: TokensClient) -> None:
    path = f"/{api.post('', GOOD).json()['id']}"
    assert api.delete(path).status_code == 204
    assert read_problem(api.get(path))["code"] == "not_found"
    assert not InitialAccessToken.objects.exists()


def test_pages_follow_one_another(api: TokensClient) -> None:
    made = {api.post("", {**GOOD, "label": f"n {n}"}).json()["id"] for n in range(3)}
    first = api.get("?page_size=2").json()
    second = api.get(f"?page_size=2&cursor={first['next_cursor']}").json()
    assert {item["id"] for item in (*first["items"], *second["items"])} == made
    assert second["next_cursor"] is None


def test_a_token_of_another_tenant_is_not_found(api: TokensClient) -> None:
    foreign = TokensClient(make_tenant("initech")).post("", GOOD).json()
    path = f"/{foreign['id']}"
    assert read_problem(api.get(path))["code"] == "not_found"
    assert read_problem(api.patch(path, {"max_clients": 2}, '"x"'))["code"] == "not_found"
    assert read_problem(api.delete(path))["code"] == "not_found"
    assert read_problem(api.get(f"/{uuid4()}"))["code"] == "not_found"
    assert api.get("").json()["items"] == []


def test_who_reads_clients_reads_tokens_and_makes_none() -> None:
    reader = TokensClient(make_tenant(), scopes=(READ,))
    assert reader.get("").status_code == 200
    assert read_problem(reader.post("", GOOD))["code"] == "insufficient_scope"


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no end": ({"expires_at": None}, "expires_at"),
    "an end in the past": ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    "an end that is none": ({"expires_at": "soon"}, "expires_at"),
    "no label": ({"label": ""}, "label"),
    "a label that is a number": ({"label": 1}, "label"),
    "a long label": ({"label": "x" * 101}, "label"),
    "no client": ({"max_clients": 0}, "max_clients"),
    "countless clients": ({"max_clients": 100_001}, "max_clients"),
    "clients as a text": ({"max_clients": "1"}, "max_clients"),
    "clients as a truth": ({"max_clients": True}, "max_clients"),
    "a count of its own": ({"registered_clients": 0}, "registered_clients"),
    "a hash": ({"token_hash": "AA"}, "token_hash"),
    "a text": ({"initial_access_token": "ait_x"}, "initial_access_token"),
}


@pytest.mark.parametrize(("members", "name"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_member_is_named(api: TokensClient, members: dict[str, Any], name: str) -> None:
    problem = read_problem(api.post("", {**GOOD, **members}))
    assert (problem["status"], list(problem["errors"])) == (422, [name])
    assert not InitialAccessToken.objects.exists()


def test_a_label_is_given_once(api: TokensClient) -> None:
    api.post("", GOOD)
    assert read_problem(api.post("", GOOD))["code"] == "invalid_entity"
