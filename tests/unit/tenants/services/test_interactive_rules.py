"""Tests of the rules of what lets people sign in: clients, tenants, scopes, outside issuers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from tenants import credentials, models
from tenants.errors import Forbidden, InvalidEntity
from tenants.queries.client_core import read_client
from tenants.queries.history import read_client_at
from tenants.queries.tenant_core import read_core
from tenants.records import SYSTEM, Actor
from tenants.services import changes
from tenants.services.clients import save_client
from tenants.services.registration_tokens import create_initial_access_token
from tenants.services.tenants import update_tenant
from tenants.services.trust_profiles import (
    require_secrets_for_other_addresses,
    save_trust_profile,
)
from tenants.services.web_addresses import explain_endpoint, explain_page
from tests.factories.tenants import make_environment, make_tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import Settings

    from tenants.models import Client, Tenant, TrustProfile

pytestmark = pytest.mark.django_db
CODE, DEVICE = "authorization_code", "urn:ietf:params:oauth:grant-type:device_code"
CALLBACK = "https://app.example/callback"
WEB: dict[str, Any] = {"kind": "web", "grant_types": [CODE], "redirect_uris": CALLBACK}
PAIRWISE = WEB | {"subject_type": "pairwise"}
# What is stored may be anything.
# ruff: noqa: ANN401


def new_client(tenant: Tenant, **fields: Any) -> Client:
    return models.Client(tenant=tenant, client_id="app", **fields)


def refused(write: Callable[[], object]) -> set[str]:
    with pytest.raises(InvalidEntity) as error:
        write()
    return set(error.value.messages)


GOOD: dict[str, dict[str, Any]] = {
    "a web application": WEB,
    "an exempt one": WEB | {"is_pkce_exempt": True},
    "a public one": WEB | {"kind": "spa", "token_endpoint_auth_method": "none"},
    "a confidential one of that kind without people": {"kind": "spa"},
    "a device with a secret": {"kind": "device", "grant_types": [DEVICE]},
    "pairwise by its one host": PAIRWISE | {"redirect_uris": f"{CALLBACK} {CALLBACK}2"},
    "pairwise by its sector": PAIRWISE
    | {"redirect_uris": f"{CALLBACK} https://b.example/", "sector_identifier": "app.example"},
    "a page with a fragment": {"policy_uri": "https://app.example/#privacy"},
    "a logout with a query": {"backchannel_logout_uri": "https://app.example/out?a=b"},
    "a loopback logout where people try": {"backchannel_logout_uri": "http://localhost:8000/out"},
    "durations within the ceiling": {"offline_lifetimes_seconds": [60, 86_400]},
}


@pytest.mark.parametrize("fields", GOOD.values(), ids=GOOD)
def test_a_good_client_is_stored(fields: dict[str, Any]) -> None:
    assert save_client(new_client(make_tenant(), **fields), actor=SYSTEM).pk


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "codes that go nowhere": (WEB | {"redirect_uris": ""}, "redirect_uris"),
    "a page with a secret": (WEB | {"kind": "spa"}, "token_endpoint_auth_method"),
    "an app with a secret": (WEB | {"kind": "native"}, "token_endpoint_auth_method"),
    "an app on a device with a secret": (
        {"kind": "native", "grant_types": [DEVICE]},
        "token_endpoint_auth_method",
    ),
    "exempt and public": (
        WEB | {"is_pkce_exempt": True, "token_endpoint_auth_method": "none"},
        "is_pkce_exempt",
    ),
    "pairwise of two hosts": (
        PAIRWISE | {"redirect_uris": f"{CALLBACK} https://b.example/"},
        "sector_identifier",
    ),
    "pairwise of everybody's host": (
        PAIRWISE | {"redirect_uris": "http://127.0.0.1/callback"},
        "sector_identifier",
    ),
    "pairwise of no host": (
        PAIRWISE | {"redirect_uris": "com.example.app:/callback"},
        "sector_identifier",
    ),
    "pairwise of a private scheme's host": (
        PAIRWISE | {"redirect_uris": "com.example.app://host/callback"},
        "sector_identifier",
    ),
    "pairwise without people": ({"subject_type": "pairwise"}, "sector_identifier"),
    "a sector that is an address": (
        {"sector_identifier": "https://a.example"},
        "sector_identifier",
    ),
    "plain http": ({"client_uri": "http://app.example/"}, "client_uri"),
    "a script": ({"policy_uri": "javascript:alert(1)"}, "policy_uri"),
    "a script as terms": ({"tos_uri": "data:text/html,x"}, "tos_uri"),
    "a file": ({"logo_uri": "file:///etc/passwd"}, "logo_uri"),
    "a transfer": ({"logo_uri": "ftp://app.example/logo"}, "logo_uri"),
    "credentials": ({"initiate_login_uri": "https://a:b@app.example/"}, "initiate_login_uri"),
    "a fragment": ({"backchannel_logout_uri": "https://a.example/#x"}, "backchannel_logout_uri"),
    "plain http at logout": (
        {"backchannel_logout_uri": "http://a.example/"},
        "backchannel_logout_uri",
    ),
    "no host": ({"backchannel_logout_uri": "https:///out"}, "backchannel_logout_uri"),
    "a broken host": ({"backchannel_logout_uri": "https://[::1/out"}, "backchannel_logout_uri"),
    "no port": (WEB | {"redirect_uris": "https://app.example:99999/callback"}, "redirect_uris"),
    "port 0": (WEB | {"redirect_uris": "http://127.0.0.1:0/callback"}, "redirect_uris"),
    "a port of letters": (WEB | {"redirect_uris": "https://app.example:a/cb"}, "redirect_uris"),
    "a duration twice": ({"offline_lifetimes_seconds": [60, 60]}, "offline_lifetimes_seconds"),
    "a moment": ({"offline_lifetimes_seconds": [1]}, "offline_lifetimes_seconds"),
    "seven durations": (
        {"offline_lifetimes_seconds": [*range(60, 67)]},
        "offline_lifetimes_seconds",
    ),
    "a duration above its own ceiling": (
        {"offline_lifetimes_seconds": [61], "max_refresh_token_lifetime_seconds": 60},
        "offline_lifetimes_seconds",
    ),
    "no session": ({"max_sessions": 0}, "max_sessions"),
    "endless sessions": ({"max_sessions": 1_001}, "max_sessions"),
    "a shared key": ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
    "no signature": ({"userinfo_signed_response_alg": "none"}, "userinfo_signed_response_alg"),
}


@pytest.mark.parametrize(("fields", "name"), BAD.values(), ids=BAD)
def test_a_wrong_client_is_refused(fields: dict[str, Any], name: str) -> None:
    client = new_client(make_tenant(), **fields)
    assert name in refused(lambda: save_client(client, actor=SYSTEM))


def test_an_algorithm_is_one_that_the_environment_allows() -> None:
    environment = make_environment(allowed_signing_algorithms=["ES256"])
    tenant = make_tenant(environment=environment)
    for name in ("id_token_signed_response_alg", "userinfo_signed_response_alg"):
        with pytest.raises(InvalidEntity) as error:
            save_client(new_client(tenant, **{name: "RS256"}), actor=SYSTEM)
        assert set(error.value.messages) == {name}
    save_client(new_client(tenant, id_token_signed_response_alg="ES256"), actor=SYSTEM)


def test_durations_stay_below_the_ceilings_above() -> None:
    environment = make_environment(max_refresh_token_lifetime_seconds=3_600)
    client = new_client(make_tenant(environment=environment), offline_lifetimes_seconds=[60, 3_601])
    with pytest.raises(InvalidEntity, match="at most 3600"):
        save_client(client, actor=SYSTEM)


def owner_of(tenant: Tenant, role: str) -> Actor:
    user = models.User.objects.create_user(role)
    models.Membership.objects.create(tenant=tenant, user=user, role=role)
    return Actor("operator", id=str(user.pk))


def test_only_an_owner_exempts_a_client_from_pkce() -> None:
    tenant = make_tenant()
    client = save_client(new_client(tenant, **WEB), actor=SYSTEM)
    client.is_pkce_exempt = True
    manager = owner_of(tenant, "client_manager")
    for actor in (manager, Actor("client", id="automation")):
        with pytest.raises(Forbidden, match="exempt"):
            save_client(client, actor=actor)
    assert not models.Client.objects.get().is_pkce_exempt
    save_client(client, actor=owner_of(tenant, "owner"))
    client.name = "Whoever may write the rest goes on writing it"
    save_client(client, actor=manager)
    client.is_pkce_exempt = False
    save_client(client, actor=manager)
    client.is_pkce_exempt = True
    with pytest.raises(Forbidden):
        save_client(client, actor=manager)


def test_an_owner_of_another_tenant_exempts_nobody() -> None:
    stranger = owner_of(make_tenant("initech"), "owner")
    with pytest.raises(Forbidden):
        save_client(new_client(make_tenant(), is_pkce_exempt=True, **WEB), actor=stranger)


def upstream(tenant: Tenant, **fields: Any) -> TrustProfile:
    values: dict[str, Any] = {
        "slug": "google",
        "issuer": "https://idp.example",
        "algorithms": ["RS256"],
        "jwks_uri": "https://idp.example/jwks",
        "is_sign_in_offered": True,
        "audience": "us",
        "sign_in_client_id": "us",
        "authorization_endpoint": "https://idp.example/authorize",
        "token_endpoint": "https://idp.example/token",
    }
    return models.TrustProfile(tenant=tenant, **(values | fields))


WRONG_UPSTREAM: dict[str, tuple[dict[str, Any], str]] = {
    "keys of today only": ({"jwks_uri": "", "jwks": [{"kty": "EC"}]}, "jwks_uri"),
    "no page": ({"authorization_endpoint": ""}, "authorization_endpoint"),
    "no token": ({"token_endpoint": ""}, "token_endpoint"),
    "nobody": ({"sign_in_client_id": "", "audience": ""}, "sign_in_client_id"),
    "an audience that is silent": ({"audience": ""}, "audience"),
    "another audience": ({"audience": "them"}, "audience"),
    "a page without https": (
        {"authorization_endpoint": "http://idp.example/a"},
        "authorization_endpoint",
    ),
    "a token without https": ({"token_endpoint": "http://idp.example/t"}, "token_endpoint"),
    "a page with credentials": (
        {"authorization_endpoint": "https://a:b@idp.example/"},
        "authorization_endpoint",
    ),
    "openid twice": ({"sign_in_scopes": ["openid"]}, "sign_in_scopes"),
    "a scope twice": ({"sign_in_scopes": ["email", "email"]}, "sign_in_scopes"),
    "two scopes in one": ({"sign_in_scopes": ["email profile"]}, "sign_in_scopes"),
}


@pytest.mark.parametrize(("fields", "name"), WRONG_UPSTREAM.values(), ids=WRONG_UPSTREAM)
def test_a_wrong_sign_in_with_an_issuer_is_refused(fields: dict[str, Any], name: str) -> None:
    profile = upstream(make_tenant(), **fields)
    assert name in refused(lambda: save_trust_profile(profile, actor=SYSTEM))


def test_nobody_signs_in_with_an_issuer_of_opaque_tokens() -> None:
    opaque = {
        "kind": "opaque",
        "algorithms": [],
        "jwks_uri": "",
        "introspection_endpoint": "https://idp.example/introspect",
        "introspection_client_id": "us",
        "token_prefix": "idp_",
    }
    profile = upstream(make_tenant(), **opaque)
    messages = refused(
        lambda: save_trust_profile(profile, actor=SYSTEM, introspection_secret="theirs")
    )
    assert messages == {"is_sign_in_offered"}


def test_what_is_not_offered_may_be_unfinished() -> None:
    profile = upstream(make_tenant(), is_sign_in_offered=False, token_endpoint="", audience="")
    assert save_trust_profile(profile, actor=SYSTEM).pk


def test_the_secret_of_a_sign_in_is_kept_encrypted_and_read_by_the_token_path() -> None:
    tenant = make_tenant()
    save_trust_profile(upstream(tenant), actor=SYSTEM, sign_in_secret="a secret of theirs")
    core = read_core(tenant.path, base_url="https://login.example")
    assert core is not None
    (profile,) = core.trust_profiles
    assert profile.upstream is not None
    assert profile.upstream.secret is not None
    context = credentials.sign_in_context(profile.id)
    assert credentials.decrypt(profile.upstream.secret, context=context) == b"a secret of theirs"
    change = models.ConfigurationChange.objects.get(entity_kind="trust_profile")
    assert change.state
    assert "sign_in_secret_ciphertext" not in change.state


def test_the_secret_is_given_again_for_another_address() -> None:
    profile = upstream(make_tenant())
    save_trust_profile(profile, actor=SYSTEM, sign_in_secret="a secret of theirs")
    require_secrets_for_other_addresses(profile, {})
    profile.token_endpoint = "https://elsewhere.example/token"
    messages = refused(lambda: require_secrets_for_other_addresses(profile, {}))
    assert messages == {"sign_in_secret"}
    for secret in ("given again", None):
        require_secrets_for_other_addresses(profile, {"sign_in_secret": secret})


def test_profiles_of_a_client_are_its_tenants_and_said_once() -> None:
    tenant = make_tenant()
    own = save_trust_profile(upstream(tenant), actor=SYSTEM)
    foreign = save_trust_profile(upstream(make_tenant("initech")), actor=SYSTEM)
    client = new_client(tenant)

    def write(**links: list[Any]) -> object:
        return save_client(client, actor=SYSTEM, links=links)

    assert refused(lambda: write(sign_in_profiles=[foreign])) == {"sign_in_profiles"}
    assert refused(lambda: write(sign_in_profiles=[own], excluded_sign_in_profiles=[own])) == {
        "excluded_sign_in_profiles"
    }
    write(sign_in_profiles=[own])
    assert refused(lambda: write(excluded_sign_in_profiles=[own])) == {"excluded_sign_in_profiles"}
    write(sign_in_profiles=[], excluded_sign_in_profiles=[own])


def test_the_past_of_a_client_knows_whom_it_offered() -> None:
    tenant = make_tenant()
    profile = save_trust_profile(upstream(tenant), actor=SYSTEM)
    client = save_client(
        new_client(tenant, **WEB), actor=SYSTEM, links={"sign_in_profiles": [profile]}
    )
    tenant.refresh_from_db()
    past = read_client_at(tenant.pk, client.pk, client.version, tenant_version=tenant.version)
    now = read_client(tenant.pk, "app")
    assert past is not None
    assert now is not None
    assert past.interactive == now.interactive
    assert now.interactive.sign_in_profile_ids == {profile.pk}


WRONG_TENANTS: dict[str, tuple[dict[str, Any], str]] = {
    "a colour by name": ({"accent_colour": "blue"}, "accent_colour"),
    "a colour with style": ({"accent_colour": "#fff;}x"}, "accent_colour"),
    "a language that nobody translated": ({"default_language": "fr"}, "default_language"),
    "a script as logo": ({"logo_uri": "javascript:alert(1)"}, "logo_uri"),
    "a page without https": ({"privacy_policy_uri": "http://a.example"}, "privacy_policy_uri"),
    "terms without https": ({"terms_of_service_uri": "ftp://a.example"}, "terms_of_service_uri"),
    "nobody comes back": (
        {"allow_sign_up": True, "allow_password_sign_in": False, "allow_email_sign_in": False},
        "allow_sign_up",
    ),
    "a sign-in for a moment": ({"sign_in_lifetime_seconds": 1}, "sign_in_lifetime_seconds"),
    "a consent for ever": ({"consent_lifetime_seconds": 10**9}, "consent_lifetime_seconds"),
    "a registration by all": ({"client_registration": "all"}, "client_registration"),
    "no registration in a day": ({"max_registrations_per_day": 0}, "max_registrations_per_day"),
}


@pytest.mark.parametrize(("fields", "name"), WRONG_TENANTS.values(), ids=WRONG_TENANTS)
def test_a_wrong_tenant_is_refused(fields: dict[str, Any], name: str) -> None:
    tenant = make_tenant()
    for field, value in fields.items():
        setattr(tenant, field, value)
    assert refused(lambda: update_tenant(tenant, actor=SYSTEM)) == {name}


def test_nobody_is_recognised_for_the_management_of_a_tenant() -> None:
    scope = models.Scope.objects.get(tenant=make_tenant(), name="management:clients:read")
    scope.min_acr = "phr"
    assert refused(lambda: changes.save(scope, actor=SYSTEM)) == {"min_acr"}


def test_plain_http_is_for_those_who_try(settings: Settings) -> None:
    for explain in (explain_page, explain_endpoint):
        assert explain("http://127.0.0.1:9000/x") == ""
        assert explain("http://app.example/x")
    settings.AUTHPLATFORM_STAGE = "production"
    for explain in (explain_page, explain_endpoint):
        assert explain("http://127.0.0.1:9000/x")
        assert explain("https://app.example/x") == ""


def test_an_initial_access_token_is_kept_as_a_hash() -> None:
    token = models.InitialAccessToken(
        tenant=make_tenant(), label="partners", expires_at=timezone.now() + timedelta(days=1)
    )
    text = create_initial_access_token(token, actor=SYSTEM)
    parsed = credentials.parse_credential(credentials.CredentialKind.INITIAL_ACCESS_TOKEN, text)
    assert parsed is not None
    stored = models.InitialAccessToken.objects.get(pk=parsed.row_id)
    assert bytes(stored.token_hash) == credentials.hash_secret(parsed.secret).digest
    assert (stored.hint, stored.registered_clients) == (text[-4:], 0)
    change = models.ConfigurationChange.objects.get(entity_kind="initial_access_token")
    assert change.state
    assert "token_hash" not in change.state
