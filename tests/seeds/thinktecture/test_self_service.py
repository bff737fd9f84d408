"""Thinktecture: the page on which a person sees their applications and withdraws one or all."""

from __future__ import annotations

import pytest

from tests.factories.code_flow import CodeFlow, make_flow, make_web_client
from tests.factories.tenants import MadeClient, make_client
from tokens.models import SignIn

pytestmark = pytest.mark.django_db
ASKED = "openid read offline_access"


@pytest.fixture
def flows() -> tuple[CodeFlow, CodeFlow]:
    """Two applications of one person."""
    first = make_flow(name="Calendar")
    second = CodeFlow(first.tenant, make_web_client(first.tenant, "notes", name="Notes"))
    second.person = first.person
    return first, second


@pytest.fixture
def gateway(flows: tuple[CodeFlow, CodeFlow]) -> MadeClient:
    tenant = flows[0].tenant
    made = make_client(tenant, "gateway", is_allowed=False)
    tenant.apis.get(slug="orders").resource_server_clients.add(made.client)
    return made


def live(flow: CodeFlow, gateway: MadeClient, tokens: dict[str, str]) -> tuple[bool, bool]:
    """Answer whether the access token is good, and the refresh token; the latter is used up."""
    told = flow.oauth.introspect(gateway, tokens["access_token"]).json()
    refreshed = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    return told["active"], refreshed.status_code == 200


def test_one_application_is_withdrawn_and_the_other_goes_on(
    flows: tuple[CodeFlow, CodeFlow], gateway: MadeClient
) -> None:
    """There, issued JWTs lived on until they expired."""
    first, second = flows
    lost, kept = first.tokens(scope=ASKED), second.tokens(scope=ASKED)
    person = first.person
    assert all(name in person.open("/account").content for name in (b"Calendar", b"Notes"))
    page = person.open(f"/account/apps/{first.client.client.pk}/withdraw")
    assert b"Withdraw the access of Calendar?" in page.content
    shown = person.submit(page, "question-form").content
    assert (b"Calendar" in shown, b"Notes" in shown) == (False, True)
    assert live(first, gateway, lost) == (False, False)
    assert live(second, gateway, kept) == (True, True)


def test_all_applications_are_withdrawn(
    flows: tuple[CodeFlow, CodeFlow], gateway: MadeClient
) -> None:
    tokens = [flow.tokens(scope=ASKED) for flow in flows]
    person = flows[0].person
    person.submit(person.open("/account/apps/withdraw"), "question-form")
    for flow, held in zip(flows, tokens, strict=True):
        assert live(flow, gateway, held) == (False, False)
    assert SignIn.objects.get().ended_at is None
