"""What callers of the seed systems do: read tokens by the published keys, sign assertions."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from joserfc.jwk import ECKey

from tenants.models import TrustProfile
from tenants.records import SYSTEM
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import find_scopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Api, Tenant
    from tests.oauth_client import OAuthClient

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Application:
    """An application server with users of its own, for whom it signs assertions."""

    issuer: str
    audience: str
    algorithm: str
    key: Any

    def sign(self, subject: str, **claims: Any) -> str:  # noqa: ANN401 - claims are any JSON.
        """Sign an assertion about a user, which is new and lives for five minutes."""
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(usual | claims, self.key, self.algorithm)


def read_jwt(oauth: OAuthClient, token: str, *, audience: str, algorithm: str) -> dict[str, Any]:
    """Verify a token as an Api does, by the key that its header names; answer its claims."""
    keys = jwt.PyJWKSet.from_dict(oauth.get("/jwks").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key, algorithms=[algorithm], audience=audience))


def post_json(oauth: OAuthClient, path: str, body: object, **headers: str) -> Response:
    """Send a JSON body."""
    return oauth.post_raw(path, json.dumps(body), content_type=JSON_TYPE, **headers)


def trust_application(
    tenant: Tenant,
    issuer: str,
    *,
    audience: str,
    maximum: Sequence[str] = (),
    shared_secret: str = "",
    direct_apis: Sequence[Api] = (),
    **fields: Any,  # noqa: ANN401 - a factory hands a model its fields.
) -> Application:
    """Make a trust profile with a public key, or with a shared secret, and the other side of it.

    At the `direct_apis` the application's assertions work as they are.
    """
    algorithm = "HS256" if shared_secret else "ES256"
    pair = ECKey.generate_key("P-256", private=True)
    profile = TrustProfile(
        tenant=tenant,
        slug=f"trust-{uuid.uuid4().hex[:8]}",
        issuer=issuer,
        audience=audience,
        algorithms=[algorithm],
        jwks=[] if shared_secret else [pair.as_dict(private=False)],
        is_accepted_directly=bool(direct_apis),
        **fields,
    )
    links = {"maximum_scopes": find_scopes(tenant, maximum), "direct_apis": direct_apis}
    save_trust_profile(profile, actor=SYSTEM, links=links, shared_secret=shared_secret)
    key = shared_secret or pair.as_pem(private=True)
    return Application(issuer, audience, algorithm, key)
