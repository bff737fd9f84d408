"""Why an access request is refused: reason codes, their wire errors and public sentences. Pure."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tenants.records import GrantType

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reason(StrEnum):
    """Why an access request is refused; stored with refusals, so never renamed."""

    TENANT_DISABLED = "tenant_disabled"
    CLIENT_DISABLED = "client_disabled"
    GRANT_NOT_OF_CLIENT = "grant_not_of_client"
    GRANT_NOT_ALLOWED_HERE = "grant_not_allowed_here"
    IMPERSONATION_NOT_OF_CLIENT = "impersonation_not_of_client"
    IMPERSONATED_TENANT_NOT_ALLOWED = "impersonated_tenant_not_allowed"
    IMPERSONATED_SUBJECT_NOT_ALLOWED = "impersonated_subject_not_allowed"
    AUDIENCE_UNKNOWN = "audience_unknown"
    AUDIENCE_NOT_GRANTED = "audience_not_granted"
    AUDIENCE_WITHOUT_SCOPE = "audience_without_scope"
    API_DISABLED = "api_disabled"
    SCOPE_MISSING = "scope_missing"
    SCOPE_UNKNOWN = "scope_unknown"
    SCOPE_NOT_OF_CLIENT = "scope_not_of_client"
    SCOPE_NOT_FOR_IMPERSONATION = "scope_not_for_impersonation"
    SCOPE_NOT_GRANTED = "scope_not_granted"
    SCOPE_OF_ANOTHER_API = "scope_of_another_api"
    NO_SCOPE_LEFT = "no_scope_left"
    SUBJECT_DISABLED = "subject_disabled"
    ASSURANCE_TOO_LOW = "assurance_too_low"
    APIS_DISAGREE = "apis_disagree"
    ONE_API_ONLY = "one_api_only"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    CLAIM_PROFILE_UNKNOWN = "claim_profile_unknown"
    REFRESH_DISABLED = "refresh_disabled"
    REFRESH_IS_LIMITED = "refresh_is_limited"
    POLICY_DENIED = "policy_denied"
    POLICY_DENIED_SCOPE = "policy_denied_scope"
    POLICY_DENIED_AUDIENCE = "policy_denied_audience"
    NO_POLICY_ALLOWS = "no_policy_allows"
    NO_POLICY_ALLOWS_SCOPE = "no_policy_allows_scope"
    NO_POLICY_ALLOWS_AUDIENCE = "no_policy_allows_audience"
    LIMITS_LEAVE_NO_SCOPE = "limits_leave_no_scope"
    LIMITS_LEAVE_NO_AUDIENCE = "limits_leave_no_audience"
    CLAIM_MISSING = "claim_missing"
    CLAIMS_OUT_OF_BOUNDS = "claims_out_of_bounds"
    CLAIMS_HOOK_DENIED = "claims_hook_denied"
    CLAIMS_HOOK_FAILED = "claims_hook_failed"


INVALID_SCOPE: Final = "invalid_scope"  # RFC 6749 section 5.2
INVALID_REQUEST: Final = "invalid_request"  # RFC 8693 section 2.2.2
INVALID_GRANT: Final = "invalid_grant"  # RFC 6749 section 5.2
UNAUTHORIZED_CLIENT: Final = "unauthorized_client"  # RFC 6749 section 5.2
INVALID_TARGET: Final = "invalid_target"  # RFC 8707 section 2
ACCESS_DENIED: Final = "access_denied"  # RFC 6749 section 4.1.2.1
# OpenID Connect Core Error Code unmet_authentication_requirements 1.0 section 2, RFC 9470 section 5
UNMET_AUTHENTICATION: Final = "unmet_authentication_requirements"

WIRE_ERRORS: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.TENANT_DISABLED: UNAUTHORIZED_CLIENT,
        Reason.CLIENT_DISABLED: UNAUTHORIZED_CLIENT,
        Reason.GRANT_NOT_OF_CLIENT: UNAUTHORIZED_CLIENT,
        Reason.GRANT_NOT_ALLOWED_HERE: UNAUTHORIZED_CLIENT,
        Reason.IMPERSONATION_NOT_OF_CLIENT: UNAUTHORIZED_CLIENT,
        Reason.IMPERSONATED_TENANT_NOT_ALLOWED: UNAUTHORIZED_CLIENT,
        Reason.IMPERSONATED_SUBJECT_NOT_ALLOWED: UNAUTHORIZED_CLIENT,
        Reason.AUDIENCE_UNKNOWN: INVALID_TARGET,
        Reason.AUDIENCE_NOT_GRANTED: INVALID_TARGET,
        Reason.AUDIENCE_WITHOUT_SCOPE: INVALID_TARGET,
        Reason.API_DISABLED: INVALID_TARGET,
        Reason.SCOPE_MISSING: INVALID_SCOPE,
        Reason.SCOPE_UNKNOWN: INVALID_SCOPE,
        Reason.SCOPE_NOT_OF_CLIENT: INVALID_SCOPE,
        Reason.SCOPE_NOT_FOR_IMPERSONATION: INVALID_SCOPE,
        Reason.SCOPE_NOT_GRANTED: INVALID_SCOPE,
        Reason.SCOPE_OF_ANOTHER_API: INVALID_SCOPE,
        Reason.NO_SCOPE_LEFT: INVALID_SCOPE,
        Reason.SUBJECT_DISABLED: INVALID_GRANT,
        Reason.ASSURANCE_TOO_LOW: INVALID_GRANT,
        Reason.APIS_DISAGREE: INVALID_TARGET,
        Reason.ONE_API_ONLY: INVALID_TARGET,
        Reason.ALGORITHM_NOT_ALLOWED: INVALID_TARGET,
        Reason.CLAIM_PROFILE_UNKNOWN: INVALID_TARGET,
        Reason.REFRESH_DISABLED: INVALID_GRANT,
        Reason.REFRESH_IS_LIMITED: INVALID_SCOPE,
        Reason.POLICY_DENIED: UNAUTHORIZED_CLIENT,
        Reason.POLICY_DENIED_SCOPE: INVALID_SCOPE,
        Reason.POLICY_DENIED_AUDIENCE: INVALID_TARGET,
        Reason.NO_POLICY_ALLOWS: UNAUTHORIZED_CLIENT,
        Reason.NO_POLICY_ALLOWS_SCOPE: INVALID_SCOPE,
        Reason.NO_POLICY_ALLOWS_AUDIENCE: INVALID_TARGET,
        Reason.LIMITS_LEAVE_NO_SCOPE: INVALID_SCOPE,
        Reason.LIMITS_LEAVE_NO_AUDIENCE: INVALID_TARGET,
        Reason.CLAIM_MISSING: UNAUTHORIZED_CLIENT,
        Reason.CLAIMS_OUT_OF_BOUNDS: UNAUTHORIZED_CLIENT,
        Reason.CLAIMS_HOOK_DENIED: UNAUTHORIZED_CLIENT,
        Reason.CLAIMS_HOOK_FAILED: UNAUTHORIZED_CLIENT,
    }
)

DESCRIPTIONS: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.TENANT_DISABLED: "This tenant is disabled; ask its administrator to enable it.",
        Reason.CLIENT_DISABLED: "This client is disabled; ask the tenant's administrator to "
        "enable it.",
        Reason.GRANT_NOT_OF_CLIENT: "This client may not use this grant type; add it to the "
        "client's grant types.",
        Reason.GRANT_NOT_ALLOWED_HERE: "This environment does not allow this grant type; use "
        "another, or have it allowed there.",
        Reason.IMPERSONATION_NOT_OF_CLIENT: "This client may not act for subjects of its "
        "application; leave app_tenant_id and app_subject_id out, or give it that right.",
        Reason.IMPERSONATED_TENANT_NOT_ALLOWED: "This client may not act for anybody of this "
        "app_tenant_id; name another, or add it to the client's filter.",
        Reason.IMPERSONATED_SUBJECT_NOT_ALLOWED: "This client may not act for this "
        "app_subject_id, or none is named; name another, or add it to the client's filter.",
        Reason.AUDIENCE_UNKNOWN: "No enabled API here has the requested audience; name the "
        "audience of an API of this tenant.",
        Reason.AUDIENCE_NOT_GRANTED: "The requested audience goes beyond what was first granted; "
        "ask for less, or begin a new grant.",
        Reason.AUDIENCE_WITHOUT_SCOPE: "None of the granted scopes belongs to a requested "
        "audience; request one of its scopes as well, or leave the audience out.",
        Reason.API_DISABLED: "The API of a granted scope is disabled; leave that scope out, or "
        "have the API enabled.",
        Reason.SCOPE_MISSING: "No scope was requested and this client has no default scopes; "
        "name a scope, or give the client default scopes.",
        Reason.SCOPE_UNKNOWN: "A requested scope does not exist in this tenant; correct its name.",
        Reason.SCOPE_NOT_OF_CLIENT: "A requested scope is not among those of this client; leave "
        "it out, or add it to the client.",
        Reason.SCOPE_NOT_FOR_IMPERSONATION: "A requested scope is none that this client may use "
        "in another's name; leave it out, or add it to the client's impersonation scopes.",
        Reason.SCOPE_NOT_GRANTED: "A requested scope goes beyond what was first granted; leave "
        "it out, or begin a new grant.",
        Reason.SCOPE_OF_ANOTHER_API: "A requested scope belongs to none of the requested "
        "audiences; leave it out, or request its audience as well.",
        Reason.NO_SCOPE_LEFT: "Nothing that was requested may be granted; request a scope that "
        "this client has.",
        Reason.SUBJECT_DISABLED: "The user is disabled; ask the tenant's administrator to enable "
        "them.",
        Reason.ASSURANCE_TOO_LOW: "A requested scope needs a person who signed in more surely; "
        "leave it out, or have them sign in again with the acr_values that it needs.",
        Reason.APIS_DISAGREE: "The APIs of this request can't share one token; request a token "
        "for each of them.",
        Reason.ONE_API_ONLY: "Tokens of this claim profile serve one API only; request a token "
        "for each API.",
        Reason.ALGORITHM_NOT_ALLOWED: "The signing algorithm of this API is not allowed here; ask "
        "the tenant's administrator to choose another.",
        Reason.CLAIM_PROFILE_UNKNOWN: "The settings name a claim profile that does not exist; ask "
        "the tenant's administrator to choose another.",
        Reason.REFRESH_DISABLED: "Refresh tokens are switched off for this client or API; begin a "
        "new grant.",
        Reason.REFRESH_IS_LIMITED: "A token of limited use can't come of a refresh; leave the "
        "scopes with a usage limit out, or begin a new grant.",
        Reason.POLICY_DENIED: "An access policy denies this request; ask the tenant's "
        "administrator about its policies.",
        Reason.POLICY_DENIED_SCOPE: "An access policy denies a requested scope; leave it out, or "
        "ask the tenant's administrator about its policies.",
        Reason.POLICY_DENIED_AUDIENCE: "An access policy denies a requested API; leave it out, or "
        "ask the tenant's administrator about its policies.",
        Reason.NO_POLICY_ALLOWS: "No access policy allows this request; add an allow policy for "
        "this client and API.",
        Reason.NO_POLICY_ALLOWS_SCOPE: "No access policy allows a requested scope; leave it out, "
        "or add an allow policy for it.",
        Reason.NO_POLICY_ALLOWS_AUDIENCE: "No access policy allows a requested API; leave its "
        "scopes out, or add an allow policy for it.",
        Reason.LIMITS_LEAVE_NO_SCOPE: "Access policies limit this request to scopes that it does "
        "not name; request a scope within their limits.",
        Reason.LIMITS_LEAVE_NO_AUDIENCE: "Access policies limit this request to APIs that it does "
        "not name; request an API within their limits.",
        Reason.CLAIM_MISSING: "A claim that the token needs has no value; begin a new grant, "
        "or ask the tenant's administrator about its claim rules.",
        Reason.CLAIMS_OUT_OF_BOUNDS: "The claims that are added to this token are too large; "
        "ask the tenant's administrator about its claim rules.",
        Reason.CLAIMS_HOOK_DENIED: "This platform's rules for claims refuse the token; ask its "
        "operator.",
        Reason.CLAIMS_HOOK_FAILED: "This platform's rules for claims could not be applied; ask its "
        "operator.",
    }
)

# What the client can't mend by asking for something else.
_POLICY_REASONS: Final = frozenset(
    (
        *(Reason.POLICY_DENIED, Reason.NO_POLICY_ALLOWS),
        *(Reason.CLAIM_MISSING, Reason.CLAIMS_OUT_OF_BOUNDS),
        *(Reason.CLAIMS_HOOK_DENIED, Reason.CLAIMS_HOOK_FAILED),
    )
)


def wire_error(reason: Reason, grant_type: str) -> str:
    """Answer the `error` code of a refusal; of policies and claims it depends on the grant.

    Source: RFC 6749 section 5.2, RFC 7521 section 4.1.1, RFC 8693 section 2.2.2.
    """
    if grant_type == GrantType.TOKEN_EXCHANGE:
        return INVALID_REQUEST if _is_of_grant(reason) else WIRE_ERRORS[reason]
    if reason in _POLICY_REASONS and grant_type != GrantType.CLIENT_CREDENTIALS:
        return INVALID_GRANT
    return WIRE_ERRORS[reason]


def _is_of_grant(reason: Reason) -> bool:
    """Say whether what was presented is unacceptable, by its own state or by policy."""
    return reason in _POLICY_REASONS or WIRE_ERRORS[reason] == INVALID_GRANT


def authorize_error(reason: Reason) -> str:
    """Answer the `error` code of a refusal at the authorization endpoint.

    Source: RFC 6749 section 4.1.2.1, which has no invalid_grant.
    """
    if reason == Reason.ASSURANCE_TOO_LOW:
        return UNMET_AUTHENTICATION
    if _is_of_grant(reason):
        return ACCESS_DENIED
    return WIRE_ERRORS[reason]
