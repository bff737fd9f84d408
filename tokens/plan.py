"""Plans one token out of an allowed request, the snapshot and the time. Pure: nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.claim_document import NO_INPUTS, ClaimInputs
from tenants.effective_settings import OPENID
from tenants.pairwise import name_subject
from tenants.records import (
    GrantType,
    IdTokenPlan,
    KeyState,
    RefreshPlan,
    TokenFormat,
    TokenPlan,
    TokenRecord,
)
from tokens import id_tokens
from tokens.claim_additions import make_claims, select_rules
from tokens.claim_profiles import resolve_profile
from tokens.claims import build_header
from tokens.id_tokens import own_authentication
from tokens.request_facts import collect_facts
from tokens.token_ids import expiry_ordered_uuid

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import (
        JSON,
        AccessRequest,
        ApiRecord,
        ClaimRuleRecord,
        ClientRecord,
        Decision,
        EffectiveSettings,
        SigningKeyRecord,
        TenantSnapshot,
    )
    from tokens.claim_profiles import ClaimProfileData

__all__ = ["MissingSigningKey", "RefreshPlan", "TokenPlan", "plan"]

OFFLINE_ACCESS: Final = "offline_access"  # OpenID Connect Core section 11.
# Source: RFC 8693 section 3.
ISSUED_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name.


class MissingSigningKey(LookupError):
    """The ring that would sign has no current key; the caller makes the ring and plans again."""

    def __init__(self, algorithm: str, api_id: UUID | None) -> None:
        """Name the ring: its algorithm and, for a symmetric key, its Api."""
        super().__init__(f"no current {algorithm} key")
        self.algorithm = algorithm
        self.api_id = api_id


def plan(
    request: AccessRequest,
    decision: Decision,
    tenant: TenantSnapshot,
    *,
    now: float,
    entropy: bytes,
) -> TokenPlan:
    """Plan the token of an allowed decision; `now` is in seconds since the epoch.

    Raises: MissingSigningKey; ClaimsRefused, where the claims can't be made as the rules demand;
        ValueError for a refusal, or for a session that never ends.
    """
    settings = _allowed_settings(decision)
    issued_at = int(now)
    session_end = _session_end(request, decision, settings, issued_at)
    expires_at = _expires_at(request, settings, issued_at, session_end)
    profile, is_dual = resolve_profile(tenant, settings.claim_profile)
    apis = _openid_last(decision.apis)
    token_id, times = expiry_ordered_uuid(expires_at * 1_000, entropy), (issued_at, expires_at)
    record = _token_record(request, decision, tenant, apis=apis, times=times, token_id=token_id)
    key = _signing_key(tenant, settings)
    api_ids = tuple([api.id for api in apis])
    rules = _rules_of(request, tenant, api_ids) if tenant.claim_rules else ()
    inputs = _inputs_of(request) if rules else NO_INPUTS
    made = make_claims(profile, record, rules, inputs, is_dual=is_dual)
    return TokenPlan(
        token_id=token_id,
        format=settings.access_token_format,
        claims=made.claims,
        issued_at=issued_at,
        expires_at=expires_at,
        response=_response(profile, record) | _response_of_grant(request),
        scopes=record.scopes,
        audiences=record.audiences,
        api_ids=api_ids,
        claim_profile=settings.claim_profile,
        versions=_versions(tenant, request.client),
        facts=collect_facts(request, rules),
        header=_header(profile, record, key) if key else None,
        algorithm=key.algorithm if key else "",
        signing_key=key,
        refresh=_plan_refresh(request, decision, issued_at, session_end),
        usage_limit=decision.usage_limit,
        id_token=_plan_id_token(request, record, profile, tenant),
        added_by=made.added_by,
    )


def _rules_of(
    request: AccessRequest, tenant: TenantSnapshot, api_ids: tuple[UUID, ...]
) -> tuple[ClaimRuleRecord, ...]:
    return select_rules(
        tenant.claim_rules,
        api_ids=api_ids,
        client_id=request.client.id,
        grant_types=(request.grant_type, request.session_grant_type),
    )


def _inputs_of(request: AccessRequest) -> ClaimInputs:
    attributes = request.subject.attributes if request.subject else ""
    return ClaimInputs(attributes, request.claims)


def _allowed_settings(decision: Decision) -> EffectiveSettings:
    if decision.settings is None or not decision.is_allowed:
        raise ValueError("a refused request has no token to plan")
    return decision.settings


def _session_end(
    request: AccessRequest, decision: Decision, settings: EffectiveSettings, issued_at: int
) -> int | None:
    """Answer when the token's session ends; it is fixed when the session begins."""
    if request.session_id is not None:
        stored = request.session_expires_at
        end = request.expires_at_ceiling if stored is None else stored
        if end is None:
            raise ValueError("a request within a session names the session's end")
        return end
    if _is_refreshed(request, decision, settings):
        seconds = settings.refresh_token_lifetime_seconds
    elif request.consumed is not None:
        seconds = settings.access_token_lifetime_seconds
    else:
        return None
    return _earliest(issued_at + seconds, request.expires_at_ceiling)


def _is_refreshed(request: AccessRequest, decision: Decision, settings: EffectiveSettings) -> bool:
    """Say whether a refresh token comes; a person's only where they agreed to offline access.

    Source: OpenID Connect Core section 11.
    """
    if not settings.refresh_token_enabled:
        return False
    if request.consumed is None or not request.client.interactive.requires_offline_access:
        return True
    return OFFLINE_ACCESS in decision.granted_scopes


def _expires_at(
    request: AccessRequest, settings: EffectiveSettings, issued_at: int, session_end: int | None
) -> int:
    """Answer when the token ends: with its lifetime, its parent or its session."""
    lifetime = settings.access_token_lifetime_seconds
    return _earliest(issued_at + lifetime, request.expires_at_ceiling, session_end)


def _plan_refresh(
    request: AccessRequest, decision: Decision, issued_at: int, session_end: int | None
) -> RefreshPlan | None:
    """Plan the refresh token, which also ends when it is unused. Source: RFC 9700 section 4.14.2.

    The lifetime counts again here, so that a ceiling lowered since the session began holds.
    """
    settings = _allowed_settings(decision)
    if session_end is None or not _is_refreshed(request, decision, settings):
        return None
    seconds = min(
        settings.refresh_token_idle_lifetime_seconds, settings.refresh_token_lifetime_seconds
    )
    return RefreshPlan(min(session_end, issued_at + seconds), session_end)


def _earliest(moment: int, *others: int | None) -> int:
    for other in others:
        if other is not None and other < moment:
            moment = other
    return moment


def _openid_last(apis: tuple[ApiRecord, ...]) -> tuple[ApiRecord, ...]:
    """Put the built-in Api last, so that a single audience is that of the other one."""
    if len(apis) < 2:  # noqa: PLR2004 - one Api has no order.
        return apis
    return tuple(sorted(apis, key=lambda api: api.built_in == OPENID))


def _token_record(
    request: AccessRequest,
    decision: Decision,
    tenant: TenantSnapshot,
    *,
    apis: tuple[ApiRecord, ...],
    times: tuple[int, int],
    token_id: UUID,
) -> TokenRecord:
    client, subject, authentication = request.client, request.subject, own_authentication(request)
    issued_at, expires_at = times
    return TokenRecord(
        token_id=token_id,
        issuer=tenant.issuer,
        project_slug=tenant.project_slug,
        environment_slug=tenant.environment_slug,
        tenant_slug=tenant.slug,
        client_id=client.client_id,
        audiences=tuple([api.audience for api in apis]),
        scopes=decision.granted_scopes,
        issued_at=issued_at,
        expires_at=expires_at,
        issuer_override=tenant.issuer_override,
        subject=name_subject(subject.id, client, tenant) if subject else "",
        actor=request.actor,
        prior_actors=request.prior_actors,
        app_tenant_id=request.app_tenant_id,
        app_subject_id=request.app_subject_id,
        usage_limit=decision.usage_limit,
        memberships=subject.memberships if subject else (),
        group_claims=client.group_claims,
        authenticated_at=authentication.authenticated_at if authentication else None,
        acr=authentication.acr if authentication else "",
        amr=authentication.amr if authentication else (),
        grant_type=request.grant_type,
        session_grant_type=request.session_grant_type,
    )


def _plan_id_token(
    request: AccessRequest,
    record: TokenRecord,
    profile: ClaimProfileData,
    tenant: TenantSnapshot,
) -> IdTokenPlan | None:
    if not id_tokens.is_wanted(request, record.scopes):
        return None
    algorithm = id_tokens.algorithm_of(tenant, request.client)
    key = id_tokens.key_of(tenant, algorithm)
    if key is None:
        raise MissingSigningKey(algorithm, None)
    claims = id_tokens.build_claims(request, record, profile, tenant)
    return IdTokenPlan(claims, {"alg": algorithm, "typ": "JWT", "kid": key.kid}, key)


def _versions(tenant: TenantSnapshot, client: ClientRecord) -> tuple[int, int, int, int]:
    """List the versions by which the token can be explained; a row keeps them in this order."""
    return (
        tenant.platform_version,
        tenant.environment_version,
        tenant.version,
        client.version,
    )


def _signing_key(tenant: TenantSnapshot, settings: EffectiveSettings) -> SigningKeyRecord | None:
    """Find the current key of the ring; an opaque token needs none."""
    if settings.access_token_format != TokenFormat.JWT:
        return None
    for key in tenant.keys:
        if (
            key.state == KeyState.CURRENT
            and key.algorithm == settings.signing_algorithm
            and key.api_id == settings.signing_api_id
        ):
            return key
    raise MissingSigningKey(settings.signing_algorithm, settings.signing_api_id)


def _header(
    profile: ClaimProfileData, record: TokenRecord, key: SigningKeyRecord
) -> dict[str, JSON]:
    thumbprint = key.public_jwk.get("x5t#S256") if key.public_jwk else None
    return build_header(
        profile,
        record,
        algorithm=key.algorithm,
        kid=key.kid,
        certificate_thumbprint=thumbprint if isinstance(thumbprint, str) else "",
    )


def _response(profile: ClaimProfileData, record: TokenRecord) -> dict[str, JSON]:
    """Make the members of the answer that are known before signing."""
    return {
        "token_type": profile.token_type,  # RFC 6749 section 5.1
        "expires_in": max(0, record.expires_at - record.issued_at),  # RFC 6749 section 5.1
        "scope": " ".join(record.scopes),  # RFC 6749 section 5.1
    }


def _response_of_grant(request: AccessRequest) -> dict[str, JSON]:
    """Make what only some grants answer."""
    if request.grant_type != GrantType.TOKEN_EXCHANGE:
        return {}
    return {"issued_token_type": ISSUED_TOKEN_TYPE}  # RFC 8693 section 2.2.1
