"""Thinktecture: each application has its own endpoint, audience and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tenants import snapshot
from tenants.models import Api, ClaimRule
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import JWT_BEARER, Application, read_jwt, trust_application
from tokens.keys import decrypt_private

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
ISSUER = "ThinktectureAuthorizationServer"


@dataclass(frozen=True, slots=True)
class Server:
    """The authorization server with two applications: one with a symmetric key, one without."""

    tenant: Tenant
    oauth: OAuthClient
    machine: MadeClient
    directory: Application

    def ask(self, application: str, **form: str) -> Response:
        form = {"grant_type": "client_credentials"} | form
        return self.oauth.post(f"/apis/{application}/oauth/token", self.machine, **form)

    def copy_key(self) -> bytes:
        """Copy the symmetric key, as an owner does who configures the application with it."""
        core = snapshot.CURRENT.tenant(self.tenant.path)
        assert core is not None
        (key,) = [k for k in core.keys if k.algorithm == "HS256" and k.state == "current"]
        return decrypt_private(key)

    def read(self, token: str, key: bytes | None = None) -> dict[str, Any]:
        """Verify as the application users does, which has no key set, only issuer and key."""
        return dict(
            jwt.decode(
                token, key or self.copy_key(), algorithms=["HS256"], audience="users", issuer=ISSUER
            )
        )


@pytest.fixture
def server() -> Server:
    tenant = make_tenant(
        claim_profile="thinktecture", issuer_override=ISSUER, signing_algorithm="RS256"
    )
    users = ["read", "search"]
    make_api(tenant, "users", audience="users", scopes=users, signing_algorithm="HS256")
    make_api(tenant, "orders", audience="orders", scopes=["orders"])
    machine = make_client(tenant, "machine", scopes=[*users, "orders"], default_scopes=[])
    make_client(
        tenant,
        "codeclient",
        kind="spa",
        scopes=users,
        token_endpoint_auth_method="none",
        grant_types=[JWT_BEARER],
    )
    directory = trust_application(
        tenant,
        "https://directory.example",
        audience="https://as.example",
        maximum=users,
        provisioning="create",
    )
    return Server(tenant, OAuthClient(tenant), machine, directory)


def test_machine_gets_the_token_of_the_sample_without_a_subject(server: Server) -> None:
    answer = server.ask("users", scope="read search").json()

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    header = jwt.get_unverified_header(answer["access_token"])
    assert (header["typ"], header["alg"]) == ("JWT", "HS256")
    claims = server.read(answer["access_token"])
    assert claims.pop("exp") - claims.pop("nbf") == 3600
    assert claims == {
        "iss": ISSUER,
        "aud": "users",
        "client_id": "machine",
        "scope": ["read", "search"],
    }


def test_user_gets_the_token_of_the_sample_with_a_subject(server: Server) -> None:
    answer = server.oauth.post(
        "/apis/users/oauth/token",
        client_id="codeclient",
        grant_type=JWT_BEARER,
        assertion=server.directory.sign("dominick"),
        scope="read search",
    )

    assert answer.status_code == 200, answer.content
    claims = server.read(answer.json()["access_token"])
    assert set(claims) == {"iss", "aud", "nbf", "exp", "client_id", "scope", "sub"}
    assert (claims["client_id"], claims["scope"]) == ("codeclient", ["read", "search"])


def test_each_application_takes_the_incoming_claims_that_its_rules_name(server: Server) -> None:
    """Theirs passed all of a directory's claims to every application, or none to any."""
    users = Api.objects.get(tenant=server.tenant, slug="users")
    for claim in ("email", "role"):
        rule = ClaimRule(tenant=server.tenant, slug=claim, claim=claim, api=users)
        rule.source, rule.value = ClaimRule.Source.FOREIGN_CLAIM, claim
        changes.save(rule, actor=SYSTEM)
    incoming = {"email": "dominick@example.org", "role": ["admin"], "http://internal": "secret"}

    answer = server.oauth.post(
        "/apis/users/oauth/token",
        client_id="codeclient",
        grant_type=JWT_BEARER,
        assertion=server.directory.sign("dominick", **incoming),
        scope="read",
    )

    claims = server.read(answer.json()["access_token"])
    assert (claims["email"], claims["role"]) == ("dominick@example.org", ["admin"])
    assert "http://internal" not in claims


def test_address_decides_the_application_and_its_key(server: Server) -> None:
    token = server.ask("orders", scope="orders").json()["access_token"]

    claims = read_jwt(server.oauth, token, audience="orders", algorithm="RS256")
    assert (claims["iss"], claims["aud"], claims["scope"]) == (ISSUER, "orders", ["orders"])


@pytest.mark.parametrize(
    ("application", "scope", "error"),
    [
        ("orders", "read", "invalid_scope"),
        ("users", "orders", "invalid_scope"),
        ("nothing", "read", "invalid_target"),
    ],
)
def test_scope_or_application_that_does_not_fit_is_refused(
    server: Server, application: str, scope: str, error: str
) -> None:
    refused = server.ask(application, scope=scope)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_scope_must_be_named_where_the_client_has_no_default(server: Server) -> None:
    assert server.ask("users").json()["error"] == "invalid_scope"


def test_symmetric_key_is_never_published(server: Server) -> None:
    server.ask("users", scope="read")
    server.ask("orders", scope="orders")
    published = server.oauth.get("/jwks").json()["keys"]
    assert {(key["kty"], key["alg"]) for key in published} == {("RSA", "RS256")}
    assert all("k" not in key for key in published)


def test_token_of_another_certificate_is_no_token_of_ours(server: Server) -> None:
    """A reader asked there: how do we prevent that anyone fakes a token with a key of theirs?"""
    real = server.ask("users", scope="read").json()["access_token"]
    header = jwt.get_unverified_header(real)
    forged = jwt.encode(server.read(real), "x" * 32, "HS256", header)

    with pytest.raises(jwt.InvalidSignatureError):
        server.read(forged)
    assert server.oauth.introspect(server.machine, forged).json() == {"active": False}
    assert server.oauth.introspect(server.machine, real).json()["active"] is True


def test_application_that_holds_the_key_can_not_use_it_at_the_server(server: Server) -> None:
    """Who verifies with a symmetric key can sign with it: such tokens end no session."""
    token = server.ask("users", scope="read").json()["access_token"]
    assert server.oauth.end_session(token).status_code == 401
    assert server.oauth.introspect(server.machine, token).json()["active"] is True
