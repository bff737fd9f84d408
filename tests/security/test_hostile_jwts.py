"""Each attack of the shared table at each place that takes a JSON Web Token."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest
from django.utils import timezone

from tenants.models import Subject, TrustProfile
from tenants.records import SYSTEM
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import make_client
from tests.management_client import ManagementClient
from tests.rfc.rfc8693_token_exchange.exchange import (
    ACCESS_TOKEN,
    JWT,
    PARTNER,
    SIGNER,
    World,
    make_world,
)
from tests.rfc.signers import CLIENT_ASSERTION, assertion_claims
from tests.rfc.signers import GRANT as JWT_BEARER
from tests.rfc.verification import issuer_of
from tests.security.hostile_jwts import FORGERIES, SIGNED, Holder, Known
from tokens.models import AccessToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
Place = tuple["Callable[[Land, str], Response]", int, str]


@dataclass(frozen=True, slots=True)
class Land:
    """A tenant with everything in it that takes a JWT."""

    world: World
    manager: ManagementClient

    def send(self, method: str, path: str, bearer: str, document: object = None) -> Response:
        """Send a bearer token, and a document where there is one."""
        return self.world.oauth.http.generic(
            method,
            f"/t/{self.world.tenant.path}{path}",
            b"" if document is None else json.dumps(document),
            content_type="application/json",
            headers={"Authorization": f"Bearer {bearer}"},
        )

    def manage(self, bearer: str) -> Response:
        """List the clients of the tenant."""
        return self.manager.get(Authorization=f"Bearer {bearer}")

    def assert_client(self, path: str, text: str, **more: Any) -> Response:  # noqa: ANN401 - as sent.
        """Authenticate as the client with a key."""
        sent = {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": text, **more}
        return self.world.oauth.post(path, **sent)

    def act(self, text: str, token_type: str) -> Response:
        """Exchange a good token with somebody acting."""
        token = self.world.user_token("bob")
        return self.world.ask(token, actor_token=text, actor_token_type=token_type)


# Here an outside issuer's access token is just what is wanted.
AS_IT_IS: Final = "introspection, accepted as it is"
WANTED: Final = {AS_IT_IS: {"typ of an access token"}}
# This place knows outside tokens that an Api has asked about before, and no others.
KNOWN_ALREADY: Final = "me, accepted as it is"
# How each place refuses: with what status, and where the answer is no error, with what content.
OURS: Final[dict[str, Place]] = {
    "introspection": (
        lambda land, text: land.world.oauth.introspect(land.world.server, text),
        200,
        '{"active":false}',
    ),
    "revocation": (lambda land, text: land.world.oauth.revoke(land.world.app, text), 200, ""),
    "session": (lambda land, text: land.send("DELETE", "/session", text), 401, "invalid_token"),
    "me": (lambda land, text: land.send("GET", "/me", text), 401, "invalid_token"),
    "users": (lambda land, text: land.send("GET", "/users", text), 401, "invalid_token"),
    "graphql": (
        lambda land, text: land.send("POST", "/graphql", text, {"query": "{ __typename }"}),
        401,
        "INVALID_TOKEN",
    ),
    "evaluation": (
        lambda land, text: land.send("POST", "/access/v1/evaluation", text, {}),
        401,
        "",
    ),
    "management": (lambda land, text: land.manage(text), 401, "invalid_token"),
    "subject token": (lambda land, text: land.world.ask(text), 400, "invalid_request"),
    "actor token": (lambda land, text: land.act(text, ACCESS_TOKEN), 400, "invalid_request"),
}
FOREIGN: Final[dict[str, Place]] = {
    "assertion": (
        lambda land, text: land.world.oauth.token(
            land.world.app, grant_type=JWT_BEARER, assertion=text
        ),
        400,
        "invalid_grant",
    ),
    "subject token": (
        lambda land, text: land.world.ask(text, subject_token_type=JWT),
        400,
        "invalid_request",
    ),
    "actor token": (lambda land, text: land.act(text, JWT), 400, "invalid_request"),
    AS_IT_IS: (
        lambda land, text: land.world.oauth.introspect(land.world.server, text),
        200,
        '{"active":false}',
    ),
    KNOWN_ALREADY: (
        lambda land, text: land.send("GET", "/me", text),
        401,
        "invalid_token",
    ),
    "workload": (
        lambda land, text: land.assert_client(
            "/oauth/token", text, grant_type="client_credentials", client_id="job"
        ),
        401,
        "invalid_client",
    ),
}
CLIENTS: Final[dict[str, Place]] = {
    "token": (
        lambda land, text: land.assert_client(
            "/oauth/token", text, grant_type="client_credentials"
        ),
        401,
        "invalid_client",
    ),
    "introspection": (
        lambda land, text: land.assert_client("/oauth/introspect", text, token="x"),
        401,
        "invalid_client",
    ),
    "revocation": (
        lambda land, text: land.assert_client("/oauth/revoke", text, token="x"),
        401,
        "invalid_client",
    ),
}


def make_land(slug: str = "globex") -> Land:
    world = make_world(slug)
    world.tenant.signing_algorithm = "RS256"
    world.tenant.save()
    type(world.tenant).objects.filter(pk=world.tenant.pk).update(version=99)
    make_client(
        world.tenant,
        "workload",
        scopes=["read"],
        token_endpoint_auth_method="private_key_jwt",
        jwks=[SIGNER.jwk],
    )
    trust_partner_everywhere(world.tenant)
    return Land(world, ManagementClient(world.tenant))


def trust_partner_everywhere(tenant: Tenant) -> None:
    """Accept the partner's tokens as they are, and as those of a workload."""
    profile = TrustProfile.objects.get(tenant=tenant)
    profile.is_accepted_directly = True
    save_trust_profile(
        profile, actor=SYSTEM, links={"direct_apis": list(tenant.apis.filter(slug="orders"))}
    )
    make_client(
        tenant,
        "job",
        kind="workload",
        scopes=["read"],
        token_endpoint_auth_method="workload_identity",
        workload_trust_profile=profile,
        workload_subject="alice",
    )


@pytest.fixture
def land() -> Land:
    return make_land()


def client_claims(land: Land) -> dict[str, Any]:
    return assertion_claims("workload", "workload", issuer_of(land.world.tenant))


def partner_claims(land: Land) -> dict[str, Any]:
    return assertion_claims(PARTNER, "alice", issuer_of(land.world.tenant), scope="read")


def problem_of(place: Place, land: Land, text: str) -> str:
    """Say what is wrong with how a place refuses; nothing where all is well."""
    send, status, content = place
    answer = send(land, text)
    body = answer.content.decode()
    if answer.status_code != status or content not in body:
        return f"{answer.status_code} {body}"
    return "repeats the token" if text in body and len(text) > len("..") else ""


def find_problems(place: Place, land: Land, texts: Mapping[str, str]) -> dict[str, str]:
    """Send each text to a place; answer what is wrong, by the name of the attack."""
    found = {}
    for number, (name, text) in enumerate(texts.items()):
        # Who fails again and again from one address is told to wait.
        land.world.oauth.http.defaults["REMOTE_ADDR"] = f"198.51.100.{number}"
        found[name] = problem_of(place, land, text)
    return {name: problem for name, problem in found.items() if problem}


@pytest.mark.parametrize("place", OURS)
def test_no_forgery_of_a_token_of_ours_is_good(land: Land, place: str) -> None:
    jwk = next(key for key in land.world.oauth.get("/jwks").json()["keys"] if is_current(land, key))
    neighbour = make_land("initech")
    is_managed = place == "management"
    token = land.manager.token if is_managed else land.world.user_token()
    other = neighbour.manager.token if is_managed else neighbour.world.user_token()
    known = Known(token, jwk, other)
    texts = {name: forge(known) for name, forge in FORGERIES.items()}
    assert token not in texts.values()
    assert find_problems(OURS[place], land, texts) == {}
    assert land.manage(token).status_code == 200 if is_managed else land.world.is_active(token)


def is_current(land: Land, key: dict[str, Any]) -> bool:
    return bool(key["kid"] == jwt.get_unverified_header(land.manager.token)["kid"])


def test_good_tokens_are_good_at_all_of_these_places(land: Land) -> None:
    """What the tables send would be accepted, were it good."""
    token, me = land.world.user_token(), land.world.user_token()
    assert land.world.introspect(token)["active"] is True
    assert land.send("GET", "/me", me).status_code == 200
    assert land.send("GET", "/users", me).status_code == 403
    assert land.send("POST", "/graphql", me, {"query": "{ __typename }"}).status_code == 200
    assert land.send("POST", "/access/v1/evaluation", me, {}).status_code != 401
    assert land.world.ask(token).status_code == 200
    assert land.act(land.world.machine_token(land.world.server), ACCESS_TOKEN).status_code == 200
    assert land.send("DELETE", "/session", me).status_code == 204
    for name, (send, _, _) in FOREIGN.items():
        good = SIGNER.sign(partner_claims(land))
        assert name != KNOWN_ALREADY or land.world.is_active(good)
        answer = send(land, good)
        assert (answer.status_code, '"active":false' in answer.content.decode()) == (200, False)
    for send, _, _ in CLIENTS.values():
        assert send(land, SIGNER.sign(client_claims(land))).status_code == 200


KINDS: Final[dict[str, tuple[Callable[[Land], dict[str, Any]], dict[str, Place]]]] = {
    "partner": (partner_claims, FOREIGN),
    "client": (client_claims, CLIENTS),
}
KIND_AND_PLACE: Final = [(kind, place) for kind, (_, places) in KINDS.items() for place in places]


@pytest.mark.parametrize(("kind", "place"), KIND_AND_PLACE)
def test_no_forgery_of_a_foreign_token_is_good(land: Land, kind: str, place: str) -> None:
    claims_of, places = KINDS[kind]
    neighbour = make_world("initech")
    elsewhere = SIGNER.sign(claims_of(land) | {"aud": issuer_of(neighbour.tenant)})
    for name in ("alice", "bob"):
        land.world.user_token(name)
    subjects = Subject.objects.count()
    good = SIGNER.sign(claims_of(land))
    assert place != KNOWN_ALREADY or land.world.is_active(good)
    known = Known(good, SIGNER.jwk, elsewhere)
    texts = {name: forge(known) for name, forge in FORGERIES.items()}
    assert good not in texts.values()
    assert find_problems(places[place], land, texts) == {}
    assert Subject.objects.count() == subjects


@pytest.mark.parametrize(("kind", "place"), KIND_AND_PLACE)
def test_what_a_trusted_key_must_not_say_is_refused(land: Land, kind: str, place: str) -> None:
    claims_of, places = KINDS[kind]
    for name in ("alice", "bob"):
        land.world.user_token(name)
    subjects = Subject.objects.count()
    first = claims_of(land)
    assert place != KNOWN_ALREADY or land.world.is_active(SIGNER.sign(first))
    ids = ({} if place == KNOWN_ALREADY else {"jti": str(uuid.uuid4())} for _ in SIGNED)
    texts = {
        name: write(Holder(SIGNER, first | new_id))
        for (name, write), new_id in zip(SIGNED.items(), ids, strict=True)
    }
    problems = find_problems(places[place], land, texts)
    assert set(problems) == WANTED.get(place, set()), problems
    assert Subject.objects.count() == subjects


@pytest.mark.parametrize("place", OURS)
def test_token_of_ours_that_has_expired_is_good_nowhere(land: Land, place: str) -> None:
    token = land.manager.token if place == "management" else land.world.user_token()
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert problem_of(OURS[place], land, token) == ""
