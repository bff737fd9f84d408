"""Computes what holds for one token out of what every level of the configuration says. Pure."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeVar

from tenants.records import (
    EffectiveSettings,
    GrantType,
    Rate,
    RequestLimits,
    TokenFormat,
    TokenSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenants.records import ApiRecord, ClientRecord, TenantSnapshot

# One level of the settings, of either kind.
Level = TypeVar("Level", TokenSettings, RequestLimits)

# What holds where no level says anything: absent never means "for ever".
ACCESS_TOKEN_LIFETIME_SECONDS: Final = 3_600
REFRESH_TOKEN_LIFETIME_SECONDS: Final = 30 * 86_400
REFRESH_TOKEN_IDLE_LIFETIME_SECONDS: Final = 7 * 86_400
CLAIM_PROFILE: Final = "rfc9068"
# As shipped, a service may use a large machine up; a tenant that knows its clients says less.
CLIENT_REQUESTS_PER_MINUTE: Final = 600_000
CLIENT_REQUEST_BURST: Final = 20_000
ADDRESS_REQUESTS_PER_MINUTE: Final = 1_200_000
ADDRESS_REQUEST_BURST: Final = 40_000
MINUTE_SECONDS: Final = 60

BUILT_IN_CLAIM_PROFILES: Final = frozenset(
    ("rfc9068", "spaceblocks", "onewelcome", "thinktecture", "aidbox")
)
# Their `aud` is one string, so a token of theirs can't serve two Apis.
SINGLE_AUDIENCE_CLAIM_PROFILES: Final = frozenset(("thinktecture",))
SYMMETRIC_ALGORITHM: Final = "HS256"
OPENID: Final = "openid"
# A master token gives one token at a time, which its cut-off can end; what was exchanged ends with
# its parent. Neither has a session of its own.
WITHOUT_SESSION: Final = frozenset((GrantType.MASTER_TOKEN, GrantType.TOKEN_EXCHANGE))
NATIVE: Final = "native"

APIS_DISAGREE: Final = "apis_disagree"
ONE_API_ONLY: Final = "one_api_only"
ALGORITHM_NOT_ALLOWED: Final = "algorithm_not_allowed"
CLAIM_PROFILE_UNKNOWN: Final = "claim_profile_unknown"

_access_token = attrgetter("access_token_lifetime_seconds", "max_access_token_lifetime_seconds")
_refresh_token = attrgetter("refresh_token_lifetime_seconds", "max_refresh_token_lifetime_seconds")
_idle = attrgetter("refresh_token_idle_lifetime_seconds", "max_refresh_token_idle_lifetime_seconds")
_client_requests = attrgetter("client_requests_per_minute", "max_client_requests_per_minute")
_client_burst = attrgetter("client_request_burst", "max_client_request_burst")
_address_requests = attrgetter("address_requests_per_minute", "max_address_requests_per_minute")
_address_burst = attrgetter("address_request_burst", "max_address_request_burst")
_format = attrgetter("access_token_format")
_claim_profile = attrgetter("claim_profile")


def resolve(
    tenant: TenantSnapshot,
    client: ClientRecord,
    *,
    grant_type: str,
    apis: Sequence[ApiRecord],
    session_grant_type: str = "",
) -> EffectiveSettings | str:
    """Compute the settings of one token, or answer the reason code why there are none.

    A refresh names the grant its session began with, whose settings go on to hold.
    """
    levels = _client_levels(client, grant_type, session_grant_type)
    is_refreshed = _may_refresh(client, levels, session_grant_type or grant_type)
    own = [api for api in apis if api.built_in != OPENID]
    answers: list[EffectiveSettings] = []
    for api in own or (None,):
        answer = _resolve_api(tenant, client, api, levels=levels, is_refreshed=is_refreshed)
        if isinstance(answer, str):
            return answer
        answers.append(answer)
    if len(apis) <= 1:
        return answers[0]
    return _disagreement(tenant, answers) or _merge(answers)


def resolve_client_rate(tenant: TenantSnapshot, client: ClientRecord | None) -> Rate:
    """Compute how many requests a client may send; without one, any client of the tenant."""
    own = (client.limits,) if client else ()
    levels = (*own, *reversed(tenant.limit_levels))
    per_minute = _bound(levels, _client_requests, CLIENT_REQUESTS_PER_MINUTE)
    burst = _bound(levels, _client_burst, CLIENT_REQUEST_BURST)
    return Rate(per_minute / MINUTE_SECONDS, burst)


def resolve_address_rate(tenant: TenantSnapshot) -> Rate:
    """Compute how many requests one address may send to a tenant."""
    levels = tuple(reversed(tenant.limit_levels))
    per_minute = _bound(levels, _address_requests, ADDRESS_REQUESTS_PER_MINUTE)
    burst = _bound(levels, _address_burst, ADDRESS_REQUEST_BURST)
    return Rate(per_minute / MINUTE_SECONDS, burst)


def _client_levels(
    client: ClientRecord, grant_type: str, session_grant_type: str
) -> tuple[TokenSettings, ...]:
    """List what the client says, the most specific level first."""
    if not client.grant_settings:
        return (client.settings,)
    # Both grants of a refresh bound it: else refreshing would escape the first one's ceilings.
    by_grant = [
        client.grant_settings[name]
        for name in dict.fromkeys((grant_type, session_grant_type))
        if name in client.grant_settings
    ]
    return (*by_grant, client.settings)


def _may_refresh(client: ClientRecord, levels: tuple[TokenSettings, ...], grant_type: str) -> bool:
    if GrantType.REFRESH_TOKEN not in client.grant_types or grant_type in WITHOUT_SESSION:
        return False
    for level in levels:
        if level.refresh_token_enabled is not None:
            return level.refresh_token_enabled
    # Source: RFC 6749 section 4.4.3: a client alone can ask again and needs no refresh token.
    return grant_type != GrantType.CLIENT_CREDENTIALS


def _resolve_api(
    tenant: TenantSnapshot,
    client: ClientRecord,
    api: ApiRecord | None,
    *,
    levels: tuple[TokenSettings, ...],
    is_refreshed: bool,
) -> EffectiveSettings | str:
    """Compute the settings as if the token were for this Api alone; None has no level."""
    algorithm = _signing_algorithm(tenant, api)
    if algorithm is None:
        return ALGORITHM_NOT_ALLOWED
    own = (api.settings,) if api else ()
    stack = (*levels, *own, *reversed(tenant.levels))
    claim_profile = _first(stack, _claim_profile, CLAIM_PROFILE)
    if claim_profile not in tenant.claim_profiles and claim_profile not in BUILT_IN_CLAIM_PROFILES:
        return CLAIM_PROFILE_UNKNOWN
    is_native = client.kind == NATIVE
    return EffectiveSettings(
        access_token_lifetime_seconds=_bound(stack, _access_token, ACCESS_TOKEN_LIFETIME_SECONDS),
        refresh_token_lifetime_seconds=_bound(
            stack, _refresh_token, REFRESH_TOKEN_LIFETIME_SECONDS
        ),
        refresh_token_idle_lifetime_seconds=_bound(
            stack, _idle, REFRESH_TOKEN_IDLE_LIFETIME_SECONDS
        ),
        access_token_format=(
            TokenFormat.OPAQUE if is_native else _first(stack, _format, TokenFormat.JWT)
        ),
        claim_profile=claim_profile,
        refresh_token_enabled=is_refreshed and (api is None or api.allow_refresh_tokens),
        signing_algorithm=algorithm,
        signing_api_id=api.id if api and _has_own_ring(api, algorithm) else None,
    )


def _signing_algorithm(tenant: TenantSnapshot, api: ApiRecord | None) -> str | None:
    """Answer the algorithm by which a token for this Api is signed, if it may be used.

    Only an Api may choose the symmetric one, because its key is shared with that Api.
    """
    own = api.signing_algorithm if api else ""
    algorithm = own or tenant.signing_algorithm
    if tenant.allowed_algorithms and algorithm not in tenant.allowed_algorithms:
        return None
    return None if algorithm == SYMMETRIC_ALGORITHM and not own else algorithm


def _has_own_ring(api: ApiRecord, algorithm: str) -> bool:
    """Say whether an Api signs by keys of its own: always symmetric ones, others if there are."""
    return algorithm == SYMMETRIC_ALGORITHM or algorithm in api.own_algorithms


def _first(
    levels: tuple[TokenSettings, ...], read: Callable[[TokenSettings], str | None], fallback: str
) -> str:
    for level in levels:
        value = read(level)
        if value:
            return value
    return fallback


def _bound(
    levels: tuple[Level, ...],
    read: Callable[[Level], tuple[int | None, int | None]],
    fallback: int,
) -> int:
    """Answer the first default, cut by every ceiling."""
    number = ceiling = None
    for level in levels:
        default, maximum = read(level)
        if number is None:
            number = default
        if maximum is not None and (ceiling is None or maximum < ceiling):
            ceiling = maximum
    if number is None:
        number = fallback
    return number if ceiling is None or number < ceiling else ceiling


def _disagreement(tenant: TenantSnapshot, answers: list[EffectiveSettings]) -> str:
    """Answer why these Apis can't share a token, or an empty text; one answer goes with openid."""
    first = answers[0]
    # Who holds a symmetric key could make tokens for the other Apis, so its Api stands alone.
    if any(answer.signing_algorithm == SYMMETRIC_ALGORITHM for answer in answers):
        return APIS_DISAGREE
    for answer in answers:
        if (
            answer.access_token_format != first.access_token_format
            or answer.claim_profile != first.claim_profile
            or answer.signing_algorithm != first.signing_algorithm
            or answer.signing_api_id != first.signing_api_id
        ):
            return APIS_DISAGREE
    variant = tenant.claim_profiles.get(first.claim_profile)
    base = variant.base if variant else first.claim_profile
    return ONE_API_ONLY if len(answers) > 1 and base in SINGLE_AUDIENCE_CLAIM_PROFILES else ""


def _merge(answers: list[EffectiveSettings]) -> EffectiveSettings:
    first = answers[0]
    return EffectiveSettings(
        access_token_lifetime_seconds=min(a.access_token_lifetime_seconds for a in answers),
        refresh_token_lifetime_seconds=min(a.refresh_token_lifetime_seconds for a in answers),
        refresh_token_idle_lifetime_seconds=min(
            a.refresh_token_idle_lifetime_seconds for a in answers
        ),
        access_token_format=first.access_token_format,
        claim_profile=first.claim_profile,
        refresh_token_enabled=all(a.refresh_token_enabled for a in answers),
        signing_algorithm=first.signing_algorithm,
        signing_api_id=first.signing_api_id,
    )
