"""Decides whether a token is issued and with which scopes, Apis and settings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tenants.effective_settings import resolve
from tenants.policy_engines import ENGINES
from tenants.records import Check, Decision, GrantType
from tenants.refusal_reasons import DESCRIPTIONS, WIRE_ERRORS, Reason, wire_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from tenants.records import (
        AccessRequest,
        ApiRecord,
        EffectiveSettings,
        PolicyRecord,
        ScopeRecord,
        TenantSnapshot,
    )

__all__ = ["CHECKS", "DESCRIPTIONS", "WIRE_ERRORS", "Reason", "decide", "wire_error"]

# A caller's own text in a detail is cut, so that no log line grows with it.
DETAIL_CHARACTERS: Final = 128

_Refusal: TypeAlias = "tuple[Reason, str] | None"


@dataclass(slots=True)
class _Walk:
    """What the checks of one decision have found so far."""

    request: AccessRequest
    tenant: TenantSnapshot
    selected: dict[UUID, ApiRecord] | None = None
    granted: dict[str, ScopeRecord] | None = None
    apis: tuple[ApiRecord, ...] = ()
    settings: EffectiveSettings | None = None


def decide(request: AccessRequest, tenant: TenantSnapshot) -> Decision:
    """Judge an access request; the first check that fails decides, and absence passes none."""
    walk = _Walk(request, tenant)
    for number, (name, check) in enumerate(CHECKS):
        refusal = check(walk)
        if refusal is not None:
            reason, detail = refusal
            failed = Check(name, passed=False, reason=reason, detail=detail[:DETAIL_CHARACTERS])
            return Decision(is_allowed=False, checks=(*_PASSED[:number], failed))
    return Decision(
        is_allowed=True,
        checks=_PASSED,
        granted_scopes=tuple(walk.granted or ()),
        apis=walk.apis,
        settings=walk.settings,
    )


def _tenant_enabled(walk: _Walk) -> _Refusal:
    return None if walk.tenant.is_enabled else (Reason.TENANT_DISABLED, walk.tenant.path)


def _client_enabled(walk: _Walk) -> _Refusal:
    client = walk.request.client
    return None if client.is_enabled else (Reason.CLIENT_DISABLED, client.client_id)


def _grant_allowed(walk: _Walk) -> _Refusal:
    grant_type = walk.request.grant_type
    if grant_type not in walk.request.client.grant_types:
        return Reason.GRANT_NOT_OF_CLIENT, grant_type
    allowed = walk.tenant.allowed_grant_types
    if allowed and grant_type not in allowed:
        return Reason.GRANT_NOT_ALLOWED_HERE, grant_type
    return None


def _audience_known(walk: _Walk) -> _Refusal:
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


def _audience_granted(walk: _Walk) -> _Refusal:
    """Hold the selected Apis against a parent's audiences. Source: RFC 8707 section 2.2."""
    ceiling = walk.request.audience_ceiling
    if ceiling is None or walk.selected is None:
        return None
    for api in walk.selected.values():
        if api.audience not in ceiling:
            return Reason.AUDIENCE_NOT_GRANTED, api.audience
    return None


def _scope_known_and_allowed(walk: _Walk) -> _Refusal:
    """Cut the scope by client, Apis and ceilings. Source: RFC 6749 section 3.3.

    What nobody named is never in excess: default scopes are narrowed, whatever the tenant says.
    """
    wanted: Iterable[str] = walk.request.requested_scopes or _default_scopes(walk)
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


def _default_scopes(walk: _Walk) -> list[str]:
    """List what is asked for where no scope is named, by name.

    Source: RFC 6749 section 6: a refresh that names none asks for all that was granted.
    """
    request = walk.request
    if request.grant_type == GrantType.REFRESH_TOKEN and request.scope_ceiling is not None:
        return sorted(request.scope_ceiling)
    ids = request.client.default_scope_ids
    if not ids:
        return []
    return sorted(name for name, scope in walk.tenant.scopes.items() if scope.id in ids)


def _scope_excess(walk: _Walk, name: str) -> Reason | None:
    request = walk.request
    scope = walk.tenant.scopes.get(name)
    if scope is None:
        return Reason.SCOPE_UNKNOWN
    if scope.id not in request.client.scope_ids:
        return Reason.SCOPE_NOT_OF_CLIENT
    if request.scope_ceiling is not None and name not in request.scope_ceiling:
        return Reason.SCOPE_NOT_GRANTED
    if walk.selected is not None:
        return None if scope.api_id in walk.selected else Reason.SCOPE_OF_ANOTHER_API
    if request.audience_ceiling is not None:
        # A scope may have moved to another Api since it was granted.
        api = walk.tenant.apis.get(scope.api_id)
        return (
            None if api and api.audience in request.audience_ceiling else Reason.SCOPE_NOT_GRANTED
        )
    return None


def _apis_selected(walk: _Walk) -> _Refusal:
    """Settle the Apis: those that were requested, else those of the granted scopes."""
    granted = [scope.api_id for scope in (walk.granted or {}).values()]
    if walk.selected is not None:
        for api in walk.selected.values():
            if api.id not in granted:
                return Reason.AUDIENCE_WITHOUT_SCOPE, api.audience
        walk.apis = tuple(walk.selected.values())
        return None
    apis = []
    for api_id in dict.fromkeys(granted) if len(granted) > 1 else granted:
        found = walk.tenant.apis.get(api_id)
        if found is None or not found.is_enabled:
            return Reason.API_DISABLED, found.slug if found else str(api_id)
        apis.append(found)
    walk.apis = tuple(apis)
    return None


def _subject_enabled(walk: _Walk) -> _Refusal:
    subject = walk.request.subject
    if subject is None or subject.is_enabled:
        return None
    return Reason.SUBJECT_DISABLED, str(subject.id)


def _apis_agree(walk: _Walk) -> _Refusal:
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
    walk.settings = settings
    return None


def _refresh_enabled(walk: _Walk) -> _Refusal:
    """Refuse to refresh what was switched off since the session began."""
    if walk.request.grant_type != GrantType.REFRESH_TOKEN:
        return None
    if walk.settings is not None and walk.settings.refresh_token_enabled:
        return None
    return Reason.REFRESH_DISABLED, walk.request.client.client_id


def _policies(walk: _Walk) -> _Refusal:
    """Deny where a deny policy matches, else unless allow policies cover every Api.

    The answer depends on no order: of several denials the first by name is told.
    """
    client_id = walk.request.client.id
    uncovered = {api.id: api.slug for api in walk.apis}
    api_ids = tuple(uncovered)
    denials: list[str] = []
    for policy in walk.tenant.policies:
        if policy.clients and client_id not in policy.clients:
            continue
        reached = [i for i in api_ids if i in policy.apis] if policy.apis else api_ids
        if not reached:
            continue
        is_match = _is_match(policy, walk.request)
        # A broken engine opens nothing: it allows nobody and denies everybody that it reaches.
        if policy.effect != "allow" and is_match is not False:
            denials.append(policy.slug)
        elif is_match:
            for api_id in reached:
                uncovered.pop(api_id, None)
    if denials:
        return Reason.POLICY_DENIED, min(denials)
    return (Reason.NO_POLICY_ALLOWS, " ".join(uncovered.values())) if uncovered else None


def _is_match(policy: PolicyRecord, request: AccessRequest) -> bool | None:
    """Ask the policy's engine; None where there is none or it fails."""
    engine = ENGINES.get(policy.engine)
    if engine is None:
        return None
    try:
        return engine(policy, request)
    except Exception:  # noqa: BLE001 - whatever breaks inside an engine must not open anything.
        return None


CHECKS: Final[tuple[tuple[str, Callable[[_Walk], _Refusal]], ...]] = (
    ("tenant_enabled", _tenant_enabled),
    ("client_enabled", _client_enabled),
    ("grant_allowed", _grant_allowed),
    ("audience_known", _audience_known),
    ("audience_granted", _audience_granted),
    ("scope_known_and_allowed", _scope_known_and_allowed),
    ("apis_selected", _apis_selected),
    ("subject_enabled", _subject_enabled),
    ("apis_agree", _apis_agree),
    ("refresh_enabled", _refresh_enabled),
    ("policies", _policies),
)
_PASSED: Final = tuple(Check(name, passed=True) for name, _ in CHECKS)
