"""What lets people sign in, as data: it comes back byte for byte, and mistakes name their place."""

from __future__ import annotations

from uuid import uuid4

import pytest
import yaml

from tenants import credentials
from tenants.configuration.export import export
from tenants.configuration.values import encode_bytes
from tenants.credentials import CredentialKind
from tenants.models import (
    Client,
    ClientRegistration,
    InitialAccessToken,
    Passkey,
    Scope,
    Subject,
    SubjectPassword,
    Tenant,
    TrustProfile,
)
from tenants.models.interactive_client import INTERACTIVE_FIELDS
from tenants.models.sign_in import BRANDING_FIELDS, REGISTRATION_FIELDS, SIGN_IN_FIELDS
from tenants.records import Ciphertext
from tests.unit.tenants.configuration.files import apply, refuse, tenant

pytestmark = pytest.mark.django_db
TENANT = """\
allow_password_sign_in: false
allow_email_sign_in: true
allow_passkey_sign_in: false
allow_sign_up: true
sign_in_lifetime_seconds: 3600
sign_in_idle_lifetime_seconds: 600
consent_lifetime_seconds: 86400
logo_uri: https://globex.example/logo.png
accent_colour: "#0b57d0"
default_language: de
privacy_policy_uri: https://globex.example/#privacy
terms_of_service_uri: https://globex.example/terms
client_registration: token
max_registrations_per_day: 5
registered_client_idle_days: 7
allow_client_metadata_documents: true
"""
SCOPES = """\
apis:
- slug: orders
  audience: https://orders.example/
  scopes:
  - name: read
    title: Read your orders
    is_required: true
    min_acr: phr
    translations: {de: {title: Bestellungen lesen, description: "Öffnet ihre Liste."}}
  - {name: write}
"""
PROFILES = """\
trust_profiles:
- slug: google
  issuer: https://accounts.google.example
  audience: us
  algorithms: [RS256]
  jwks_uri: https://accounts.google.example/jwks
  provisioning: create
  is_sign_in_offered: true
  sign_in_label: Google
  authorization_endpoint: https://accounts.google.example/authorize?hd=globex
  token_endpoint: https://accounts.google.example/token
  sign_in_client_id: us
  sign_in_scopes: [profile, email]
  sign_in_secret: {value_from_env: GOOGLE_SECRET}
- {slug: other, issuer: "https://other.example", algorithms: [RS256],
   jwks_uri: "https://other.example/jwks"}
"""
CLIENT = """\
clients:
- client_id: shop
  kind: web
  grant_types: [authorization_code, refresh_token]
  redirect_uris: ["https://shop.example/callback", "https://shop.example/other"]
  client_uri: https://shop.example/
  logo_uri: https://shop.example/logo.png
  policy_uri: https://shop.example/privacy
  tos_uri: https://shop.example/terms
  initiate_login_uri: https://shop.example/login
  is_pkce_exempt: true
  requires_offline_access: false
  offline_lifetimes_seconds: [604800, 86400]
  subject_type: pairwise
  sector_identifier: globex.example
  id_token_signed_response_alg: ES256
  userinfo_signed_response_alg: RS256
  default_max_age: 0
  require_auth_time: true
  backchannel_logout_uri: https://shop.example/logout?from=us
  backchannel_logout_session_required: true
  max_sessions: 3
  on_session_limit: end_oldest
  sign_in_profiles: [google]
  excluded_sign_in_profiles: [other]
"""
EVERYTHING = TENANT + SCOPES + PROFILES + CLIENT
VARIABLES = {"GOOGLE_SECRET": "a secret of theirs"}
NAMES = {"default_max_age_seconds": "default_max_age"}


def test_everything_is_stored_and_comes_back_byte_for_byte() -> None:
    apply(tenant(EVERYTHING), variables=VARIABLES)
    client = Client.objects.get()
    assert client.default_max_age_seconds == 0
    assert client.sign_in_profiles.get().slug == "google"
    assert client.excluded_sign_in_profiles.get().slug == "other"
    assert Scope.objects.get(name="read").translations["de"]["title"] == "Bestellungen lesen"
    text = export()
    assert apply(text) == []
    assert export() == text


def test_the_example_of_this_test_forgets_no_field() -> None:
    stated = yaml.safe_load(EVERYTHING)
    names = (*SIGN_IN_FIELDS, *BRANDING_FIELDS, *REGISTRATION_FIELDS)
    assert set(names) <= set(stated)
    (client,) = stated["clients"]
    assert {NAMES.get(name, name) for name in INTERACTIVE_FIELDS} <= set(client)


def test_what_a_client_leaves_out_has_its_default() -> None:
    apply(tenant(EVERYTHING), variables=VARIABLES)
    apply(tenant("clients: [{client_id: shop}]"))
    client = Client.objects.get()
    assert (client.subject_type, client.default_max_age_seconds) == ("public", None)
    assert (client.is_pkce_exempt, client.requires_offline_access) == (False, True)
    assert not client.sign_in_profiles.exists()
    assert Tenant.objects.get().accent_colour == "#0b57d0"


def test_the_order_of_the_durations_is_no_difference() -> None:
    apply(tenant(EVERYTHING), variables=VARIABLES)
    turned = EVERYTHING.replace("[604800, 86400]", "[86400, 604800]")
    assert turned != EVERYTHING
    assert apply(tenant(turned), variables=VARIABLES) == []


def test_the_secret_of_a_sign_in_is_encrypted_and_exported_as_ciphertext() -> None:
    apply(tenant(SCOPES + PROFILES), variables=VARIABLES)
    profile = TrustProfile.objects.get(slug="google")
    stored = profile.sign_in_secret_ciphertext
    assert stored is not None
    sealed = Ciphertext(profile.sign_in_kek_id, bytes(stored))
    opened = credentials.decrypt(sealed, context=credentials.sign_in_context(profile.pk))
    assert opened.decode() == VARIABLES["GOOGLE_SECRET"]
    text = export()
    assert VARIABLES["GOOGLE_SECRET"] not in text
    assert f"ciphertext: {encode_bytes(bytes(stored))}" in text
    assert apply(tenant(SCOPES + PROFILES), variables=VARIABLES) == []
    changed = apply(tenant(SCOPES + PROFILES), variables={"GOOGLE_SECRET": "another"})
    assert next(line for line in changed if "sign_in_secret" in line).endswith("changed")


TOKEN = 'initial_access_tokens: [{label: partners, expires_at: "2036-01-01T00:00:00Z", %s}]'


def make_text(kind: CredentialKind = CredentialKind.INITIAL_ACCESS_TOKEN) -> str:
    return credentials.make_credential(kind, uuid4()).text


def test_an_initial_access_token_comes_with_its_text_or_its_hash() -> None:
    text = make_text()
    apply(tenant(TOKEN % f"max_clients: 7, value: {text}"))
    token = InitialAccessToken.objects.get()
    assert (token.max_clients, text[-4:]) == (7, token.hint)
    parsed = credentials.parse_credential(CredentialKind.INITIAL_ACCESS_TOKEN, text)
    assert parsed is not None
    assert parsed.row_id == token.pk
    assert apply(tenant(TOKEN % f"max_clients: 7, value: {text}")) == []
    exported = export()
    assert text not in exported
    assert apply(exported) == []
    assert export() == exported


def test_how_often_a_token_was_used_outlives_its_change() -> None:
    text = make_text()
    apply(tenant(TOKEN % f"value: {text}"))
    InitialAccessToken.objects.update(registered_clients=1)
    apply(tenant(TOKEN % f"max_clients: 2, value: {text}"))
    assert InitialAccessToken.objects.get().registered_clients == 1


def test_another_initial_access_token_under_its_label_replaces_it() -> None:
    apply(tenant(TOKEN % f"value: {make_text()}"))
    first = InitialAccessToken.objects.get()
    lines = apply(tenant(TOKEN % f"value: {make_text()}"))
    assert "- acme/production/globex initial_access_tokens[partners]" in lines
    assert InitialAccessToken.objects.get().pk != first.pk
    apply(tenant("initial_access_tokens: []"))
    assert not InitialAccessToken.objects.exists()


def test_an_initial_access_token_can_not_be_chosen() -> None:
    for text in ("chosen", make_text(CredentialKind.MASTER_TOKEN)):
        (mistake,) = refuse(tenant(TOKEN % f"value: {text}"))
        assert "value: this is no initial access token" in mistake


def test_what_people_have_is_no_configuration() -> None:
    apply(tenant(EVERYTHING), variables=VARIABLES)
    text = export()
    for model in (Subject, SubjectPassword, Passkey, ClientRegistration):
        name = model._meta.model_name  # noqa: SLF001 - Django's public API.
        assert f"{name}s" not in text


def _client(**stated: str) -> str:
    values = {"client_id": "app"} | stated
    return tenant(f"clients: [{{{', '.join(f'{k}: {v}' for k, v in values.items())}}}]")


MISTAKES: dict[str, tuple[str, str]] = {
    "a colour by name": (tenant("accent_colour: blue"), "write a colour, such as #0b57d0"),
    "a language that is none": (tenant("default_language: fr"), '"fr" is no default language'),
    "a logo without https": (
        tenant("logo_uri: 'http://a.example/l'"),
        "logo_uri: Plain http",
    ),
    "nobody comes back": (
        tenant("allow_sign_up: true\nallow_password_sign_in: false\nallow_email_sign_in: false"),
        "allow_sign_up: Who signs up",
    ),
    "a registration that is none": (tenant("client_registration: on"), "client_registration"),
    "a host with a path": (_client(sector_identifier="a.example/x"), "such as app.example"),
    "an algorithm that is shared": (_client(id_token_signed_response_alg="HS256"), "HS256"),
    "a default age in words": (_client(default_max_age="hour"), "default_max_age: expected"),
    "a negative age": (_client(default_max_age="-1"), "too small"),
    "no session at all": (_client(max_sessions="0"), "too small"),
    "a duration twice": (_client(offline_lifetimes_seconds="[60, 60]"), "twice"),
    "durations without end": (
        _client(offline_lifetimes_seconds="[60, 61, 62, 63, 64, 65, 66]"),
        "offline_lifetimes_seconds",
    ),
    "a profile that is none": (_client(sign_in_profiles="[gogle]"), "is no trust profile"),
    "codes that go nowhere": (
        _client(grant_types="[authorization_code]"),
        "clients[0].redirect_uris: authorization_code needs",
    ),
    "a language of a scope": (
        tenant("apis: [{slug: a, audience: b, scopes: [{name: c, translations: {German: {}}}]}]"),
        "translations",
    ),
    "a text of a scope": (
        tenant("apis: [{slug: a, audience: b, scopes: [{name: c, translations: {de: {t: x}}}]}]"),
        'translations.de: unknown key "t"',
    ),
    "an acr that is none": (
        tenant("apis: [{slug: a, audience: b, scopes: [{name: c, min_acr: high}]}]"),
        '"high" is no min acr',
    ),
    "a token without end": (
        tenant("initial_access_tokens: [{label: a, value: ait_x}]"),
        '"expires_at" is missing',
    ),
    "an issuer without address": (
        tenant(
            "trust_profiles: [{slug: t, issuer: i, algorithms: [ES256], is_sign_in_offered: true, "
            'jwks_uri: "https://i.example/jwks", audience: us, sign_in_client_id: us, '
            'authorization_endpoint: "https://i.example/authorize"}]'
        ),
        "trust_profiles[0].token_endpoint: People can't sign in",
    ),
}


@pytest.mark.parametrize(("file", "text"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_its_place(file: str, text: str) -> None:
    assert text in refuse(file)[0]
