"""Scopes about the person themselves go with every Api that a request names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenants.policy import Reason, decide
from tests.factories.records import make_api, make_client, make_request, make_scope, make_tenant

OPENID = make_api("openid", built_in="openid")
ORDERS = make_api("orders")
BILLS = make_api("bills")
SCOPES = (make_scope(OPENID, "openid"), make_scope(ORDERS, "read"), make_scope(BILLS, "pay"))
CLIENT = make_client(*SCOPES)
TENANT = make_tenant((OPENID, ORDERS, BILLS), SCOPES)


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"requested_audiences": (ORDERS.audience,)}, id="audience"),
        pytest.param({"api_slug": "orders"}, id="address"),
    ],
)
def test_openid_needs_no_audience_of_its_own(named: dict[str, object]) -> None:
    decision = decide(make_request(CLIENT, "openid", "read", **named), TENANT)
    assert decision.is_allowed
    assert decision.granted_scopes == ("openid", "read")
    assert {api.slug for api in decision.apis} == {"orders", "openid"}


def test_named_api_still_needs_a_scope() -> None:
    request = make_request(CLIENT, "openid", requested_audiences=(ORDERS.audience,))
    assert decide(request, TENANT).refusal.reason == Reason.AUDIENCE_WITHOUT_SCOPE


def test_openid_api_is_added_only_where_its_scopes_are_granted() -> None:
    request = make_request(CLIENT, "read", requested_audiences=(ORDERS.audience,))
    assert decide(request, TENANT).apis == (ORDERS,)


def test_parents_audiences_bound_it_all_the_same() -> None:
    ceiling = frozenset((ORDERS.audience,))
    request = make_request(
        CLIENT, "openid", requested_audiences=(ORDERS.audience,), audience_ceiling=ceiling
    )
    assert decide(request, TENANT).refusal.reason == Reason.SCOPE_NOT_GRANTED
    wider = replace(request, audience_ceiling=ceiling | {OPENID.audience})
    assert decide(wider, TENANT).refusal.reason == Reason.AUDIENCE_WITHOUT_SCOPE
