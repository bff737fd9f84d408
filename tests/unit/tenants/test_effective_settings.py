"""The most specific default holds, cut by every ceiling; nothing lives for ever."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.effective_settings import (
    ACCESS_TOKEN_LIFETIME_SECONDS,
    ALGORITHM_NOT_ALLOWED,
    APIS_DISAGREE,
    CLAIM_PROFILE_UNKNOWN,
    ONE_API_ONLY,
    REFRESH_TOKEN_IDLE_LIFETIME_SECONDS,
    REFRESH_TOKEN_LIFETIME_SECONDS,
    resolve,
)
from tenants.records import ClaimProfileRecord, EffectiveSettings, GrantType, TokenSettings
from tests.factories.records import Changes, make_api, make_client, make_tenant

if TYPE_CHECKING:
    from tenants.records import ApiRecord, ClientRecord, TenantSnapshot

CLIENT_CREDENTIALS = GrantType.CLIENT_CREDENTIALS
LIFETIMES = ("access_token", "refresh_token", "refresh_token_idle")
LEVELS = ("client_and_grant", "client", "api", "tenant", "environment", "platform")
NOTHING_SAID = TokenSettings()


def settle(  # The levels in the order of LEVELS.
    stack: tuple[TokenSettings, ...], grant_type: str = CLIENT_CREDENTIALS
) -> EffectiveSettings:
    grant, own, of_api, *rest = stack
    client = make_client(settings=own, grant_settings={CLIENT_CREDENTIALS: grant})
    api = make_api(settings=of_api)
    return resolved(make_tenant([api], levels=tuple(reversed(rest))), client, api, grant_type)


def resolved(
    tenant: TenantSnapshot,
    client: ClientRecord,
    *apis_and_grant: ApiRecord | str,
) -> EffectiveSettings:
    answer = attempt(tenant, client, *apis_and_grant)
    assert isinstance(answer, EffectiveSettings), answer
    return answer


def attempt(
    tenant: TenantSnapshot, client: ClientRecord, *apis_and_grant: ApiRecord | str
) -> EffectiveSettings | str:
    grants = [each for each in apis_and_grant if isinstance(each, str)]
    apis = tuple(each for each in apis_and_grant if not isinstance(each, str))
    return resolve(tenant, client, grant_type=(grants or [CLIENT_CREDENTIALS])[0], apis=apis)


def say(name: str, seconds: int) -> TokenSettings:
    said: Changes = {name: seconds}
    return TokenSettings(**said)


def stack_with(level: str, said: TokenSettings) -> tuple[TokenSettings, ...]:
    return tuple(said if name == level else NOTHING_SAID for name in LEVELS)


def test_silence_everywhere_is_finite() -> None:
    settings = settle((NOTHING_SAID,) * 6)
    assert settings.access_token_lifetime_seconds == ACCESS_TOKEN_LIFETIME_SECONDS == 3600
    assert settings.refresh_token_lifetime_seconds == REFRESH_TOKEN_LIFETIME_SECONDS == 2_592_000
    idle = settings.refresh_token_idle_lifetime_seconds
    assert idle == REFRESH_TOKEN_IDLE_LIFETIME_SECONDS == 604_800
    assert (settings.access_token_format, settings.claim_profile) == ("jwt", "rfc9068")


@pytest.mark.parametrize("name", LIFETIMES)
@pytest.mark.parametrize("position", range(5))
def test_more_specific_level_wins(name: str, position: int) -> None:
    field = f"{name}_lifetime_seconds"
    stack = [NOTHING_SAID] * 6
    stack[position] = say(field, 111)
    stack[position + 1] = say(field, 55)
    assert getattr(settle(tuple(stack)), field) == 111


@pytest.mark.parametrize("name", LIFETIMES)
@pytest.mark.parametrize("level", LEVELS)
def test_ceiling_of_any_level_cuts(name: str, level: str) -> None:
    ceiling = say(f"max_{name}_lifetime_seconds", 42)
    assert getattr(settle(stack_with(level, ceiling)), f"{name}_lifetime_seconds") == 42


@pytest.mark.parametrize("level", LEVELS)
def test_format_and_claim_profile_come_from_any_level(level: str) -> None:
    said = TokenSettings(access_token_format="opaque", claim_profile="aidbox")
    settings = settle(stack_with(level, said))
    assert (settings.access_token_format, settings.claim_profile) == ("opaque", "aidbox")


def test_settings_of_another_grant_say_nothing() -> None:
    stack = stack_with("client_and_grant", TokenSettings(access_token_lifetime_seconds=7))
    assert settle(stack, GrantType.JWT_BEARER).access_token_lifetime_seconds == 3600


def test_refresh_stays_under_the_ceiling_of_the_grant_that_began_the_session() -> None:
    api = make_api()
    client = make_client(
        grant_settings={CLIENT_CREDENTIALS: TokenSettings(max_access_token_lifetime_seconds=60)}
    )
    settings = resolve(
        make_tenant([api]),
        client,
        grant_type=GrantType.REFRESH_TOKEN,
        apis=(api,),
        session_grant_type=CLIENT_CREDENTIALS,
    )
    assert isinstance(settings, EffectiveSettings)
    assert settings.access_token_lifetime_seconds == 60


def test_native_client_always_gets_opaque_tokens() -> None:
    api = make_api(settings=TokenSettings(access_token_format="jwt"))
    client = make_client(kind="native", settings=TokenSettings(access_token_format="jwt"))
    assert resolved(make_tenant([api]), client, api).access_token_format == "opaque"


# Each line: client + grant, client, Api, grant types of the client, grant -> enabled.
@pytest.mark.parametrize(
    ("by_grant", "by_client", "by_api", "has_grant", "grant_type", "expected"),
    [
        pytest.param(None, None, True, True, CLIENT_CREDENTIALS, False, id="absent-machine"),
        pytest.param(None, None, True, True, GrantType.JWT_BEARER, True, id="absent-user"),
        pytest.param(None, True, True, True, CLIENT_CREDENTIALS, True, id="client-says-yes"),
        pytest.param(False, True, True, True, CLIENT_CREDENTIALS, False, id="grant-says-no"),
        pytest.param(True, False, True, True, CLIENT_CREDENTIALS, True, id="grant-says-yes"),
        pytest.param(True, True, False, True, CLIENT_CREDENTIALS, False, id="api-says-no"),
        pytest.param(True, True, True, False, CLIENT_CREDENTIALS, False, id="grant-not-given"),
    ],
)
def test_refresh_tokens_need_everyones_consent(
    *,
    by_grant: bool | None,
    by_client: bool | None,
    by_api: bool,
    has_grant: bool,
    grant_type: str,
    expected: bool,
) -> None:
    api = make_api(allow_refresh_tokens=by_api)
    client = make_client(
        grant_types=frozenset({grant_type, *(["refresh_token"] if has_grant else [])}),
        settings=TokenSettings(refresh_token_enabled=by_client),
        grant_settings={CLIENT_CREDENTIALS: TokenSettings(refresh_token_enabled=by_grant)},
    )
    settings = resolved(make_tenant([api]), client, api, grant_type)
    assert settings.refresh_token_enabled is expected


def test_apis_own_algorithm_comes_before_the_tenants() -> None:
    api = make_api(signing_algorithm="PS256")
    assert resolved(make_tenant([api]), make_client(), api).signing_algorithm == "PS256"


def test_symmetric_key_belongs_to_its_api() -> None:
    api = make_api(signing_algorithm="HS256")
    settings = resolved(make_tenant([api]), make_client(), api)
    assert (settings.signing_algorithm, settings.signing_api_id) == ("HS256", api.id)


@pytest.mark.parametrize(("own", "is_own"), [("ES256", True), ("RS256", False)])
def test_an_asymmetric_key_of_its_own_signs_for_an_api(own: str, is_own: bool) -> None:  # noqa: FBT001 - a table's column.
    api = make_api(own_algorithms=frozenset({own}))
    settings = resolved(make_tenant([api]), make_client(), api)
    assert (settings.signing_algorithm, settings.signing_api_id == api.id) == ("ES256", is_own)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"allowed_algorithms": frozenset({"RS256"})}, id="outside-the-list"),
        pytest.param({"signing_algorithm": "HS256"}, id="symmetric-for-a-whole-tenant"),
    ],
)
def test_algorithm_that_is_not_allowed_is_refused(changes: Changes) -> None:
    api = make_api()
    assert attempt(make_tenant([api], **changes), make_client(), api) == ALGORITHM_NOT_ALLOWED


def test_listed_algorithm_is_allowed() -> None:
    tenant = make_tenant(allowed_algorithms=frozenset({"ES256"}))
    assert resolved(tenant, make_client(), make_api()).signing_algorithm == "ES256"


def test_unknown_claim_profile_is_refused() -> None:
    api = make_api(settings=TokenSettings(claim_profile="gone"))
    assert attempt(make_tenant([api]), make_client(), api) == CLAIM_PROFILE_UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"settings": TokenSettings(access_token_format="opaque")}, id="format"),
        pytest.param({"settings": TokenSettings(claim_profile="aidbox")}, id="profile"),
        pytest.param({"signing_algorithm": "RS256"}, id="algorithm"),
        pytest.param({"signing_algorithm": "HS256"}, id="symmetric"),
        pytest.param({"own_algorithms": frozenset({"ES256"})}, id="a-key-of-its-own"),
    ],
)
def test_apis_that_disagree_share_no_token(changes: Changes) -> None:
    apis = (make_api("a"), make_api("b", **changes))
    assert attempt(make_tenant(apis), make_client(), *apis) == APIS_DISAGREE


def test_error_of_a_later_api_is_told() -> None:
    apis = (make_api("a"), make_api("b", settings=TokenSettings(claim_profile="gone")))
    assert attempt(make_tenant(apis), make_client(), *apis) == CLAIM_PROFILE_UNKNOWN


def test_client_can_make_apis_agree() -> None:
    apis = (make_api("a"), make_api("b", settings=TokenSettings(access_token_format="opaque")))
    client = make_client(settings=TokenSettings(access_token_format="opaque"))
    assert resolved(make_tenant(apis), client, *apis).access_token_format == "opaque"


def test_shortest_lifetime_of_several_apis_holds() -> None:
    first = TokenSettings(access_token_lifetime_seconds=900, refresh_token_lifetime_seconds=50)
    second = TokenSettings(access_token_lifetime_seconds=90, refresh_token_lifetime_seconds=500)
    apis = (make_api("a", settings=first), make_api("b", settings=second))
    settings = resolved(make_tenant(apis), make_client(), *apis)
    assert settings.access_token_lifetime_seconds == 90
    assert settings.refresh_token_lifetime_seconds == 50


def test_one_api_can_forbid_refresh_tokens_for_all() -> None:
    apis = (make_api("a"), make_api("b", allow_refresh_tokens=False))
    client = make_client(settings=TokenSettings(refresh_token_enabled=True))
    assert resolved(make_tenant(apis), client, apis[0]).refresh_token_enabled
    assert not resolved(make_tenant(apis), client, *apis).refresh_token_enabled


def test_openid_takes_the_others_settings() -> None:
    openid = make_api("openid", built_in="openid", settings=TokenSettings(claim_profile="gone"))
    api = make_api(settings=TokenSettings(claim_profile="aidbox"))
    tenant = make_tenant([openid, api])
    assert resolved(tenant, make_client(), openid, api).claim_profile == "aidbox"
    assert resolved(tenant, make_client(), openid).claim_profile == "rfc9068"


def test_symmetric_api_stands_alone_even_beside_openid() -> None:
    openid = make_api("openid", built_in="openid")
    api = make_api(signing_algorithm="HS256")
    assert attempt(make_tenant([openid, api]), make_client(), openid, api) == APIS_DISAGREE


@pytest.mark.parametrize("slug", ["thinktecture", "our-variant"])
def test_profile_with_one_audience_serves_one_api(slug: str) -> None:
    said = TokenSettings(claim_profile=slug)
    apis = (make_api("a", settings=said), make_api("b", settings=said))
    openid = make_api("openid", built_in="openid")
    variant = ClaimProfileRecord("our-variant", "thinktecture")
    tenant = make_tenant((*apis, openid), claim_profiles={"our-variant": variant})
    assert attempt(tenant, make_client(), *apis) == ONE_API_ONLY
    assert resolved(tenant, make_client(), apis[0], openid).claim_profile == slug


seconds = st.none() | st.integers(min_value=1, max_value=10_000_000)
level_settings = st.builds(
    TokenSettings,
    **{field.name: seconds for field in fields(TokenSettings) if field.name.endswith("_seconds")},
)
stacks = st.tuples(*[level_settings] * 6)


@given(stack=stacks, name=st.sampled_from(LIFETIMES))
def test_no_ceiling_is_ever_exceeded(stack: tuple[TokenSettings, ...], name: str) -> None:
    effective = getattr(settle(stack), f"{name}_lifetime_seconds")
    ceilings = [getattr(level, f"max_{name}_lifetime_seconds") for level in stack]
    assert all(effective <= ceiling for ceiling in ceilings if ceiling is not None)
    assert effective >= 1


@given(
    stack=stacks,
    name=st.sampled_from(LIFETIMES),
    position=st.integers(0, 5),
    ceiling=st.integers(1, 10_000_000),
)
def test_tighter_ceiling_never_lengthens(
    stack: tuple[TokenSettings, ...], name: str, position: int, ceiling: int
) -> None:
    maximum = f"max_{name}_lifetime_seconds"
    before = getattr(stack[position], maximum)
    tighter = ceiling if before is None else min(before, ceiling)
    change: Changes = {maximum: tighter}
    tightened = list(stack)
    tightened[position] = replace(stack[position], **change)
    field = f"{name}_lifetime_seconds"
    assert getattr(settle(tuple(tightened)), field) <= getattr(settle(stack), field)
