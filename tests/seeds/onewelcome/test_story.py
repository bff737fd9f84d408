"""OneWelcome: mobile apps get opaque tokens, a web client JWTs, and the API asks about both."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.tenants import MadeClient, find_scopes, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import JWT_BEARER, Application, read_jwt, trust_application

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
OPAQUE = re.compile(r"[0-9A-F]{64}")
PUBLIC: dict[str, Any] = {"token_endpoint_auth_method": "none", "grant_types": [JWT_BEARER]}


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant with an API, its clients, and the directory that knows its users."""

    tenant: Tenant
    oauth: OAuthClient
    web: MadeClient
    gateway: MadeClient
    stranger: MadeClient
    directory: Application

    def ask_for_user(self, client_id: str) -> str:
        """Get a token for the same user, by a public client."""
        answer = self.oauth.token(
            grant_type=JWT_BEARER, client_id=client_id, assertion=self.directory.sign("user-1")
        )
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])


@pytest.fixture
def company() -> Company:
    tenant = make_tenant(claim_profile="onewelcome", signing_algorithm="RS256")
    api = make_api(
        tenant, "profile-api", audience="profile-api", scopes=["read"], allow_limited_jwt=True
    )
    limited = {"name": "profile", "usage_limit": 5}
    changes.save(
        type(find_scopes(tenant, ["read"])[0])(tenant=tenant, api=api, **limited), actor=SYSTEM
    )
    scopes = ["profile", "read"]
    web = make_client(tenant, "example-client", scopes=scopes)
    gateway, stranger = make_client(tenant, "gateway"), make_client(tenant, "stranger")
    make_client(tenant, "mobile", kind="native", access_token_format="jwt", scopes=scopes, **PUBLIC)
    make_client(tenant, "pages", kind="spa", scopes=scopes, **PUBLIC)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    directory = trust_application(
        tenant,
        "https://directory.example",
        audience="https://tokens.example",
        maximum=scopes,
        provisioning="create",
    )
    return Company(tenant, OAuthClient(tenant), web, gateway, stranger, directory)


def test_web_client_gets_the_jwt_of_the_sample(company: Company) -> None:
    token = company.oauth.token(company.web, scope="profile read").json()["access_token"]

    header = jwt.get_unverified_header(token)
    assert (set(header), header["alg"]) == ({"kid", "alg"}, "RS256")
    claims = read_jwt(company.oauth, token, audience="profile-api", algorithm="RS256")
    began, ends, token_id = claims.pop("iat"), claims.pop("exp"), claims.pop("jti")
    assert ends - began == 3600
    assert uuid.UUID(token_id.removeprefix("AT.")).version == 7
    assert token_id.startswith("AT.")
    assert claims == {
        "ver": 1,
        "iss": f"http://localhost:8000/t/{company.tenant.path}/oauth",
        "aud": "profile-api",
        "nbf": began,
        "cid": "example-client",
        "client_id": "example-client",
        "scp": ["profile", "read"],
        "scope": "profile read",
        "usl": 5,
    }


def test_jwt_of_a_user_names_the_user(company: Company) -> None:
    first, second = company.ask_for_user("pages"), company.ask_for_user("pages")
    subjects = {
        read_jwt(company.oauth, token, audience="profile-api", algorithm="RS256")["sub"]
        for token in (first, second)
    }
    assert len(subjects) == 1
    assert uuid.UUID(subjects.pop())


def test_mobile_app_gets_an_opaque_token_whatever_is_configured(company: Company) -> None:
    assert OPAQUE.fullmatch(company.ask_for_user("mobile"))


def test_web_client_may_be_configured_for_opaque_tokens(company: Company) -> None:
    opaque = make_client(
        company.tenant, "opaque-web", scopes=["read"], access_token_format="opaque"
    )
    assert OPAQUE.fullmatch(company.oauth.token(opaque).json()["access_token"])


@pytest.mark.parametrize("client_id", ["mobile", "pages"], ids=["opaque", "JWT"])
def test_api_learns_the_same_from_either_token(company: Company, client_id: str) -> None:
    token = company.ask_for_user(client_id)

    introspected = company.oauth.introspect(company.gateway, token).json()

    assert introspected["active"] is True
    assert (introspected["client_id"], introspected["cid"]) == (client_id, client_id)
    assert (introspected["aud"], introspected["scope"]) == ("profile-api", "profile read")
    assert introspected["usl"] == 5
    assert uuid.UUID(introspected["sub"])


@pytest.mark.parametrize("client_id", ["mobile", "pages"], ids=["opaque", "JWT"])
def test_token_is_over_for_the_api_once_its_client_revokes_it(
    company: Company, client_id: str
) -> None:
    token = company.ask_for_user(client_id)
    assert company.oauth.revoke(None, token, client_id=client_id).status_code == 200
    assert company.oauth.introspect(company.gateway, token).json() == {"active": False}


@pytest.mark.parametrize("client_id", ["mobile", "pages"], ids=["opaque", "JWT"])
def test_nobody_else_learns_anything(company: Company, client_id: str) -> None:
    token = company.ask_for_user(client_id)
    assert company.oauth.introspect(company.stranger, token).json() == {"active": False}
