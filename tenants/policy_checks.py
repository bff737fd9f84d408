"""The named checks of a decision, apart from those of access policies. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from tenants.effective_settings import OPENID, resolve
from tenants.records import GrantType, TokenFormat
from tenants.refusal_reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from tenants.policy_document import Document
    from tenants.policy_rules import Judgement
    from tenants.records import (
        AccessRequest,
        ApiRecord,
        EffectiveSettings,
        ScopeRecord,
        TenantSnapshot,
    )

DERIVED_GRANTS: Final = frozenset((GrantType.REFRESH_TOKEN, GrantType.TOKEN_EXCHANGE))
Refusal: TypeAlias = "tuple[Reason, str] | None"


@dataclass(slots=True)
class Walk:
    """What the checks of one decision have found so far."""

    request: AccessRequest
    tenant: TenantSnapshot
    selected: dict[UUID, ApiRecord] | None = None
    granted: dict[str, ScopeRecord] | None = None
    apis: tuple[ApiRecord, ...] = ()
    settings: EffectiveSettings | None = None
    usage_limit: int = 0
    document: Document | None = None
    judgement: Judgement | None = None


def tenant_enabled(walk: Walk) -> Refusal:
    """Pass where the tenant is enabled."""
    return None if walk.tenant.is_enabled else (Reason.TENANT_DISABLED, walk.tenant.path)


def client_enabled(walk: Walk) -> Refusal:
    """Pass where the client is enabled."""
    client = walk.request.client
    return None if client.is_enabled else (Reason.CLIENT_DISABLED, client.client_id)


def grant_allowed(walk: Walk) -> Refusal:
    """Pass where both the client and its environment have the grant, today as at the beginning.

    A refresh is held to the grant with which its session began as well.
    """
    request, allowed = walk.request, walk.tenant.allowed_grant_types
    grant_types = [request.grant_type]
    if request.session_grant_type:
        grant_types.append(request.session_grant_type)
    for grant_type in grant_types:
        if grant_type not in request.client.grant_types:
            return Reason.GRANT_NOT_OF_CLIENT, grant_type
        if allowed and grant_type not in allowed:
            return Reason.GRANT_NOT_ALLOWED_HERE, grant_type
    return None


def impersonation_allowed(walk: Walk) -> Refusal:
    """Pass where nobody of an application is acted for, or the client's right covers both names.

    A tenant that is left out is asked about as the empty text; a subject has to be named.
    """
    tenant, subject = walk.request.app_tenant_id, walk.request.app_subject_id
    if not subject and not tenant:
        return None
    client = walk.request.client
    right = client.impersonation
    if right is None:
        return Reason.IMPERSONATION_NOT_OF_CLIENT, client.client_id
    if not right.allows_tenant(tenant):
        return Reason.IMPERSONATED_TENANT_NOT_ALLOWED, tenant
    if not subject or not right.allows_subject(subject):
        return Reason.IMPERSONATED_SUBJECT_NOT_ALLOWED, subject
    return None


def audience_known(walk: Walk) -> Refusal:
    """Find the Apis that the request selects. Source: RFC 8707 section 2."""
    request, tenant = walk.request, walk.tenant
    if not request.requested_audiences and not request.api_slug:
        return None
    fixed = tenant.apis_by_slug.get(request.api_slug) if request.api_slug else None
    if request.api_slug and (fixed is None or not fixed.is_enabled):
        return Reason.AUDIENCE_UNKNOWN, request.api_slug
    walk.selected = {fixed.id: fixed} if fixed else {}
    for audience in request.requested_audiences:
        api = tenant.apis_by_audience.get(audience)
        # An endpoint of one Api gives no tokens for another.
        if api is None or not api.is_enabled or (fixed and api.id != fixed.id):
            return Reason.AUDIENCE_UNKNOWN, audience
        walk.selected[api.id] = api
    return None


def audience_granted(walk: Walk) -> Refusal:
    """Hold the selected Apis against a parent's audiences. Source: RFC 8707 section 2.2."""
    ceiling = walk.request.audience_ceiling
    if ceiling is None or walk.selected is None:
        return None
    for api in walk.selected.values():
        if api.audience not in ceiling:
            return Reason.AUDIENCE_NOT_GRANTED, api.audience
    return None


def scope_known_and_allowed(walk: Walk) -> Refusal:
    """Cut the scope by client, Apis and ceilings. Source: RFC 6749 section 3.3.

    What nobody named is never in excess: default scopes are narrowed, whatever the tenant says.
    """
    wanted: Iterable[str] = walk.request.requested_scopes or default_scopes(walk)
    if not wanted:
        return Reason.SCOPE_MISSING, ""
    is_strict = bool(walk.request.requested_scopes) and walk.tenant.scope_excess != "narrow"
    walk.granted = {}
    for name in wanted:
        excess = _scope_excess(walk, name)
        if excess is None:
            walk.granted[name] = walk.tenant.scopes[name]
        elif is_strict:
            return excess, name
    return None if walk.granted else (Reason.NO_SCOPE_LEFT, " ".join(wanted))


def default_scopes(walk: Walk) -> list[str]:
    """List what is asked for where no scope is named, by name.

    Source: RFC 6749 section 6: a refresh that names none asks for all that was granted; so does
    an exchange, of all that its client may have.
    """
    request = walk.request
    if request.grant_type in DERIVED_GRANTS and request.scope_ceiling is not None:
        return sorted(request.scope_ceiling)
    ids = request.client.default_scope_ids
    if not ids:
        return []
    return sorted(name for name, scope in walk.tenant.scopes.items() if scope.id in ids)


def _scope_excess(walk: Walk, name: str) -> Reason | None:
    request = walk.request
    scope = walk.tenant.scopes.get(name)
    if scope is None:
        return Reason.SCOPE_UNKNOWN
    if scope.id not in request.client.scope_ids:
        return Reason.SCOPE_NOT_OF_CLIENT
    if request.app_subject_id and scope.id not in _impersonation_scopes(request):
        return Reason.SCOPE_NOT_FOR_IMPERSONATION
    if request.scope_ceiling is not None and name not in request.scope_ceiling:
        return Reason.SCOPE_NOT_GRANTED
    if walk.selected is not None and not _is_of_openid(walk, scope):
        return None if scope.api_id in walk.selected else Reason.SCOPE_OF_ANOTHER_API
    return _audience_excess(walk, scope, request.audience_ceiling)


def _is_of_openid(walk: Walk, scope: ScopeRecord) -> bool:
    """Say whether a scope is about the person themselves, which no audience has to be named for.

    Source: OpenID Connect Core section 5.4, which knows no resource indicators.
    """
    api = walk.tenant.apis.get(scope.api_id)
    return api is not None and api.built_in == OPENID


def _audience_excess(
    walk: Walk, scope: ScopeRecord, ceiling: frozenset[str] | None
) -> Reason | None:
    """Hold a scope's Api against a parent's audiences; it may have moved since it was granted."""
    if ceiling is None:
        return None
    api = walk.tenant.apis.get(scope.api_id)
    return None if api and api.audience in ceiling else Reason.SCOPE_NOT_GRANTED


def _impersonation_scopes(request: AccessRequest) -> frozenset[UUID]:
    right = request.client.impersonation
    return right.scope_ids if right else frozenset()


def apis_selected(walk: Walk) -> Refusal:
    """Settle the Apis: those that were requested, else those of the granted scopes."""
    granted = [scope.api_id for scope in (walk.granted or {}).values()]
    if walk.selected is not None:
        for api in walk.selected.values():
            if api.id not in granted:
                return Reason.AUDIENCE_WITHOUT_SCOPE, api.audience
        own = [api for api in walk.tenant.apis.values() if api.built_in == OPENID]
        implied = {api.id: api for api in own if api.id in granted and api.is_enabled}
        walk.apis = tuple({**walk.selected, **implied}.values())
        return None
    apis = []
    for api_id in dict.fromkeys(granted) if len(granted) > 1 else granted:
        found = walk.tenant.apis.get(api_id)
        if found is None or not found.is_enabled:
            return Reason.API_DISABLED, found.slug if found else str(api_id)
        apis.append(found)
    walk.apis = tuple(apis)
    return None


def apis_agree(walk: Walk) -> Refusal:
    """Settle what holds for the token; the Apis must agree on it."""
    request = walk.request
    settings = resolve(
        walk.tenant,
        request.client,
        grant_type=request.grant_type,
        apis=walk.apis,
        session_grant_type=request.session_grant_type,
    )
    if isinstance(settings, str):
        return Reason(settings), " ".join(api.slug for api in walk.apis)
    walk.settings = _cut_lifetime(settings, request)
    return None


def _cut_lifetime(settings: EffectiveSettings, request: AccessRequest) -> EffectiveSettings:
    """Cut the lifetime of a token in another's name by its own ceiling."""
    right = request.client.impersonation if request.app_subject_id else None
    ceiling = right.max_lifetime_seconds if right else None
    if ceiling is None or settings.access_token_lifetime_seconds <= ceiling:
        return settings
    return replace(settings, access_token_lifetime_seconds=ceiling)


def refresh_enabled(walk: Walk) -> Refusal:
    """Refuse to refresh what was switched off since the session began."""
    if walk.request.grant_type != GrantType.REFRESH_TOKEN:
        return None
    if walk.settings is not None and walk.settings.refresh_token_enabled:
        return None
    return Reason.REFRESH_DISABLED, walk.request.client.client_id


def usage_limit_settled(walk: Walk) -> Refusal:
    """Settle how often the token may be used: the smallest limit of its scopes and the request.

    A limited token is never refreshed, and it is opaque, so that nobody can use it without asking,
    unless each of its Apis takes it as a JWT.
    """
    request, granted = walk.request, walk.granted or {}
    limits = [scope.usage_limit for scope in granted.values() if scope.usage_limit]
    if request.usage_limit:
        limits.append(request.usage_limit)
    if not limits or walk.settings is None:
        return None
    if request.grant_type == GrantType.REFRESH_TOKEN:
        return Reason.REFRESH_IS_LIMITED, " ".join(n for n, s in granted.items() if s.usage_limit)
    walk.usage_limit = min(limits)
    is_jwt = bool(walk.apis) and all(api.allow_limited_jwt for api in walk.apis)
    token_format = walk.settings.access_token_format if is_jwt else TokenFormat.OPAQUE
    walk.settings = replace(
        walk.settings, access_token_format=token_format, refresh_token_enabled=False
    )
    return None


def scope_known(walk: Walk) -> Refusal:
    """Settle the scopes and Apis about which an access evaluation asks; it may name none.

    A client that is asked about is held to its own scopes, which are the ceiling then.
    """
    walk.granted, apis = {}, dict(walk.selected or {})
    ceiling = walk.request.scope_ceiling
    for name in walk.request.requested_scopes or ():
        scope = walk.tenant.scopes.get(name)
        if scope is None:
            return Reason.SCOPE_UNKNOWN, name
        if ceiling is not None and name not in ceiling:
            return Reason.SCOPE_NOT_OF_CLIENT, name
        api = walk.tenant.apis.get(scope.api_id)
        if api is None or not api.is_enabled:
            return Reason.API_DISABLED, api.slug if api else str(scope.api_id)
        walk.granted[name] = scope
        apis[api.id] = api
    walk.apis = tuple(apis.values())
    return None


def settle_token(walk: Walk) -> None:
    """Settle what of an issued token's scopes and audiences still exists."""
    request, tenant = walk.request, walk.tenant
    names = request.requested_scopes or ()
    walk.granted = {name: tenant.scopes[name] for name in names if name in tenant.scopes}
    known = tenant.apis_by_audience
    walk.apis = tuple(known[text] for text in request.requested_audiences if text in known)
