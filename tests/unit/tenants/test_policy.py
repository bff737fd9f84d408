"""Nothing is allowed by absence; every refusal names its check and its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy import CHECKS, DESCRIPTIONS, WIRE_ERRORS, Reason, decide, wire_error
from tenants.policy_engines import ENGINES
from tenants.records import GrantType, TokenSettings
from tests.factories.records import (
    Changes,
    make_api,
    make_client,
    make_policy,
    make_request,
    make_scope,
    make_subject,
    make_tenant,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenants.records import AccessRequest, Decision, PolicyRecord, TenantSnapshot

PROFILE, ORDERS, DORMANT = make_api("profile"), make_api("orders"), make_api("dormant")
DORMANT = replace(DORMANT, is_enabled=False)
READ, WRITE = make_scope(PROFILE, "read"), make_scope(PROFILE, "write")
ORDER, SLEEP = make_scope(ORDERS, "order"), make_scope(DORMANT, "sleep")
SCOPES = (READ, WRITE, ORDER, SLEEP)
CLIENT = make_client(*SCOPES)
STRICT = make_tenant([PROFILE, ORDERS, DORMANT], SCOPES)
LAX = replace(STRICT, scope_excess="narrow")
CHECK_NAMES = [name for name, _ in CHECKS]


def refused(request: AccessRequest, tenant: TenantSnapshot = STRICT) -> tuple[str, str, str]:
    decision = decide(request, tenant)
    assert not decision.is_allowed
    assert (decision.granted_scopes, decision.apis, decision.settings) == ((), (), None)
    refusal = decision.refusal
    assert [check.name for check in decision.checks] == CHECK_NAMES[: len(decision.checks)]
    assert decision.checks[-1] is refusal
    return refusal.name, refusal.reason, refusal.detail


def allowed(request: AccessRequest, tenant: TenantSnapshot = STRICT) -> Decision:
    decision = decide(request, tenant)
    assert decision.is_allowed, decision.checks[-1]
    return decision


def test_allowed_request_passes_every_check_in_order() -> None:
    decision = allowed(make_request(CLIENT, "read"))
    assert [check.name for check in decision.checks] == CHECK_NAMES
    assert all(check.passed for check in decision.checks)
    assert (decision.granted_scopes, decision.apis) == (("read",), (PROFILE,))
    assert decision.settings is not None


def test_disabled_tenant_is_the_first_check() -> None:
    tenant = replace(STRICT, is_enabled=False)
    expected = ("tenant_enabled", "tenant_disabled", STRICT.path)
    assert refused(make_request(CLIENT, "read"), tenant) == expected


def test_disabled_client_is_refused() -> None:
    client = replace(CLIENT, is_enabled=False)
    assert refused(make_request(client, "read"))[:2] == ("client_enabled", "client_disabled")


@pytest.mark.parametrize("grant_type", [GrantType.JWT_BEARER, "password", ""])
def test_grant_that_the_client_lacks_is_refused(grant_type: str) -> None:
    request = make_request(CLIENT, "read", grant_type=grant_type)
    assert refused(request) == ("grant_allowed", "grant_not_of_client", grant_type)


def test_grant_that_the_environment_lacks_is_refused() -> None:
    tenant = replace(STRICT, allowed_grant_types=frozenset({GrantType.JWT_BEARER}))
    assert refused(make_request(CLIENT, "read"), tenant)[1] == "grant_not_allowed_here"


def test_listed_grant_is_allowed() -> None:
    tenant = replace(STRICT, allowed_grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}))
    allowed(make_request(CLIENT, "read"), tenant)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"requested_audiences": ("https://no.example/",)}, id="unknown"),
        pytest.param({"requested_audiences": (DORMANT.audience,)}, id="disabled"),
        pytest.param({"requested_audiences": (CLIENT.client_id,)}, id="client-id"),
        pytest.param({"api_slug": "no"}, id="unknown-slug"),
        pytest.param({"api_slug": "dormant"}, id="disabled-slug"),
        pytest.param(
            {"api_slug": "profile", "requested_audiences": (ORDERS.audience,)}, id="other-endpoint"
        ),
    ],
)
def test_audience_that_is_no_enabled_api_is_refused(changes: Changes) -> None:
    request = make_request(CLIENT, "read", **changes)
    assert refused(request)[:2] == ("audience_known", "audience_unknown")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"requested_audiences": (PROFILE.audience,)}, id="audience"),
        pytest.param({"requested_audiences": (PROFILE.audience,) * 2}, id="twice"),
        pytest.param({"api_slug": "profile"}, id="slug"),
        pytest.param(
            {"api_slug": "profile", "requested_audiences": (PROFILE.audience,)}, id="both"
        ),
    ],
)
def test_selected_api_is_the_only_one(changes: Changes) -> None:
    assert allowed(make_request(CLIENT, "read", **changes)).apis == (PROFILE,)


def test_apis_stand_in_the_order_of_the_requested_audiences() -> None:
    audiences = (ORDERS.audience, PROFILE.audience)
    request = make_request(CLIENT, "read", "order", requested_audiences=audiences)
    assert allowed(request).apis == (ORDERS, PROFILE)


def test_requested_audience_without_a_scope_is_refused() -> None:
    audiences = (PROFILE.audience, ORDERS.audience)
    request = make_request(CLIENT, "read", requested_audiences=audiences)
    assert refused(request) == ("apis_selected", "audience_without_scope", ORDERS.audience)


def test_scope_of_an_unselected_api_is_in_excess() -> None:
    request = make_request(CLIENT, "read", "order", requested_audiences=(PROFILE.audience,))
    expected = ("scope_known_and_allowed", "scope_of_another_api", "order")
    assert refused(request) == expected
    assert allowed(request, LAX).granted_scopes == ("read",)


def test_apis_follow_from_the_granted_scopes() -> None:
    assert allowed(make_request(CLIENT, "order", "read", "write")).apis == (ORDERS, PROFILE)


def test_scope_of_a_disabled_api_is_refused() -> None:
    request = make_request(CLIENT, "read", "sleep")
    assert refused(request) == ("apis_selected", "api_disabled", "dormant")


def test_scope_whose_api_is_gone_is_refused() -> None:
    tenant = replace(STRICT, apis={})
    assert refused(make_request(CLIENT, "read"), tenant)[1] == "api_disabled"


# Each line: what the request changes, what is asked, the reason in a strict tenant.
EXCESSES = [
    pytest.param({}, "nothing-like-this", "scope_unknown", id="unknown"),
    pytest.param({"client": make_client(READ)}, "write", "scope_not_of_client", id="not-of-client"),
    pytest.param(
        {"scope_ceiling": frozenset({"read"})}, "write", "scope_not_granted", id="ceiling"
    ),
    pytest.param(
        {"audience_ceiling": frozenset({PROFILE.audience})},
        "order",
        "scope_not_granted",
        id="audience-ceiling",
    ),
    pytest.param(
        {"client": make_client(READ, replace(ORDER, name="READ"))},
        "READ",
        "scope_unknown",
        id="other-case",
    ),
]


@pytest.mark.parametrize(("changes", "excess", "reason"), EXCESSES)
def test_strict_tenant_names_the_first_excess_scope(
    changes: Changes, excess: str, reason: str
) -> None:
    request = replace(make_request(CLIENT, "read", excess, "zzz"), **changes)
    assert refused(request) == ("scope_known_and_allowed", reason, excess)


@pytest.mark.parametrize(("changes", "excess", "reason"), EXCESSES)
def test_lax_tenant_drops_the_excess(changes: Changes, excess: str, reason: str) -> None:
    del reason
    request = replace(make_request(CLIENT, excess, "read"), **changes)
    assert allowed(request, LAX).granted_scopes == ("read",)


@pytest.mark.parametrize(("changes", "excess", "reason"), EXCESSES)
def test_nothing_but_excess_is_refused_everywhere(
    changes: Changes, excess: str, reason: str
) -> None:
    del reason
    request = replace(make_request(CLIENT, excess), **changes)
    assert refused(request, LAX) == ("scope_known_and_allowed", "no_scope_left", excess)


def test_granted_scopes_keep_their_order_and_stand_once() -> None:
    request = make_request(CLIENT, "write", "read", "write", "read")
    assert allowed(request).granted_scopes == ("write", "read")


def test_detail_is_bounded() -> None:
    assert len(refused(make_request(CLIENT, "x" * 5000))[2]) == 128


@pytest.mark.parametrize("requested", [None, ()], ids=["absent", "empty"])
def test_default_scopes_stand_in_for_none(requested: tuple[str, ...] | None) -> None:
    client = replace(CLIENT, default_scope_ids=frozenset({WRITE.id, READ.id}))
    request = make_request(client, requested_scopes=requested)
    assert allowed(request).granted_scopes == ("read", "write")


def test_default_scopes_are_narrowed_even_by_a_strict_tenant() -> None:
    client = replace(CLIENT, default_scope_ids=frozenset({READ.id, ORDER.id}))
    request = make_request(client, requested_audiences=(ORDERS.audience,))
    assert allowed(request).granted_scopes == ("order",)


def test_default_scope_that_the_client_lacks_is_not_granted() -> None:
    client = make_client(READ, default_scope_ids=frozenset({READ.id, WRITE.id}))
    assert allowed(make_request(client)).granted_scopes == ("read",)


def test_no_scope_and_no_default_says_what_to_do() -> None:
    assert refused(make_request(CLIENT)) == ("scope_known_and_allowed", "scope_missing", "")
    assert "name a scope, or give the client default scopes" in DESCRIPTIONS[Reason.SCOPE_MISSING]


REFRESHING: Changes = {
    "grant_type": GrantType.REFRESH_TOKEN,
    "scope_ceiling": frozenset({"read", "write"}),
    "audience_ceiling": frozenset({PROFILE.audience}),
}


def test_refresh_without_scope_asks_for_all_that_was_granted() -> None:
    assert allowed(make_request(CLIENT, **REFRESHING)).granted_scopes == ("read", "write")


def test_refresh_loses_what_the_client_has_lost() -> None:
    assert allowed(make_request(make_client(READ), **REFRESHING)).granted_scopes == ("read",)


def test_refresh_can_ask_for_less() -> None:
    request = make_request(CLIENT, "write", requested_audiences=(PROFILE.audience,), **REFRESHING)
    assert allowed(request).granted_scopes == ("write",)


def test_refresh_cant_reach_another_audience() -> None:
    request = make_request(CLIENT, "read", requested_audiences=(ORDERS.audience,), **REFRESHING)
    assert refused(request) == ("audience_granted", "audience_not_granted", ORDERS.audience)


def test_refresh_ends_where_refresh_tokens_were_switched_off() -> None:
    client = replace(CLIENT, settings=TokenSettings(refresh_token_enabled=False))
    request = make_request(client, **REFRESHING)
    assert refused(request)[:2] == ("refresh_enabled", "refresh_disabled")


def test_disabled_subject_is_refused() -> None:
    subject = make_subject(is_enabled=False)
    request = make_request(CLIENT, "read", subject=subject)
    assert refused(request) == ("subject_enabled", "subject_disabled", str(subject.id))
    allowed(make_request(CLIENT, "read", subject=make_subject()))


def test_apis_that_disagree_are_refused() -> None:
    orders = replace(ORDERS, settings=TokenSettings(access_token_format="opaque"))
    tenant = make_tenant([PROFILE, orders], SCOPES)
    request = make_request(CLIENT, "read", "order")
    assert refused(request, tenant) == ("apis_agree", "apis_disagree", "profile orders")


def with_policies(*policies: PolicyRecord) -> TenantSnapshot:
    return replace(STRICT, policies=policies)


def broken_engine(policy: PolicyRecord, request: AccessRequest) -> bool:
    raise RuntimeError(policy.slug + request.grant_type)


def mute_engine(policy: PolicyRecord, request: AccessRequest) -> bool:
    del policy, request
    return False


@pytest.fixture(autouse=True)
def _engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "broken", broken_engine)
    monkeypatch.setitem(ENGINES, "mute", mute_engine)


OTHERS: Changes = {"clients": frozenset({make_client().id})}
OWN: Changes = {"clients": frozenset({CLIENT.id})}
AT_PROFILE: Changes = {"apis": frozenset({PROFILE.id})}
AT_ORDERS: Changes = {"apis": frozenset({ORDERS.id})}
ALLOW, DENY = make_policy("yes"), make_policy("no", effect="deny")


@pytest.mark.parametrize(
    ("policies", "reason", "detail"),
    [
        pytest.param((), "no_policy_allows", "profile orders", id="none"),
        pytest.param(
            (replace(ALLOW, **OTHERS),), "no_policy_allows", "profile orders", id="others"
        ),
        pytest.param(
            (replace(ALLOW, **AT_PROFILE),), "no_policy_allows", "orders", id="one-of-two"
        ),
        pytest.param((replace(ALLOW, engine="no-such"),), "no_policy_allows", None, id="unknown"),
        pytest.param((replace(ALLOW, engine="broken"),), "no_policy_allows", None, id="broken"),
        pytest.param((replace(ALLOW, engine="mute"),), "no_policy_allows", None, id="no-match"),
        pytest.param((ALLOW, DENY), "policy_denied", "no", id="deny-wins"),
        pytest.param((DENY, ALLOW), "policy_denied", "no", id="deny-wins-first"),
        pytest.param((ALLOW, replace(DENY, **OWN)), "policy_denied", "no", id="deny-client"),
        pytest.param((ALLOW, replace(DENY, **AT_ORDERS)), "policy_denied", "no", id="deny-any-api"),
        pytest.param(
            (ALLOW, replace(DENY, engine="no-such")), "policy_denied", "no", id="deny-odd"
        ),
        pytest.param(
            (ALLOW, replace(DENY, engine="broken")), "policy_denied", "no", id="deny-broken"
        ),
        pytest.param(
            (ALLOW, replace(DENY, effect="limit")), "policy_denied", "no", id="odd-effect"
        ),
    ],
)
def test_policies_refuse(
    policies: tuple[PolicyRecord, ...], reason: str, detail: str | None
) -> None:
    answer = refused(make_request(CLIENT, "read", "order"), with_policies(*policies))
    assert answer == ("policies", reason, "profile orders" if detail is None else detail)


@pytest.mark.parametrize(
    "policies",
    [
        pytest.param((ALLOW,), id="everything"),
        pytest.param((replace(ALLOW, **OWN),), id="client"),
        pytest.param((replace(ALLOW, **AT_PROFILE), replace(ALLOW, **AT_ORDERS)), id="together"),
        pytest.param((ALLOW, replace(ALLOW, engine="broken")), id="beside-a-broken-one"),
        pytest.param((ALLOW, replace(DENY, **OTHERS)), id="others-denied"),
        pytest.param((ALLOW, replace(DENY, engine="mute")), id="deny-without-match"),
        pytest.param((ALLOW, replace(DENY, apis=frozenset({DORMANT.id}))), id="other-api-denied"),
    ],
)
def test_policies_allow(policies: tuple[PolicyRecord, ...]) -> None:
    allowed(make_request(CLIENT, "read", "order"), with_policies(*policies))


def test_every_reason_has_a_wire_error_and_a_sentence() -> None:
    assert set(WIRE_ERRORS) == set(DESCRIPTIONS) == set(Reason)
    assert set(WIRE_ERRORS.values()) == {
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "invalid_grant",
    }
    assert all(text.isascii() and '"' not in text for text in DESCRIPTIONS.values())


@pytest.mark.parametrize(
    ("reason", "grant_type", "error"),
    [
        (Reason.POLICY_DENIED, GrantType.CLIENT_CREDENTIALS, "unauthorized_client"),
        (Reason.POLICY_DENIED, GrantType.REFRESH_TOKEN, "invalid_grant"),
        (Reason.NO_POLICY_ALLOWS, GrantType.JWT_BEARER, "invalid_grant"),
        (Reason.SCOPE_UNKNOWN, GrantType.REFRESH_TOKEN, "invalid_scope"),
        (Reason.GRANT_NOT_OF_CLIENT, GrantType.JWT_BEARER, "unauthorized_client"),
    ],
)
def test_wire_error_depends_on_the_grant(reason: Reason, grant_type: str, error: str) -> None:
    assert wire_error(reason, grant_type) == error


policy_lists = st.lists(
    st.builds(
        make_policy,
        slug=st.sampled_from(["a", "b", "c", "d"]),
        effect=st.sampled_from(["allow", "allow", "deny"]),
        engine=st.sampled_from(["allow", "allow", "allow", "no-such"]),
        clients=st.sampled_from([frozenset(), OWN["clients"], OTHERS["clients"]]),
        apis=st.sampled_from([frozenset(), AT_PROFILE["apis"], AT_ORDERS["apis"]]),
    ),
    max_size=5,
)
names = st.sampled_from([scope.name for scope in SCOPES] + ["unknown"])


@given(policies=policy_lists, data=st.data())
def test_order_of_policies_never_matters(policies: list[PolicyRecord], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(policies))
    request = make_request(CLIENT, "read", "order")
    first = decide(request, with_policies(*policies))
    assert decide(request, with_policies(*shuffled)) == first


@given(policies=policy_lists, more=policy_lists)
def test_more_deny_policies_never_allow_more(
    policies: list[PolicyRecord], more: list[PolicyRecord]
) -> None:
    request = make_request(CLIENT, "read", "order")
    denying = [replace(policy, effect="deny") for policy in more]
    if not decide(request, with_policies(*policies)).is_allowed:
        assert not decide(request, with_policies(*policies, *denying)).is_allowed


@given(
    requested=st.lists(names, min_size=1, max_size=6),
    held=st.sets(st.sampled_from(SCOPES)),
    ceiling=st.none() | st.frozensets(names),
    audiences=st.sets(st.sampled_from([PROFILE.audience, ORDERS.audience])),
    tenant=st.sampled_from([STRICT, LAX]),
)
def test_granted_scope_lies_within_every_bound(
    requested: Sequence[str],
    held: set[object],
    ceiling: frozenset[str] | None,
    audiences: set[str],
    tenant: TenantSnapshot,
) -> None:
    scopes = [scope for scope in SCOPES if scope in held]
    request = make_request(
        make_client(*scopes),
        *requested,
        scope_ceiling=ceiling,
        requested_audiences=tuple(sorted(audiences)),
    )
    decision = decide(request, tenant)
    granted = set(decision.granted_scopes)
    assert granted <= set(requested)
    assert granted <= {scope.name for scope in scopes}
    assert ceiling is None or granted <= ceiling
    if decision.is_allowed:
        assert granted
        assert {api.audience for api in decision.apis} == (
            audiences or {tenant.apis[tenant.scopes[name].api_id].audience for name in granted}
        )
    if decision.is_allowed and tenant is STRICT:
        assert granted == set(requested)
