"""Nothing is allowed by absence; every refusal names its check and its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy import (
    ACCESS_CHECKS,
    CHECK_INPUTS,
    CHECKS,
    CLAIMS_MADE,
    DESCRIPTIONS,
    INTROSPECTION_CHECKS,
    WIRE_ERRORS,
    Reason,
    authorize_error,
    decide,
    decide_access,
    explain_inputs,
    wire_error,
)
from tenants.policy_checks import Walk
from tenants.policy_document import DOCUMENT
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


OTHERS: Changes = {"clients": frozenset({make_client().id})}
OWN: Changes = {"clients": frozenset({CLIENT.id})}
AT_PROFILE: Changes = {"apis": frozenset({PROFILE.id})}
AT_ORDERS: Changes = {"apis": frozenset({ORDERS.id})}
ALLOW, DENY = make_policy("yes"), make_policy("no", effect="deny")
# Rules whose verdicts are known: one is false, one reads what is absent, one can't be compiled.
FALSE: Changes = {"engine": "match", "rule": {"client": {"kind": "spa"}}}
UNSURE: Changes = {"engine": "match", "rule": {"claims": {"role": "admin"}}}
BROKEN: Changes = {"engine": "match", "rule": {"client": {"$no-such": 1}}}
GUARDED: Changes = {
    "engine": "match",
    "rule": {"claims": {"role": {"$present": True, "$enum": ["admin"]}}},
}


def deny(**changes: Changes) -> PolicyRecord:
    return make_policy("no", effect="deny", **changes)


def limit(slug: str = "less", **changes: Changes) -> PolicyRecord:
    return make_policy(slug, effect="limit", **changes)


@pytest.mark.parametrize(
    ("policies", "reason", "detail"),
    [
        pytest.param((), "no_policy_allows", "profile orders", id="none"),
        pytest.param((make_policy(**OTHERS),), "no_policy_allows", "profile orders", id="others"),
        pytest.param((make_policy(engine="no"),), "no_policy_allows", None, id="unknown-engine"),
        pytest.param((make_policy(**BROKEN),), "no_policy_allows", None, id="broken"),
        pytest.param((make_policy(**UNSURE),), "no_policy_allows", None, id="unsure"),
        pytest.param((make_policy(**FALSE),), "no_policy_allows", None, id="false"),
        pytest.param((make_policy(mode="shadow"),), "no_policy_allows", None, id="shadow"),
        pytest.param((make_policy(mode="odd"),), "no_policy_allows", None, id="odd-mode"),
        pytest.param(
            (make_policy(**AT_PROFILE),), "no_policy_allows_audience", "orders", id="one-api"
        ),
        pytest.param(
            (make_policy(scopes=frozenset({"read", "order"})),),
            "no_policy_allows_scope",
            "write",
            id="two-scopes",
        ),
    ],
)
def test_what_no_policy_allows_is_refused(
    policies: tuple[PolicyRecord, ...], reason: str, detail: str | None
) -> None:
    answer = refused(make_request(CLIENT, "read", "write", "order"), with_policies(*policies))
    assert answer == ("policies_allow", reason, "profile orders" if detail is None else detail)


@pytest.mark.parametrize(
    ("denial", "reason"),
    [
        pytest.param(DENY, "policy_denied", id="plain"),
        pytest.param(deny(**OWN), "policy_denied", id="client"),
        pytest.param(deny(**AT_ORDERS), "policy_denied_audience", id="one-of-the-apis"),
        pytest.param(deny(scopes=frozenset({"order"})), "policy_denied_scope", id="scope"),
        pytest.param(deny(engine="no"), "policy_denied", id="unknown-engine"),
        pytest.param(deny(**BROKEN), "policy_denied", id="broken"),
        pytest.param(deny(**UNSURE), "policy_denied", id="unsure"),
        pytest.param(make_policy("no", effect="odd"), "policy_denied", id="odd-effect"),
        pytest.param(deny(mode="odd"), "policy_denied", id="odd-mode"),
    ],
)
def test_denial_wins_in_every_order(denial: PolicyRecord, reason: str) -> None:
    request = make_request(CLIENT, "read", "order")
    for policies in ((ALLOW, denial), (denial, ALLOW)):
        assert refused(request, with_policies(*policies)) == ("policies", reason, "no")


def test_first_denial_by_name_is_told() -> None:
    denials = (replace(DENY, slug="b"), replace(DENY, slug="a"), ALLOW)
    assert refused(make_request(CLIENT, "read"), with_policies(*denials))[2] == "a"


@pytest.mark.parametrize(
    "policies",
    [
        pytest.param((ALLOW,), id="everything"),
        pytest.param((make_policy(**OWN),), id="client"),
        pytest.param((make_policy(**AT_PROFILE), make_policy(**AT_ORDERS)), id="together"),
        pytest.param((ALLOW, make_policy(**BROKEN)), id="beside-a-broken-one"),
        pytest.param((ALLOW, deny(**OTHERS)), id="others-denied"),
        pytest.param((ALLOW, deny(**FALSE)), id="deny-without-match"),
        pytest.param((ALLOW, deny(**GUARDED)), id="deny-whose-guard-fails"),
        pytest.param((ALLOW, deny(apis=frozenset({DORMANT.id}))), id="other-api-denied"),
        pytest.param((ALLOW, deny(mode="shadow")), id="deny-in-shadow"),
    ],
)
def test_policies_allow(policies: tuple[PolicyRecord, ...]) -> None:
    allowed(make_request(CLIENT, "read", "order"), with_policies(*policies))


def test_limits_intersect() -> None:
    request = make_request(CLIENT, "read", "write", "order")
    tenant = with_policies(
        ALLOW,
        limit("a", limit_scopes=frozenset({"read", "order"}), limit_lifetime_seconds=900),
        limit("b", limit_audiences=frozenset({PROFILE.audience}), limit_lifetime_seconds=600),
        limit("c", limit_lifetime_seconds=99_999),
    )
    decision = allowed(request, tenant)
    assert (decision.granted_scopes, decision.apis) == (("read",), (PROFILE,))
    assert decision.settings is not None
    assert decision.settings.access_token_lifetime_seconds == 600


def test_api_that_loses_its_scopes_leaves_with_them() -> None:
    tenant = with_policies(ALLOW, limit(limit_scopes=frozenset({"read"})))
    audiences = (PROFILE.audience, ORDERS.audience)
    request = make_request(CLIENT, "read", "order", requested_audiences=audiences)
    assert allowed(request, tenant).apis == (PROFILE,)


@pytest.mark.parametrize("rule", [UNSURE, BROKEN], ids=["unsure", "broken"])
def test_limit_that_is_not_sure_applies(rule: Changes) -> None:
    tenant = with_policies(ALLOW, limit(limit_scopes=frozenset({"read"}), **rule))
    assert allowed(make_request(CLIENT, "read", "write"), tenant).granted_scopes == ("read",)


@pytest.mark.parametrize(
    "changes", [{"mode": "shadow"}, FALSE, OTHERS], ids=["shadow", "false", "others"]
)
def test_limit_that_does_not_match_limits_nothing(changes: Changes) -> None:
    tenant = with_policies(ALLOW, limit(limit_scopes=frozenset({"read"}), **changes))
    assert allowed(make_request(CLIENT, "write"), tenant).granted_scopes == ("write",)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"limit_scopes": frozenset()}, "limits_leave_no_scope", id="no-scope"),
        pytest.param({"limit_scopes": frozenset({"order"})}, "limits_leave_no_scope", id="scope"),
        pytest.param(
            {"limit_audiences": frozenset({ORDERS.audience})}, "limits_leave_no_audience", id="api"
        ),
    ],
)
def test_limit_that_leaves_nothing_refuses(changes: Changes, reason: str) -> None:
    answer = refused(make_request(CLIENT, "read"), with_policies(ALLOW, limit(**changes)))
    assert answer == ("limits_leave_something", reason, "less")


def test_limit_never_hides_a_scope_from_a_denial() -> None:
    tenant = with_policies(
        ALLOW, deny(scopes=frozenset({"write"})), limit(limit_scopes=frozenset({"read"}))
    )
    assert refused(make_request(CLIENT, "read", "write"), tenant)[1] == "policy_denied_scope"


def test_decision_tells_what_each_policy_said() -> None:
    tenant = with_policies(
        make_policy("yes", version=7),
        make_policy("shadow", effect="deny", mode="shadow"),
        make_policy("other", **OTHERS),
        make_policy("unsure", effect="limit", limit_lifetime_seconds=60, **UNSURE),
    )
    results = allowed(make_request(CLIENT, "read"), tenant).policies
    assert [(r.slug, r.effect, r.mode, r.verdict, r.version, r.is_applied) for r in results] == [
        ("shadow", "deny", "shadow", "true", 0, False),
        ("unsure", "limit", "enforce", "indeterminate", 0, True),
        ("yes", "allow", "enforce", "true", 7, True),
    ]


def test_refusal_tells_what_each_policy_said() -> None:
    decision = decide(make_request(CLIENT, "read"), with_policies(ALLOW, DENY))
    assert [result.slug for result in decision.policies] == ["no", "yes"]
    assert decide(make_request(CLIENT, "no-such"), STRICT).policies == ()


def test_document_is_built_as_far_as_rules_read_it() -> None:
    request = make_request(CLIENT, "read", claims={"many": [1] * 3000})
    allowed(request, with_policies(ALLOW, deny(**FALSE)))
    # What is too large to read is no reason to let somebody through.
    assert refused(request, with_policies(ALLOW, deny(**GUARDED)))[1] == "policy_denied"


def test_check_tells_what_it_looked_at() -> None:
    request = make_request(CLIENT, "read", claims={"role": "admin", "iss": "https://idp.example"})
    decision = decide(request, with_policies(ALLOW, DENY))
    inputs = explain_inputs(decision, "policies")
    assert inputs["claims"] == {"role": "(text)", "iss": "https://idp.example"}
    assert inputs["scopes"] == ["read"]
    early = decide(replace(request, requested_scopes=("no-such",)), STRICT)
    assert explain_inputs(early, "scope_known_and_allowed") == {
        "requested_scopes": ["no-such"],
        "default_scopes": [],
        "requested_audiences": [],
    }
    assert explain_inputs(early, "tenant_enabled") == {}


def test_inputs_that_are_too_large_are_not_told() -> None:
    decision = decide(make_request(CLIENT, "read", claims={"many": [1] * 3000}), STRICT)
    assert set(explain_inputs(decision, "policies")) == {
        *("operation", "client", "scopes", "audience")
    }
    assert explain_inputs(replace(decision, document=None), "policies") == {}


def test_every_check_names_its_inputs() -> None:
    named = {name for checks in (CHECKS, ACCESS_CHECKS, INTROSPECTION_CHECKS) for name, _ in checks}
    assert named | {CLAIMS_MADE} == set(CHECK_INPUTS)
    assert {name for names in CHECK_INPUTS.values() for name in names} <= set(
        DOCUMENT.members or ()
    )


ACCESS: Changes = {"operation": "access", "grant_type": ""}


def ask_access(tenant: TenantSnapshot, *scopes: str, **changes: Changes) -> tuple[str, str]:
    decision = decide_access(make_request(CLIENT, *scopes, **{**ACCESS, **changes}), tenant)
    if decision.is_allowed:
        return "", ""
    return decision.refusal.name, decision.refusal.reason


READS: Changes = {"engine": "match", "rule": {"action": {"name": "can_read"}}}


@pytest.mark.parametrize(
    ("tenant", "scopes", "changes", "answer"),
    [
        pytest.param(with_policies(), (), {}, ("policies_allow", "no_policy_allows"), id="none"),
        pytest.param(STRICT, (), {}, ("", ""), id="allowed"),
        pytest.param(
            with_policies(make_policy(**READS)), (), {"action": {"name": "can_read"}}, ("", "")
        ),
        pytest.param(
            with_policies(make_policy(**READS)),
            (),
            {"action": {"name": "can_write"}},
            ("policies_allow", "no_policy_allows"),
            id="other-action",
        ),
        pytest.param(
            with_policies(make_policy(operations=frozenset({"client_credentials"}))),
            (),
            {},
            ("policies_allow", "no_policy_allows"),
            id="tokens-only",
        ),
        pytest.param(
            with_policies(make_policy(**AT_PROFILE)),
            (),
            {"requested_audiences": (PROFILE.audience,)},
            ("", ""),
            id="at-an-api",
        ),
        pytest.param(
            with_policies(make_policy(**AT_PROFILE)),
            ("read",),
            {"requested_audiences": (ORDERS.audience,)},
            ("policies_allow", "no_policy_allows_audience"),
            id="at-another-api",
        ),
        pytest.param(
            with_policies(ALLOW, limit(limit_audiences=frozenset({ORDERS.audience}))),
            (),
            {"requested_audiences": (PROFILE.audience,)},
            ("limits_leave_something", "limits_leave_no_audience"),
            id="limited",
        ),
        pytest.param(
            with_policies(ALLOW, limit(limit_scopes=frozenset({"read"}))),
            ("read",),
            {},
            ("", ""),
            id="within-the-limit",
        ),
        pytest.param(
            with_policies(ALLOW, limit(limit_lifetime_seconds=60)), (), {}, ("", ""), id="lifetime"
        ),
        pytest.param(
            with_policies(ALLOW, deny(scopes=frozenset({"write"}))),
            ("write",),
            {},
            ("policies", "policy_denied_scope"),
            id="denied",
        ),
        pytest.param(STRICT, ("no",), {}, ("scope_known", "scope_unknown"), id="unknown-scope"),
        pytest.param(STRICT, ("sleep",), {}, ("scope_known", "api_disabled"), id="disabled-api"),
        pytest.param(
            replace(STRICT, apis={}), ("read",), {}, ("scope_known", "api_disabled"), id="lost-api"
        ),
    ],
)
def test_access_evaluation(
    tenant: TenantSnapshot, scopes: tuple[str, ...], changes: Changes, answer: tuple[str, str]
) -> None:
    assert ask_access(tenant, *scopes, **changes) == answer


@pytest.mark.parametrize(
    ("policies", "is_allowed"),
    [
        pytest.param((), True, id="needs-no-allow"),
        pytest.param((DENY,), False, id="denied"),
        pytest.param((deny(operations=frozenset({"introspection"})),), False, id="operation"),
        pytest.param((deny(operations=frozenset({"refresh_token"})),), True, id="other-operation"),
        pytest.param((deny(**AT_PROFILE),), False, id="api"),
        pytest.param((deny(**AT_ORDERS),), True, id="other-api"),
        pytest.param((deny(scopes=frozenset({"read"})),), False, id="scope"),
        pytest.param((limit(limit_scopes=frozenset()),), True, id="limits-came-at-issuance"),
    ],
)
def test_introspection_honours_denials_only(
    policies: tuple[PolicyRecord, ...], *, is_allowed: bool
) -> None:
    request = make_request(
        CLIENT,
        "read",
        "gone",
        operation="introspection",
        grant_type="",
        requested_audiences=(PROFILE.audience, "https://gone.example/"),
    )
    assert decide_access(request, with_policies(*policies)).is_allowed is is_allowed


def test_other_operations_are_decided_by_decide() -> None:
    with pytest.raises(ValueError, match="client_credentials"):
        decide_access(make_request(CLIENT, "read", operation="client_credentials"), STRICT)


def test_limits_are_not_asked_before_the_policies() -> None:
    with pytest.raises(AssertionError):
        dict(CHECKS)["policies_allow"](Walk(make_request(CLIENT, "read"), STRICT))


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
        (Reason.NO_POLICY_ALLOWS_SCOPE, GrantType.REFRESH_TOKEN, "invalid_scope"),
        (Reason.POLICY_DENIED_AUDIENCE, GrantType.JWT_BEARER, "invalid_target"),
        (Reason.LIMITS_LEAVE_NO_SCOPE, GrantType.CLIENT_CREDENTIALS, "invalid_scope"),
        (Reason.SCOPE_UNKNOWN, GrantType.REFRESH_TOKEN, "invalid_scope"),
        (Reason.GRANT_NOT_OF_CLIENT, GrantType.JWT_BEARER, "unauthorized_client"),
    ],
)
def test_wire_error_depends_on_the_grant(reason: Reason, grant_type: str, error: str) -> None:
    assert wire_error(reason, grant_type) == error


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (Reason.POLICY_DENIED, "access_denied"),
        (Reason.NO_POLICY_ALLOWS, "access_denied"),
        (Reason.SUBJECT_DISABLED, "access_denied"),
        (Reason.ASSURANCE_TOO_LOW, "unmet_authentication_requirements"),
        (Reason.POLICY_DENIED_SCOPE, "invalid_scope"),
        (Reason.GRANT_NOT_OF_CLIENT, "unauthorized_client"),
    ],
)
def test_wire_error_of_the_authorization_endpoint(reason: Reason, error: str) -> None:
    assert authorize_error(reason) == error


RULES: list[Changes] = [{}, {}, {}, {"engine": "no-such"}, FALSE, UNSURE, BROKEN, GUARDED]
KNOWN_NAMES = [scope.name for scope in SCOPES]
names = st.sampled_from([*KNOWN_NAMES, "unknown"])


def policies_of(*effects: str) -> st.SearchStrategy[list[PolicyRecord]]:
    return st.lists(
        st.builds(
            lambda rule, **changes: make_policy(**rule, **changes),
            rule=st.sampled_from(RULES),
            slug=st.sampled_from(["a", "b", "c", "d", "e"]),
            effect=st.sampled_from(effects),
            mode=st.sampled_from(["enforce", "enforce", "enforce", "shadow"]),
            clients=st.sampled_from([frozenset(), OWN["clients"], OTHERS["clients"]]),
            apis=st.sampled_from([frozenset(), AT_PROFILE["apis"], AT_ORDERS["apis"]]),
            scopes=st.sampled_from([frozenset(), frozenset(), frozenset({"read", "write"})]),
            operations=st.sampled_from([frozenset(), frozenset({"client_credentials"})]),
            limit_scopes=st.none() | st.frozensets(st.sampled_from(KNOWN_NAMES)),
            limit_lifetime_seconds=st.none() | st.integers(1, 7200),
            limit_audiences=st.none()
            | st.frozensets(st.sampled_from([PROFILE.audience, ORDERS.audience])),
        ),
        max_size=5,
        unique_by=lambda policy: policy.slug,
    )


any_policies = policies_of("allow", "allow", "deny", "limit")
some_scopes = st.lists(st.sampled_from(["read", "write", "order"]), min_size=1, unique=True)


def is_within(less: Decision, more: Decision) -> bool:
    """Say whether one decision grants nothing that the other doesn't."""
    if not less.is_allowed:
        return True
    if not more.is_allowed or less.settings is None or more.settings is None:
        return False
    return (
        set(less.granted_scopes) <= set(more.granted_scopes)
        and {api.id for api in less.apis} <= {api.id for api in more.apis}
        and less.settings.access_token_lifetime_seconds
        <= more.settings.access_token_lifetime_seconds
    )


@given(policies=any_policies, data=st.data())
def test_order_of_policies_never_matters(policies: list[PolicyRecord], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(policies))
    request = make_request(CLIENT, "read", "order")
    first = decide(request, with_policies(*policies))
    second = decide(request, with_policies(*shuffled))
    assert (second, second.policies) == (first, first.policies)


@given(policies=any_policies, more=policies_of("deny", "limit"), scopes=some_scopes)
def test_deny_or_limit_added_never_allows_more(
    policies: list[PolicyRecord], more: list[PolicyRecord], scopes: list[str]
) -> None:
    request = make_request(CLIENT, *scopes)
    before = decide(request, with_policies(*policies))
    assert is_within(decide(request, with_policies(*policies, *more)), before)


@given(policies=any_policies, more=any_policies, scopes=some_scopes)
def test_shadow_never_changes_an_answer(
    policies: list[PolicyRecord], more: list[PolicyRecord], scopes: list[str]
) -> None:
    request = make_request(CLIENT, *scopes)
    shadows = [replace(policy, mode="shadow") for policy in more]
    before = decide(request, with_policies(*policies))
    assert decide(request, with_policies(*policies, *shadows)) == before


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
