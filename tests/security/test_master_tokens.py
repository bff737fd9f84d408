"""Hostile use of master tokens and of what users and GraphQL offer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from tenants.models import Group, MasterToken, Scope, Subject
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.groups import save_group
from tests.factories.master_tokens import (
    ADD_TOKEN,
    ADD_USER,
    JSON_TYPE,
    Application,
    find_by_text,
    make_application,
    make_master_token,
)
from tests.factories.tenants import make_client
from tokens.graphql import limits
from tokens.models import AccessToken, MasterTokenQuota, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db
ADD = "addUserAndAccessToken { user { id } }"
WIDE = " ".join(f"a{number}: __typename" for number in range(limits.MAX_COST + 1))
MANY_READS = " ".join(f'a{n}: getUser(id: "{uuid4()}") {{ id }}' for n in range(11))
FRAGMENTS = (
    "query { getAuthorisedUser { user { ...A } } } "
    "fragment A on User { id ...B } fragment B on User { name ...A }"
)
DOUBLING = "fragment F0 on User { id } " + " ".join(
    f"fragment F{n} on User {{ ...F{n - 1} ...F{n - 1} }}" for n in range(1, 25)
)
DOCUMENTS: dict[str, tuple[str, str]] = {
    "two aliases": (f"mutation {{ a: {ADD} b: {ADD} }}", "ONE_MUTATION_ONLY"),
    "the same field twice": (f"mutation {{ {ADD} {ADD} }}", "ONE_MUTATION_ONLY"),
    "a fragment with two": (
        f"mutation {{ ...M }} fragment M on Mutation {{ a: {ADD} b: {ADD} }}",
        "ONE_MUTATION_ONLY",
    ),
    "an inline fragment": (f"mutation {{ ... {{ a: {ADD} }} b: {ADD} }}", "ONE_MUTATION_ONLY"),
    "one that is skipped": (
        f"mutation {{ a: {ADD} b: addUserAndAccessToken @skip(if: true) {{ user {{ id }} }} }}",
        "ONE_MUTATION_ONLY",
    ),
    "both mutations": (
        f'mutation {{ {ADD} addAccessToken(user: "x") {{ scope }} }}',
        "ONE_MUTATION_ONLY",
    ),
    "two operations": (f"mutation A {{ {ADD} }} mutation B {{ {ADD} }}", "ONE_OPERATION_ONLY"),
    "no operation": ("fragment F on User { id }", "ONE_OPERATION_ONLY"),
    "a subscription": ("subscription { userAdded { id } }", "GRAPHQL_VALIDATION_FAILED"),
    "introspection": ("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
    "introspection of a type": ('{ __type(name: "User") { name } }', "INTROSPECTION_DISABLED"),
    "introspection in a fragment": (
        "{ ...I } fragment I on Query { x: __schema { types { name } } }",
        "INTROSPECTION_DISABLED",
    ),
    "too wide": (f"{{ {WIDE} }}", "QUERY_TOO_COSTLY"),
    "too many reads": (f"{{ {MANY_READS} }}", "QUERY_TOO_COSTLY"),
    "cyclic fragments": (FRAGMENTS, "QUERY_TOO_COSTLY"),
    "doubling fragments": (
        f"{{ getAuthorisedUser {{ user {{ ...F24 }} }} }} {DOUBLING}",
        "QUERY_TOO_COSTLY",
    ),
    "too deep": ("{" + " a {" * 10 + " b " + "}" * 11, "QUERY_TOO_DEEP"),
    "too long": ("{ a }" + " " * limits.MAX_CHARACTERS, "QUERY_TOO_LARGE"),
    "too many tokens": ("{" + " a" * (limits.MAX_LEXICAL_TOKENS + 1) + "}", "GRAPHQL_PARSE_FAILED"),
    "nested lists": (
        f"mutation {{ addUserAndAccessToken(audience: {'[' * 900}) {{ user {{ id }} }} }}",
        "GRAPHQL_PARSE_FAILED",
    ),
    "no GraphQL": ("SELECT 1", "GRAPHQL_PARSE_FAILED"),
    "an empty text": ("", "GRAPHQL_PARSE_FAILED"),
    "an unknown field": ("{ users { id } }", "GRAPHQL_VALIDATION_FAILED"),
    "an id of choice": (
        'mutation { addUserAndAccessToken(user: {id: "x"}) { user { id } } }',
        "GRAPHQL_VALIDATION_FAILED",
    ),
}
BODIES: dict[str, bytes] = {
    "an array": json.dumps([{"query": f"mutation {{ {ADD} }}"}] * 2).encode(),
    "a text": b'"query"',
    "no JSON": b"query={}",
    "a member twice": b'{"query": "{ __typename }", "query": "{ __typename }"}',
    "an unknown member": b'{"query": "{ __typename }", "id": 1}',
    "variables in a list": b'{"query": "{ __typename }", "variables": []}',
    "a number as query": b'{"query": 1}',
    "nothing": b"",
    "too much": b'{"query": "' + b" " * 70_000 + b'"}',
    "NUL": b'{"query": "{ __typename }", "operationName": "\\u0000"}',
}


@pytest.fixture
def app() -> Application:
    return make_application()


def code_of(answer: Response) -> str:
    code: str = answer.json()["errors"][0]["extensions"]["code"]
    return code


def nothing_was_made() -> bool:
    return not Subject.objects.exists() and not AccessToken.objects.exists()


@pytest.mark.parametrize(("document", "code"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_hostile_document_is_refused_before_anything_happens(
    app: Application, document: str, code: str
) -> None:
    answer = app.query(app.public, document)
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert nothing_was_made()
    assert not MasterTokenQuota.objects.exists()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_hostile_body_is_refused(app: Application, body: bytes) -> None:
    answer = app.oauth.post_raw(
        "/graphql", body, content_type=JSON_TYPE, Authorization=f"Bearer {app.public}"
    )
    assert answer.status_code in {400, 413}
    assert answer.json()["errors"][0]["message"]
    assert nothing_was_made()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"]
)
def test_pages_of_other_sites_can_not_send_a_simple_request(app: Application, kind: str) -> None:
    body = json.dumps({"query": f"mutation {{ {ADD} }}"})
    answer = app.oauth.post_raw(
        "/graphql", body, content_type=kind, Authorization=f"Bearer {app.public}"
    )
    assert answer.status_code == 415
    assert nothing_was_made()


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE"])
def test_graphql_takes_posts_only(app: Application, method: str) -> None:
    query = "/graphql?query={__typename}"
    assert app.send(method, query, app.public).status_code == 405


def test_token_in_the_query_or_a_cookie_is_no_token(app: Application) -> None:
    answer = app.oauth.http.post(
        f"/t/{app.tenant.path}/graphql?access_token={app.public}",
        json.dumps({"query": "{ __typename }"}),
        content_type=JSON_TYPE,
    )
    assert answer.status_code == 400
    app.oauth.http.cookies["access_token"] = app.public
    answer = app.oauth.post_raw("/graphql", b"{}", content_type=JSON_TYPE)
    assert (answer.status_code, code_of(answer)) == (401, "INVALID_TOKEN")
    assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_introspection_is_bounded_for_those_who_may(app: Application) -> None:
    answer = app.query(app.private, "{ __schema { types { name } } }")
    assert answer.json()["data"]["__schema"]["types"]
    nested = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    assert code_of(app.query(app.private, nested)) == "GRAPHQL_VALIDATION_FAILED"


WRONG: dict[str, Callable[[Application], str]] = {
    "malformed": lambda app: app.public[:-1],
    "another secret": lambda app: app.public[:40] + "A" * (len(app.public) - 40),
    "another prefix": lambda app: app.public.replace("amt_", "acs_"),
    "an unknown id": lambda _: "amt_" + "A" * 64,
    "nothing": lambda _: "",
    "a client's id": lambda _: "application",
    "a foreign tenant's": lambda _: make_application("initech").private,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_token_is_refused_everywhere_in_the_same_words(
    app: Application, wrong: Callable[[Application], str]
) -> None:
    text = wrong(app)
    answers = [
        app.send("POST", "/users", text, {}),
        app.send("GET", "/users", text),
        app.send("GET", f"/users/{uuid4()}", text),
        app.send("GET", "/me", text),
        app.query(text, ADD_USER),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json().get("error_description") for answer in answers[:4]}) == 1


STATES: dict[str, dict[str, Any]] = {
    "disabled": {"is_enabled": False},
    "expired": {"expires_at": timezone.now() - timedelta(days=1)},
}


@pytest.mark.parametrize("fields", STATES.values(), ids=STATES.keys())
def test_token_that_is_over_is_refused_in_the_same_words(
    app: Application, fields: dict[str, Any]
) -> None:
    text = make_master_token(app.tenant, app.client, kind="private", **fields)
    unknown = app.send("POST", "/users", "amt_" + "A" * 64, {})
    refused = app.send("POST", "/users", text, {})
    assert (refused.status_code, refused.json()) == (401, unknown.json())


def test_disabled_client_takes_its_master_tokens_along(app: Application) -> None:
    app.client.is_enabled = False
    changes.save(app.client, actor=SYSTEM)
    assert app.send("GET", "/users", app.private).status_code == 401


def test_client_without_the_grant_gets_no_tokens() -> None:
    app = make_application(grant_types=["refresh_token"])
    refused = app.send("POST", "/users", app.private, {})
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    assert nothing_was_made()


def test_grant_is_none_of_the_token_endpoint(app: Application) -> None:
    refused = app.oauth.token(
        client_id="application", grant_type="urn:authplatform:grant-type:master-token"
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


def test_master_token_is_no_access_token(app: Application) -> None:
    assert app.oauth.end_session(app.private).status_code == 401
    gateway = make_client(app.tenant, "gateway", is_allowed=False)
    assert app.oauth.introspect(gateway, app.private).json() == {"active": False}


CHOICES: dict[str, dict[str, Any]] = {
    "an external id": {"external_id": "me"},
    "attributes": {"attributes": {"is_admin": True}},
    "a verified address": {"email": "a@example.com", "email_verified": True},
}


@pytest.mark.parametrize("members", CHOICES.values(), ids=CHOICES.keys())
def test_public_token_can_not_choose(app: Application, members: dict[str, Any]) -> None:
    existing = app.add_user(external_id="me")["user"]["id"]
    refused = app.send("POST", "/users", app.public, members)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    camel = {"external_id": "externalId", "email_verified": "emailVerified"}
    given = {camel.get(name, name): value for name, value in members.items()}
    assert code_of(app.query(app.public, ADD_USER, user=given)) == "INSUFFICIENT_SCOPE"
    assert [str(subject.pk) for subject in Subject.objects.all()] == [existing]
    # Whether somebody has the id is not told to the public.
    unknown = app.send("POST", "/users", app.public, {"external_id": "nobody"})
    assert unknown.json() == app.send("POST", "/users", app.public, {"external_id": "me"}).json()


@pytest.mark.parametrize("member", ["id", "tenant", "is_enabled", "groups", "created_at"])
def test_nobody_sets_what_is_not_theirs(app: Application, member: str) -> None:
    for token in (app.public, app.private):
        assert app.send("POST", "/users", token, {member: "x"}).status_code == 400
    assert nothing_was_made()


def test_taken_id_is_told_and_never_a_token(app: Application) -> None:
    app.add_user(external_id="me")
    before = AccessToken.objects.count()
    refused = app.send("POST", "/users", app.private, {"external_id": "me"})
    assert (refused.status_code, refused.json()["error"]) == (409, "user_exists")
    assert "access_token" not in refused.json()
    answer = app.query(app.private, ADD_USER, user={"externalId": "me"})
    assert (code_of(answer), answer.json()["data"]) == ("USER_EXISTS", None)
    assert AccessToken.objects.count() == before


def test_another_tenants_id_is_free_here(app: Application) -> None:
    make_application("initech").add_user(external_id="me")
    assert app.add_user(external_id="me")["user"]["external_id"] == "me"


def test_public_token_reaches_nobody(app: Application) -> None:
    user_id = app.add_user(app.public)["user"]["id"]
    path = f"/users/{user_id}"
    assert app.send("GET", "/users", app.public).status_code == 403
    for method, inner in (
        ("GET", ""),
        ("GET", "/tokens"),
        ("DELETE", "/tokens"),
        ("GET", "/consents"),
        ("DELETE", "/consents"),
        ("DELETE", f"/consents/{uuid4()}"),
        ("DELETE", f"/tokens/{uuid4()}"),
    ):
        assert app.send(method, path + inner, app.public).status_code == 404, inner
    assert app.send("POST", f"{path}/tokens", app.public, {}).status_code == 403
    assert code_of(app.query(app.public, ADD_TOKEN, user=user_id)) == "INSUFFICIENT_SCOPE"


def test_user_reaches_nobody_else(app: Application) -> None:
    mine, theirs = app.add_user(app.public), app.add_user(app.public)
    path = f"/users/{theirs['user']['id']}"
    for method, inner in (("GET", ""), ("GET", "/tokens"), ("DELETE", "/tokens")):
        assert app.send(method, path + inner, mine["access_token"]).status_code == 404
    unknown = app.send("GET", f"/users/{uuid4()}", mine["access_token"])
    known = app.send("GET", path, mine["access_token"])
    assert known.json() == unknown.json()
    jti = app.send("GET", f"{path}/tokens", app.private).json()["items"][0]["jti"]
    own = f"/users/{mine['user']['id']}/tokens/{jti}"
    assert app.send("DELETE", own, mine["access_token"]).status_code == 404
    assert app.send("POST", "/users", mine["access_token"], {}).status_code == 403
    assert app.send("GET", "/users", mine["access_token"]).status_code == 403


def test_private_token_of_a_group_reaches_that_group_only(app: Application) -> None:
    inside, outside = (app.add_user()["user"]["id"] for _ in range(2))
    group = Group(tenant=app.tenant, slug="staff")
    save_group(group, actor=SYSTEM, links={"subjects": [Subject.objects.get(pk=inside)]})
    token = make_master_token(app.tenant, app.client, kind="private", user_groups=["staff"])
    assert app.send("GET", f"/users/{inside}", token).status_code == 200
    assert app.send("POST", f"/users/{inside}/tokens", token, {}).status_code == 201
    for method, path, document in (
        ("GET", f"/users/{outside}", None),
        ("POST", f"/users/{outside}/tokens", {}),
        ("DELETE", f"/users/{outside}/tokens", None),
    ):
        assert app.send(method, path, token, document).status_code == 404
    listed = app.send("GET", "/users", token).json()["items"]
    assert [item["id"] for item in listed] == [inside]
    # The filter names the group; without the group it reaches nobody, not everybody.
    changes.delete(group, actor=SYSTEM)
    assert app.send("GET", "/users", token).json()["items"] == []


def test_foreign_tenants_user_is_not_there(app: Application) -> None:
    other = make_application("initech")
    made = other.add_user()
    path = f"/users/{made['user']['id']}"
    for token in (app.private, other.private, made["access_token"]):
        status = 404 if token == app.private else 401
        assert app.send("GET", path, token).status_code == status
        assert app.send("POST", f"{path}/tokens", token, {}).status_code == status
        assert app.send("DELETE", f"{path}/tokens", token).status_code == status
    assert other.send("GET", "/me", made["access_token"]).status_code == 200


def test_rights_to_manage_the_tenant_are_never_delegated(app: Application) -> None:
    scope = Scope.objects.get(tenant=app.tenant, name="management:users:write")
    app.client.scopes.add(scope)
    token = find_by_text(app.tenant, app.private)
    token.scopes.add(scope)  # As nothing but a hand in the database could do.
    refused = app.send("POST", "/users", app.private, {"scope": "management:users:write"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert nothing_was_made()


def test_quota_counts_mutations_whatever_way_they_come(app: Application) -> None:
    MasterToken.objects.update(max_users_per_address_per_day=3)
    answers = [
        app.send("POST", "/users", app.public, {}).status_code,
        app.query(app.public, ADD_USER).status_code,
        app.send("POST", "/users", app.public, {"scope": "write:accounts"}).status_code,
        app.send("POST", "/users", app.public, {}).status_code,
    ]
    assert answers == [201, 200, 400, 429]
    refused = app.query(app.public, ADD_USER)
    assert code_of(refused) == "QUOTA_EXCEEDED"
    again = app.send("POST", "/users", app.public, {})
    assert 0 < int(again["Retry-After"]) <= 86_400
    assert app.send("POST", "/users", app.private, {}).status_code == 201


def test_one_address_can_not_use_up_everybodys_quota(app: Application) -> None:
    MasterToken.objects.update(max_users_per_address_per_day=1, max_users_per_day=3)

    def from_(address: str) -> int:
        answer = app.oauth.http.post(
            f"/t/{app.tenant.path}/users",
            b"{}",
            content_type=JSON_TYPE,
            headers={"Authorization": f"Bearer {app.public}"},
            REMOTE_ADDR=address,
        )
        return answer.status_code

    assert [from_("198.51.100.1") for _ in range(5)] == [201, 429, 429, 429, 429]
    # One household has a whole network of these.
    assert [from_(f"2001:db8::{n}") for n in range(1, 4)] == [201, 429, 429]
    assert [from_(f"203.0.113.{n}") for n in range(1, 6)] == [201, 429, 429, 429, 429]
    # Refused addresses leave no row behind.
    assert MasterTokenQuota.objects.count() == 4


ORIGIN = "https://app.example"


def test_listed_origins_keep_other_pages_out(app: Application) -> None:
    token = make_master_token(app.tenant, app.client, kind="public", allowed_origins=[ORIGIN])
    for origin, status in ((ORIGIN, 201), ("https://evil.example", 403), ("null", 403)):
        answer = app.send("POST", "/users", token, {}, Origin=origin)
        assert answer.status_code == status
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        assert allowed == (ORIGIN if status == 201 else None)
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert app.send("POST", "/users", token, {}).status_code == 403
    preflight = app.oauth.http.options(f"/t/{app.tenant.path}/graphql", headers={"Origin": ORIGIN})
    assert preflight["Access-Control-Allow-Origin"] == ORIGIN


def test_listed_addresses_keep_others_out(app: Application) -> None:
    here = make_master_token(
        app.tenant, app.client, kind="private", allowed_addresses=["127.0.0.0/8"]
    )
    there = make_master_token(
        app.tenant, app.client, kind="private", allowed_addresses=["10.0.0.0/8"]
    )
    assert app.send("GET", "/users", here).status_code == 200
    assert app.send("GET", "/users", there).status_code == 403


MEMBERS: dict[str, dict[str, Any]] = {
    "a number as name": {"name": 1},
    "a list as name": {"name": ["a"]},
    "a long name": {"name": "a" * 300},
    "no address": {"email": "nobody"},
    "a long external id": {"external_id": "a" * 300},
    "a space in the external id": {"external_id": "a b"},
    "NUL in the name": {"name": "a\x00"},
    "half a surrogate pair": {"name": "\ud800"},
    "attributes as text": {"attributes": "{}"},
    "too many attributes": {"attributes": {str(n): n for n in range(200)}},
    "a huge number": {"attributes": {"a": 10**30}},
    "a list as scope": {"scope": ["read:accounts"]},
    "a long scope": {"scope": "a" * 5_000},
    "an object as audience": {"audience": {}},
    "numbers as audience": {"audience": [1]},
    "many audiences": {"audience": [f"https://{n}.example/" for n in range(50)]},
    "a text as flag": {"email_verified": "yes"},
    "an unknown audience": {"audience": "https://elsewhere.example/"},
}


@pytest.mark.parametrize("members", MEMBERS.values(), ids=MEMBERS.keys())
def test_hostile_member_is_refused_and_nothing_is_made(
    app: Application, members: dict[str, Any]
) -> None:
    answer = app.send("POST", "/users", app.private, members)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"] in {"invalid_request", "invalid_scope", "invalid_target"}
    assert nothing_was_made()


def test_graphql_escapes_do_not_bring_in_what_json_may_not(app: Application) -> None:
    document = 'mutation { addUserAndAccessToken(user: {name: "a\\u0000"}) { user { id } } }'
    assert code_of(app.query(app.private, document)) == "INVALID_REQUEST"
    assert nothing_was_made()


@pytest.mark.parametrize("query", ["page_size=0", "page_size=1000", "page_size=x", "cursor=x"])
def test_wrong_page_is_refused(app: Application, query: str) -> None:
    assert app.send("GET", f"/users?{query}", app.private).status_code == 400


def test_token_stands_in_no_answer_trace_or_log(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    refused = app.send("POST", "/users", app.public, {"name": app.public, "scope": app.public})
    assert refused.status_code == 400
    kept = json.dumps(list(Refusal.objects.values_list("trace", flat=True)))
    for text in (refused.content.decode(), kept, caplog.text):
        assert app.public not in text
    assert "master_token" in kept


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_quota_holds_under_concurrency() -> None:
    app = make_application()
    MasterToken.objects.update(max_users_per_address_per_day=5)

    def add(_number: int) -> int:
        try:
            return app.send("POST", "/users", app.public, {}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(add, range(12)))
    assert statuses == [201] * 5 + [429] * 7
    assert Subject.objects.count() == 5
