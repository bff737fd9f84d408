"""The management API's master tokens: documents, a text that is shown once, and no escalation."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import AuditEvent, ConfigurationChange, MasterToken
from tenants.queries.managed_master_tokens import MASTER_TOKENS
from tests.factories.master_tokens import (
    DELEGATED,
    Application,
    find_by_text,
    make_application,
    make_master_token,
)
from tests.factories.tenants import make_client, make_tenant
from tests.management_client import ManagementClient, read_problem

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
READ = "management:master-tokens:read"
WRITE = (
    "management:master-tokens:write",
    "management:users:read",
    "management:users:write",
)
ALL = (READ, *WRITE)
SOON = "2036-01-01T00:00:00Z"
GOOD: dict[str, Any] = {
    "label": "On the shop's server",
    "client": "application",
    "kind": "private",
    "scopes": sorted(DELEGATED),
    "expires_at": SOON,
}
NOTHING_SAID: dict[str, Any] = {
    "is_enabled": True,
    "user_groups": [],
    "allowed_origins": [],
    "allowed_addresses": [],
    "max_users_per_address_per_day": 10,
    "max_users_per_day": 1_000,
    "last_used_at": None,
}
SHOWN_ONCE = "master_token"


class MasterTokensClient(ManagementClient):
    """Speaks to the master tokens of one tenant."""

    def __init__(self, tenant: Tenant, scopes: tuple[str, ...] = ALL) -> None:
        super().__init__(tenant, scopes)
        self.base = f"/api/v1/tenants/{tenant.path}/master-tokens"

    def make(self, **members: object) -> dict[str, Any]:
        """Create a master token; answer its document with the text."""
        answer = self.post("", {**GOOD, **members})
        assert answer.status_code == 201, answer.content
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture
def application() -> Application:
    """A client with three scopes and two master tokens that were made elsewhere."""
    return make_application()


@pytest.fixture
def api(application: Application) -> MasterTokensClient:
    return MasterTokensClient(application.tenant)


def path_of(application: Application, text: str) -> str:
    return f"/{find_by_text(application.tenant, text).pk}"


def errors_of(answer: Any) -> dict[str, list[str]]:  # noqa: ANN401 - Django's test response.
    problem = read_problem(answer)
    assert problem["code"] == "invalid_entity", problem
    errors: dict[str, list[str]] = problem["errors"]
    return errors


# The document, and a text that is shown once.


def test_a_master_token_has_its_defaults_and_works(
    application: Application, api: MasterTokensClient
) -> None:
    answer = api.post("", GOOD)
    made = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert answer["Location"] == f"{api.base}/{made['id']}"
    text = made.pop(SHOWN_ONCE)
    facts = {name: made[name] for name in ("id", "hint", "created_at")}
    assert made == {**GOOD, **NOTHING_SAID, **facts}
    assert text.endswith(made["hint"])
    user = application.add_user(text, scope="read:accounts")
    assert user["scope"] == "read:accounts"
    read = api.get(f"/{made['id']}")
    assert read["ETag"] == answer["ETag"]
    assert read.json().keys() == made.keys()


def test_a_master_token_says_everything(api: MasterTokensClient) -> None:
    said: dict[str, Any] = {
        "is_enabled": False,
        "scopes": ["read:accounts"],
        "user_groups": ["staff"],
        "allowed_origins": ["https://app.example"],
        "allowed_addresses": ["198.51.100.7", "2001:db8::/32"],
        "max_users_per_address_per_day": 1,
        "max_users_per_day": 1_000_000,
    }
    assert api.make(**said).items() >= {**GOOD, **said}.items()


def test_the_text_is_shown_once_and_kept_nowhere(api: MasterTokensClient) -> None:
    made = api.make()
    text = made[SHOWN_ONCE]
    path = f"/{made['id']}"
    tag = api.get(path)["ETag"]
    for shown in (api.get(path), api.get(""), api.patch(path, {"label": "New"}, tag)):
        assert shown.status_code == 200
        assert text not in shown.content.decode()
        assert "hash" not in shown.content.decode()
    states = ConfigurationChange.objects.filter(entity_id=made["id"])
    assert states.count() == 2
    assert text not in json.dumps([state.state for state in states])
    assert not any("token_hash" in (state.state or {}) for state in states)


def test_every_write_is_audited_in_the_name_of_the_client(api: MasterTokensClient) -> None:
    made = api.make()
    path = f"/{made['id']}"
    api.patch(path, {"label": "New"}, api.get(path)["ETag"])
    assert api.delete(path).status_code == 204
    events = AuditEvent.objects.filter(entity_id=made["id"]).order_by("sequence")
    assert [event.event.partition(".")[2] for event in events] == ["created", "updated", "deleted"]
    assert {(event.actor_kind, event.actor_id) for event in events} == {
        ("client", str(api.made.client.pk))
    }


# Versions, and the ends of a master token.


def test_a_change_names_the_version_that_it_changes(api: MasterTokensClient) -> None:
    path = f"/{api.make()['id']}"
    assert read_problem(api.patch(path, {"label": "a"}))["code"] == "precondition_required"
    first = api.get(path)["ETag"]
    changed = api.patch(path, {"label": "a", "scopes": ["write:accounts"]}, first)
    assert changed.json()["scopes"] == ["write:accounts"]
    assert read_problem(api.patch(path, {"label": "b"}, first))["code"] == "precondition_failed"
    assert api.patch(path, {}, changed["ETag"])["ETag"] == changed["ETag"]
    assert read_problem(api.delete(path, **{"If-Match": first}))["code"] == "precondition_failed"
    assert api.delete(path, **{"If-Match": changed["ETag"]}).status_code == 204
    assert read_problem(api.get(path))["code"] == "not_found"


def test_being_used_makes_no_other_version(api: MasterTokensClient) -> None:
    """Else a busy token could never be changed: each use would come in between."""
    made = api.make()
    path = f"/{made['id']}"
    tag = api.get(path)["ETag"]
    MasterToken.objects.filter(pk=made["id"]).update(last_used_at=timezone.now())
    used = api.get(path)
    assert used.json()["last_used_at"] is not None
    assert used["ETag"] == tag
    assert api.patch(path, {"is_enabled": False}, tag).status_code == 200


@pytest.mark.parametrize("end", ["disabled", "deleted"])
def test_its_end_is_the_end_of_what_it_has_given(
    application: Application, api: MasterTokensClient, end: str
) -> None:
    made = api.make()
    given = application.add_user(made[SHOWN_ONCE])["access_token"]
    assert application.send("GET", "/me", given).status_code == 200
    path = f"/{made['id']}"
    if end == "disabled":
        tag = api.get(path)["ETag"]
        assert api.patch(path, {"is_enabled": False}, tag).json()["is_enabled"] is False
    else:
        assert api.delete(path).status_code == 204
    assert application.send("GET", "/me", given).status_code == 401
    assert application.send("POST", "/users", made[SHOWN_ONCE], {}).status_code == 401


def test_one_is_replaced_by_another_without_an_outage(
    application: Application, api: MasterTokensClient
) -> None:
    first, second = api.make(), api.make(label="The next one")
    for made in (first, second):
        application.add_user(made[SHOWN_ONCE])
    assert api.delete(f"/{first['id']}").status_code == 204
    application.add_user(second[SHOWN_ONCE])


# Wrong members.

OVER = timezone.now() - timedelta(seconds=1)
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"label": ""}, "label"),
    "a label that is a number": ({"label": 7}, "label"),
    "a long label": ({"label": "x" * 101}, "label"),
    "no client": ({"client": None}, "client"),
    "an unknown client": ({"client": "clinet"}, "client"),
    "a client by its row": ({"client": {"id": 1}}, "client"),
    "a long client": ({"client": "x" * 256}, "client"),
    "an unknown kind": ({"kind": "secret"}, "kind"),
    "a kind that is a list": ({"kind": ["public"]}, "kind"),
    "a text as flag": ({"is_enabled": "no"}, "is_enabled"),
    "an unknown scope": ({"scopes": ["raed"]}, "scopes"),
    "scopes as one text": ({"scopes": "read:accounts"}, "scopes"),
    "scopes of numbers": ({"scopes": [1]}, "scopes.0"),
    "a repeated scope": ({"scopes": ["read:accounts"] * 2}, "scopes"),
    "many scopes": ({"scopes": [f"s{n}" for n in range(101)]}, "scopes"),
    "a management scope": ({"scopes": [READ]}, "scopes"),
    "a scope that the client has not": ({"scopes": ["openid"]}, "scopes"),
    "no scopes": ({"scopes": None}, "scopes"),
    "groups of a public token": ({"kind": "public", "user_groups": ["staff"]}, "user_groups"),
    "no slug": ({"user_groups": ["No"]}, "user_groups.0"),
    "a long slug": ({"user_groups": ["x" * 64]}, "user_groups.0"),
    "no origin": ({"allowed_origins": ["https://app.example/path"]}, "allowed_origins"),
    "any origin": ({"allowed_origins": ["*"]}, "allowed_origins"),
    "a long origin": ({"allowed_origins": ["https://" + "x" * 256]}, "allowed_origins.0"),
    "no address": ({"allowed_addresses": ["localhost"]}, "allowed_addresses"),
    "host bits": ({"allowed_addresses": ["198.51.100.7/24"]}, "allowed_addresses"),
    "many addresses": (
        {"allowed_addresses": [f"10.0.0.{n}" for n in range(101)]},
        "allowed_addresses",
    ),
    "no quota": ({"max_users_per_day": 0}, "max_users_per_day"),
    "a quota as a text": ({"max_users_per_day": "5"}, "max_users_per_day"),
    "a quota that is a flag": ({"max_users_per_day": True}, "max_users_per_day"),
    "a huge quota": ({"max_users_per_address_per_day": 10**30}, "max_users_per_address_per_day"),
    "an expiry that is over": ({"expires_at": OVER.isoformat()}, "expires_at"),
    "no expiry": ({"expires_at": None}, "expires_at"),
    "an expiry in seconds": ({"expires_at": 4_102_444_800}, "expires_at"),
    "an expiry before all times": ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
    "an expiry behind all times": ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
    "an unknown member": ({"scope": "read:accounts"}, "scope"),
    "a chosen text": ({SHOWN_ONCE: "amt_mine"}, SHOWN_ONCE),
    "a chosen hash": ({"token_hash": "AAAA"}, "token_hash"),
    "a chosen id": ({"id": str(uuid4())}, "id"),
    "a chosen use": ({"last_used_at": SOON}, "last_used_at"),
    "another tenant": ({"tenant": str(uuid4())}, "tenant"),
}


@pytest.mark.parametrize(("members", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_member_is_named(
    api: MasterTokensClient, members: dict[str, Any], named: str
) -> None:
    before = MasterToken.objects.count()
    texts = errors_of(api.post("", {**GOOD, **members}))[named]
    assert all(texts)
    assert MasterToken.objects.count() == before


@pytest.mark.parametrize("member", ["label", "client", "kind", "expires_at"])
def test_what_has_no_default_must_be_said(api: MasterTokensClient, member: str) -> None:
    sent = {name: value for name, value in GOOD.items() if name != member}
    assert errors_of(api.post("", sent)).keys() == {member}


def test_a_label_is_given_once(api: MasterTokensClient) -> None:
    api.make()
    assert "already exists" in " ".join(errors_of(api.post("", GOOD))["label"])
    path = f"/{api.make(label='Another')['id']}"
    assert errors_of(api.patch(path, {"label": GOOD["label"]}, "*")).keys() == {"label"}


FIXED: dict[str, object] = {"client": "other", "kind": "public"}
CHANGED: dict[str, object] = {
    "expires_at": OVER.isoformat(),
    "scopes": ["openid"],
    "label": None,
    "hint": "1234",
}


@pytest.mark.parametrize(
    ("member", "value"), [*FIXED.items(), *CHANGED.items()], ids=[*FIXED, *CHANGED]
)
def test_a_wrong_change_is_named_and_changes_nothing(
    application: Application, api: MasterTokensClient, member: str, value: object
) -> None:
    make_client(application.tenant, "other", scopes=DELEGATED)
    path = f"/{api.make()['id']}"
    before = api.get(path)
    assert errors_of(api.patch(path, {member: value}, before["ETag"])).keys() == {member}
    assert api.get(path).content == before.content


def test_an_expired_token_is_prolonged(application: Application, api: MasterTokensClient) -> None:
    path = path_of(application, application.private)
    MasterToken.objects.filter(pk=path[1:]).update(expires_at=OVER)
    assert application.send("POST", "/users", application.private, {}).status_code == 401
    tag = api.get(path)["ETag"]
    assert api.patch(path, {"label": "Kept"}, tag).status_code == 200
    assert api.patch(path, {"expires_at": SOON}, "*").status_code == 200
    application.add_user()


# Lists.


def test_lists_come_in_pages(api: MasterTokensClient) -> None:
    api.make(label="Kürbis 🎃")
    ids = sorted(str(pk) for pk in MasterToken.objects.values_list("pk", flat=True))
    assert [item["id"] for item in api.get("").json()["items"]] == ids
    page = api.get("?page_size=2")
    cursor = page.json()["next_cursor"]
    assert f"cursor={cursor}" in page["Link"]
    rest = api.get(f"?page_size=2&cursor={cursor}").json()
    assert [item["id"] for item in page.json()["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    for query in ("cursor=x", "page_size=0", "page_size=101", "kind=public"):
        assert read_problem(api.get(f"?{query}"))["code"] == "invalid_parameter"


def test_a_list_costs_two_statements_however_long(application: Application) -> None:
    for number in range(3):
        make_master_token(
            application.tenant, application.client, kind="private", label=f"more {number}"
        )
    with CaptureQueriesContext(connection) as statements:
        found = MASTER_TOKENS.page(application.tenant.pk, after=None, limit=10)
        assert [len(token.scopes.all()) for token in found] == [2] * 5
        assert {token.client.client_id for token in found} == {"application"}
    assert len(statements) == 2


# Rights.


@pytest.mark.parametrize(
    "scopes",
    [
        pytest.param(ALL, id="all"),
        pytest.param(WRITE, id="writes"),
        pytest.param((READ,), id="reads"),
        pytest.param((READ, WRITE[0]), id="reads-no-users"),
        pytest.param(WRITE[:2], id="writes-no-users"),
        pytest.param((WRITE[0], WRITE[2]), id="only-writes"),
        pytest.param((READ, *WRITE[1:]), id="writes-users-only"),
        pytest.param(("management:clients:write", *WRITE[1:]), id="clients-and-users"),
        pytest.param(("management:policies:write",), id="something-else"),
    ],
)
def test_whoever_makes_one_has_all_that_it_may_do(
    application: Application, scopes: tuple[str, ...]
) -> None:
    api = MasterTokensClient(application.tenant, scopes)
    path = path_of(application, application.private)
    for answer in (api.get(""), api.get(path)):
        assert answer.status_code == (200 if READ in scopes else 403)
    scopes_suffice = set(WRITE) <= set(scopes)
    missing = " ".join(WRITE)
    for answer in (api.post("", GOOD), api.patch(path, {"label": "a"}, "*"), api.delete(path)):
        assert (answer.status_code < 300) == scopes_suffice
        if answer.status_code >= 300:
            assert read_problem(answer)["code"] == "insufficient_scope"
            assert answer["WWW-Authenticate"].endswith(f', scope="{missing}"')


def test_a_master_token_opens_no_management(api: MasterTokensClient) -> None:
    api.token = api.make()[SHOWN_ONCE]
    assert read_problem(api.get(""))["code"] == "invalid_token"


def test_master_tokens_of_another_tenant_are_not_found(api: MasterTokensClient) -> None:
    there = make_application("initech")
    foreign = find_by_text(there.tenant, there.private)
    make_client(there.tenant, "theirs", scopes=DELEGATED)
    shown = {item["id"] for item in api.get("").json()["items"]}
    assert str(foreign.pk) not in shown
    assert len(shown) == 2
    for path in (f"/{foreign.pk}", f"/{uuid4()}"):
        for answer in (api.get(path), api.patch(path, {"label": "mine"}, "*"), api.delete(path)):
            assert read_problem(answer)["code"] == "not_found"
    assert "client" in errors_of(api.post("", {**GOOD, "client": "theirs"}))
    foreign.refresh_from_db()
    assert foreign.label != "mine"


def test_the_path_names_the_tenant_of_the_caller(api: MasterTokensClient) -> None:
    there = make_tenant("initech")
    answer = api.get(f"/api/v1/tenants/{there.path}/master-tokens")
    assert read_problem(answer)["code"] == "invalid_token"
