"""Outside tokens that are accepted as they are: what an attacker could hope to gain by them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from tenants import snapshot
from tenants.errors import InvalidEntity
from tenants.models import Group, Subject, SubjectIdentity, Tenant, TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.erasure import erase_subject
from tenants.services.subjects import save_subject
from tests.factories.outside import PARTNER, Partner, make_partner
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.signers import assertion_claims, make_signer
from tests.rfc.verification import issuer_of
from tokens.jose import decode_base64url, encode_base64url
from tokens.models import ForeignToken, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import Settings

    from tenants.models import Api

INACTIVE = {"active": False}
pytestmark = pytest.mark.django_db


class World:
    """A tenant with an Api, its resource server, and a partner whose tokens work there."""

    def __init__(self, slug: str = "globex", **profile: Any) -> None:  # noqa: ANN401 - of a profile.
        self.tenant: Tenant = make_tenant(slug)
        self.api: Api = make_api(self.tenant)
        self.server: MadeClient = make_client(self.tenant, "gateway", scopes=["read"])
        links = {"resource_server_clients": [self.server.client]}
        changes.save(self.api, actor=SYSTEM, links=links)
        self.partner: Partner = make_partner(self.tenant, [self.api], ["read"], **profile)
        self.oauth = OAuthClient(self.tenant)

    def tell(self, text: str, server: MadeClient | None = None) -> dict[str, Any]:
        """Introspect a token as the Api's resource server, or as another."""
        response = self.oauth.introspect(server or self.server, text)
        assert response.status_code == 200, response.content
        told: dict[str, Any] = response.json()
        return told

    def assert_nothing_kept(self) -> None:
        """Make sure that nobody and nothing came into being."""
        assert not Subject.objects.filter(tenant=self.tenant).exists()
        assert not ForeignToken.objects.filter(tenant=self.tenant).exists()


@pytest.fixture
def world() -> World:
    return World()


def _write(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(encode_base64url(json.dumps(part).encode()) for part in (header, claims))


def _hmac_by_public_key(world: World, claims: dict[str, Any]) -> str:
    head = _write({"alg": "HS256", "kid": "first"}, claims)
    key = json.dumps(world.partner.signer.jwk).encode()
    proof = hmac.digest(key, head.encode(), hashlib.sha256)
    return f"{head}.{encode_base64url(proof)}"


def _sign_twice(world: World, claims: dict[str, Any]) -> str:
    """Sign a payload that names its subject twice."""
    payload = f'{{"sub": "admin", {json.dumps(claims)[1:]}'.encode()
    private = world.partner.signer.private
    return jwt.PyJWS().encode(payload, private, "ES256", {"kid": "first"})


def _borrow(world: World, claims: dict[str, Any]) -> str:
    """Put the signature of another token below the claims."""
    good = world.partner.sign("alice")
    return f"{_write({'alg': 'ES256', 'kid': 'first'}, claims)}.{good.rpartition('.')[2]}"


STRANGER = make_signer()
FORGERIES: dict[str, Callable[[World, dict[str, Any]], str]] = {
    "alg none": lambda _w, c: f"{_write({'alg': 'none'}, c)}.",
    "alg None": lambda _w, c: f"{_write({'alg': 'None'}, c)}.",
    "a public key as secret": _hmac_by_public_key,
    "another key of the same name": lambda _w, c: STRANGER.sign(c),
    "another kid": lambda _w, c: STRANGER.sign(c, kid="second"),
    "a path as kid": lambda w, c: w.partner.signer.sign(c, kid="../../dev/null"),
    "SQL as kid": lambda _w, c: STRANGER.sign(c, kid="' OR 1=1 --"),
    "own key in the header": lambda _w, c: STRANGER.sign(c, jwk=STRANGER.jwk),
    "own address of keys": lambda _w, c: STRANGER.sign(c, jku="https://evil.example/jwks"),
    "own certificate": lambda _w, c: STRANGER.sign(c, x5u="https://evil.example/c", x5c=["AA"]),
    "crit": lambda w, c: w.partner.signer.sign(c, crit=["exp"]),
    "b64": lambda w, c: w.partner.signer.sign(c, b64=False),
    "no signature": lambda w, c: f"{w.partner.signer.sign(c).rpartition('.')[0]}.",
    "another token's signature": _borrow,
    "duplicate claims": _sign_twice,
    "nested": lambda w, c: w.partner.signer.sign({**c, "x": json.loads("[" * 40 + "]" * 40)}),
    "huge": lambda w, c: w.partner.signer.sign({**c, "x": "x" * 20_000}),
    "five segments": lambda w, c: f"{w.partner.signer.sign(c)}.x.y",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_what_the_partner_did_not_sign_is_nothing(
    world: World, forge: Callable[[World, dict[str, Any]], str]
) -> None:
    claims = assertion_claims(PARTNER, "alice", issuer_of(world.tenant), scope="read")
    text = forge(world, claims)
    assert world.tell(text) == INACTIVE
    assert world.oauth.end_session(text).status_code == 401
    world.assert_nothing_kept()


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://other.example"},
    "an issuer with a slash": {"iss": f"{PARTNER}/"},
    "an issuer in a list": {"iss": [PARTNER]},
    "no issuer": {"iss": None},
    "another audience": {"aud": "https://other.example"},
    "the Api as audience": {"aud": "https://orders.example/"},
    "audiences that are no texts": {"aud": ["ISSUER", 1]},
    "an audience as object": {"aud": {"ISSUER": True}},
    "no audience": {"aud": None},
    "expired": {"exp": 1_000_000_000, "iat": 999_999_999},
    "no exp": {"exp": None},
    "exp is a text": {"exp": "tomorrow"},
    "exp is endless": {"exp": 1e300},
    "no iat": {"iat": None},
    "iat to come": {"iat": 4_000_000_000, "exp": 4_000_000_600},
    "iat is a text": {"iat": "now"},
    "too old": {"iat": 1_700_000_000},
    "nbf to come": {"nbf": 4_000_000_000},
    "no sub": {"sub": None},
    "an empty sub": {"sub": ""},
    "a number as sub": {"sub": 7},
    "a long sub": {"sub": "a" * 256},
    "a line break in sub": {"sub": "a\nb"},
    "a NUL in sub": {"sub": "a\x00b"},
    "a long jti": {"jti": "a" * 1_025},
    "a number as jti": {"jti": 1},
    "a refresh token": {"typ": "Refresh"},
}


@pytest.mark.parametrize("wrong", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_wrong_claims_create_nothing(world: World, wrong: dict[str, Any]) -> None:
    issuer = issuer_of(world.tenant)
    assert world.tell(world.partner.sign("alice"))["active"] is True
    ForeignToken.objects.all().delete()
    SubjectIdentity.objects.all().delete()
    Subject.objects.all().delete()
    text = world.partner.sign("alice", **json.loads(json.dumps(wrong).replace("ISSUER", issuer)))
    assert world.tell(text) == INACTIVE
    world.assert_nothing_kept()


def test_a_deputy_that_serves_another_api_learns_nothing(world: World) -> None:
    archive = make_client(world.tenant, "archive")
    other = make_api(world.tenant, "files", scopes=["fetch"])
    changes.save(other, actor=SYSTEM, links={"resource_server_clients": [archive.client]})
    stranger = make_client(world.tenant, "stranger")
    text = world.partner.sign("alice", scope="read fetch")
    for deputy in (archive, stranger):
        assert world.tell(text, deputy) == INACTIVE
    world.assert_nothing_kept()
    assert world.tell(text)["active"] is True
    for deputy in (archive, stranger):
        assert world.tell(text, deputy) == INACTIVE


def test_a_public_client_can_not_ask(world: World) -> None:
    make_client(
        world.tenant, "spa", grant_types=["refresh_token"], token_endpoint_auth_method="none"
    )
    response = world.oauth.introspect(None, world.partner.sign("alice"), client_id="spa")
    assert response.status_code == 401
    world.assert_nothing_kept()


def test_a_neighbours_partner_is_a_stranger_here(world: World) -> None:
    neighbour = World("initech")
    for text in (
        neighbour.partner.sign("alice"),
        neighbour.partner.sign("alice", aud=issuer_of(world.tenant)),
        world.partner.sign("alice", aud=issuer_of(neighbour.tenant)),
    ):
        assert world.tell(text) == INACTIVE
    world.assert_nothing_kept()
    text = world.partner.sign("alice", aud=[issuer_of(world.tenant), issuer_of(neighbour.tenant)])
    assert world.tell(text)["active"] is True
    assert neighbour.tell(text) == INACTIVE
    assert neighbour.oauth.end_session(text).status_code == 401
    assert world.tell(text)["active"] is True


def test_what_ends_in_one_tenant_lives_in_the_other() -> None:
    """The same partner, with the same key, is trusted by two tenants for one audience."""
    audience = "https://shared.example"
    world = World(audience=audience)
    jwks = [world.partner.signer.jwk]
    neighbour = World("initech", audience=audience, jwks=jwks)
    text = world.partner.sign("alice")
    first, second = world.tell(text), neighbour.tell(text)
    assert first["sub"] != second["sub"]
    assert first["jti"] != second["jti"]
    assert world.oauth.end_session(text).status_code == 204
    assert world.tell(text) == INACTIVE
    assert neighbour.tell(text)["active"] is True


def test_a_token_of_ours_never_comes_back_as_somebody_elses(world: World) -> None:
    """A profile that trusts the tenant's own keys must not outlive a revocation."""
    client = make_client(world.tenant, "reader", scopes=["read"])
    own = str(world.oauth.token(client).json()["access_token"])
    keys = world.oauth.get("/jwks").json()["keys"]
    for number, issuer in enumerate((issuer_of(world.tenant), f"{issuer_of(world.tenant)}/oauth")):
        fields: dict[str, Any] = {
            "slug": f"own-{number}",
            "audience": world.api.audience,
            "jwks": keys,
            "subject_claim": "client_id",
        }
        with pytest.raises(InvalidEntity, match="own issuer"):
            make_partner(world.tenant, [world.api], ["read"], issuer=issuer, **fields)
        # Even if it were stored: the base URL of an installation may change later.
        forced = make_partner(world.tenant, [world.api], ["read"], **fields)
        TrustProfile.objects.filter(pk=forced.profile.pk).update(issuer=issuer)
    assert world.tell(own)["client_id"] == "reader"
    world.oauth.revoke(client, own)
    assert world.tell(own) == INACTIVE
    world.assert_nothing_kept()


def test_two_tokens_of_one_jti_are_not_one_token(world: World) -> None:
    first = world.partner.sign("alice", jti="same")
    others = {
        "another subject": world.partner.sign("mallory", jti="same"),
        "the same subject": world.partner.sign("alice", jti="same", nonce="x"),
        "a longer life": world.partner.sign(
            "alice", jti="same", exp=int(timezone.now().timestamp()) + 3_000
        ),
    }
    told = world.tell(first)
    for what, text in others.items():
        assert world.tell(text) == INACTIVE, what
    assert world.tell(first) == told
    world.oauth.end_session(first)
    for what, text in others.items():
        assert world.tell(text) == INACTIVE, what
    assert SubjectIdentity.objects.filter(sub="mallory").count() == 0


def test_the_jti_of_one_partner_is_nothing_to_another(world: World) -> None:
    other = make_partner(
        world.tenant, [world.api], ["read"], slug="second", issuer="https://second.example"
    )
    first, second = world.partner.sign("alice", jti="same"), other.sign("alice", jti="same")
    assert world.tell(first)["sub"] != world.tell(second)["sub"]
    world.oauth.end_session(first)
    assert world.tell(first) == INACTIVE
    assert world.tell(second)["active"] is True


def test_a_signature_that_is_written_another_way_is_the_same_token(world: World) -> None:
    """An ECDSA signature has a twin; ending one of them must end both."""
    text = world.partner.sign("alice", jti=None)
    head, _, signature = text.rpartition(".")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = decode_base64url(signature)
    twin = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    other = f"{head}.{encode_base64url(twin)}"
    assert world.tell(text)["active"] is True
    world.oauth.end_session(text)
    assert world.tell(other) == INACTIVE


def test_our_own_key_signs_for_no_partner(world: World) -> None:
    own = str(world.oauth.token(world.server).json()["access_token"])
    head, _, signature = own.split(".")
    claims = assertion_claims(PARTNER, "alice", issuer_of(world.tenant), scope="read")
    changed = f"{head}.{encode_base64url(json.dumps(claims).encode())}.{signature}"
    assert world.tell(changed) == INACTIVE
    world.assert_nothing_kept()


def test_an_erased_user_does_not_return_by_the_same_token(world: World) -> None:
    text = world.partner.sign("alice@example.com")
    subject = Subject.objects.get(pk=world.tell(text)["sub"])
    report = erase_subject(subject, actor=SYSTEM)
    assert report.is_proven
    assert world.tell(text) == INACTIVE
    assert Subject.objects.filter(tenant=world.tenant).count() == 1
    assert "alice" not in str(list(ForeignToken.objects.values()))


def test_another_subject_claim_makes_no_token_somebody_elses(world: World) -> None:
    text = world.partner.sign("alice", employee="bob")
    world.tell(text)
    # The console refuses that while users are known by the claim; an older row may still hold it.
    TrustProfile.objects.filter(pk=world.partner.profile.pk).update(subject_claim="employee")
    snapshot.CURRENT.forget()
    assert world.tell(text) == INACTIVE
    told = world.tell(world.partner.sign("alice", employee="bob"))
    assert SubjectIdentity.objects.get(subject=told["sub"]).sub == "bob"


DENIALS: dict[str, Callable[[World], dict[str, Any]]] = {
    "of the profile": lambda w: {"trust_profiles": [w.partner.profile]},
    "of the operation": lambda _w: {"operations": ["introspection"]},
    "of the Api": lambda w: {"apis": [w.api]},
    "by a claim": lambda _w: {"rule": {"claims": {"sub": {"$present": True, "$enum": ["alice"]}}}},
    "of the resource server": lambda w: {"clients": [w.server.client]},
}


@pytest.mark.parametrize("links", DENIALS.values(), ids=DENIALS)
def test_a_denial_comes_before_anything_is_created(
    world: World, links: Callable[[World], dict[str, Any]]
) -> None:
    text = world.partner.sign("alice")
    policy = make_policy(world.tenant, "no", effect="deny", **links(world))
    assert world.tell(text) == INACTIVE
    world.assert_nothing_kept()
    refusal = Refusal.objects.get(tenant=world.tenant.pk)
    assert refusal.operation == "introspect"
    assert text not in str(refusal.trace)
    changes.delete(policy, actor=SYSTEM)
    assert world.tell(text)["active"] is True
    make_policy(world.tenant, "no", effect="deny", **links(world))
    assert world.tell(text) == INACTIVE


def test_a_denial_of_a_group_counts_for_known_and_linked_users(world: World) -> None:
    known = Subject.objects.get(pk=world.tell(world.partner.sign("alice"))["sub"])
    other = save_subject(
        Subject(tenant=world.tenant, email="bob@example.com", is_email_verified=True), actor=SYSTEM
    )
    group = Group(tenant=world.tenant, slug="suspended")
    changes.save(group, actor=SYSTEM, links={"subjects": [known, other]})
    make_policy(world.tenant, "suspended", effect="deny", groups=[group])
    world.partner.change(linking_claim="email", linking_verified_claim="email_verified")
    assert world.tell(world.partner.sign("alice")) == INACTIVE
    claims: dict[str, Any] = {"email": "bob@example.com", "email_verified": True}
    assert world.tell(world.partner.sign("bob", **claims)) == INACTIVE
    assert not ForeignToken.objects.filter(subject=other.pk).exists()
    assert world.tell(world.partner.sign("carol"))["active"] is True


def test_limits_cut_what_nobody_has_issued(world: World) -> None:
    profile = world.partner.profile
    world.partner.change(links={"maximum_scopes": list(world.api.scopes.all())})
    now = int(timezone.now().timestamp())
    text = world.partner.sign("alice", scope="read write", iat=now, exp=now + 600)
    assert set(world.tell(text)["scope"].split()) == {"read", "write"}
    limit = {"effect": "limit", "trust_profiles": [profile]}
    make_policy(world.tenant, "briefly", limit_lifetime_seconds=60, **limit)
    make_policy(world.tenant, "reading", limit_scopes=["read"], **limit)
    told = world.tell(text)
    assert (told["scope"], told["exp"]) == ("read", now + 60)
    with time_machine.travel(now + 60, tick=False):
        assert world.tell(text) == INACTIVE
    make_policy(world.tenant, "writing", limit_scopes=["write"], **limit)
    assert world.tell(text) == INACTIVE


class _Keys:
    """Serves the partner's keys on the loopback and counts who asks."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.asked = 0
        keys = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys.asked += 1
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/jwk-set+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01])
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def keys(world: World, settings: Settings) -> Iterator[_Keys]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    keys = _Keys({"keys": [world.partner.signer.jwk]})
    world.partner.change(jwks=[], jwks_uri=keys.address)
    yield keys
    keys.stop()


def test_nothing_is_fetched_for_whom_it_does_not_concern(world: World, keys: _Keys) -> None:
    stranger = make_client(world.tenant, "stranger")
    world.tell(world.partner.sign("alice"), stranger)
    world.tell(world.partner.sign("alice", iss="https://unknown.example"))
    world.tell(world.partner.sign("alice", aud="https://unknown.example"))
    world.tell("garbage")
    world.partner.change(is_accepted_directly=False)
    world.tell(world.partner.sign("alice"))
    assert keys.asked == 0
    world.partner.change(is_accepted_directly=True)
    assert world.tell(world.partner.sign("alice"))["active"] is True
    assert world.tell(world.partner.sign("bob"))["active"] is True
    assert keys.asked == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_first_acceptances_at_once_make_one_row_and_one_subject() -> None:
    world = World()
    text = world.partner.sign("alice")
    told: list[dict[str, Any]] = []
    gate = threading.Barrier(6)

    def ask() -> None:
        try:
            gate.wait(timeout=30)
            told.append(world.tell(text))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 6
    assert all(answer == told[0] for answer in told)
    assert told[0]["active"] is True
    assert ForeignToken.objects.count() == Subject.objects.count() == 1
