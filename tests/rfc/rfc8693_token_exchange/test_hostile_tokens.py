"""RFC 8693: what is no token to exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.tenants import make_api, make_tenant
from tests.rfc.rfc8693_token_exchange.exchange import ACCESS_TOKEN, JWT, World, make_world
from tokens.models import AccessToken

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db
REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
SAML2 = "urn:ietf:params:oauth:token-type:saml2"


@pytest.fixture
def world() -> World:
    return make_world()


def tampered(world: World) -> str:
    head, payload, signature = world.user_token().split(".")
    return f"{head}.{payload}.{signature[:-8]}AAAAAAAA"


def revoked(world: World) -> str:
    text = world.user_token()
    world.oauth.revoke(world.app, text)
    return text


def of_another_tenant(_world: World) -> str:
    return make_world("initech").user_token()


def refresh_token(world: World) -> str:
    return str(world.user_answer()["refresh_token"])


SUBJECT_TOKENS: dict[str, tuple[Callable[[World], str], dict[str, Any]]] = {
    "tampered": (tampered, {}),
    "revoked": (revoked, {}),
    "of another tenant": (of_another_tenant, {}),
    "a refresh token": (refresh_token, {}),
    "a refresh token by its type": (refresh_token, {"subject_token_type": REFRESH_TOKEN}),
    "nonsense": (lambda _: "nonsense", {}),
    "outside token as one of ours": (lambda world: world.sign(), {}),
    "ours as outside token": (lambda world: world.user_token(), {"subject_token_type": JWT}),
    "unknown type": (lambda world: world.user_token(), {"subject_token_type": SAML2}),
    "no type": (lambda world: world.user_token(), {"subject_token_type": None}),
    "empty": (lambda _: "", {}),
    "unknown issuer": (
        lambda world: world.sign(iss="https://evil.example"),
        {"subject_token_type": JWT},
    ),
    "wrong audience": (
        lambda world: world.sign(aud="https://evil.example"),
        {"subject_token_type": JWT},
    ),
    "outside token without signature": (
        lambda world: world.sign().rpartition(".")[0] + ".",
        {"subject_token_type": JWT},
    ),
    "another type wanted": (
        lambda world: world.user_token(),
        {"requested_token_type": REFRESH_TOKEN},
    ),
    "actor without type": (lambda world: world.user_token(), {"actor_token": "x"}),
    "actor type without token": (
        lambda world: world.user_token(),
        {"actor_token_type": ACCESS_TOKEN},
    ),
    "actor of nonsense": (
        lambda world: world.user_token(),
        {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
    ),
    "actor of unknown type": (
        lambda world: world.user_token(),
        {"actor_token": "x", "actor_token_type": SAML2},
    ),
    "actor that is a refresh token": (
        lambda world: world.user_token(),
        {"actor_token": "rt_x", "actor_token_type": REFRESH_TOKEN},
    ),
}


@pytest.mark.parametrize(("make", "more"), SUBJECT_TOKENS.values(), ids=SUBJECT_TOKENS)
@pytest.mark.requirement("RFC 8693", "2.2.2", "What can't be accepted is an invalid_request.")
def test_what_is_not_good_is_refused_and_leaves_nothing(
    world: World, make: Callable[[World], str], more: dict[str, Any]
) -> None:
    text = make(world)
    before = AccessToken.objects.count()
    response = world.ask(text, **more)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert AccessToken.objects.count() == before


def test_token_that_its_api_could_forge_is_no_subject_token(world: World) -> None:
    api = world.tenant.apis.get(slug="orders")
    type(api).objects.filter(pk=api.pk).update(signing_algorithm="HS256")
    type(world.tenant).objects.filter(pk=world.tenant.pk).update(version=99)
    text = world.user_token(scope="read")
    assert world.is_active(text)
    assert world.ask(text).json()["error"] == "invalid_request"


def test_opaque_token_is_exchanged_like_any_other(world: World) -> None:
    world.tenant.access_token_format = "opaque"
    world.tenant.save()
    type(world.tenant).objects.filter(pk=world.tenant.pk).update(version=99)
    text = world.user_token()
    assert "." not in text
    assert world.introspect(world.exchange(text, scope="read"))["scope"] == "read"


REQUESTED_TYPES = {
    "a refresh token": REFRESH_TOKEN,
    "an ID token": "urn:ietf:params:oauth:token-type:id_token",
    "SAML 2": SAML2,
    "a JWT of any kind": JWT,
    "another case": ACCESS_TOKEN.upper(),
    "a short name": "access_token",
    "nonsense": "x" * 2_000,
}


@pytest.mark.parametrize("requested", REQUESTED_TYPES.values(), ids=REQUESTED_TYPES)
@pytest.mark.requirement("RFC 8693", "2.2.2", "A type that is not issued is an invalid request.")
def test_only_access_tokens_are_issued(world: World, requested: str) -> None:
    refused = world.ask(world.user_token(), requested_token_type=requested)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert ACCESS_TOKEN in refused.json()["error_description"]
    named = world.ask(world.user_token(), requested_token_type=ACCESS_TOKEN)
    assert named.json()["issued_token_type"] == ACCESS_TOKEN


TARGETS: dict[str, dict[str, Any]] = {
    "unknown resource": {"resource": "https://nobody.example/"},
    "relative resource": {"resource": "/orders"},
    "resource with a fragment": {"resource": "https://orders.example/#x"},
    "resource that is no URI": {"resource": "orders"},
    "unknown audience": {"audience": "nobody"},
    "client as audience": {"audience": "server"},
    "one good, one unknown": {"audience": ["https://orders.example/", "nobody"]},
    "good audience, unknown resource": {
        "audience": "https://orders.example/",
        "resource": "https://nobody.example/",
    },
    "audience of another tenant": {"audience": "https://initech.example/"},
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.requirement("RFC 8693", "2.2.2", "A target for which none is issued: invalid_target.")
def test_target_for_which_no_token_is_issued_is_an_invalid_target(
    world: World, target: dict[str, Any]
) -> None:
    make_api(make_tenant("initech"), "far", audience="https://initech.example/", scopes=["far"])
    refused = world.ask(world.user_token(), **target)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


@pytest.mark.parametrize("place", ["subject_token", "actor_token"])
@pytest.mark.parametrize("client_name", ["app", "server"])
def test_limited_token_is_neither_exchanged_nor_an_actor(
    world: World, place: str, client_name: str
) -> None:
    """Its uses are counted by introspection only, so a derived one would be free."""
    client = getattr(world, client_name)
    answer = world.user_answer(usage_limit="3")
    limited, usual = str(answer["access_token"]), world.user_token("bob")
    sent = {"subject_token": usual, "actor_token": usual, place: limited}
    refused = world.ask(
        sent["subject_token"],
        client,
        actor_token=sent["actor_token"],
        actor_token_type=ACCESS_TOKEN,
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert place in refused.json()["error_description"]
    assert world.introspect(limited)["active"] is True
