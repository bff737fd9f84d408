"""Subjects and groups by the management API, as one client of one tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tenants.models import AuditEvent, CutOff, Group, Subject
from tests.factories.tenants import make_tenant
from tests.factories.tokens import make_subject
from tests.management_client import ManagementClient, read_problem

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
READ, WRITE = "management:users:read", "management:users:write"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


@pytest.fixture
def api(tenant: Tenant) -> ManagementClient:
    client = ManagementClient(tenant, (READ, WRITE))
    client.base = f"/api/v1/tenants/{tenant.path}"
    return client


def create(api: ManagementClient, **members: object) -> dict[str, Any]:
    answer = api.post("/subjects", members)
    assert answer.status_code == 201, answer.content
    document: dict[str, Any] = answer.json()
    return document


def test_a_subject_is_created_read_and_changed(api: ManagementClient) -> None:
    made = create(api, external_id="c-1", name="Anna", attributes={"tariff": "green"})
    path = f"/subjects/{made['id']}"
    answer = api.get(path)
    assert answer.json() == made
    assert (made["groups"], made["identities"], made["erased_at"]) == ([], [], None)
    changed = api.patch(path, {"email": "anna@example.com"}, answer["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != answer["ETag"]
    assert changed.json() == {**made, "email": "anna@example.com"}
    assert read_problem(api.patch(path, {"name": "B"}, answer["ETag"]))["status"] == 412
    assert read_problem(api.patch(path, {"name": "B"}))["status"] == 428


def test_disabling_ends_sessions_and_tokens(api: ManagementClient) -> None:
    made = create(api)
    path = f"/subjects/{made['id']}"
    tag = api.get(path)["ETag"]
    assert api.patch(path, {"is_enabled": False}, tag).json()["is_enabled"] is False
    assert str(CutOff.objects.get().subject_id) == made["id"]


def test_subjects_are_listed_in_pages_and_found(api: ManagementClient) -> None:
    ids = sorted(create(api, external_id=f"c-{n}")["id"] for n in range(5))
    found: list[str] = []
    cursor: str | None = ""
    for _ in range(3):
        page = api.get(f"/subjects?page_size=2{cursor}").json()
        found += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert (found, cursor) == (ids, None)
    (one,) = api.get("/subjects?external_id=c-3").json()["items"]
    assert one["external_id"] == "c-3"
    assert api.get("/subjects?is_enabled=false").json()["items"] == []


WRONG: dict[str, tuple[str, object]] = {
    "a taken external id": ("external_id", "taken"),
    "a space in it": ("external_id", "a b"),
    "a number": ("external_id", 1),
    "no address": ("email", "nobody"),
    "a list as attributes": ("attributes", []),
    "attributes of more than 16 kB": ("attributes", {"a": "ä" * 8_192}),
    "a text as flag": ("is_enabled", "no"),
    "the id": ("id", str(uuid4())),
    "the erasure": ("erased_at", None),
    "groups": ("groups", ["staff"]),
}


@pytest.mark.parametrize(("member", "value"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_member_is_named(api: ManagementClient, member: str, value: object) -> None:
    create(api, external_id="taken")
    problem = read_problem(api.post("/subjects", {member: value}))
    assert problem["code"] == "invalid_entity"
    if member == "external_id" and value == "taken":
        assert "external id" in problem["detail"]
    else:
        assert member in problem["errors"]
    assert Subject.objects.count() == 1


def test_an_erasure_answers_the_proof(api: ManagementClient) -> None:
    made = create(api, name="Anna Mayer", email="anna@example.com")
    path = f"/subjects/{made['id']}"
    refused = api.post(f"{path}/erasure", {"reason": "Anna Mayer asked"})
    assert "reason" in read_problem(refused)["errors"]
    report = api.post(f"{path}/erasure", {"reason": "ticket 3"}).json()
    assert (report["is_proven"], report["subject"]) == (True, made["id"])
    left = api.get(path).json()
    assert (left["name"], left["email"], left["is_enabled"]) == ("", "", False)
    refused = api.patch(path, {"name": "B"}, api.get(path)["ETag"])
    assert read_problem(refused)["code"] == "invalid_entity"
    event = AuditEvent.objects.get(event="subject.erased")
    assert (event.actor_kind, event.entity_id) == ("client", made["id"])


def test_groups_and_their_members(api: ManagementClient) -> None:
    answer = api.post("/groups", {"slug": "staff", "permissions": ["read"]})
    assert answer.status_code == 201
    group = answer.json()
    assert answer["Location"].endswith(f"/groups/{group['id']}")
    members = f"/groups/{group['id']}/members"
    subject = create(api)
    for _ in range(2):
        assert api.post(members, {"subject": subject["id"]}).status_code == 204
    page = api.get(members).json()
    assert page == {"items": [{"subject": subject["id"]}], "next_cursor": None}
    assert api.get(f"/subjects/{subject['id']}").json()["groups"] == ["staff"]
    assert api.delete(f"{members}/{subject['id']}").status_code == 204
    assert read_problem(api.delete(f"{members}/{subject['id']}"))["status"] == 404
    tag = api.get(f"/groups/{group['id']}")["ETag"]
    changed = api.patch(f"/groups/{group['id']}", {"name": "Staff"}, tag)
    assert changed.json() == {**group, "name": "Staff"}
    renamed = api.patch(f"/groups/{group['id']}", {"slug": "other"}, changed["ETag"])
    assert "slug" in read_problem(renamed)["errors"]
    assert api.delete(f"/groups/{group['id']}").status_code == 204
    assert not Group.objects.exists()


def test_a_group_is_bounded_as_in_a_configuration_file(api: ManagementClient) -> None:
    most = {"permissions": [f"p{n}" for n in range(1_000)], "roles": [f"r{n}" for n in range(200)]}
    made = api.post("/groups", {"slug": "most", **most})
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in most} == most
    for name, texts in most.items():
        refused = api.post("/groups", {"slug": "more", name: [*texts, "one more"]})
        assert name in read_problem(refused)["errors"]


def test_groups_and_members_are_listed_in_pages(api: ManagementClient) -> None:
    for slug in ("a", "b", "c"):
        group = api.post("/groups", {"slug": slug}).json()
    first = api.get("/groups?page_size=2").json()
    second = api.get(f"/groups?page_size=2&cursor={first['next_cursor']}").json()
    assert [item["slug"] for item in first["items"] + second["items"]] == ["a", "b", "c"]
    ids = sorted(create(api)["id"] for _ in range(3))
    members = f"/groups/{group['id']}/members"
    for subject_id in ids:
        api.post(members, {"subject": subject_id})
    first = api.get(f"{members}?page_size=2").json()
    second = api.get(f"{members}?page_size=2&cursor={first['next_cursor']}").json()
    assert [item["subject"] for item in first["items"] + second["items"]] == ids


def test_what_is_anothers_is_not_there(api: ManagementClient) -> None:
    other = make_tenant("initech")
    stranger = make_subject(other, email="p@example.com")
    group = Group.objects.create(tenant=other, slug="staff")
    mine = api.post("/groups", {"slug": "staff"}).json()
    answers = [
        api.get(f"/subjects/{stranger.pk}"),
        api.patch(f"/subjects/{stranger.pk}", {"name": "x"}, '"x"'),
        api.post(f"/subjects/{stranger.pk}/erasure", {}),
        api.get(f"/groups/{group.pk}"),
        api.get(f"/groups/{group.pk}/members"),
        api.delete(f"/groups/{group.pk}"),
        api.post(f"/groups/{mine['id']}/members", {"subject": str(stranger.pk)}),
    ]
    assert {read_problem(answer)["status"] for answer in answers} == {404}
    assert api.get("/subjects?email=p@example.com").json()["items"] == []
    stranger.refresh_from_db()
    assert stranger.email == "p@example.com"


def test_each_right_is_needed(tenant: Tenant) -> None:
    reader = ManagementClient(tenant, (READ,))
    base = f"/api/v1/tenants/{tenant.path}"
    assert reader.get(f"{base}/subjects").status_code == 200
    subject = make_subject(tenant)
    for path, document in (
        ("/subjects", {}),
        (f"/subjects/{subject.pk}/erasure", {}),
        ("/groups", {"slug": "a"}),
    ):
        assert read_problem(reader.post(base + path, document))["status"] == 403
    clients = ManagementClient(tenant)
    assert read_problem(clients.get(f"{base}/subjects"))["status"] == 403
