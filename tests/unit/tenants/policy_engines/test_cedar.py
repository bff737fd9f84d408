"""Cedar policies: to permit is to match, and whatever fails is no answer."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import cedarpy
import pytest

from tenants.policy_document import make_document
from tenants.policy_engines import cedar, compile_rule, lint
from tenants.policy_engines.cedar_text import OutOfBounds, check_bounds, find_statements
from tenants.records import OPERATIONS, Verdict
from tests.factories.records import (
    make_api,
    make_client,
    make_request,
    make_scope,
    make_subject,
    make_tenant,
)

if TYPE_CHECKING:
    from tenants.records import JSON, AccessRequest

T, F, U = Verdict.TRUE, Verdict.FALSE, Verdict.INDETERMINATE
PROFILE = make_api("profile")
READ = make_scope(PROFILE, "read")
TENANT = make_tenant([PROFILE], [READ])
CLIENT, SUBJECT = make_client(READ, id=UUID(int=1)), make_subject(id=UUID(int=2))
PLAIN = make_request(CLIENT, "read", now=1_700_000_000.5, user_agent="curl")
FOREIGN = replace(
    PLAIN,
    subject=SUBJECT,
    groups=("staff",),
    claims={"iss": "https://idp.example", "aud": "one", "roles": ["admin"], "deep": {"er": 1}},
)
CALL = replace(
    PLAIN, operation="access", resource={"type": "record", "id": "12"}, action={"name": "can_read"}
)


def ask(rule: JSON, request: AccessRequest = PLAIN) -> Verdict:
    document = make_document(
        request, TENANT, scopes=("read",), default_scopes=tuple, apis=(PROFILE,)
    )
    return compile_rule("cedar", rule)(document)


def permit(condition: str, scope: str = "principal, action, resource") -> str:
    return f"permit({scope}) when {{ {condition} }};"


REQUESTS = {"plain": PLAIN, "foreign": FOREIGN, "call": CALL}
STAFF = 'context has groups && context.groups.contains("staff")'


@pytest.mark.parametrize(
    ("rule", "asked", "verdict"),
    [
        (permit('context.client.kind == "service"'), "plain", T),
        (permit('context.client.kind == "web"'), "plain", F),
        (permit(STAFF), "plain", F),
        (permit(STAFF), "foreign", T),
        (permit('context.groups.contains("staff")'), "plain", U),
        (permit('context.audience.contains("https://profile.example/")'), "plain", T),
        (permit("context has time && context.time.weekday == 2"), "plain", T),
        (permit('context has headers && context.headers["user-agent"] == "curl"'), "plain", T),
        (permit('context.claims.roles.contains("admin")'), "foreign", T),
        (permit('context.claims.aud.contains("one")'), "foreign", T),
        (permit("context.claims has deep"), "foreign", F),
        (permit("true", 'principal, action == Action::"client_credentials", resource'), "plain", T),
        (permit("true", 'principal, action == Action::"access", resource'), "plain", F),
        (permit("true", f'principal == Client::"{CLIENT.id}", action, resource'), "plain", T),
        (permit("true", f'principal == Subject::"{SUBJECT.id}", action, resource'), "foreign", T),
        (permit("true", "principal is Client, action, resource"), "foreign", F),
        (permit("true", 'principal, action, resource == Resource::"12"'), "call", T),
        (permit("true", 'principal, action, resource == Resource::"token"'), "plain", T),
        (permit('context.action.name == "can_read"'), "call", T),
        (permit("true") + "\nforbid(principal, action, resource);", "plain", F),
        (
            permit("true") + '\nforbid(principal, action, resource) when {context.address == ""};',
            "plain",
            U,
        ),
    ],
    ids=itertools.count(),
)
def test_policy(rule: str, asked: str, verdict: Verdict) -> None:
    assert ask(rule, REQUESTS[asked]) is verdict


@pytest.mark.parametrize(
    "claims",
    [{"email": 5}, {"roles": [5]}, {"roles": {"a": 1}}, {"sub": ["a"]}],
    ids=itertools.count(),
)
def test_claim_of_another_kind_is_a_failure_and_no_absence(claims: dict[str, JSON]) -> None:
    assert ask(permit("true"), replace(FOREIGN, claims=claims)) is U


@pytest.mark.parametrize(
    ("rule", "line", "part"),
    [
        (None, None, "a text of Cedar policies"),
        ("  \n", None, "a text of Cedar policies"),
        (permit('context.client.kind = "a"'), 1, "'=' is not a valid operator"),
        (f"{permit('true')}\n\n// Comment; here.\npermit(", 4, "can't read"),
        (f"{permit('true')}\npermit(principal == ?principal, action, resource);", 2, "template"),
        (permit('context.cliant.kind == "a"'), 1, "`cliant` not found. Did you mean client?"),
        (f"{permit('true')}\n{permit('true &&' + chr(10) + 'context.zzz')}", 3, "`zzz` not found."),
        (permit('context.groups.contains("a")'), 1, "Guard it: write has groups &&"),
        (permit("context.version == true"), 1, "not compatible"),
        ("forbid(principal, action, resource);", None, "Without permit"),
        (permit("true", 'principal == User::"a", action, resource'), 1, "unrecognized entity"),
        (permit("(" * 40 + "true" + ")" * 40), None, "16 brackets"),
        (permit("if true then " * 40 + "true" + " else true" * 40), None, "32 ifs"),
        (permit("true && " * 1100 + "true"), None, "2000 words"),
    ],
    ids=itertools.count(),
)
def test_finding_names_line_and_remedy(rule: JSON, line: int | None, part: str) -> None:
    found = [f for f in lint("allow", "cedar", rule) if part in f.message]
    assert [f.line for f in found] == [line]


def test_mistake_in_every_action_is_told_once() -> None:
    assert len(lint("allow", "cedar", permit("context.zzz == 1"))) == 1


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("permit(", id="malformed"),
        pytest.param("permit(principal == ?principal, action, resource);", id="template"),
        pytest.param(permit("(" * 5000 + "true" + ")" * 5000), id="would-end-the-process"),
        pytest.param(
            permit("true //\r && " + "(" * 5000 + "true" + ")" * 5000), id="behind-a-comment"
        ),
        pytest.param(permit('"\ud800" == "a"'), id="half-surrogate"),
    ],
)
def test_rule_that_cant_be_compiled_is_indeterminate(rule: JSON) -> None:
    assert ask(rule) is U


def test_sound_policies_have_no_findings() -> None:
    rule = f"{permit(STAFF)}\n// Both.\n{permit('context.claims.iss == context.address')}"
    guarded = rule.replace(
        "context.claims.iss",
        "context has claims && context has address && context.claims has iss && context.claims.iss",
    )
    assert lint("deny", "cedar", guarded) == []


def test_bounds_hold_in_bytes() -> None:
    with pytest.raises(OutOfBounds):
        check_bounds("// " + "ä" * 9000)


def test_statements_are_split_outside_of_texts_and_comments() -> None:
    text = 'a("x;y");\n// b;\n\nc;d'
    assert find_statements(text) == [(1, 'a("x;y");'), (4, "c;"), (4, "d")]


def test_schema_knows_every_operation() -> None:
    assert all(f'"{operation}"' in cedar.write_schema() for operation in OPERATIONS)
    assert isinstance(cedar.schema(), cedarpy.Schema)
