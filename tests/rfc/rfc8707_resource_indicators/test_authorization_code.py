"""RFC 8707: a person agrees for several Apis, and each token is for those that it names."""

from __future__ import annotations

import jwt
import pytest

from tests.factories.code_flow import CodeFlow, answer_of, make_flow, make_web_client
from tests.factories.tenants import make_api
from tests.rfc.verification import ORDERS

pytestmark = pytest.mark.django_db
BILLS = "https://bills.example/"
SCOPE = "openid read pay"


@pytest.fixture
def flow() -> CodeFlow:
    made = make_flow()
    make_api(made.tenant, "bills", scopes=["pay"])
    both = make_web_client(made.tenant, "both", scopes=["openid", "offline_access", "read", "pay"])
    return CodeFlow(made.tenant, both)


def audiences_of(token: str) -> set[str]:
    claims = jwt.decode(token, options={"verify_signature": False})
    named = claims["aud"]
    return {named} if isinstance(named, str) else set(named)


@pytest.mark.requirement("RFC 8707", "2.1", "The resource of an authorization request is granted.")
def test_resource_of_the_request_bounds_the_token(flow: CodeFlow) -> None:
    code = flow.code(scope="openid read", resource=ORDERS)
    tokens = flow.redeem(code).json()
    assert tokens["scope"] == "openid read"
    assert "id_token" in tokens
    assert ORDERS in audiences_of(tokens["access_token"])
    assert BILLS not in audiences_of(tokens["access_token"])


def test_scopes_of_another_api_than_the_named_one_are_refused(flow: CodeFlow) -> None:
    assert answer_of(flow.ask(scope=SCOPE, resource=BILLS))["error"] == "invalid_scope"
    refused = answer_of(flow.ask(scope="openid", resource=BILLS))
    assert refused["error"] == "invalid_target"


@pytest.mark.requirement("RFC 8707", "2", "resource may be sent several times.")
def test_several_resources_are_several_parameters(flow: CodeFlow) -> None:
    tokens = flow.tokens(scope=SCOPE, resource=[ORDERS, BILLS])
    assert {ORDERS, BILLS} <= audiences_of(tokens["access_token"])


@pytest.mark.requirement("RFC 8707", "2.2", "A token request narrows what was granted.")
def test_token_request_narrows_to_one_resource(flow: CodeFlow) -> None:
    tokens = flow.redeem(flow.code(scope=SCOPE), resource=BILLS).json()
    assert set(tokens["scope"].split()) == {"openid", "pay"}
    assert ORDERS not in audiences_of(tokens["access_token"])


@pytest.mark.requirement("RFC 8707", "2.2", "A token request never widens.")
def test_token_request_can_not_reach_another_resource(flow: CodeFlow) -> None:
    code = flow.code(scope="openid read", resource=ORDERS)
    refused = flow.redeem(code, resource=BILLS)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert flow.redeem(code).status_code == 200
