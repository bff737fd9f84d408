"""What the tests of token exchange share: who takes part, and the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants.models import TrustProfile
from tenants.records import SYSTEM, GrantType
from tenants.services import changes
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import MadeClient, find_scopes, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.signers import GRANT as JWT_BEARER
from tests.rfc.signers import assertion_claims, make_signer
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

# What is sent and what a profile has may be anything.
# ruff: noqa: ANN401

EXCHANGE = GrantType.TOKEN_EXCHANGE.value
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
PARTNER = "https://partner.example"
SIGNER = make_signer()


@dataclass(frozen=True, slots=True)
class World:
    """An application whose users call an Api, whose server calls another for them."""

    tenant: Tenant
    oauth: OAuthClient
    app: MadeClient
    server: MadeClient
    stranger: MadeClient

    def sign(self, subject: str = "alice", **more: Any) -> str:
        """Sign a token of the partner."""
        return SIGNER.sign(assertion_claims(PARTNER, subject, issuer_of(self.tenant), **more))

    def user_token(self, subject: str = "alice", **more: Any) -> str:
        """Get an access token of a user, with every scope."""
        return str(self.user_answer(subject, **more)["access_token"])

    def user_answer(self, subject: str = "alice", **more: Any) -> dict[str, Any]:
        """Get what the application gets for a user."""
        asked = {"scope": "read write ship", **more}
        response = self.oauth.token(
            self.app, grant_type=JWT_BEARER, assertion=self.sign(subject), **asked
        )
        assert response.status_code == 200, response.content
        return dict(response.json())

    def machine_token(self, client: MadeClient, **more: Any) -> str:
        """Get an access token of a client itself."""
        response = self.oauth.token(client, **more)
        assert response.status_code == 200, response.content
        return str(response.json()["access_token"])

    def ask(self, token: str, client: MadeClient | None = None, **more: Any) -> HttpResponse:
        """Exchange an access token of ours, or of the type that is named."""
        asked = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, **more}
        sent = {name: value for name, value in asked.items() if value is not None}
        return self.oauth.token(client or self.server, grant_type=EXCHANGE, **sent)

    def exchange(self, token: str, client: MadeClient | None = None, **more: Any) -> str:
        """Exchange a token with success."""
        response = self.ask(token, client, **more)
        assert response.status_code == 200, response.content
        return str(response.json()["access_token"])

    def introspect(self, token: str) -> dict[str, Any]:
        """Ask as the server what a token is."""
        return dict(self.oauth.introspect(self.server, token).json())

    def is_active(self, token: str) -> bool:
        """Ask as the server whether a token lives."""
        return bool(self.introspect(token)["active"])


def make_world(slug: str = "globex", **profile: Any) -> World:
    """Make the tenant with Apis `orders` (read, write) and `parcels` (ship), and its clients."""
    tenant = make_tenant(slug)
    apis = [make_api(tenant), make_api(tenant, "parcels", scopes=["ship"])]
    scopes = ["read", "write", "ship"]
    grants: dict[str, Any] = {
        "grant_types": [JWT_BEARER, "client_credentials", "refresh_token", EXCHANGE]
    }
    app = make_client(tenant, "app", scopes=scopes, **grants)
    server = make_client(tenant, "server", scopes=scopes, default_scopes=["read"], **grants)
    stranger = make_client(tenant, "stranger", scopes=scopes, **grants)
    for api in apis:
        changes.save(api, actor=SYSTEM, links={"resource_server_clients": [server.client]})
    fields = {"slug": "partner", "issuer": PARTNER, "provisioning": "create", **profile}
    trusted = TrustProfile(tenant=tenant, jwks=[SIGNER.jwk], algorithms=["ES256"], **fields)
    links = {"maximum_scopes": find_scopes(tenant, scopes)}
    save_trust_profile(trusted, actor=SYSTEM, links=links)
    return World(tenant, OAuthClient(tenant), app, server, stranger)
