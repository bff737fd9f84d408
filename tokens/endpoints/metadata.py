"""What an issuer says about itself. Source: RFC 8414 section 2, OpenID Connect Discovery 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.assurance import Assurance
from tenants.effective_settings import OPENID
from tenants.records import GrantType
from tokens.answers import Answer
from tokens.endpoints.cross_origin import ANY_ORIGIN
from tokens.endpoints.view import EndpointView, find_confirmed_tenant, write_answer
from tokens.front_channel.languages import SPOKEN
from tokens.grants import GRANTS
from tokens.id_tokens import algorithms_of
from tokens.jwk import ASYMMETRIC_ALGORITHMS
from tokens.standard_claims import STANDARD_CLAIMS

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tenants.records import JSON, TenantSnapshot

CONFIDENTIAL_METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
CACHE_SECONDS: Final = 300
REGISTRATION_OFF: Final = "off"
# What the claim `claims` of a request may name beside the standard ones, or a token always has.
TOKEN_CLAIMS: Final = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"),
)
PROMPTS: Final = ("none", "login", "consent", "select_account")
CREATE: Final = "create"  # Initiating User Registration via OpenID Connect 1.0 section 4


class MetadataView(EndpointView):
    """`/.well-known/oauth-authorization-server` and `openid-configuration`, each in both places."""

    http_method_names = ["get", "head", "options"]

    def get(self, _request: HttpRequest, issuer: str) -> HttpResponse:
        """Answer the metadata; every web page may read it."""
        headers = {"Cache-Control": f"public, max-age={CACHE_SECONDS}", **ANY_ORIGIN}
        return write_answer(Answer(describe_issuer(find_confirmed_tenant(issuer)), headers=headers))


def describe_issuer(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Describe what the issuer really does; a test compares it with its behaviour."""
    return {
        **_describe_endpoints(tenant),
        **_describe_client_authentication(),
        **_describe_authorization(tenant),
        **_describe_identity(tenant),
        **_describe_registration(tenant),
    }


def _describe_endpoints(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Name the endpoints; that for devices where the environment allows their grant."""
    paths = {
        "authorization_endpoint": "/oauth/authorize",
        "token_endpoint": "/oauth/token",
        "userinfo_endpoint": "/oauth/userinfo",
        "introspection_endpoint": "/oauth/introspect",
        "revocation_endpoint": "/oauth/revoke",
        "end_session_endpoint": "/oauth/logout",
        "jwks_uri": "/jwks",
    }
    if GrantType.DEVICE_CODE in _allowed_grants(tenant):
        paths["device_authorization_endpoint"] = "/oauth/device"  # RFC 8628 section 4
    served = {name: f"{tenant.issuer}{path}" for name, path in paths.items()}
    return {"issuer": tenant.issuer, **served}


def _allowed_grants(tenant: TenantSnapshot) -> list[str]:
    allowed = tenant.allowed_grant_types
    return [grant for grant in GRANTS if not allowed or grant in allowed]


def _describe_client_authentication() -> dict[str, JSON]:
    algorithms: list[JSON] = [*sorted(ASYMMETRIC_ALGORITHMS)]
    confidential: list[JSON] = [*CONFIDENTIAL_METHODS]
    return {
        "token_endpoint_auth_methods_supported": [*confidential, "none"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": [*confidential, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    }


def _describe_authorization(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Describe grants and the authorization request. Source: RFC 9207 section 3, RFC 7636."""
    grants = _allowed_grants(tenant)
    has_code = GrantType.AUTHORIZATION_CODE in grants
    return {
        "grant_types_supported": [*grants],
        # Implicit and hybrid are refused on purpose: RFC 9700 section 2.1.2.
        "response_types_supported": ["code"] if has_code else [],
        "response_modes_supported": ["query", "fragment", "form_post"] if has_code else [],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": True,
        "prompt_values_supported": [*PROMPTS, *([CREATE] if tenant.sign_in.allows_sign_up else [])],
        "ui_locales_supported": [*SPOKEN],
    }


def _describe_identity(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Describe what clients learn of people. Source: OpenID Connect Discovery section 3."""
    algorithms: list[JSON] = [*algorithms_of(tenant)]
    return {
        "scopes_supported": [*_openid_scopes(tenant)],
        "claims_supported": [*TOKEN_CLAIMS, *STANDARD_CLAIMS],
        "claim_types_supported": ["normal"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": algorithms,
        "acr_values_supported": [*_assurance_levels(tenant)],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def _openid_scopes(tenant: TenantSnapshot) -> list[str]:
    """List the standard scopes; a tenant's own are no business of strangers."""
    openid = {api.id for api in tenant.apis.values() if api.built_in == OPENID}
    return sorted(name for name, scope in tenant.scopes.items() if scope.api_id in openid)


def _assurance_levels(tenant: TenantSnapshot) -> list[str]:
    """List the values of `acr` that somebody can reach here."""
    rules = tenant.sign_in
    levels = [Assurance.PHISHING_RESISTANT.value] if rules.allows_passkey else []
    has_upstream = any(profile.upstream for profile in tenant.trust_profiles)
    if rules.allows_password or rules.allows_email or has_upstream:
        levels.insert(0, Assurance.ONE_FACTOR.value)
    return levels


def _describe_registration(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Describe how clients come to be known, and where people read about the tenant."""
    rules, branding = tenant.registration, tenant.branding
    described: dict[str, JSON] = {"client_id_metadata_document_supported": rules.allows_documents}
    if rules.registration != REGISTRATION_OFF:
        described["registration_endpoint"] = f"{tenant.issuer}/oauth/register"
    if branding.privacy_policy_uri:
        described["op_policy_uri"] = branding.privacy_policy_uri
    if branding.terms_of_service_uri:
        described["op_tos_uri"] = branding.terms_of_service_uri
    return described
