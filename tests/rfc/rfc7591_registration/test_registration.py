"""RFC 7591: clients register themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.utils import timezone

from tenants.models import AuditEvent, Client, ClientRegistration, InitialAccessToken
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of
from tests.factories.people import make_subject_with_password
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, make_api, make_environment, make_tenant
from tests.registering import (
    CALLBACK,
    Registering,
    make_initial_access_token,
    make_open,
    serve_documents,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import Settings

    from tests.registering import Documents

pytestmark = pytest.mark.django_db


@pytest.fixture
def somebody() -> Registering:
    return make_open()


@pytest.fixture
def documents(tmp_path: Path, settings: Settings) -> Iterator[Documents]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    settings.TENANTS_OUTGOING_CA_FILE = str(tmp_path / "ca.pem")
    yield from serve_documents(tmp_path)


@pytest.mark.requirement("RFC 7591", "3.2.1", "the answer is 201 with all registered metadata")
def test_client_registers_and_learns_what_holds(somebody: Registering) -> None:
    answer = somebody.post(
        client_name="The new app",
        client_uri="https://new.example/",
        grant_types=["authorization_code", "refresh_token"],
        scope="openid profile",
        software_id="ignored",
        contacts=["ignored@new.example"],
        frontchannel_logout_uri="https://new.example/ignored",
    )

    made = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert made["client_secret_expires_at"] == 0
    assert made["client_secret"].startswith("acs_")
    assert f"{somebody.oauth.base}/oauth/register/" in made["registration_client_uri"]
    told = {name: made[name] for name in ("client_name", "client_uri", "redirect_uris", "scope")}
    assert told == {
        "client_name": "The new app",
        "client_uri": "https://new.example/",
        "redirect_uris": [CALLBACK],
        "scope": "openid profile",
    }
    assert made["grant_types"] == ["authorization_code", "refresh_token"]
    assert made["response_types"] == ["code"]
    assert made["token_endpoint_auth_method"] == "client_secret_basic"
    assert not {"software_id", "contacts", "frontchannel_logout_uri"} & made.keys()
    client = Client.objects.get(client_id=made["client_id"])
    assert (client.kind, client.skip_authorization) == ("dynamic", False)
    events = AuditEvent.objects.filter(actor_kind="client", actor_id=str(client.pk))
    assert {event.event for event in events} == {
        "client.created",
        "client_registration.created",
        "client_secret.created",
    }


def test_metadata_names_the_endpoint_where_it_is_served(somebody: Registering) -> None:
    described = somebody.oauth.get("/.well-known/openid-configuration").json()
    assert described["registration_endpoint"] == f"{described['issuer']}/oauth/register"


@pytest.mark.requirement("RFC 7591", "2", "what is left out has the standard's value")
def test_client_that_says_little_gets_what_is_usual(somebody: Registering) -> None:
    made = somebody.register(client_name=None)

    assert made["grant_types"] == ["authorization_code"]
    assert made["token_endpoint_auth_method"] == "client_secret_basic"
    assert made["scope"] == "address email offline_access openid phone profile"
    assert "client_name" not in made


def test_public_client_gets_no_secret(somebody: Registering) -> None:
    made = somebody.register(
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback", "com.example.app:/callback"],
    )
    assert "client_secret" not in made


def test_scopes_are_those_of_apis_and_never_management(somebody: Registering) -> None:
    make_api(somebody.tenant)
    made = somebody.register(scope="openid read unknown management:users:read")
    assert made["scope"] == "openid read"


def test_grant_that_the_environment_forbids_is_left_out() -> None:
    environment = make_environment(allowed_grant_types=["authorization_code"])
    somebody = make_open(environment=environment)

    made = somebody.register(grant_types=["authorization_code", "refresh_token"])

    assert made["grant_types"] == ["authorization_code"]
    refused = somebody.post(grant_types=["client_credentials"], response_types=[])
    assert refused.json()["error"] == "invalid_client_metadata"


def _flow(somebody: Registering) -> CodeFlow:
    make_api(somebody.tenant)
    make_subject_with_password(somebody.tenant, EMAIL)
    made = somebody.register(scope="openid read", client_name="The new app")
    client = Client.objects.get(client_id=made["client_id"])
    return CodeFlow(somebody.tenant, MadeClient(client, made["client_secret"]))


def test_new_client_has_no_access_until_a_policy_says_so(somebody: Registering) -> None:
    flow = _flow(somebody)
    flow.sign_in()

    refused = flow.ask(redirect_uri=CALLBACK)
    assert answer_of(refused)["error"] == "access_denied"

    make_policy(somebody.tenant, "registered", client_kinds=["dynamic"])
    page = flow.ask(redirect_uri=CALLBACK)
    assert b'id="client-unknown"' in page.content
    code = answer_of(flow.agree(page))["code"]
    tokens = flow.redeem(code, redirect_uri=CALLBACK).json()
    assert tokens["scope"] == "openid read"
    assert "id_token" in tokens


@pytest.mark.requirement("RFC 7591", "3", "open registration, a token, or none at all")
def test_registration_is_off_by_default() -> None:
    somebody = Registering(make_tenant())

    answer = somebody.post()

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    described = somebody.oauth.get("/.well-known/oauth-authorization-server").json()
    assert "registration_endpoint" not in described


@pytest.fixture
def guarded() -> Registering:
    tenant = make_tenant(client_registration="token")
    return Registering(tenant, make_initial_access_token(tenant))


@pytest.mark.requirement("RFC 7591", "3", "an initial access token limits who registers")
def test_initial_access_token_registers_as_many_clients_as_it_may(guarded: Registering) -> None:
    made = guarded.register()
    answer = guarded.post()

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    token = InitialAccessToken.objects.get()
    assert (token.registered_clients, token.last_used_at is None) == (1, False)
    registration = ClientRegistration.objects.get(client__client_id=made["client_id"])
    assert registration.initial_access_token == token


@pytest.mark.parametrize(
    "token", ["", "ait_nonsense", "arg_" + "A" * 64, "ait_" + "A" * 64], ids=range(4)
)
def test_other_tokens_register_nothing(guarded: Registering, token: str) -> None:
    guarded.token = token
    answer = guarded.post()

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert not ClientRegistration.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"is_enabled": False}, {"expires_at": timezone.now() - timedelta(seconds=1)}],
    ids=["disabled", "expired"],
)
def test_dead_token_registers_nothing(guarded: Registering, changes: dict[str, Any]) -> None:
    InitialAccessToken.objects.update(**changes)
    assert guarded.post().status_code == 401


def test_token_of_another_tenant_registers_nothing(guarded: Registering) -> None:
    other = Registering(make_tenant("initech", client_registration="token"), guarded.token)
    assert other.post().status_code == 401


def test_a_client_that_is_refused_uses_up_nothing(guarded: Registering) -> None:
    assert guarded.post(redirect_uris=["http://far.example/"]).status_code == 400
    guarded.register()


def test_a_days_quota_ends_at_midnight() -> None:
    with time_machine.travel("2026-03-01T23:59:00Z", tick=False) as clock:
        somebody = make_open(max_registrations_per_day=2)
        somebody.register()
        somebody.register()

        answer = somebody.post()
        assert (answer.status_code, answer.json()["error"]) == (429, "quota_exceeded")
        assert answer.headers["Retry-After"] == "61"

        clock.shift(61)
        somebody.register()


def test_one_address_registers_only_so_many() -> None:
    somebody = make_open(max_registrations_per_day=1000)
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        answers = [somebody.post(redirect_uris=[]).status_code for _ in range(62)]
    assert answers.count(429) == 2


REDIRECTS = {
    "plain http": ["http://far.example/callback"],
    "script": ["javascript:alert(1)"],
    "fragment": ["https://new.example/#x"],
    "a scheme of others": ["mailto:ana@new.example"],
    "a scheme without a domain": ["app:/callback"],
    "credentials": ["https://ana@new.example/"],
    "relative": ["/callback"],
    "two in one": ["https://new.example/ https://evil.example/"],
    "NUL escaped": ["https://new.example/%00\u2028"],
    "no list": "https://new.example/",
    "numbers": [1, 2],
    "nested": [["https://new.example/"]],
    "empty text": [""],
    "none for the code grant": [],
    "too many": [f"https://new.example/{n}" for n in range(21)],
    "too long": ["https://new.example/" + "a" * 3000],
}


@pytest.mark.requirement("RFC 7591", "3.2.2", "invalid_redirect_uri for a wrong redirect URI")
@pytest.mark.parametrize("uris", REDIRECTS.values(), ids=REDIRECTS.keys())
def test_wrong_redirect_uris_are_refused(somebody: Registering, uris: object) -> None:
    answer = somebody.post(redirect_uris=uris)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")
    assert not Client.objects.filter(kind="dynamic").exists()


def test_web_application_is_answered_at_https_only(somebody: Registering) -> None:
    uris = ["http://localhost/callback"]
    refused = somebody.post(redirect_uris=uris, application_type="web")
    assert refused.json()["error"] == "invalid_redirect_uri"
    somebody.register(redirect_uris=uris, application_type="native")


METADATA: dict[str, dict[str, Any]] = {
    "implicit": {"grant_types": ["implicit"]},
    "password": {"grant_types": ["password"]},
    "response type": {"response_types": ["code", "token"]},
    "code without its grant": {
        "grant_types": ["client_credentials"],
        "response_types": ["code"],
    },
    "method": {"token_endpoint_auth_method": "tls_client_auth"},
    "workload": {"token_endpoint_auth_method": "workload_identity"},
    "keys missing": {"token_endpoint_auth_method": "private_key_jwt"},
    "keys twice": {"jwks": {"keys": []}, "jwks_uri": "https://new.example/jwks"},
    "keys no object": {"jwks": []},
    "keys no list": {"jwks": {"keys": {}}},
    "private key": {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [{"kty": "EC", "d": "x"}]},
    },
    "name no text": {"client_name": {"de": "x"}},
    "name that turns": {"client_name": "good\u202egnp"},
    "name with a line": {"client_name": "a\nb"},
    "name too long": {"client_name": "a" * 256},
    "http page": {"client_uri": "http://far.example/"},
    "script page": {"tos_uri": "javascript:alert(1)"},
    "logout at http": {"backchannel_logout_uri": "http://far.example/"},
    "logout with fragment": {"backchannel_logout_uri": "https://new.example/#a"},
    "algorithm none": {"id_token_signed_response_alg": "none"},
    "algorithm HS256": {"id_token_signed_response_alg": "HS256"},
    "algorithm of userinfo": {"userinfo_signed_response_alg": "XX"},
    "subject type": {"subject_type": "secret"},
    "age no number": {"default_max_age": "60"},
    "age true": {"default_max_age": True},
    "age negative": {"default_max_age": -1},
    "age huge": {"default_max_age": 2**62},
    "switch no boolean": {"require_auth_time": "yes"},
    "scope no text": {"scope": ["openid"]},
    "scope endless": {"scope": "a " * 4000},
    "application type": {"application_type": "toaster"},
    "sector at http": {"sector_identifier_uri": "http://far.example/"},
    "sector unreachable": {"sector_identifier_uri": "https://127.0.0.1/sector"},
    "pairwise device at another's address": {
        "subject_type": "pairwise",
        "grant_types": [
            "authorization_code",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
    },
    "pairwise without a sector": {
        "subject_type": "pairwise",
        "redirect_uris": ["https://a.example/", "https://b.example/"],
    },
}


@pytest.mark.requirement("RFC 7591", "3.2.2", "invalid_client_metadata for another wrong member")
@pytest.mark.parametrize("members", METADATA.values(), ids=METADATA.keys())
def test_wrong_metadata_are_refused(somebody: Registering, members: dict[str, Any]) -> None:
    answer = somebody.post(**members)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert not Client.objects.filter(kind="dynamic").exists()


BODIES: dict[str, tuple[bytes, str, int]] = {
    "empty": (b"", "application/json", 400),
    "no JSON": (b"{", "application/json", 400),
    "array": (b"[]", "application/json", 400),
    "text": (b'"a"', "application/json", 400),
    "twice": (b'{"redirect_uris":[],"redirect_uris":[]}', "application/json", 400),
    "NUL": (b'{"client_name":"a\\u0000"}', "application/json", 400),
    "half a pair": (b'{"client_name":"\\ud800"}', "application/json", 400),
    "not UTF-8": (b'{"client_name":"\xff"}', "application/json", 400),
    "deep": (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json", 400),
    "a megabyte": (b'{"client_name":"' + b"a" * 1_000_000 + b'"}', "application/json", 413),
    "form": (b"redirect_uris=x", "application/x-www-form-urlencoded", 415),
    "key with a huge number": (
        b'{"jwks":{"keys":[{"kty":"EC","x":1' + b"0" * 30 + b"}]}}",
        "application/json",
        400,
    ),
    "infinity": (b'{"default_max_age":1e999}', "application/json", 400),
}


@pytest.mark.parametrize(("body", "media_type", "status"), BODIES.values(), ids=BODIES.keys())
def test_hostile_bodies_are_refused(
    somebody: Registering, body: bytes, media_type: str, status: int
) -> None:
    answer = somebody.post_raw(body, media_type)
    assert answer.status_code == status, answer.content
    assert answer.json()["error"] in {
        "invalid_request",
        "invalid_client_metadata",
        "invalid_redirect_uri",
    }


@pytest.mark.requirement("OIDC Registration", "5", "the sector lists every redirect URI")
def test_sector_identifier_is_proven(somebody: Registering, documents: Documents) -> None:
    uris = ["https://a.example/callback", "https://b.example/callback"]
    sector = documents.put("/sector", [*uris, "https://c.example/"])
    pairwise = {"subject_type": "pairwise", "redirect_uris": uris}

    made = somebody.register(**pairwise, sector_identifier_uri=sector)

    client = Client.objects.get(client_id=made["client_id"])
    assert (made["subject_type"], client.sector_identifier) == ("pairwise", "127.0.0.1")
    for listed in (uris[:1], {"a": 1}, "x", [1, None]):
        documents.put("/sector", listed)
        refused = somebody.post(**pairwise, sector_identifier_uri=sector)
        assert refused.json()["error"] == "invalid_client_metadata"


def test_code_challenge_is_needed_without_a_secret(somebody: Registering) -> None:
    made = somebody.register(token_endpoint_auth_method="none")
    client = Client.objects.get(client_id=made["client_id"])
    flow = CodeFlow(somebody.tenant, MadeClient(client, ""))

    refused = flow.ask(redirect_uri=CALLBACK, code_challenge=None, code_challenge_method=None)

    assert answer_of(refused)["error"] == "invalid_request"
