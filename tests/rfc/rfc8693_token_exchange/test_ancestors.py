"""RFC 8693: what was derived ends with whatever of ours it was derived by, and theirs before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import Subject
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tenants.services.subjects import save_subject
from tests.rfc.rfc8693_token_exchange.exchange import ACCESS_TOKEN, JWT, World, make_world
from tokens.grants.token_exchange import MAX_ANCESTORS
from tokens.models import AccessToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def acting(token: str) -> dict[str, Any]:
    return {"actor_token": token, "actor_token_type": ACCESS_TOKEN}


def assert_refused(response: HttpResponse, code: str = "invalid_request") -> None:
    assert (response.status_code, response.json()["error"]) == (400, code), response.content


def find_subject(world: World, name: str) -> Subject:
    return Subject.objects.get(tenant=world.tenant, identities__sub=name)


def revoke(world: World, actor: dict[str, Any]) -> None:
    assert world.oauth.revoke(world.app, str(actor["access_token"])).status_code == 200


def end_session(world: World, actor: dict[str, Any]) -> None:
    assert world.oauth.revoke(world.app, str(actor["refresh_token"])).status_code == 200


def end_by_bearer(world: World, actor: dict[str, Any]) -> None:
    assert world.oauth.end_session(str(actor["access_token"])).status_code == 204


def cut_off_subject(world: World, _actor: dict[str, Any]) -> None:
    subject_id = find_subject(world, "robot").pk
    cut_offs.end(world.tenant.pk, actor=SYSTEM, reason="drill", subject_id=subject_id)


def disable_subject(world: World, _actor: dict[str, Any]) -> None:
    robot = find_subject(world, "robot")
    robot.is_enabled = False
    save_subject(robot, actor=SYSTEM)


ENDS: dict[str, Callable[[World, dict[str, Any]], None]] = {
    "revoked": revoke,
    "its session ended": end_session,
    "ended by its bearer": end_by_bearer,
    "its subject cut off": cut_off_subject,
    "its subject disabled": disable_subject,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("generations", [0, 1], ids=["derived", "derived of it"])
@pytest.mark.requirement("RFC 8693", "4.1", "A delegation lasts no longer than its actor's token.")
def test_end_of_the_actors_token_ends_what_it_helped_to_derive(
    world: World, end: Callable[[World, dict[str, Any]], None], generations: int
) -> None:
    actor, parent = world.user_answer("robot"), world.user_token()
    derived = world.exchange(parent, **acting(str(actor["access_token"])))
    for _ in range(generations):
        derived = world.exchange(derived, scope="read")
    assert world.is_active(derived)
    end(world, actor)
    assert (world.is_active(derived), world.is_active(parent)) == (False, True)


def test_parent_of_the_actors_token_counts_as_well(world: World) -> None:
    robot = world.user_token("robot")
    actor = world.exchange(robot, scope="read")
    derived = world.exchange(world.user_token(), **acting(actor))
    assert world.is_active(derived)
    world.oauth.revoke(world.app, robot)
    assert not world.is_active(derived)


def test_outside_subject_ends_with_the_actor_that_is_ours(world: World) -> None:
    actor = world.machine_token(world.server)
    answer = world.ask(world.sign(), subject_token_type=JWT, scope="read", **acting(actor))
    derived = str(answer.json()["access_token"])
    assert world.introspect(derived)["act"] == {"sub": "server"}
    world.oauth.revoke(world.server, actor)
    assert not world.is_active(derived)


def test_end_of_what_was_derived_leaves_the_actor(world: World) -> None:
    actor = world.machine_token(world.server)
    derived = world.exchange(world.user_token(), **acting(actor))
    world.oauth.revoke(world.server, derived)
    assert (world.is_active(derived), world.is_active(actor)) == (False, True)


def test_disabled_subject_before_a_parent_ends_the_chain(world: World) -> None:
    """The actor two exchanges ago is nobody that the newest token names as its subject."""
    first = world.exchange(world.user_token(), **acting(world.user_token("robot")))
    newest = world.exchange(world.exchange(first), **acting(world.machine_token(world.server)))
    disable_subject(world, {})
    assert not world.is_active(newest)


def test_chain_is_as_long_as_documented_and_then_refused_with_the_reason(world: World) -> None:
    text = world.user_token()
    for _ in range(MAX_ANCESTORS):
        text = world.exchange(text)
    assert world.is_active(text)
    refused = world.ask(text)
    assert_refused(refused)
    assert str(MAX_ANCESTORS) in refused.json()["error_description"]
    assert AccessToken.objects.count() == MAX_ANCESTORS + 1


def test_whoever_is_met_twice_counts_twice(world: World) -> None:
    """So that a token that is its own actor again and again is never looked up for ever."""
    text = world.user_token()
    for _ in range(3):
        text = world.exchange(text, **acting(text))
    assert world.is_active(text)
    assert_refused(world.ask(text, **acting(text)))


def test_ancestors_of_the_actor_count_too(world: World) -> None:
    text, actor = world.user_token(), world.machine_token(world.server)
    for _ in range(MAX_ANCESTORS // 2):
        text, actor = world.exchange(text), world.exchange(actor)
    assert_refused(world.ask(text, **acting(actor)))
    assert world.is_active(world.exchange(text))


def test_exchange_alone_pays_for_counting(world: World) -> None:
    parent = world.user_token()
    world.ask(parent)
    with CaptureQueriesContext(connection) as captured:
        world.ask(parent)
    counting = [query for query in captured if "tokens_count_ancestors" in query["sql"]]
    assert len(counting) == 1
    with CaptureQueriesContext(connection) as captured:
        world.machine_token(world.server)
    assert not [query for query in captured if "ancestor" in query["sql"]]


def test_function_without_a_caller_is_gone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'tokens_%%ancestor%%'")
        assert {row[0] for row in cursor.fetchall()} == {
            "tokens_has_dead_ancestor",
            "tokens_count_ancestors",
        }
