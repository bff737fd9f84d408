"""RFC 8693: a token is swapped for another that can do no more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from tenants.models import Client, Subject
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tenants.services.clients import save_client
from tenants.services.subjects import save_subject
from tests.factories.tenants import make_client
from tests.rfc.rfc8693_token_exchange.exchange import (
    ACCESS_TOKEN,
    EXCHANGE,
    JWT,
    World,
    make_world,
)
from tests.rfc.verification import verify
from tokens.explain import explain_token
from tokens.models import AccessToken, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def assert_refused(response: HttpResponse, code: str = "invalid_request") -> None:
    assert (response.status_code, response.json()["error"]) == (400, code), response.content


@pytest.mark.requirement("RFC 8693", "2.2.1", "The answer names the type of what was issued.")
def test_user_token_is_exchanged_by_the_server_it_was_sent_to(world: World) -> None:
    parent = world.user_token()
    answer = world.ask(parent).json()
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert (answer["token_type"], set(answer["scope"].split())) == (
        "Bearer",
        {"read", "write", "ship"},
    )
    assert "refresh_token" not in answer
    derived = world.introspect(answer["access_token"])
    assert (derived["client_id"], derived["sub"]) == ("server", world.introspect(parent)["sub"])
    assert "act" not in derived


@pytest.mark.requirement("RFC 8693", "2.1", "scope and audience ask for less.")
def test_scope_and_audience_are_narrowed(world: World) -> None:
    parent = world.user_token()
    read = world.introspect(world.exchange(parent, scope="read"))
    assert (read["scope"], read["aud"]) == ("read", "https://orders.example/")
    parcels = world.introspect(world.exchange(parent, audience="https://parcels.example/"))
    assert (parcels["scope"], parcels["aud"]) == ("ship", "https://parcels.example/")
    resource = world.exchange(parent, resource="https://parcels.example/", scope="ship")
    assert world.introspect(resource)["scope"] == "ship"


def test_nothing_goes_beyond_the_parent(world: World) -> None:
    narrow = world.exchange(world.user_token(), scope="read")
    assert_refused(world.ask(narrow, scope="read write"), "invalid_scope")
    assert_refused(world.ask(narrow, scope="ship"), "invalid_scope")
    assert_refused(world.ask(narrow, audience="https://parcels.example/"), "invalid_target")
    assert_refused(world.ask(narrow, audience="https://nobody.example/"), "invalid_target")


def test_nothing_goes_beyond_the_client(world: World) -> None:
    links = {"scopes": list(world.tenant.scopes.filter(name="read")), "default_scopes": []}
    save_client(world.server.client, actor=SYSTEM, links=links)
    parent = world.user_token()
    assert_refused(world.ask(parent, scope="write"), "invalid_scope")
    assert world.introspect(world.exchange(parent))["scope"] == "read"


def test_derived_token_ends_no_later_than_its_parent(world: World) -> None:
    parent = world.introspect(world.user_token())
    now = time.time()
    with time_machine.travel(now, tick=False) as clock:
        text = world.user_token()
        clock.shift(3000)
        answer = world.ask(text).json()
        assert answer["expires_in"] == 600
        assert world.is_active(answer["access_token"])
        clock.shift(601)
        assert not world.is_active(answer["access_token"])
    assert parent["active"]


def client_id_of(row: AccessToken) -> dict[str, Any]:
    return {"client_id": row.client_id}


def session_of(row: AccessToken) -> dict[str, Any]:
    return {"session_id": row.session_id}


def key_of(row: AccessToken) -> dict[str, Any]:
    return {"token_id": row.pk}


def subject_of(row: AccessToken) -> dict[str, Any]:
    return {"subject_id": row.subject_id}


def profile_of(row: AccessToken) -> dict[str, Any]:
    return {"trust_profile_id": row.trust_profile_id}


@pytest.mark.parametrize(
    "selector", [client_id_of, session_of, key_of, subject_of, profile_of], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("generations", [1, 2])
def test_cut_off_of_the_parent_ends_what_was_derived(
    world: World, selector: Callable[[AccessToken], dict[str, Any]], generations: int
) -> None:
    text = world.user_token()
    row = AccessToken.objects.get()
    own = world.machine_token(world.server)
    for _ in range(generations):
        text = world.exchange(text, scope="read")
    assert world.is_active(text)
    cut_offs.end(world.tenant.pk, actor=SYSTEM, reason="drill", **selector(row))
    assert not world.is_active(text)
    assert world.is_active(own)


def test_revoked_parent_and_ended_session_end_what_was_derived(world: World) -> None:
    first, second = world.user_answer(), world.user_answer("bob")
    derived = [world.exchange(answer["access_token"]) for answer in (first, second)]
    world.oauth.revoke(world.app, first["access_token"])
    assert [world.is_active(text) for text in derived] == [False, True]
    assert Session.objects.count() == 2
    world.oauth.revoke(world.app, second["refresh_token"])
    assert not world.is_active(derived[1])


def test_ending_the_derived_token_leaves_the_parent(world: World) -> None:
    parent = world.user_token()
    derived = world.exchange(parent)
    assert world.oauth.end_session(derived).status_code == 204
    assert (world.is_active(derived), world.is_active(parent)) == (False, True)


def test_disabled_subject_ends_both(world: World) -> None:
    parent = world.user_token()
    derived = world.exchange(parent)
    subject = Subject.objects.get(tenant=world.tenant)
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert not world.is_active(derived)
    assert_refused(world.ask(parent))


@pytest.mark.requirement("RFC 8693", "4.1", "act names the actor and, inside, those before it.")
def test_delegation_names_the_actors_the_latest_outside(world: World) -> None:
    actor: dict[str, Any] = {
        "actor_token": world.machine_token(world.server),
        "actor_token_type": ACCESS_TOKEN,
    }
    first = world.exchange(world.user_token(), **actor)
    claims = verify(world.oauth, first)
    assert claims["act"] == {"sub": "server"}
    assert claims["sub"] == str(Subject.objects.get(tenant=world.tenant).pk)
    other: dict[str, Any] = {
        "actor_token": world.user_token("bob"),
        "actor_token_type": ACCESS_TOKEN,
    }
    bob = world.introspect(other["actor_token"])["sub"]
    second = world.exchange(first, **other)
    assert verify(world.oauth, second)["act"] == {"sub": bob, "act": {"sub": "server"}}
    assert world.introspect(second)["act"] == {"sub": bob, "act": {"sub": "server"}}
    silent = world.exchange(second)
    assert world.introspect(silent)["act"] == {"sub": bob, "act": {"sub": "server"}}


def test_at_most_four_act_for_one_another(world: World) -> None:
    actor: dict[str, Any] = {
        "actor_token": world.machine_token(world.server),
        "actor_token_type": ACCESS_TOKEN,
    }
    text = world.user_token()
    for _ in range(4):
        text = world.exchange(text, **actor)
    assert_refused(world.ask(text, **actor))
    assert world.ask(text).status_code == 200


def test_delegated_token_outlives_neither_of_its_tokens(world: World) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        actor_token = world.machine_token(world.server)
        clock.shift(3500)
        actor: dict[str, Any] = {"actor_token": actor_token, "actor_token_type": ACCESS_TOKEN}
        assert world.ask(world.user_token(), **actor).json()["expires_in"] == 100


@pytest.mark.requirement("RFC 8693", "2.1", "A token of an outside issuer is a subject token.")
def test_outside_token_is_exchanged_once(world: World) -> None:
    outside = world.sign(exp=int(time.time()) + 120)
    answer = world.ask(outside, subject_token_type=JWT, scope="read").json()
    assert 0 < answer["expires_in"] <= 120
    assert world.introspect(answer["access_token"])["scope"] == "read"
    assert_refused(world.ask(outside, subject_token_type=JWT))


def test_outside_actor_is_known_already(world: World) -> None:
    actor: dict[str, Any] = {"actor_token": world.sign("robot"), "actor_token_type": JWT}
    assert_refused(world.ask(world.user_token(), **actor))
    assert not Subject.objects.filter(identities__sub="robot").exists()
    robot = world.introspect(world.user_token("robot"))["sub"]
    actor["actor_token"] = world.sign("robot")
    assert world.introspect(world.exchange(world.user_token(), **actor))["act"] == {"sub": robot}


MAY_ACT: dict[str, tuple[Any, bool]] = {
    "the client": ({"sub": "server"}, True),
    "the client by its id": ({"client_id": "server"}, True),
    "somebody else": ({"sub": "app"}, False),
    "the client of another issuer": ({"sub": "server", "iss": "https://x.example"}, False),
    "nobody": ({}, False),
    "no object": ("server", False),
    "null, which says nothing": (None, True),
}


@pytest.mark.parametrize(("stated", "is_good"), MAY_ACT.values(), ids=MAY_ACT)
@pytest.mark.requirement("RFC 8693", "4.4", "may_act says who may act for the subject.")
def test_may_act_is_honoured(world: World, stated: object, *, is_good: bool) -> None:
    response = world.ask(world.sign(may_act=stated), subject_token_type=JWT)
    assert (response.status_code == 200) is is_good, response.content


def test_may_act_is_compared_with_the_actor_token(world: World) -> None:
    world.user_token("robot")
    stated = {"sub": "robot", "iss": "https://partner.example"}
    for name, is_good in (("robot", True), ("mallory", False)):
        world.user_token(name)
        actor: dict[str, Any] = {"actor_token": world.sign(name), "actor_token_type": JWT}
        response = world.ask(world.sign(may_act=stated), subject_token_type=JWT, **actor)
        assert (response.status_code == 200) is is_good, response.content


@pytest.mark.requirement("RFC 8693", "2.2.2", "An unacceptable token is an invalid_request.")
def test_who_only_found_a_token_can_do_nothing_with_it(world: World) -> None:
    found = world.user_token()
    assert_refused(world.ask(found, world.stranger))
    actor: dict[str, Any] = {"actor_token": found, "actor_token_type": ACCESS_TOKEN}
    own = world.sign("carol")
    assert_refused(world.ask(own, world.stranger, subject_token_type=JWT, **actor))


def test_token_of_a_client_alone_is_narrowed_by_itself_only(world: World) -> None:
    text = world.machine_token(world.app, scope="read write")
    derived = world.introspect(world.exchange(text, world.app, scope="read"))
    assert (derived["sub"], derived["scope"]) == ("app", "read")
    assert_refused(world.ask(text))


def test_policy_that_denies_is_an_invalid_request(world: World) -> None:
    world.tenant.access_policies.filter(slug="server").delete()
    parent = world.user_token()
    type(world.tenant).objects.filter(pk=world.tenant.pk).update(version=99)
    assert_refused(world.ask(parent))
    assert_refused(world.ask(world.sign("newcomer"), subject_token_type=JWT))
    assert not Subject.objects.filter(identities__sub="newcomer").exists()


def test_client_needs_the_grant_and_credentials(world: World) -> None:
    world.server.client.grant_types = ["client_credentials"]
    save_client(world.server.client, actor=SYSTEM)
    parent = world.user_token()
    assert_refused(world.ask(parent), "unauthorized_client")
    make_client(world.tenant, "spa", grant_types=[EXCHANGE], token_endpoint_auth_method="none")
    sent = {"subject_token": parent, "subject_token_type": ACCESS_TOKEN, "client_id": "spa"}
    assert_refused(world.oauth.token(grant_type=EXCHANGE, **sent), "unauthorized_client")
    assert Client.objects.filter(client_id="spa").exists()


def test_derived_token_is_explained_by_its_row(world: World) -> None:
    actor: dict[str, Any] = {
        "actor_token": world.machine_token(world.server),
        "actor_token_type": ACCESS_TOKEN,
    }
    world.exchange(world.user_token(), scope="read", **actor)
    row = AccessToken.objects.get(parent_id__isnull=False)
    explained = explain_token(world.tenant.pk, row.pk)
    assert explained is not None
    assert explained.notes == ()
    claims = {claim.name: claim.value for claim in explained.claims}
    assert claims["act"] == {"sub": "server"}


def test_metadata_offers_the_grant(world: World) -> None:
    document = world.oauth.get("/.well-known/oauth-authorization-server").json()
    assert EXCHANGE in document["grant_types_supported"]
