"""RFC 6749 section 2.3: how a client proves who it is."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from tenants.records import SYSTEM
from tenants.services.client_secrets import add_secret, import_secret, remove_secret
from tenants.services.clients import save_client
from tests.factories.tenants import MadeClient, allow, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient, basic

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db

GRANT = {"grant_type": "client_credentials"}
HARD_PAIRS = {
    "colons": ("a:b", "pass:word:one"),
    "per cent": ("50%", "100%sure%2B"),
    "plus and space": ("a+b", "one + two +"),
    "not ASCII": ("umlaut", "pässwört-ü-€-😀"),
    "ampersand": ("a&b=c", "d&e=f&g=h"),
}


def _typed(client_id: str, secret: str) -> tuple[OAuthClient, MadeClient]:
    tenant = make_tenant(allow_typed_secrets=True, allow_json_token_requests=True)
    make_api(tenant)
    made = make_client(tenant, client_id, scopes=["read"], is_allowed=False)
    allow(tenant)
    import_secret(made.client, label="typed", text=secret, actor=SYSTEM)
    return OAuthClient(tenant), MadeClient(made.client, secret)


@pytest.mark.requirement("RFC 6749", "2.3.1", "Both halves of HTTP Basic are form-encoded.")
@pytest.mark.parametrize("pair", HARD_PAIRS.values(), ids=HARD_PAIRS)
def test_basic_carries_any_id_and_secret(pair: tuple[str, str]) -> None:
    oauth, client = _typed(*pair)
    assert oauth.token(client).status_code == 200


@pytest.mark.requirement("RFC 6749", "2.3.1", "The secret may stand in the request body.")
@pytest.mark.parametrize("pair", HARD_PAIRS.values(), ids=HARD_PAIRS)
def test_a_form_carries_any_id_and_secret(pair: tuple[str, str]) -> None:
    oauth, client = _typed(*pair)
    response = oauth.token(client_id=client.client_id, client_secret=client.secret)
    assert response.status_code == 200


@pytest.mark.parametrize("pair", HARD_PAIRS.values(), ids=HARD_PAIRS)
def test_json_carries_any_id_and_secret(pair: tuple[str, str]) -> None:
    oauth, client = _typed(*pair)
    body = json.dumps(GRANT | {"client_id": client.client_id, "client_secret": client.secret})
    response = oauth.post_raw("/oauth/token", body, content_type="application/json; charset=utf-8")
    assert response.status_code == 200


def test_json_is_refused_unless_the_tenant_allows_it(
    oauth: OAuthClient, service: MadeClient
) -> None:
    body = json.dumps(GRANT | {"client_id": service.client_id, "client_secret": service.secret})
    response = oauth.post_raw("/oauth/token", body, content_type="application/json")
    assert response.status_code == 415
    assert response.json()["error"] == "invalid_request"


@pytest.mark.requirement("RFC 7617", "2", "The scheme's name is case-insensitive.")
def test_generated_secrets_need_no_encoding(oauth: OAuthClient, service: MadeClient) -> None:
    pair = base64.b64encode(f"{service.client_id}:{service.secret}".encode()).decode()
    for scheme in ("Basic", "basic", "BASIC"):
        response = oauth.post_raw(
            "/oauth/token", "grant_type=client_credentials", Authorization=f"{scheme} {pair}"
        )
        assert response.status_code == 200


def test_the_registered_method_does_not_decide_between_basic_and_post(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    poster = make_client(
        tenant, "poster", scopes=["read"], token_endpoint_auth_method="client_secret_post"
    )
    assert oauth.token(poster).status_code == 200
    response = oauth.token(client_id=service.client_id, client_secret=service.secret)
    assert response.status_code == 200


def _encode(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


MALFORMED = {
    "no credentials": "Basic",
    "a space only": "Basic ",
    "not base64": "Basic !!!!",
    "broken padding": "Basic YTpi=",
    "no colon": _encode(b"api-client"),
    "no id": _encode(b":secret"),
    "not UTF-8": _encode(b"\xff\xfe:\xff"),
    "encoded bytes that are not UTF-8": _encode(b"%ff%fe:a"),
    "encoded surrogate": _encode(b"%ED%A0%80:a"),
    "NUL": _encode(b"%00:a"),
    "two credentials": "Basic YTpi YTpi",
    "another scheme": "Bearer abc",
    "an unknown scheme": "Negotiate abc",
    "not ASCII": "Basic ü",
}


@pytest.mark.usefixtures("service")
@pytest.mark.requirement(
    "RFC 6749", "5.2", "A failed Authorization header is a 401 with challenge."
)
@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_authorization_header_is_refused(oauth: OAuthClient, header: str) -> None:
    response = oauth.post_raw("/oauth/token", "grant_type=client_credentials", Authorization=header)
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response["WWW-Authenticate"].startswith('Basic realm="')


def _failures(tenant: Tenant) -> dict[str, tuple[str, str]]:
    make_api(tenant)
    good = make_client(tenant, "good", scopes=["read"])
    other = make_client(tenant, "other", scopes=["read"])
    disabled = make_client(tenant, "disabled", scopes=["read"])
    disabled.client.is_enabled = False
    save_client(disabled.client, actor=SYSTEM)
    expired = make_client(tenant, "expired", scopes=["read"])
    expired.client.secrets.update(expires_at=timezone.now() - timedelta(seconds=1))
    public = make_client(
        tenant, "public", grant_types=["refresh_token"], token_endpoint_auth_method="none"
    )
    return {
        "unknown client": ("nobody", good.secret),
        "wrong secret": (
            good.client_id,
            good.secret[:-1] + ("A" if good.secret[-1] != "A" else "B"),
        ),
        "another client's secret": (good.client_id, other.secret),
        "no secret of ours": (good.client_id, "something"),
        "no secret": (good.client_id, ""),
        "a secret where none belongs": (public.client_id, "something"),
        "disabled": (disabled.client_id, disabled.secret),
        "expired": (expired.client_id, expired.secret),
    }


@pytest.mark.requirement("RFC 6749", "5.2", "Whatever was wrong, the answer is invalid_client.")
@pytest.mark.parametrize("allows_typed", [False, True], ids=["machine-made", "typed"])
def test_no_answer_tells_an_unknown_client_from_a_wrong_secret(*, allows_typed: bool) -> None:
    tenant = make_tenant(allow_typed_secrets=allows_typed)
    oauth = OAuthClient(tenant)
    answers = {
        name: oauth.post_raw(
            "/oauth/token", "grant_type=client_credentials", Authorization=basic(*pair)
        )
        for name, pair in _failures(tenant).items()
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        answers, 401
    )
    assert len({answer.content for answer in answers.values()}) == 1
    assert len({answer["WWW-Authenticate"] for answer in answers.values()}) == 1


def test_typed_secrets_cost_an_unknown_client_the_same_time() -> None:
    oauth, client = _typed("people", "a secret of people")
    wrong = _cpu_seconds(oauth, client.client_id)
    unknown = _cpu_seconds(oauth, "nobody")
    assert 0.6 < unknown / wrong < 1.6


def _cpu_seconds(oauth: OAuthClient, client_id: str) -> float:
    header = basic(client_id, "another secret")

    def once() -> float:
        began = time.thread_time()
        response = oauth.post_raw(
            "/oauth/token", "grant_type=client_credentials", Authorization=header
        )
        assert response.status_code == 401
        return time.thread_time() - began

    return min(once() for _ in range(4))


def _methods(service: MadeClient) -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    header = {"Authorization": basic(service.client_id, service.secret)}
    secret = {"client_id": service.client_id, "client_secret": service.secret}
    assertion = {"client_assertion": "e30.e30.AA", "client_assertion_type": "x"}
    return {
        "Basic and secret": (header, secret),
        "Basic and assertion": (header, assertion),
        "secret and assertion": ({}, secret | assertion),
        "Basic for another client": (header, {"client_id": "other"}),
    }


@pytest.mark.requirement("RFC 6749", "2.3", "Only one method of authentication per request.")
@pytest.mark.parametrize(
    "name",
    ["Basic and secret", "Basic and assertion", "secret and assertion", "Basic for another client"],
)
def test_several_methods_at_once_are_refused(
    oauth: OAuthClient, service: MadeClient, name: str
) -> None:
    header, parameters = _methods(service)[name]
    body = "&".join(f"{key}={value}" for key, value in (GRANT | parameters).items())
    response = oauth.post_raw("/oauth/token", body, **header)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


def test_basic_may_repeat_its_client_id_in_the_body(
    oauth: OAuthClient, service: MadeClient
) -> None:
    assert oauth.token(service, client_id=service.client_id).status_code == 200


@pytest.mark.requirement("RFC 6749", "5.2", "The challenge follows an Authorization header only.")
def test_a_failure_in_the_body_carries_no_challenge(
    oauth: OAuthClient, service: MadeClient
) -> None:
    attempts: list[dict[str, Any]] = [
        {"client_id": service.client_id, "client_secret": "wrong"},
        {"client_id": service.client_id},
        {},
    ]
    for parameters in attempts:
        response = oauth.token(**parameters)
        assert response.status_code == 401
        assert "WWW-Authenticate" not in response


def test_each_live_secret_works_until_it_is_removed(
    oauth: OAuthClient, service: MadeClient
) -> None:
    second, text = add_secret(service.client, label="second", actor=SYSTEM)
    newer = MadeClient(service.client, text)
    assert oauth.token(service).status_code == 200
    assert oauth.token(newer).status_code == 200
    remove_secret(second, actor=SYSTEM)
    assert oauth.token(newer).status_code == 401
    assert oauth.token(service).status_code == 200


@pytest.mark.requirement("RFC 6749", "2.3.1", "Credentials in the request URI are not used.")
def test_credentials_in_the_query_are_not_read(oauth: OAuthClient, service: MadeClient) -> None:
    query = f"?client_id={service.client_id}&client_secret={service.secret}"
    assert (
        oauth.post_raw(f"/oauth/token{query}", "grant_type=client_credentials").status_code == 401
    )


@pytest.mark.requirement("RFC 6749", "4.4", "Only confidential clients use client_credentials.")
def test_a_public_client_gets_no_token_of_its_own(oauth: OAuthClient, tenant: Tenant) -> None:
    public = make_client(
        tenant, "public", grant_types=["refresh_token"], token_endpoint_auth_method="none"
    )
    response: HttpResponse = oauth.token(client_id=public.client_id)
    assert response.status_code == 400
    assert response.json()["error"] == "unauthorized_client"
