"""What clients are told, and how, when a person signs out."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.browser_person import delivered_mail
from tests.factories.openid import RelyingParty, make_party
from tests.factories.people import make_subject_with_password
from tests.oauth_client import OAuthClient
from tests.relying_server import RelyingServer, serve_relying_party
from tests.rfc.verification import issuer_of
from tests.signed_in import SignedIn, sign_in, tell_at
from tokens import logout_deliveries
from tokens.models import LogoutDelivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

    from tenants.models import Tenant

DOCUMENT = "OpenID Connect Back-Channel Logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
Status = LogoutDelivery.Status


@pytest.fixture
def server(settings: Settings) -> Iterator[RelyingServer]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_relying_party()


def make_told(tenant: Tenant, server: RelyingServer, name: str = "told", **fields: Any) -> Any:  # noqa: ANN401 - fields of a client.
    party = make_party(tenant, name, **fields)
    tell_at(party.made.client.pk, server.address)
    return party


@pytest.fixture
def party(tenant: Tenant, server: RelyingServer) -> RelyingParty:
    party: RelyingParty = make_told(tenant, server)
    return party


@pytest.fixture
def person(party: RelyingParty) -> SignedIn:
    return sign_in(party)


def sign_out(person: SignedIn) -> None:
    """Sign out by the page, and run what the task does."""
    browser = person.browser
    browser.submit(browser.open("/oauth/logout"))
    logout_deliveries.deliver_of([person.authentication.sign_in_id])


def read(tenant: Tenant, token: str, audience: str) -> dict[str, Any]:
    """Verify a logout token as a client does that knows the issuer by its documents."""
    kid = jwt.get_unverified_header(token)["kid"]
    keys = OAuthClient(tenant).get("/jwks").json()["keys"]
    key = next(key for key in keys if key["kid"] == kid)
    return jwt.decode(
        token,
        jwt.PyJWK(key),
        algorithms=[key["alg"]],
        audience=audience,
        issuer=issuer_of(tenant),
        options={"require": ["iss", "aud", "iat", "exp", "jti", "events"]},
    )


@pytest.mark.requirement(DOCUMENT, "2.4", "A logout token has the required claims, and no nonce.")
def test_logout_token_says_who_signed_out_and_of_which_session(
    tenant: Tenant, person: SignedIn, server: RelyingServer
) -> None:
    id_token = person.tokens("openid", nonce="n")["id_token"]
    known = jwt.decode(id_token, options={"verify_signature": False})
    before = int(time.time())
    sign_out(person)
    (told,) = server.told
    claims = read(tenant, told.token, "told")
    assert claims.keys() == {"iss", "sub", "aud", "iat", "exp", "jti", "sid", "events"}
    assert (claims["sub"], claims["sid"]) == (known["sub"], known["sid"])
    assert claims["aud"] == "told"
    assert claims["events"] == {EVENT: {}}
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] <= 120
    row = LogoutDelivery.objects.get()
    assert (claims["jti"], row.status, row.attempts) == (str(row.pk), Status.DELIVERED, 1)


@pytest.mark.requirement(DOCUMENT, "2.4", "The header's typ is logout+jwt, its alg the client's.")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_logout_token_has_its_type_and_the_algorithm_of_the_id_tokens(
    tenant: Tenant, server: RelyingServer, algorithm: str
) -> None:
    party = make_told(tenant, server, id_token_signed_response_alg=algorithm)
    person = sign_in(party)
    id_token = person.tokens("openid")["id_token"]
    sign_out(person)
    header = jwt.get_unverified_header(server.told[0].token)
    assert (header["typ"], header["alg"]) == ("logout+jwt", algorithm)
    assert header["kid"] == jwt.get_unverified_header(id_token)["kid"]
    read(tenant, server.told[0].token, "told")


@pytest.mark.requirement(DOCUMENT, "2.5", "The token is posted as a form, without credentials.")
def test_token_is_posted_as_a_form(person: SignedIn, server: RelyingServer) -> None:
    person.tokens("openid")
    sign_out(person)
    (told,) = server.told
    assert told.path == "/logged-out"
    assert told.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not told.headers.keys() & {"authorization", "cookie"}


@pytest.mark.requirement(DOCUMENT, "2.4", "sub is the client's own name for the person.")
def test_pairwise_client_is_told_its_own_subject(tenant: Tenant, server: RelyingServer) -> None:
    person = sign_in(make_told(tenant, server, subject_type="pairwise"))
    id_token = person.tokens("openid")["id_token"]
    sign_out(person)
    known = jwt.decode(id_token, options={"verify_signature": False})
    claims = read(tenant, server.told[0].token, "told")
    assert claims["sub"] == known["sub"] != str(person.party.subject.pk)
    assert claims["sid"] == known["sid"] != str(person.authentication.sign_in_id)


@pytest.mark.requirement(DOCUMENT, "2.5", "Every client of the session is told, and no other.")
def test_each_client_of_the_sign_in_is_told_once(
    tenant: Tenant, person: SignedIn, server: RelyingServer
) -> None:
    also = make_told(tenant, server, "also", subject=person.party.subject)
    make_told(tenant, server, "never-used", subject=person.party.subject)
    silent = make_party(tenant, "silent", subject=person.party.subject)
    elsewhere = sign_in(also)
    elsewhere.tokens("openid")
    for party in (person.party, person.party, also, silent):
        person.tokens("openid", party=party)
    sign_out(person)
    heard = {
        jwt.decode(told.token, options={"verify_signature": False})["aud"]: told
        for told in server.told
    }
    assert len(server.told) == 2
    assert heard.keys() == {"told", "also"}
    assert elsewhere.is_signed_in


@pytest.mark.requirement(DOCUMENT, "2.7", "Offline sessions go on, and their client is told.")
def test_client_with_offline_access_is_told_and_keeps_its_tokens(
    tenant: Tenant, person: SignedIn, server: RelyingServer
) -> None:
    tokens = person.tokens("openid", "offline_access")
    sign_out(person)
    assert len(server.told) == 1
    oauth, made = OAuthClient(tenant), person.party.made
    renewed = oauth.token(made, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert renewed.status_code == 200


@pytest.mark.requirement(DOCUMENT, "2.8", "200 and 204 say that it worked.")
@pytest.mark.parametrize("status", [200, 204])
def test_accepted_token_is_not_sent_again(
    person: SignedIn, server: RelyingServer, status: int
) -> None:
    server.status = status
    person.tokens("openid")
    sign_out(person)
    LogoutDelivery.objects.update(next_attempt_at="2020-01-01T00:00Z")
    assert logout_deliveries.deliver_due(max_batches=5) == 0
    row = LogoutDelivery.objects.get()
    assert (row.status, row.last_error) == (Status.DELIVERED, "")
    assert row.delivered_at is not None


@pytest.mark.requirement(DOCUMENT, "2.8", "Whatever else is answered, it is sent again.")
@pytest.mark.parametrize("status", [400, 302, 401, 404, 500, 501, 503, 201])
def test_refused_token_is_sent_again_with_the_same_jti(
    tenant: Tenant, person: SignedIn, server: RelyingServer, status: int
) -> None:
    server.status, server.headers = status, {"Location": f"{server.address}/elsewhere"}
    person.tokens("openid")
    sign_out(person)
    row = LogoutDelivery.objects.get()
    assert (row.status, row.attempts) == (Status.PENDING, 1)
    assert row.last_error == f"status {status}"
    server.status = 200
    LogoutDelivery.objects.update(next_attempt_at="2020-01-01T00:00Z")
    assert logout_deliveries.deliver_due(max_batches=5) == 1
    first, second = (read(tenant, told.token, "told") for told in server.told)
    assert first["jti"] == second["jti"] == str(uuid.UUID(first["jti"]))
    assert [told.path for told in server.told] == ["/logged-out", "/logged-out"]
    assert LogoutDelivery.objects.get().status == Status.DELIVERED


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_client_hears_of_it_within_a_second(person: SignedIn, server: RelyingServer) -> None:
    person.tokens("openid")
    question = person.browser.open("/oauth/logout")
    with delivered_mail():  # Runs tasks at once.
        before = time.monotonic()
        person.browser.submit(question)
    assert time.monotonic() - before < 1.0
    assert len(server.told) == 1


@pytest.mark.requirement(DOCUMENT, "2.5", "A session ends, too, when somebody else takes over.")
def test_client_is_told_when_somebody_else_signs_in(
    tenant: Tenant, person: SignedIn, server: RelyingServer
) -> None:
    person.tokens("openid")
    other = make_subject_with_password(tenant, email="grace@people.example")
    page = person.browser.sign_in(other.email)
    assert page.status_code < 500
    logout_deliveries.deliver_of([person.authentication.sign_in_id])
    assert len(server.told) == 1
