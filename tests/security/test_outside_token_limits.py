"""Outside tokens between their ways in: what one way has settled binds the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from tenants.models import SubjectIdentity, TrustProfile
from tenants.records import GrantType
from tests.factories.outside import Partner, make_partner
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, make_client
from tests.rfc.signers import CLIENT_ASSERTION, GRANT
from tests.rfc.verification import issuer_of
from tests.security.test_direct_tokens import INACTIVE, World
from tokens.admin import grant_search

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db
OTHER_AUDIENCE = "https://second.example"


@pytest.fixture
def world() -> World:
    return World()


def _swap(world: World, text: str) -> HttpResponse:
    if not world.tenant.clients.filter(client_id="app").exists():
        make_client(
            world.tenant,
            "app",
            kind="spa",
            scopes=["read"],
            grant_types=[GRANT],
            token_endpoint_auth_method="none",
        )
    return world.oauth.token(grant_type=GRANT, assertion=text, client_id="app")


def _make_workload(profile: TrustProfile, name: str) -> MadeClient:
    return make_client(
        profile.tenant,
        name,
        kind="workload",
        token_endpoint_auth_method="workload_identity",
        workload_trust_profile=profile,
        workload_subject="alice",
        scopes=["read"],
    )


def _prove(world: World, name: str, text: str) -> HttpResponse:
    return world.oauth.token(
        client_id=name, client_assertion_type=CLIENT_ASSERTION, client_assertion=text
    )


def _exchange(world: World, text: str) -> HttpResponse:
    name = GrantType.TOKEN_EXCHANGE.value
    client = make_client(world.tenant, f"server-{uuid4()}", scopes=["read"], grant_types=[name])
    return world.oauth.token(
        client,
        grant_type=name,
        subject_token=text,
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
    )


WAYS: dict[str, Callable[[World, str], HttpResponse]] = {
    "assertion": _swap,
    "subject token": _exchange,
    "proof of a workload": lambda world, text: _prove(world, "job", text),
}


@pytest.mark.parametrize("second", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("first", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("jti", ["one", None], ids=["by its jti", "by its text"])
def test_what_went_one_way_goes_no_other(
    world: World,
    jti: str | None,
    first: Callable[[World, str], HttpResponse],
    second: Callable[[World, str], HttpResponse],
) -> None:
    _make_workload(world.partner.profile, "job")
    text = world.partner.sign("alice", jti=jti)
    assert world.tell(text)["active"] is True, "what works directly is not used up by it"
    assert first(world, text).status_code == 200
    refused = second(world, text)
    assert refused.status_code in {400, 401}
    assert "used before" in refused.json()["error_description"]


def _add_profile(world: World, slug: str = "other", **fields: Any) -> Partner:  # noqa: ANN401 - of a profile.
    """Make a second profile of the same issuer and key, for another audience."""
    values = {"audience": OTHER_AUDIENCE, "jwks": [world.partner.signer.jwk], **fields}
    made = make_partner(world.tenant, [world.api], ["read"], slug=slug, **values)
    return Partner(made.profile, world.partner.signer)


def test_a_token_that_a_limit_has_ended_creates_nobody(world: World) -> None:
    now = int(timezone.now().timestamp())
    text = world.partner.sign("alice", iat=now, exp=now + 600)
    make_policy(world.tenant, "briefly", effect="limit", limit_lifetime_seconds=60)
    with time_machine.travel(now + 60, tick=False):
        assert world.tell(text) == INACTIVE
        world.assert_nothing_kept()
    with time_machine.travel(now + 59, tick=False):
        assert world.tell(text)["exp"] == now + 60


def test_what_was_ended_proves_no_workload(world: World) -> None:
    _make_workload(world.partner.profile, "job")
    text = world.partner.sign("alice")
    assert world.oauth.end_session(text).status_code == 204
    assert _prove(world, "job", text).json()["error"] == "invalid_client"
    assert _prove(world, "job", world.partner.sign("alice")).status_code == 200


def test_a_token_for_two_profiles_of_an_issuer_works_once(world: World) -> None:
    other = _add_profile(world, is_accepted_directly=False)
    for profile in (world.partner.profile, other.profile):
        _make_workload(profile, f"job-{profile.slug}")
    text = world.partner.sign("alice", aud=[issuer_of(world.tenant), OTHER_AUDIENCE])
    assert _prove(world, "job-partner", text).status_code == 200
    assert _prove(world, "job-other", text).json()["error"] == "invalid_client"
    assert _swap(world, text).json()["error"] == "invalid_grant"


def test_what_was_ended_by_one_profile_of_an_issuer_is_swapped_by_none(world: World) -> None:
    _add_profile(world, "an-earlier", is_accepted_directly=False)
    text = world.partner.sign("alice", aud=[issuer_of(world.tenant), OTHER_AUDIENCE])
    assert world.tell(text)["active"] is True
    assert world.oauth.end_session(text).status_code == 204
    assert "ended" in _swap(world, text).json()["error_description"]


def test_what_was_ended_stays_ended_when_another_profile_comes_first(world: World) -> None:
    text = world.partner.sign("alice", aud=[issuer_of(world.tenant), OTHER_AUDIENCE])
    assert world.tell(text)["active"] is True
    assert world.oauth.end_session(text).status_code == 204
    _add_profile(world, "an-earlier")
    assert world.tell(text) == INACTIVE


OWN_TYPES = ("spaceblocks", "onewelcome", "aidbox")


@pytest.mark.parametrize("claim_profile", OWN_TYPES)
def test_a_revoked_token_of_ours_is_no_assertion_of_somebody_else(
    world: World, claim_profile: str
) -> None:
    """These layouts don't say that they are access tokens."""
    client = make_client(
        world.tenant,
        "reader",
        scopes=["read"],
        claim_profile=claim_profile,
        access_token_format="jwt",
    )
    own = str(world.oauth.token(client).json()["access_token"])
    suffixes = {"spaceblocks": "/", "onewelcome": "/oauth", "aidbox": ""}
    forced = _add_profile(
        world,
        "own",
        issuer="https://later.example",
        audience=world.api.audience,
        algorithms=["RS256", "ES256"],
        jwks=world.oauth.get("/jwks").json()["keys"],
        subject_claim="client_id",
        is_accepted_directly=False,
    )
    issuer = f"{issuer_of(world.tenant)}{suffixes[claim_profile]}"
    TrustProfile.objects.filter(pk=forced.profile.pk).update(issuer=issuer, subject_claim="iss")
    world.partner.change()  # Every process sees it.
    assert world.oauth.revoke(client, own).status_code == 200
    response = _swap(world, own)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert "trusts" in response.json()["error_description"]
    assert not SubjectIdentity.objects.exists()


def test_support_finds_the_token_that_was_pasted_and_no_other_of_its_jti(world: World) -> None:
    second = make_partner(
        world.tenant, [world.api], ["read"], slug="second", issuer="https://second.example"
    )
    ours, theirs = world.partner.sign("alice", jti="1"), second.sign("mallory", jti="1")
    first = world.tell(ours)["jti"]
    other = world.tell(theirs)["jti"]
    for text, row in ((ours, first), (theirs, other)):
        found = grant_search.find(text, [world.tenant.pk])
        assert found is not None
        assert str(found.foreign_id) == row
    assert grant_search.find(second.sign("eve", jti="1"), [world.tenant.pk]) is None
