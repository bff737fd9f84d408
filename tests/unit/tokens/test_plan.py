"""A plan is a pure function of request, decision, snapshot, time and entropy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.claim_document import ClaimInputs
from tenants.impersonation import build_right
from tenants.policy import decide
from tenants.records import (
    ClaimRuleRecord,
    Decision,
    GrantType,
    KeyState,
    RefreshPlan,
    TokenSettings,
)
from tests.factories.records import (
    Changes,
    make_api,
    make_claim_rule,
    make_client,
    make_request,
    make_scope,
    make_signing_key,
    make_subject,
    make_tenant,
)
from tokens.plan import MissingSigningKey, plan
from tokens.request_facts import FACTS_BYTES, read_inputs
from tokens.token_ids import expiry_of

if TYPE_CHECKING:
    from tenants.records import JSON, AccessRequest, TenantSnapshot, TokenPlan

NOW = 1_700_000_000
ENTROPY = bytes(range(10))
API, OPENID = make_api(), make_api("openid", built_in="openid")
READ, PAY, LOGIN = (
    make_scope(API),
    make_scope(API, "pay", usage_limit=5),
    make_scope(OPENID, "openid"),
)
ONCE = make_scope(API, "once", usage_limit=1)
SCOPES = (READ, PAY, LOGIN, ONCE)
CLIENT = make_client(*SCOPES)
TENANT = make_tenant([API, OPENID], SCOPES)
REFRESHED = TokenSettings(refresh_token_enabled=True)
USER_GRANT: Changes = {"grant_type": GrantType.JWT_BEARER, "subject": make_subject()}
USER_CLIENT = replace(CLIENT, grant_types=CLIENT.grant_types | {GrantType.JWT_BEARER})


def planned(
    request: AccessRequest, tenant: TenantSnapshot = TENANT, *, now: float = NOW
) -> TokenPlan:
    decision = decide(request, tenant)
    assert decision.is_allowed, decision.checks[-1]
    return plan(request, decision, tenant, now=now, entropy=ENTROPY)


def saying(settings: TokenSettings) -> TenantSnapshot:
    return replace(TENANT, levels=(settings,))


def test_plan_of_a_machines_token() -> None:
    result = planned(make_request(CLIENT, "read"), now=NOW + 0.9)
    assert (result.issued_at, result.expires_at) == (NOW, NOW + 3600)
    assert expiry_of(result.token_id) == (NOW + 3600) * 1000
    assert result.header == {"alg": "ES256", "typ": "at+jwt", "kid": "ES256-current"}
    assert result.response == {"token_type": "Bearer", "expires_in": 3600, "scope": "read"}
    assert (result.format, result.algorithm, result.signing_key) == ("jwt", "ES256", TENANT.keys[0])
    assert (result.scopes, result.audiences) == (("read",), (API.audience,))
    assert (result.api_ids, result.claim_profile) == ((API.id,), "rfc9068")
    assert result.versions == (1, 2, 3, 4)
    assert result.refresh is None
    assert result.claims == {
        "iss": TENANT.issuer,
        "sub": "api-client",
        "aud": API.audience,
        "client_id": "api-client",
        "scope": "read",
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": str(result.token_id),
    }


def test_plan_repeats_itself() -> None:
    request = make_request(CLIENT, "read")
    assert planned(request) == planned(request)


def test_sub_of_a_user_is_their_id() -> None:
    request = make_request(USER_CLIENT, "read", **USER_GRANT)
    assert planned(request).claims["sub"] == str(USER_GRANT["subject"].id)


def test_opaque_token_needs_no_key_and_keeps_its_claims() -> None:
    tenant = replace(saying(TokenSettings(access_token_format="opaque")), keys=())
    result = planned(make_request(CLIENT, "read"), tenant)
    assert (result.header, result.algorithm, result.signing_key) == (None, "", None)
    assert result.claims["client_id"] == "api-client"


def test_space_blocks_token_type_is_lower_case() -> None:
    tenant = saying(TokenSettings(claim_profile="spaceblocks"))
    right = build_right(
        tenants=["()"],
        subjects=["user-.*"],
        scope_ids=CLIENT.scope_ids,
        max_lifetime_seconds=None,
    )
    client = replace(CLIENT, impersonation=right)
    result = planned(make_request(client, "read", app_subject_id="user-123"), tenant)
    assert result.response["token_type"] == "bearer"
    ext = result.claims["ext"]
    assert isinstance(ext, dict)
    assert (ext["spaceblocks_project_id"], ext["app_subject_id"]) == ("acme", "user-123")


def test_refused_decision_has_no_plan() -> None:
    request = make_request(CLIENT, "read")
    with pytest.raises(ValueError, match="refused"):
        plan(request, Decision(is_allowed=False, checks=()), TENANT, now=NOW, entropy=ENTROPY)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((), id="none"),
        pytest.param((make_signing_key(state=KeyState.NEXT),), id="only-next"),
        pytest.param((make_signing_key("RS256"),), id="other-algorithm"),
        pytest.param((make_signing_key(api_id=API.id),), id="of-an-api"),
    ],
)
def test_ring_without_a_current_key_is_named(keys: Changes) -> None:
    with pytest.raises(MissingSigningKey) as caught:
        planned(make_request(CLIENT, "read"), replace(TENANT, keys=keys))
    assert (caught.value.algorithm, caught.value.api_id) == ("ES256", None)


def test_symmetric_key_is_the_apis_own() -> None:
    api = replace(API, signing_algorithm="HS256")
    keys = (make_signing_key("HS256", api_id=uuid4()), make_signing_key("HS256", api_id=API.id))
    tenant = make_tenant([api], SCOPES, keys=keys)
    assert planned(make_request(CLIENT, "read"), tenant).signing_key is keys[1]
    with pytest.raises(MissingSigningKey) as caught:
        planned(make_request(CLIENT, "read"), replace(tenant, keys=keys[:1]))
    assert caught.value.api_id == API.id


def test_certificate_of_the_key_is_named_in_the_header() -> None:
    key = make_signing_key(public_jwk={"kty": "EC", "x5t#S256": "thumb"})
    header = planned(make_request(CLIENT, "read"), replace(TENANT, keys=(key,))).header
    assert header is not None
    assert header["x5t#S256"] == "thumb"


def test_parents_end_cuts_the_token() -> None:
    result = planned(make_request(CLIENT, "read", expires_at_ceiling=NOW + 10))
    assert (result.expires_at, result.response["expires_in"]) == (NOW + 10, 10)
    past = planned(make_request(CLIENT, "read", expires_at_ceiling=NOW - 10))
    assert (past.expires_at, past.response["expires_in"]) == (NOW - 10, 0)


def test_openid_stands_behind_the_api_whose_settings_hold() -> None:
    tenant = saying(TokenSettings(claim_profile="thinktecture"))
    result = planned(make_request(CLIENT, "openid", "read"), tenant)
    assert result.audiences == (API.audience, OPENID.audience)
    assert result.api_ids == (API.id, OPENID.id)
    assert result.claims["aud"] == API.audience


def test_smallest_usage_limit_holds() -> None:
    tenant = saying(TokenSettings(claim_profile="onewelcome"))
    assert planned(make_request(CLIENT, "read", "pay", "once"), tenant).claims["usl"] == 1
    assert planned(make_request(CLIENT, "read", "pay"), tenant).claims["usl"] == 5
    assert "usl" not in planned(make_request(CLIENT, "read"), tenant).claims


def test_claim_rules_are_applied() -> None:
    rule = ClaimRuleRecord(uuid4(), "region", "eu", grant_type=GrantType.CLIENT_CREDENTIALS)
    tenant = replace(TENANT, claim_rules=(rule,))
    assert planned(make_request(CLIENT, "read"), tenant).claims["region"] == "eu"


# Refresh: the session's end, the idle limit and the token's own end.
LIMITS = TokenSettings(
    refresh_token_enabled=True,
    access_token_lifetime_seconds=600,
    refresh_token_lifetime_seconds=86_400,
    refresh_token_idle_lifetime_seconds=3_600,
)
REFRESHING = replace(CLIENT, settings=LIMITS)
IN_SESSION: Changes = {"grant_type": GrantType.REFRESH_TOKEN, "session_id": uuid4()}


def test_new_session_ends_by_lifetime_and_idle() -> None:
    result = planned(make_request(REFRESHING, "read"))
    assert result.refresh == RefreshPlan(NOW + 3_600, NOW + 86_400)


def test_users_grant_begins_a_session_by_itself() -> None:
    request = make_request(USER_CLIENT, "read", **USER_GRANT)
    assert planned(request).refresh == RefreshPlan(NOW + 604_800, NOW + 2_592_000)


def test_new_session_ends_with_its_parent() -> None:
    result = planned(make_request(REFRESHING, "read", expires_at_ceiling=NOW + 60))
    assert result.refresh == RefreshPlan(NOW + 60, NOW + 60)


def test_token_ends_with_its_session() -> None:
    client = replace(CLIENT, settings=replace(LIMITS, refresh_token_lifetime_seconds=30))
    result = planned(make_request(client, "read"))
    assert (result.expires_at, result.refresh) == (NOW + 30, RefreshPlan(NOW + 30, NOW + 30))


@pytest.mark.parametrize("name", ["session_expires_at", "expires_at_ceiling"])
def test_refresh_never_moves_the_end_of_its_session(name: str) -> None:
    request = make_request(REFRESHING, "read", **IN_SESSION, **{name: NOW + 100})
    result = planned(request)
    assert (result.expires_at, result.refresh) == (NOW + 100, RefreshPlan(NOW + 100, NOW + 100))


def test_ceiling_lowered_since_the_session_began_holds() -> None:
    lowered = replace(LIMITS, max_refresh_token_lifetime_seconds=50)
    client = replace(CLIENT, settings=lowered)
    request = make_request(client, "read", **IN_SESSION, session_expires_at=NOW + 5_000)
    assert planned(request).refresh == RefreshPlan(NOW + 50, NOW + 5_000)


def test_session_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="session's end"):
        planned(make_request(REFRESHING, "read", **IN_SESSION))


@given(
    lifetime=st.integers(1, 10_000),
    idle=st.integers(1, 10_000),
    access=st.integers(1, 10_000),
    ceiling=st.none() | st.integers(NOW, NOW + 10_000),
    session=st.none() | st.integers(NOW, NOW + 10_000),
)
def test_no_end_lies_beyond_another(
    *, lifetime: int, idle: int, access: int, ceiling: int | None, session: int | None
) -> None:
    settings = TokenSettings(
        refresh_token_enabled=True,
        access_token_lifetime_seconds=access,
        refresh_token_lifetime_seconds=lifetime,
        refresh_token_idle_lifetime_seconds=idle,
    )
    old: Changes = {} if session is None else {**IN_SESSION, "session_expires_at": session}
    client = replace(CLIENT, settings=settings)
    result = planned(make_request(client, "read", expires_at_ceiling=ceiling, **old))
    assert result.refresh is not None
    assert result.refresh.expires_at <= min(NOW + idle, NOW + lifetime)
    assert result.refresh.expires_at <= result.refresh.session_expires_at
    assert result.expires_at <= min(NOW + access, result.refresh.session_expires_at)
    assert ceiling is None or result.expires_at <= ceiling
    assert session is None or result.refresh.session_expires_at == session


def test_facts_say_what_was_asked() -> None:
    request = make_request(
        CLIENT,
        "read",
        requested_audiences=(API.audience,),
        api_slug="profile",
        address="192.0.2.1",
        user_agent="curl/8",
    )
    assert planned(request).facts == {
        "grant_type": "client_credentials",
        "address": "192.0.2.1",
        "scope": "read",
        "audience": API.audience,
        "api": "profile",
        "user_agent": "curl/8",
    }


SENIOR = make_claim_rule("level", "level", source="subject_attribute")
TIER = make_claim_rule("tier", "tier", source="foreign_claim", condition={"grant_type": "x"})
READING = replace(TENANT, claim_rules=(SENIOR, TIER))
USER = make_subject(attributes='{"level": 3, "private": "not read"}')


def facts_of(claims: dict[str, JSON], tenant: TenantSnapshot = READING) -> dict[str, JSON]:
    changes: Changes = {**USER_GRANT, "subject": USER, "claims": claims}
    return dict(planned(make_request(USER_CLIENT, "read", **changes), tenant).facts)


def test_facts_keep_the_attributes_that_rules_read() -> None:
    facts = facts_of({"tier": "gold", "other": 1})
    assert facts["attributes"] == {"level": 3}
    assert facts["claims"] == {"tier": "gold", "other": 1}
    assert "foreign" not in facts
    assert read_inputs(facts) == ClaimInputs('{"level": 3}', {"tier": "gold", "other": 1})
    assert "attributes" not in facts_of({}, TENANT)


def test_long_facts_still_keep_what_rules_read() -> None:
    facts = facts_of({"tier": "gold", "other": "x" * FACTS_BYTES})
    assert (facts["attributes"], facts["foreign"]) == ({"level": 3}, {"tier": "gold"})
    assert len(str(facts["digest"])) == 64
    assert len(orjson.dumps(facts)) < FACTS_BYTES + 200
    assert read_inputs(facts) == ClaimInputs('{"level": 3}', {"tier": "gold"})


def test_long_inputs_of_rules_are_digests_as_well() -> None:
    facts = facts_of({"tier": "x" * FACTS_BYTES})
    assert {"attributes", "foreign", "claims"}.isdisjoint(facts)
    assert read_inputs(facts) == ClaimInputs()


def test_facts_leave_out_what_was_not_said() -> None:
    facts = planned(make_request(CLIENT, "read")).facts
    assert facts == {"grant_type": "client_credentials", "address": "", "scope": "read"}


@pytest.mark.parametrize("user_agent", ["a" * FACTS_BYTES, "\u00e4" * (FACTS_BYTES // 2)])
def test_long_facts_become_digests(user_agent: str) -> None:
    facts = planned(make_request(CLIENT, "read", user_agent=user_agent)).facts
    assert facts["digested"] is True
    assert len(str(facts["user_agent"])) == len(str(facts["scope"])) == 64
    assert len(orjson.dumps(facts)) < FACTS_BYTES


@given(user_agent=st.text(st.characters(), max_size=2_000))
def test_any_text_makes_facts_that_can_be_stored(user_agent: str) -> None:
    facts = planned(make_request(CLIENT, "read", user_agent=user_agent)).facts
    assert b"\\u0000" not in orjson.dumps(facts)


@pytest.mark.parametrize("user_agent", ["a\x00b", "a\ud800b", "a\nb"], ids=["nul", "half", "line"])
def test_what_the_database_refuses_is_replaced(user_agent: str) -> None:
    facts = planned(make_request(CLIENT, "read", user_agent=user_agent)).facts
    assert facts["user_agent"] == "a\ufffdb"


def test_half_characters_can_be_digested() -> None:
    facts = planned(make_request(CLIENT, "read", user_agent="\ud800" * 2_000)).facts
    assert facts["digested"] is True
