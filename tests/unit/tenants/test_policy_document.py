"""The request document says what is known of a request, and nothing of what isn't."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tenants.policy_document import (
    ABSENT,
    ALLOWED_HEADERS,
    DOCUMENT,
    Document,
    DocumentTooLarge,
    Field,
    kind_of,
    make_document,
)
from tenants.policy_redaction import redact
from tenants.records import TrustProfileRecord
from tests.factories.records import (
    Changes,
    make_api,
    make_client,
    make_request,
    make_subject,
    make_tenant,
)

if TYPE_CHECKING:
    from tenants.policy_document import Members
    from tenants.records import JSON

CLIENT = make_client(id=UUID(int=1))
GATEWAY = make_client(id=UUID(int=2), client_id="gateway")
PROFILE = make_api("profile", id=UUID(int=3))
SUBJECT = make_subject(id=UUID(int=4))
TRUSTED = TrustProfileRecord(
    id=UUID(int=5),
    slug="partner",
    issuer="https://idp.example",
    audience="us",
    algorithms=frozenset({"ES256"}),
)
TENANT = make_tenant([PROFILE], trust_profiles=(TRUSTED,))


def make(**changes: Changes) -> Document:
    request = make_request(CLIENT, **{"requested_scopes": ("read",), **changes})
    return make_document(
        request, TENANT, scopes=("read",), default_scopes=lambda: ["write"], apis=(PROFILE,)
    )


def build(**changes: Changes) -> Members:
    return make(**changes).members


PLAIN: Members = {
    "version": 1,
    "operation": "client_credentials",
    "grant_type": "client_credentials",
    "client": {"id": str(UUID(int=1)), "client_id": "api-client", "kind": "service"},
    "apis": [{"id": str(UUID(int=3)), "slug": "profile", "audience": "https://profile.example/"}],
    "requested_scopes": ["read"],
    "default_scopes": ["write"],
    "scopes": ["read"],
    "requested_audiences": [],
    "audience": ["https://profile.example/"],
}


def test_plain_request() -> None:
    assert build() == PLAIN


def test_full_request() -> None:
    document = build(
        operation="access",
        grant_type="",
        session_grant_type="authorization_code",
        requested_scopes=None,
        requested_audiences=("https://profile.example/",),
        subject=SUBJECT,
        groups=("staff",),
        actor="robot",
        caller=GATEWAY,
        app_tenant_id="clinic",
        address="192.0.2.1",
        method="POST",
        now=1_700_000_000.9,
        user_agent="curl",
        headers={"origin": "https://app.example", "cookie": "secret", "authorization": "secret"},
        trust_profile_id=TRUSTED.id,
        claims={"sub": "x", "none": None, "list": [1, None, {"a": None}]},
        action={"name": "can_read"},
        resource={"type": "record", "id": "12", "properties": {"owner": "alice"}},
        context={"device": "phone"},
    )
    expected: Changes = {
        **{n: m for n, m in PLAIN.items() if n not in {"grant_type", "requested_scopes"}},
        "operation": "access",
        "session_grant_type": "authorization_code",
        "requested_audiences": ["https://profile.example/"],
        "subject": {"id": str(UUID(int=4))},
        "groups": ["staff"],
        "actor": {"id": "robot"},
        "caller": {"id": str(UUID(int=2)), "client_id": "gateway", "kind": "service"},
        "on_behalf": {"tenant": "clinic"},
        "address": "192.0.2.1",
        "method": "POST",
        "time": {"hour": 22, "minute": 13, "weekday": 2, "epoch": 1_700_000_000},
        "headers": {"origin": "https://app.example", "user-agent": "curl"},
        "trust_profile": "partner",
        "claims": {"sub": "x", "list": [1, {}]},
        "action": {"name": "can_read"},
        "resource": {"type": "record", "id": "12", "properties": {"owner": "alice"}},
        "context": {"device": "phone"},
    }
    assert document == expected
    assert set(document) <= set(DOCUMENT.members or ())


def test_trust_profile_that_is_gone_is_absent() -> None:
    assert "trust_profile" not in build(trust_profile_id=UUID(int=9))


@pytest.mark.parametrize("subject", [None, SUBJECT], ids=["stranger", "ours"])
def test_subject_of_an_evaluation(subject: object) -> None:
    asked: dict[str, JSON] = {"type": "user", "id": "alice", "properties": {"age": 5}}
    identifier = str(UUID(int=4)) if subject else "alice"
    assert build(subject=subject, access_subject=asked)["subject"] == {**asked, "id": identifier}


def test_subject_without_any_member_keeps_our_id() -> None:
    assert build(subject=SUBJECT, access_subject={})["subject"] == {"id": str(UUID(int=4))}


def nested(levels: int) -> JSON:
    value: JSON = 1
    for _ in range(levels):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"claims": {"many": [1] * 2048}}, id="many"),
        pytest.param({"context": {"deep": nested(9)}}, id="deep"),
    ],
)
def test_what_is_too_large_is_refused_each_time(changes: Changes) -> None:
    document = make(**changes)
    (name,) = changes
    for _ in range(2):
        with pytest.raises(DocumentTooLarge):
            document.read(name)
        with pytest.raises(DocumentTooLarge):
            _ = document.members
    assert document.read("scopes") == ["read"]


def test_members_are_read_once_and_only_when_asked_for() -> None:
    read: list[str] = []

    def note(name: str) -> JSON:
        read.append(name)
        return None if name == "absent" else name

    document = Document(note, ("here", "absent", "there"))
    for _ in range(2):
        assert (document.read("here"), document.read("absent")) == ("here", ABSENT)
    assert read == ["here", "absent"]
    assert document.members == {"here": "here", "there": "there"}
    assert read == ["here", "absent", "there"]


def test_member_that_no_document_has_is_absent() -> None:
    assert make().read("no-such") is ABSENT


def test_headers_that_are_not_listed_are_left_out() -> None:
    assert "headers" not in build(headers={"cookie": "secret"})
    assert build(headers={"user-agent": "other"}, user_agent="curl")["headers"] == {
        "user-agent": "other"
    }


def test_document_within_bounds_is_copied() -> None:
    claims: dict[str, JSON] = {"list": [1] * 2046}
    assert build(claims=claims)["claims"] == claims


def test_trace_hides_what_came_from_outside() -> None:
    members = build(
        claims={
            "iss": "https://idp.example",
            "email": "a@b.example",
            "roles": ["x"],
            "n": 1,
            "aud": ["https://a.example"],
            "scope": {"hidden": "x"},
            "azp": [{"hidden": "x"}],
        },
        action={"name": "can_read", "properties": {"secret": 1}},
        resource={"type": "record", "id": "12", "properties": {"owner": "alice"}},
        context={"id": "x", "flag": True},
        access_subject={"type": "user", "id": "alice", "properties": {}},
    )
    expected: dict[str, Any] = {
        **members,
        "claims": {
            "iss": "https://idp.example",
            "email": "(text)",
            "roles": "(list)",
            "n": "(number)",
            "aud": ["https://a.example"],
            "scope": "(object)",
            "azp": "(list)",
        },
        "action": {"name": "can_read", "properties": {"secret": "(number)"}},
        "resource": {"type": "record", "id": "12", "properties": {"owner": "(text)"}},
        "context": {"id": "(text)", "flag": "(boolean)"},
        "subject": {"type": "user", "id": "alice", "properties": {}},
    }
    assert redact(members) == expected


def test_null_has_no_kind() -> None:
    assert kind_of(None) == "null"


def written_fields(field: Field, path: str = "") -> set[str]:
    found = {path} if path else set()
    for name, member in (field.members or {}).items():
        found |= written_fields(member, f"{path}.{name}" if path else name)
    return found | (written_fields(field.element, path) if field.element else set())


def test_page_describes_every_field() -> None:
    page = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()
    described = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    headers = {f"headers.{name}" for name in ALLOWED_HEADERS}
    assert written_fields(DOCUMENT) - headers <= described
    assert all(f"`{name}`" in page for name in ALLOWED_HEADERS)
