"""OpenID Connect Discovery: every member of the document, compared with what the issuer does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata

from tenants.models import Scope
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.openid import CALLBACK, OPENID, claims_of, make_party
from tests.factories.tenants import make_api, make_environment
from tests.rfc.verification import issuer_of, verify

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient

WELL_KNOWN = "/.well-known/openid-configuration"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
# Each member is held by the test of this name, or by those of a module or a folder of `tests/rfc`.
HELD_BY: dict[str, str] = {
    "issuer": "test_both_places_answer_alike",
    "jwks_uri": "test_each_endpoint_is_there",
    "response_types_supported": "test_response_types_are_those_that_are_taken",
    "response_modes_supported": "test_response_modes_are_those_that_are_taken",
    "grant_types_supported": "rfc8414_metadata/test_metadata.py",
    "scopes_supported": "test_only_standard_scopes_are_told_to_strangers",
    "claims_supported": "test_every_claim_that_is_told_is_announced",
    "claim_types_supported": "test_every_claim_that_is_told_is_announced",
    "subject_types_supported": "openid_connect_core/test_pairwise.py",
    "id_token_signing_alg_values_supported": "test_every_algorithm_signs",
    "userinfo_signing_alg_values_supported": "test_every_algorithm_signs",
    "acr_values_supported": "test_levels_are_those_that_the_tenant_allows",
    "prompt_values_supported": "test_prompts_are_those_that_are_taken",
    "code_challenge_methods_supported": "test_challenge_methods_are_those_that_are_taken",
    "authorization_response_iss_parameter_supported": "rfc9207_issuer_identification",
    "request_parameter_supported": "test_request_objects_are_refused_as_it_says",
    "request_uri_parameter_supported": "test_request_objects_are_refused_as_it_says",
    "claims_parameter_supported": "openid_connect_core/test_userinfo.py",
    "ui_locales_supported": "test_pages_speak_the_languages",
    "backchannel_logout_supported": "openid_connect_back_channel_logout",
    "backchannel_logout_session_supported": "openid_connect_back_channel_logout",
    "client_id_metadata_document_supported": "test_registration_is_told_where_it_is_open",
}


def _document(oauth: OAuthClient) -> dict[str, Any]:
    document: dict[str, Any] = oauth.get(WELL_KNOWN).json()
    return document


@pytest.mark.requirement("OIDC Discovery", "4", "The well-known part stands behind the issuer.")
@pytest.mark.requirement("RFC 8414", "5", "It is found before the issuer's path as well.")
def test_both_places_answer_alike(oauth: OAuthClient, tenant: Tenant) -> None:
    document = _document(oauth)
    assert document["issuer"] == issuer_of(tenant)
    assert oauth.http.get(f"{WELL_KNOWN}{oauth.base}").json() == document
    assert oauth.get("/.well-known/oauth-authorization-server").json() == document
    response = oauth.get(WELL_KNOWN, Origin="https://any.example")
    assert response["Access-Control-Allow-Origin"] == "*"


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("OIDC Discovery", "3", "All required members are there and well-formed.")
def test_authlib_validates_the_document(oauth: OAuthClient) -> None:
    OpenIDProviderMetadata(_document(oauth)).validate()


@pytest.mark.usefixtures("tenant")
def test_every_member_is_held_by_a_test(oauth: OAuthClient) -> None:
    """What nobody compares with the behaviour must not be promised."""
    members = {name for name in _document(oauth) if not name.endswith("_endpoint")}
    assert {name for name in members if "_auth_" not in name} == set(HELD_BY)
    folder = Path(__file__).parents[1]
    for name in HELD_BY.values():
        assert name in globals() or (folder / name).exists(), name


@pytest.mark.usefixtures("tenant")
def test_each_endpoint_is_there(oauth: OAuthClient) -> None:
    document = _document(oauth)
    addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    for address in addresses:
        assert oauth.http.options(urlsplit(address).path).status_code != 404, address
    for name in ("authorization", "token", "userinfo", "end_session", "device_authorization"):
        assert f"{name}_endpoint" in document


def _authorize(oauth: OAuthClient, **parameters: str) -> HttpResponse:
    asked = {
        "client_id": "web-app",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **parameters,
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    return oauth.http.get(f"{oauth.base}/oauth/authorize?{query}")


def _is_taken(oauth: OAuthClient, **parameters: str) -> bool:
    """Say whether the person is asked to sign in, rather than sent back with an error."""
    response = _authorize(oauth, **parameters)
    return response.status_code == 303 and "/sign-in?" in response["Location"]


@pytest.mark.parametrize(
    "response_type",
    ["code", "token", "id_token", "code token", "code id_token", "id_token token", "none"],
)
def test_response_types_are_those_that_are_taken(
    oauth: OAuthClient, tenant: Tenant, response_type: str
) -> None:
    make_party(tenant)
    announced = _document(oauth)["response_types_supported"]
    is_taken = _is_taken(oauth, response_type=response_type, nonce="n")
    assert is_taken is (response_type in announced)


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "query.jwt", "web_message"])
def test_response_modes_are_those_that_are_taken(
    oauth: OAuthClient, tenant: Tenant, mode: str
) -> None:
    make_party(tenant)
    announced = _document(oauth)["response_modes_supported"]
    assert _is_taken(oauth, response_mode=mode) is (mode in announced)


@pytest.mark.parametrize("method", ["S256", "plain", "S512"])
def test_challenge_methods_are_those_that_are_taken(
    oauth: OAuthClient, tenant: Tenant, method: str
) -> None:
    make_party(tenant)
    announced = _document(oauth)["code_challenge_methods_supported"]
    assert _is_taken(oauth, code_challenge_method=method) is (method in announced)


@pytest.mark.parametrize("allows_sign_up", [True, False])
def test_prompts_are_those_that_are_taken(
    oauth: OAuthClient, tenant: Tenant, *, allows_sign_up: bool
) -> None:
    tenant.allow_sign_up = allows_sign_up
    changes.save(tenant, actor=SYSTEM)
    make_party(tenant)
    announced = _document(oauth)["prompt_values_supported"]
    assert ("create" in announced) is allows_sign_up
    for prompt in ("none", "login", "consent", "select_account", "create", "magic"):
        location = _authorize(oauth, prompt=prompt)["Location"]
        is_taken = "error=invalid_request" not in location
        assert is_taken is (prompt in announced), prompt


@pytest.mark.parametrize("name", ["request", "request_uri"])
def test_request_objects_are_refused_as_it_says(
    oauth: OAuthClient, tenant: Tenant, name: str
) -> None:
    make_party(tenant)
    assert _document(oauth)[f"{name}_parameter_supported"] is False
    location = _authorize(oauth, **{name: "https://app.example/request.jwt"})["Location"]
    assert f"error={name}_not_supported" in location


def test_every_algorithm_signs(oauth: OAuthClient, tenant: Tenant) -> None:
    document = _document(oauth)
    announced = document["id_token_signing_alg_values_supported"]
    assert "RS256" in announced  # OpenID Connect Discovery section 3
    assert document["userinfo_signing_alg_values_supported"] == announced
    assert {"none", "HS256"}.isdisjoint(announced)
    for name in announced:
        party = make_party(
            tenant,
            f"app-{name.lower()}",
            id_token_signed_response_alg=name,
            userinfo_signed_response_alg=name,
        )
        answer = party.begin("openid")
        bearer = f"Bearer {answer['access_token']}"
        signed = oauth.get("/oauth/userinfo", Authorization=bearer).content.decode()
        for text in (answer["id_token"], signed):
            assert jwt.get_unverified_header(text)["alg"] == name
            verify(oauth, text, audience=f"app-{name.lower()}")


def test_environment_bounds_what_is_announced(oauth: OAuthClient, tenant: Tenant) -> None:
    environment = make_environment()
    environment.allowed_signing_algorithms = ["HS256", "PS256"]
    changes.save(environment, actor=SYSTEM)
    tenant.signing_algorithm = "PS256"
    changes.save(tenant, actor=SYSTEM)
    announced = _document(oauth)["id_token_signing_alg_values_supported"]
    assert announced == ["PS256"]
    answer = make_party(tenant).begin("openid")
    assert jwt.get_unverified_header(answer["id_token"])["alg"] == "PS256"


def test_without_the_code_grant_nothing_is_promised(oauth: OAuthClient, tenant: Tenant) -> None:
    environment = make_environment()
    environment.allowed_grant_types = ["client_credentials"]
    changes.save(environment, actor=SYSTEM)
    document = _document(oauth)
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["response_types_supported"] == document["response_modes_supported"] == []
    assert "device_authorization_endpoint" not in document
    assert tenant.path in document["issuer"]


def test_only_standard_scopes_are_told_to_strangers(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, "merger", scopes=["takeover:read", "email"])
    document = _document(oauth)
    assert document["scopes_supported"] == [
        *("address", "offline_access", "openid", "phone", "profile"),
    ]
    assert "takeover:read" not in str(document)
    assert Scope.objects.filter(tenant=tenant, name__startswith="management:").exists()
    assert "management:" not in str(document)


def test_every_claim_that_is_told_is_announced(oauth: OAuthClient, tenant: Tenant) -> None:
    document = _document(oauth)
    party = make_party(tenant)
    answer = party.begin(*OPENID, nonce="n", claims_request={"id_token": {"name": None}})
    told = set(verify(oauth, answer["id_token"], audience="web-app"))
    bearer = f"Bearer {answer['access_token']}"
    told |= set(oauth.get("/oauth/userinfo", Authorization=bearer).json())
    announced = document["claims_supported"]
    assert len(announced) == len(set(announced))
    assert told <= set(announced)
    assert set(claims_of(party.subject)) <= set(announced)


def test_levels_are_those_that_the_tenant_allows(oauth: OAuthClient, tenant: Tenant) -> None:
    one_factor = "urn:authplatform:acr:one-factor"
    assert _document(oauth)["acr_values_supported"] == [one_factor, "phr"]
    tenant.allow_passkey_sign_in = False
    changes.save(tenant, actor=SYSTEM)
    assert _document(oauth)["acr_values_supported"] == [one_factor]
    tenant.allow_passkey_sign_in = True
    tenant.allow_password_sign_in = tenant.allow_email_sign_in = False
    changes.save(tenant, actor=SYSTEM)
    assert _document(oauth)["acr_values_supported"] == ["phr"]


def test_pages_speak_the_languages(oauth: OAuthClient, tenant: Tenant) -> None:
    make_party(tenant)
    for language in _document(oauth)["ui_locales_supported"]:
        page = oauth.get(f"/sign-in?ui_locales={language}")
        assert f'lang="{language}"' in page.content.decode()


def test_registration_is_told_where_it_is_open(oauth: OAuthClient, tenant: Tenant) -> None:
    document = _document(oauth)
    assert "registration_endpoint" not in document
    assert document["client_id_metadata_document_supported"] is False
    tenant.client_registration = "open"
    changes.save(tenant, actor=SYSTEM)
    address = _document(oauth)["registration_endpoint"]
    assert oauth.http.options(urlsplit(address).path).status_code == 204
    tenant.allow_client_metadata_documents = True
    changes.save(tenant, actor=SYSTEM)
    assert _document(oauth)["client_id_metadata_document_supported"] is True


def test_people_find_what_the_tenant_promises_them(oauth: OAuthClient, tenant: Tenant) -> None:
    assert "op_tos_uri" not in _document(oauth)
    tenant.privacy_policy_uri = "https://globex.example/privacy"
    tenant.terms_of_service_uri = "https://globex.example/terms"
    changes.save(tenant, actor=SYSTEM)
    document = _document(oauth)
    assert document["op_policy_uri"] == "https://globex.example/privacy"
    assert document["op_tos_uri"] == "https://globex.example/terms"
