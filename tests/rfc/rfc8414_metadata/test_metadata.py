"""RFC 8414: the metadata of an issuer, compared with what the issuer does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tenants.records import SYSTEM, GrantType
from tenants.services import changes
from tests.factories.tenants import MadeClient, make_client, make_environment
from tests.oauth_client import FORM
from tests.rfc.signers import MAKERS, client_assertion, make_signer
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient

WELL_KNOWN = "/.well-known/oauth-authorization-server"
KNOWN_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
ENDPOINTS = {"token": "token", "introspection": "introspect", "revocation": "revoke"}


def _metadata(oauth: OAuthClient) -> dict[str, Any]:
    document: dict[str, Any] = oauth.get(WELL_KNOWN).json()
    return document


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("RFC 8414", "3.1", "The well-known part stands before the issuer's path.")
def test_both_places_answer_alike(oauth: OAuthClient) -> None:
    before = oauth.http.get(f"{WELL_KNOWN}{oauth.base}")
    after = oauth.get(WELL_KNOWN)
    assert before.status_code == after.status_code == 200
    assert before.json() == after.json()
    assert before["Content-Type"] == "application/json"


@pytest.mark.requirement("RFC 8414", "3.3", "issuer is the URL by which the metadata was found.")
def test_the_issuer_is_the_one_that_was_asked(oauth: OAuthClient, tenant: Tenant) -> None:
    document = _metadata(oauth)
    assert document["issuer"] == issuer_of(tenant)
    response = oauth.http.get(f"{oauth.base}{WELL_KNOWN}", headers={"X-Forwarded-Host": "evil"})
    assert response.json() == document


@pytest.mark.usefixtures("service")
def test_each_endpoint_for_programs_is_where_the_metadata_says(oauth: OAuthClient) -> None:
    document = _metadata(oauth)
    for name in ("token", "introspection", "revocation"):
        path = urlsplit(document[f"{name}_endpoint"]).path
        assert oauth.http.post(path, "", content_type=FORM).status_code == 401, name
    assert oauth.http.get(urlsplit(document["jwks_uri"]).path).status_code == 200


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 8414", "2", "grant_types_supported is true, grant by grant.")
def test_each_advertised_grant_is_served_and_no_other(oauth: OAuthClient, tenant: Tenant) -> None:
    client = make_client(
        tenant,
        scopes=["read"],
        grant_types=[grant.value for grant in GrantType],
        redirect_uris="https://app.example/callback",
    )
    advertised = _metadata(oauth)["grant_types_supported"]
    assert advertised
    for grant in [*GrantType, "password", "implicit"]:
        response = oauth.token(client, grant_type=str(grant))
        is_unknown = response.json().get("error") == "unsupported_grant_type"
        assert is_unknown is (str(grant) not in advertised), grant


def test_the_grants_are_those_that_the_environment_allows(
    oauth: OAuthClient, service: MadeClient
) -> None:
    environment = make_environment()
    environment.allowed_grant_types = ["refresh_token"]
    changes.save(environment, actor=SYSTEM)
    assert _metadata(oauth)["grant_types_supported"] == ["refresh_token"]
    assert oauth.token(service).json()["error"] == "unauthorized_client"


def _ask(
    oauth: OAuthClient, tenant: Tenant, method: str, path: str, algorithm: str = "ES256"
) -> HttpResponse:
    """Call an endpoint as a client of this method; what it sends is wrong otherwise."""
    signer = make_signer(algorithm)
    has_key = method == "private_key_jwt"
    client_id = f"{method}-{path}-{algorithm}"
    made = make_client(
        tenant,
        client_id,
        grant_types=["refresh_token"],
        token_endpoint_auth_method=method,
        is_allowed=False,
        jwks=[signer.jwk] if has_key else [],
    )
    wrong: dict[str, Any] = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    match method:
        case "client_secret_basic":
            return oauth.post(f"/oauth/{path}", made, **wrong)
        case "client_secret_post":
            secret: dict[str, Any] = {"client_id": client_id, "client_secret": made.secret}
            return oauth.post(f"/oauth/{path}", **wrong, **secret)
        case "private_key_jwt":
            assertion = client_assertion(signer, client_id, issuer_of(tenant))
            return oauth.post(f"/oauth/{path}", **wrong, **assertion)
    return oauth.post(f"/oauth/{path}", **wrong, client_id=client_id)


@pytest.mark.requirement("RFC 8414", "2", "The authentication methods are true, each by each.")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_advertised_method_works_and_no_other(
    oauth: OAuthClient, tenant: Tenant, endpoint: str
) -> None:
    advertised = _metadata(oauth)[f"{endpoint}_endpoint_auth_methods_supported"]
    assert set(advertised) <= set(KNOWN_METHODS)
    for method in KNOWN_METHODS:
        response = _ask(oauth, tenant, method, ENDPOINTS[endpoint])
        assert (response.status_code != 401) is (method in advertised), method


@pytest.mark.requirement("RFC 8414", "2", "The algorithms of assertions are true, each by each.")
def test_each_advertised_algorithm_works(oauth: OAuthClient, tenant: Tenant) -> None:
    document = _metadata(oauth)
    lists = [document[f"{e}_endpoint_auth_signing_alg_values_supported"] for e in ENDPOINTS]
    assert lists[0] == lists[1] == lists[2]
    assert "none" not in lists[0]
    assert not [name for name in lists[0] if name.startswith("HS")]
    assert set(lists[0]) == set(MAKERS)
    for algorithm in lists[0]:
        response = _ask(oauth, tenant, "private_key_jwt", "token", algorithm)
        assert response.json()["error"] == "invalid_grant", algorithm


@pytest.mark.parametrize("path", ["/jwks", WELL_KNOWN])
def test_every_web_page_may_read_the_documents(oauth: OAuthClient, path: str) -> None:
    response = oauth.get(path, Origin="https://any.example")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response
    head = oauth.http.head(f"{oauth.base}{path}")
    assert (head.status_code, head.content) == (200, b"")
    options = oauth.http.options(f"{oauth.base}{path}")
    assert options["Allow"] == "GET, HEAD, OPTIONS"
    refused = oauth.http.post(f"{oauth.base}{path}")
    assert refused.status_code == 405


UNKNOWN = {
    "another tenant": "/t/acme/production/nobody",
    "another project": "/t/nobody/production/globex",
    "upper case": "/t/acme/production/GLOBEX",
    "one slug too few": "/t/acme/globex",
    "long": f"/t/acme/production/{'x' * 64}",
    "dots": "/t/acme/production/..",
}


@pytest.mark.parametrize("base", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_issuer_has_no_metadata(oauth: OAuthClient, base: str) -> None:
    assert oauth.http.get(f"{base}{WELL_KNOWN}").status_code == 404
    assert oauth.http.get(f"{WELL_KNOWN}{base}").status_code == 404
