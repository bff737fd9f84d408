"""Tests of client authentication: which credentials a request presents, and whose they are."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import jwt
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tenants.records import SYSTEM
from tenants.services.client_secrets import add_secret, import_secret
from tests.factories.records import make_tenant as make_record
from tests.factories.tenants import make_client
from tests.factories.tokens import make_issuer
from tests.oauth_client import basic
from tokens.client_authentication import (
    JWT_BEARER,
    authenticate,
    present,
    require_confidential,
)
from tokens.errors import InvalidClient, InvalidRequest
from tokens.parameters import EndpointRequest, Parameters

if TYPE_CHECKING:
    from tests.factories.tokens import Issuer

pytestmark = pytest.mark.django_db

NOW = 1_800_000_000.0
REQUEST = EndpointRequest(make_record(), Parameters(), now=NOW, cut_off_number=0)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


def _request(authorization: str = "", **parameters: str) -> EndpointRequest:
    values = {name: (value,) for name, value in parameters.items()}
    return replace(REQUEST, authorization=authorization, parameters=Parameters(values))


@given(client_id=TEXTS, secret=TEXTS)
def test_basic_carries_every_pair(client_id: str, secret: str) -> None:
    presented = present(_request(basic(client_id, secret)))
    assert (presented.client_id, presented.secret) == (client_id, secret)
    assert presented.method == "client_secret_basic"


@given(raw=st.binary(max_size=60), is_encoded=st.booleans())
def test_random_headers_raise_nothing_but_errors_of_ours(raw: bytes, *, is_encoded: bool) -> None:
    text = base64.b64encode(raw).decode() if is_encoded else raw.decode("latin-1")
    for header in (f"Basic {text}", text):
        with suppress(InvalidClient, InvalidRequest):
            assert present(_request(header, client_id="" if is_encoded else "a")).client_id


def test_a_secret_may_stand_in_the_body() -> None:
    presented = present(_request(client_id="a", client_secret="b"))
    assert (presented.client_id, presented.method) == ("a", "client_secret_post")
    with pytest.raises(InvalidRequest):
        present(_request(client_secret="b"))


def test_a_client_id_alone_is_a_public_client() -> None:
    assert present(_request(client_id="a")).method == "none"
    with pytest.raises(InvalidClient):
        present(_request())


def test_the_challenge_is_owed_to_whoever_sent_the_header() -> None:
    with pytest.raises(InvalidClient) as refused:
        present(_request("Bearer x"))
    assert refused.value.tried_basic
    with pytest.raises(InvalidClient) as refused:
        present(_request(client_assertion="x", client_assertion_type="y"))
    assert not refused.value.tried_basic


ASSERTIONS: dict[str, tuple[dict[str, str], str, tuple[str, str]]] = {
    "the client's own": ({"iss": "a", "sub": "a"}, "", ("a", "private_key_jwt")),
    "its own with its id": ({"iss": "a", "sub": "a"}, "a", ("a", "private_key_jwt")),
    "a platform's": ({"iss": "https://p", "sub": "job"}, "a", ("a", "workload_identity")),
    "a platform's without sub": ({"iss": "https://p"}, "a", ("a", "workload_identity")),
}


@pytest.mark.parametrize(("claims", "client_id", "expected"), ASSERTIONS.values(), ids=ASSERTIONS)
def test_an_assertion_says_whose_it_is(
    claims: dict[str, str], client_id: str, expected: tuple[str, str]
) -> None:
    text = jwt.encode(claims, "a secret of thirty-two characters")
    named = {"client_id": client_id} if client_id else {}
    presented = present(_request(client_assertion=text, client_assertion_type=JWT_BEARER, **named))
    assert (presented.client_id, presented.method) == expected
    assert presented.assertion == text


def test_a_platforms_token_alone_names_no_client() -> None:
    text = jwt.encode({"iss": "https://p", "sub": "job"}, "a secret of thirty-two characters")
    with pytest.raises(InvalidClient, match="send the client_id"):
        present(_request(client_assertion=text, client_assertion_type=JWT_BEARER))


@pytest.fixture
def issuer() -> Issuer:
    return make_issuer()


def _as(issuer: Issuer, client_id: str, secret: str, now: float | None = None) -> EndpointRequest:
    header = f"Basic {base64.b64encode(f'{quote_plus(client_id)}:{secret}'.encode()).decode()}"
    moment = timezone.now().timestamp() if now is None else now
    return replace(REQUEST, tenant=issuer.core, authorization=header, now=moment)


def test_a_secret_works_until_it_expires(issuer: Issuer) -> None:
    client = issuer.tenant.clients.get()
    end = timezone.now() + timedelta(minutes=1)
    _, text = add_secret(client, label="short", actor=SYSTEM, expires_at=end)
    moment = end.timestamp()
    assert authenticate(_as(issuer, client.client_id, text, moment - 1)).id == client.pk
    with pytest.raises(InvalidClient):
        authenticate(_as(issuer, client.client_id, text, moment))


def test_a_machine_made_secret_can_be_brought_along(issuer: Issuer) -> None:
    first = make_client(issuer.tenant, "first")
    second = make_client(issuer.tenant, "second")
    text = first.secret
    first.client.secrets.all().delete()
    import_secret(second.client, label="moved", text=text, actor=SYSTEM)
    assert authenticate(_as(issuer, "second", text)).client_id == "second"
    with pytest.raises(InvalidClient):
        authenticate(_as(issuer, "first", text))


def test_the_id_in_a_secret_is_no_proof(issuer: Issuer) -> None:
    made = make_client(issuer.tenant, "made")
    half = base64.urlsafe_b64decode(made.secret[4:])[:16]
    forged = "acs_" + base64.urlsafe_b64encode(half + bytes(32)).rstrip(b"=").decode()
    with pytest.raises(InvalidClient):
        authenticate(_as(issuer, "made", forged))


def test_a_public_client_is_no_confidential_one(issuer: Issuer) -> None:
    make_client(
        issuer.tenant, "public", grant_types=["refresh_token"], token_endpoint_auth_method="none"
    )
    public = authenticate(replace(_request(client_id="public"), tenant=issuer.core))
    with pytest.raises(InvalidClient):
        require_confidential(public)
