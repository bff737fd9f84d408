"""RFC 8693: who acts by the token of an outside issuer is somebody who may still act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import SubjectIdentity
from tenants.records import SYSTEM
from tenants.services.subjects import save_subject
from tests.rfc.rfc8693_token_exchange.exchange import JWT, World, make_world
from tokens.models import AccessToken

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def _act(world: World, actor: str) -> HttpResponse:
    more: dict[str, Any] = {"actor_token": world.sign(actor), "actor_token_type": JWT}
    return world.ask(world.user_token("alice"), scope="read", **more)


@pytest.mark.requirement("RFC 8693", "2.1", "The actor token says who acts.")
def test_a_disabled_user_acts_for_nobody(world: World) -> None:
    world.user_token("bob")
    assert _act(world, "bob").status_code == 200
    subject = SubjectIdentity.objects.get(sub="bob").subject
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    before = AccessToken.objects.count()
    response = _act(world, "bob")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert AccessToken.objects.count() == before + 1, "only the subject's own token was made"


def test_one_outside_token_is_not_subject_and_actor_at_once(world: World) -> None:
    text = world.sign()
    more: dict[str, Any] = {"subject_token_type": JWT, "actor_token": text, "actor_token_type": JWT}
    response = world.ask(text, **more)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert not AccessToken.objects.exists()


def test_an_actor_is_never_created(world: World) -> None:
    response = _act(world, "nobody-knows-me")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert not SubjectIdentity.objects.filter(sub="nobody-knows-me").exists()
