"""What the tests of trust profiles share: a partner who signs, and one who is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenants.models import Subject, TrustProfile
from tenants.records import SYSTEM
from tenants.services.subjects import save_subject
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import find_scopes
from tests.rfc.introspecting_issuer import CLIENT_ID, PREFIX, SECRET
from tests.rfc.signers import GRANT, assertion_claims, make_signer
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient
    from tests.rfc.introspecting_issuer import Issuer

# What is sent, signed or stored may be anything.
# ruff: noqa: ANN401

PARTNER = "https://partner.example"
SIGNER = make_signer()
EMAIL = "alice@globex.example"
NAMED = {"sub": "alice", "email": EMAIL, "email_verified": True}
LINKING = {"linking_claim": "email", "linking_verified_claim": "email_verified"}


def trust(
    tenant: Tenant, *, maximum: Sequence[str] = ("read",), shared_secret: str = "", **fields: Any
) -> TrustProfile:
    """Trust the partner who signs."""
    keys = {"jwks": [SIGNER.jwk], "algorithms": ["ES256"]}
    values = {"slug": "partner", "issuer": PARTNER, "provisioning": "create", **keys, **fields}
    links = {"maximum_scopes": find_scopes(tenant, maximum)}
    profile = TrustProfile(tenant=tenant, **values)
    return save_trust_profile(profile, actor=SYSTEM, links=links, shared_secret=shared_secret)


def trust_opaque(tenant: Tenant, issuer: Issuer, /, **fields: Any) -> TrustProfile:
    """Trust the partner who is asked about each token."""
    values = {
        "slug": "partner",
        "kind": "opaque",
        "issuer": PARTNER,
        "provisioning": "create",
        "introspection_endpoint": issuer.endpoint,
        "introspection_client_id": CLIENT_ID,
        "token_prefix": PREFIX,
        **fields,
    }
    links = {"maximum_scopes": find_scopes(tenant, ["read"])}
    profile = TrustProfile(tenant=tenant, **values)
    return save_trust_profile(profile, actor=SYSTEM, links=links, introspection_secret=SECRET)


def sign(tenant: Tenant, **changes: Any) -> str:
    """Sign a token of the partner."""
    return SIGNER.sign(assertion_claims(PARTNER, "alice", issuer_of(tenant), **changes))


def swap(oauth: OAuthClient, assertion: str, client: str = "app", **more: Any) -> HttpResponse:
    """Swap a token of the partner for one of ours."""
    return oauth.token(grant_type=GRANT, assertion=assertion, client_id=client, **more)


def scope_of(response: HttpResponse) -> str:
    """Answer the scope of what was given."""
    assert response.status_code == 200, response.content
    return str(response.json()["scope"])


def assert_refused(response: HttpResponse, text: str = "", code: str = "invalid_grant") -> None:
    """Expect a refusal with these words."""
    answer = response.json()
    assert (response.status_code, answer["error"]) == (400, code), answer
    assert text in answer["error_description"]


def make_subject(tenant: Tenant, **fields: Any) -> Subject:
    """Make a subject with a verified e-mail address."""
    values = {"email": EMAIL, "is_email_verified": True, **fields}
    return save_subject(Subject(tenant=tenant, **values), actor=SYSTEM)
