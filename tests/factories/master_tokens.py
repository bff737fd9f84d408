"""Makes a tenant with an application whose master tokens make users, and speaks to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from tenants.models import MasterToken
from tenants.records import SYSTEM, GrantType
from tenants.services.master_tokens import create_master_token
from tests.factories.tenants import find_scopes, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Client, Tenant

JSON_TYPE = "application/json"
SCOPES = ("read:accounts", "download:documents", "write:accounts")
DELEGATED = SCOPES[:2]
ADD_USER = """mutation ($scope: String, $user: UserInput) {
  addUserAndAccessToken(scope: $scope, user: $user) {
    user { id externalId name email emailVerified enabled groups attributes }
    accessToken { accessToken tokenType expiresIn scope }
  }
}"""
ADD_TOKEN = """mutation ($user: ID!, $scope: String) {
  addAccessToken(user: $user, scope: $scope) { accessToken scope expiresIn }
}"""


@dataclass(frozen=True, slots=True)
class Application:
    """An application of Ideavate's: its tenant, client, and one master token of each kind."""

    tenant: Tenant
    client: Client
    public: str
    private: str

    @property
    def oauth(self) -> OAuthClient:
        """The protocol's verbs at the tenant's issuer."""
        return OAuthClient(self.tenant)

    def send(
        self, method: str, path: str, token: str, document: object = None, **headers: str
    ) -> Response:
        """Send a JSON document, or none, with a bearer token."""
        body = b"" if document is None else json.dumps(document).encode()
        return self.oauth.http.generic(
            method,
            f"/t/{self.tenant.path}{path}",
            body,
            content_type=JSON_TYPE,
            headers={"Authorization": f"Bearer {token}", **headers},
        )

    def query(self, token: str, query: str, /, **variables: Any) -> Response:
        """Send a GraphQL document."""
        return self.send("POST", "/graphql", token, {"query": query, "variables": variables})

    def add_user(self, token: str = "", **members: Any) -> dict[str, Any]:
        """Make a user with a token by REST, by the private master token unless one is named."""
        answer = self.send("POST", "/users", token or self.private, members)
        assert answer.status_code == 201, answer.content
        document: dict[str, Any] = answer.json()
        return document


def make_application(slug: str = "globex", **client: Any) -> Application:
    """Make the application; its master tokens may delegate two of the client's three scopes."""
    tenant = make_tenant(slug)
    make_api(tenant, "accounts", audience="https://api.ideavate.example/", scopes=SCOPES)
    client.setdefault("grant_types", [GrantType.MASTER_TOKEN.value])
    made = make_client(
        tenant,
        "application",
        scopes=SCOPES,
        default_scopes=["read:accounts"],
        kind="spa",
        token_endpoint_auth_method="none",
        **client,
    )
    public = make_master_token(tenant, made.client, kind=MasterToken.Kind.PUBLIC)
    private = make_master_token(tenant, made.client, kind=MasterToken.Kind.PRIVATE)
    return Application(tenant, made.client, public, private)


def make_master_token(
    tenant: Tenant, client: Client, *, scopes: Sequence[str] = DELEGATED, **fields: Any
) -> str:
    """Make a master token and answer its text."""
    fields.setdefault("expires_at", timezone.now() + timedelta(days=30))
    fields.setdefault("label", f"{fields['kind']} {MasterToken.objects.count()}")
    token = MasterToken(tenant=tenant, client=client, **fields)
    return create_master_token(token, actor=SYSTEM, links={"scopes": find_scopes(tenant, scopes)})


def find_by_text(tenant: Tenant, text: str) -> MasterToken:
    """Find the row of a master token by its hint."""
    return MasterToken.objects.get(tenant=tenant, hint=text[-4:])
