"""Every answer of the authorization endpoint names its issuer. Source: RFC 9207."""

from __future__ import annotations

import pytest

from tests.factories.code_flow import CodeFlow, answer_of, make_flow, make_web_client
from tests.factories.tenants import make_api, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow()


@pytest.mark.requirement("RFC 9207", "2", "iss is in success and error answers.")
@pytest.mark.parametrize("response_mode", ["query", "fragment", "form_post"])
def test_answers_name_the_issuer_of_the_metadata(flow: CodeFlow, response_mode: str) -> None:
    metadata = flow.oauth.get("/.well-known/oauth-authorization-server").json()
    flow.tokens()
    for more in ({}, {"prompt": "none", "scope": "openid write"}):
        answer = flow.ask(response_mode=response_mode, **more)
        if response_mode == "form_post":
            assert flow.person.form(answer).fields["iss"] == [metadata["issuer"]]
        else:
            assert answer_of(answer)["iss"] == metadata["issuer"]


def test_the_code_of_another_issuer_is_worth_nothing_here(flow: CodeFlow) -> None:
    """An attacker that mixes up issuers gets a code, but this issuer does not know it."""
    code = flow.code()
    other = make_flow_of_another_tenant(flow)
    refused = other.redeem(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert flow.redeem(code).status_code == 200


def make_flow_of_another_tenant(flow: CodeFlow) -> CodeFlow:
    tenant = make_tenant("initech")
    make_api(tenant)
    return CodeFlow(tenant, make_web_client(tenant, flow.client.client_id))
