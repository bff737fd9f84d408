"""RFC 7523 section 2.2: a client signs for itself instead of sending a secret."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.tenants import MadeClient, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.signers import CLIENT_ASSERTION, assertion_claims, client_assertion, make_signer
from tests.rfc.verification import issuer_of
from tokens import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import Settings

    from tenants.models import Api, Tenant
    from tests.rfc.signers import Signer

SIGNER = make_signer()


@pytest.fixture
def workload(api: Api) -> MadeClient:
    """A client that authenticates by a key."""
    return make_keyed(api.tenant, jwks=[SIGNER.jwk])


def make_keyed(tenant: Tenant, client_id: str = "workload", **keys: Any) -> MadeClient:  # noqa: ANN401 - of a client.
    return make_client(
        tenant, client_id, scopes=["read"], token_endpoint_auth_method="private_key_jwt", **keys
    )


def _ask(oauth: OAuthClient, text: str, **more: Any) -> HttpResponse:  # noqa: ANN401 - as sent.
    return oauth.token(client_assertion_type=CLIENT_ASSERTION, client_assertion=text, **more)


def _sign(tenant: Tenant, *, signer: Signer = SIGNER, **changes: Any) -> str:  # noqa: ANN401 - claims.
    claims = assertion_claims("workload", "workload", issuer_of(tenant), **changes)
    return signer.sign(claims)


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 7523", "2.2", "A signed assertion authenticates the client.")
@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "EdDSA", "ES384", "RS512"])
def test_a_signed_assertion_authenticates(
    oauth: OAuthClient, tenant: Tenant, algorithm: str
) -> None:
    signer = make_signer(algorithm)
    make_keyed(tenant, jwks=[signer.jwk])
    response = _ask(oauth, _sign(tenant, signer=signer))
    assert response.status_code == 200, response.content
    assert response.json()["scope"] == "read"


@pytest.mark.usefixtures("workload")
@pytest.mark.requirement("RFC 7523", "2.2", "client_id is optional, and must be the assertion's.")
def test_the_client_id_may_stand_beside(oauth: OAuthClient, tenant: Tenant) -> None:
    assert _ask(oauth, _sign(tenant), client_id="workload").status_code == 200
    assert _ask(oauth, _sign(tenant), client_id="other").json()["error"] == "invalid_request"


@pytest.mark.usefixtures("workload")
@pytest.mark.requirement("RFC 7523", "3", "An assertion can be refused when it is used again.")
def test_an_assertion_works_once(oauth: OAuthClient, tenant: Tenant) -> None:
    text = _sign(tenant)
    assert _ask(oauth, text).status_code == 200
    again = _ask(oauth, text)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "before" in again.json()["error_description"]


@pytest.mark.usefixtures("workload")
def test_the_same_jti_of_another_client_is_another_assertion(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    make_keyed(tenant, "second", jwks=[SIGNER.jwk])
    for client_id in ("workload", "second"):
        claims = assertion_claims(client_id, client_id, issuer_of(tenant), jti="same")
        assert _ask(oauth, SIGNER.sign(claims)).status_code == 200


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "no iss": {"iss": None},
    "another iss": {"iss": "other"},
    "no sub": {"sub": None},
    "another sub": {"sub": "other"},
    "sub is a number": {"sub": 1},
    "no aud": {"aud": None},
    "another aud": {"aud": "https://other.example"},
    "two auds": {"aud": ["ISSUER", "https://other.example"]},
    "the token endpoint as aud": {"aud": "ISSUER/oauth/token"},
    "issuer with a slash": {"aud": "ISSUER/"},
    "no exp": {"exp": None},
    "expired": {"exp": 1_000_000_000, "iat": 999_999_999},
    "exp is a text": {"exp": "tomorrow"},
    "exp far away": {"exp": 4_000_000_000},
    "nbf to come": {"nbf": 4_000_000_000},
    "iat to come": {"iat": 4_000_000_000},
    "no jti": {"jti": None},
    "empty jti": {"jti": ""},
    "jti is a list": {"jti": ["x"]},
}


@pytest.mark.usefixtures("workload")
@pytest.mark.requirement("RFC 7523", "3", "iss, sub, aud, exp and jti are checked.")
@pytest.mark.parametrize("changes", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_wrong_claims_are_refused(
    oauth: OAuthClient, tenant: Tenant, changes: dict[str, Any]
) -> None:
    issuer = issuer_of(tenant)
    changed = json.loads(json.dumps(changes).replace("ISSUER", issuer))
    response = _ask(oauth, _sign(tenant, **changed))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" not in response


@pytest.mark.usefixtures("workload")
def test_an_array_with_the_issuer_alone_is_good(oauth: OAuthClient, tenant: Tenant) -> None:
    assert _ask(oauth, _sign(tenant, aud=[issuer_of(tenant)])).status_code == 200


def _foreign_signatures(tenant: Tenant) -> dict[str, str]:
    stranger = make_signer(kid="first")
    claims = assertion_claims("workload", "workload", issuer_of(tenant))
    good = _sign(tenant)
    head, payload, signature = good.split(".")
    return {
        "another key of the same name": stranger.sign(claims),
        "another kid": SIGNER.sign(claims, kid="second"),
        "no signature": f"{head}.{payload}.",
        "a changed payload": f"{head}.{payload[:-4]}AAAA.{signature}",
        "wrong typ": SIGNER.sign(claims, typ="at+jwt"),
        "own key in the header": stranger.sign(claims, jwk=stranger.jwk),
        "crit": SIGNER.sign(claims, crit=["exp"]),
        "two segments": f"{head}.{payload}",
        "garbage": "garbage",
        "empty claims": "e30.e30.AA",
        "huge": f"{head}.{payload}." + "A" * 20_000,
    }


@pytest.mark.usefixtures("workload")
@pytest.mark.requirement("RFC 7523", "3", "The assertion must be signed by the client's key.")
def test_wrong_signatures_are_refused(oauth: OAuthClient, tenant: Tenant) -> None:
    for what, text in _foreign_signatures(tenant).items():
        limits.forget()  # Who fails often waits, which is another test's story.
        response = _ask(oauth, text)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), what


@pytest.mark.usefixtures("workload")
def test_an_assertion_of_an_unknown_client_is_refused_alike(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    claims = assertion_claims("nobody", "nobody", issuer_of(tenant))
    unknown = _ask(oauth, SIGNER.sign(claims))
    wrong = _ask(oauth, make_signer().sign(assertion_claims("workload", "workload", "x")))
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.content == wrong.content


@pytest.mark.usefixtures("workload")
def test_an_assertion_for_one_tenant_is_worth_nothing_in_another(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    neighbour = make_tenant("initech")
    make_keyed_without_scope(neighbour)
    assert _ask(OAuthClient(neighbour), _sign(tenant)).status_code == 401
    assert _ask(oauth, _sign(tenant)).status_code == 200


def make_keyed_without_scope(tenant: Tenant) -> MadeClient:
    return make_client(
        tenant, "workload", token_endpoint_auth_method="private_key_jwt", jwks=[SIGNER.jwk]
    )


@pytest.mark.usefixtures("api")
def test_a_client_with_a_secret_has_no_use_for_assertions(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    make_client(tenant, "workload", scopes=["read"], jwks=[SIGNER.jwk])
    assert _ask(oauth, _sign(tenant)).status_code == 401


@pytest.mark.usefixtures("workload")
def test_a_client_with_a_key_has_no_use_for_secrets(oauth: OAuthClient) -> None:
    response = oauth.token(client_id="workload", client_secret="something")
    assert response.status_code == 401


@pytest.mark.usefixtures("workload")
@pytest.mark.requirement("RFC 7521", "4.2", "The type says how the assertion is to be read.")
@pytest.mark.parametrize(
    "name", ["", "x", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"]
)
def test_another_assertion_type_is_refused(oauth: OAuthClient, tenant: Tenant, name: str) -> None:
    response = oauth.token(client_assertion_type=name, client_assertion=_sign(tenant))
    assert response.status_code in {400, 401}
    assert response.json()["error"] in {"invalid_request", "invalid_client"}


@contextmanager
def _serve(document: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Serve a JWK set on the loopback; the list tells what was asked."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/jwk-set+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks.json", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 7591", "2", "jwks_uri is where the client publishes its keys.")
def test_the_keys_may_be_fetched(oauth: OAuthClient, tenant: Tenant, settings: Settings) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    with _serve({"keys": [SIGNER.jwk]}) as (uri, asked):
        make_keyed(tenant, jwks_uri=uri)
        assert [_ask(oauth, _sign(tenant)).status_code for _ in range(3)] == [200] * 3
    assert asked == ["/jwks.json"]


@pytest.mark.usefixtures("api")
def test_private_addresses_are_out_of_reach(oauth: OAuthClient, tenant: Tenant) -> None:
    with _serve({"keys": [SIGNER.jwk]}) as (uri, asked):
        make_keyed(tenant, jwks_uri=uri)
        response = _ask(oauth, _sign(tenant))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert asked == []


@pytest.mark.usefixtures("api")
def test_keys_that_nobody_serves_authenticate_nobody(
    oauth: OAuthClient, tenant: Tenant, settings: Settings
) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    make_keyed(tenant, jwks_uri="http://127.0.0.1:9/jwks.json")
    assert _ask(oauth, _sign(tenant)).status_code == 401


@pytest.mark.usefixtures("workload")
def test_endpoints_beside_the_token_endpoint_take_assertions(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    token = _ask(oauth, _sign(tenant)).json()["access_token"]
    issuer = issuer_of(tenant)
    told = oauth.introspect(None, token, **client_assertion(SIGNER, "workload", issuer))
    assert told.json()["active"] is True
    ended = oauth.revoke(None, token, **client_assertion(SIGNER, "workload", issuer))
    assert ended.status_code == 200
    told = oauth.introspect(None, token, **client_assertion(SIGNER, "workload", issuer))
    assert told.json() == {"active": False}
