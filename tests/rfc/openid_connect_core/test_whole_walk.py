"""From the authorization request to userinfo, through the pages that people see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tenants.assurance import Assurance
from tenants.models import Scope
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of, make_flow, person_of
from tests.factories.people import make_subject_with_password
from tests.rfc.verification import issuer_of, verify

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
SCOPES = ["openid", "profile", "email", "offline_access", "read", "write"]


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow(scopes=SCOPES, refresh_token_enabled=True)


def guard(tenant: Tenant, name: str, acr: str) -> None:
    scope = Scope.objects.get(tenant=tenant, name=name)
    scope.min_acr = acr
    changes.save(scope, actor=SYSTEM)


@pytest.mark.requirement("OIDC Core", "3.1", "Code, tokens, ID token and userinfo name one person.")
def test_the_client_learns_what_it_asked_for(flow: CodeFlow) -> None:
    asked = {"id_token": {"email": None}, "userinfo": {"email_verified": {"essential": True}}}
    tokens = flow.tokens(
        scope="openid profile offline_access", nonce="n-1", claims=json.dumps(asked)
    )
    oauth, sub = flow.oauth, str(person_of(flow).pk)
    claims = verify(oauth, tokens["id_token"], audience="web-app")
    assert (claims["iss"], claims["sub"], claims["nonce"]) == (issuer_of(flow.tenant), sub, "n-1")
    assert (claims["email"], claims["amr"]) == (EMAIL, ["pwd"])
    assert "name" not in claims
    refreshed = oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    ).json()
    assert verify(oauth, refreshed["id_token"], audience="web-app")["sid"] == claims["sid"]
    for answer in (tokens, refreshed):
        bearer = f"Bearer {answer['access_token']}"
        told = oauth.get("/oauth/userinfo", Authorization=bearer).json()
        assert told.pop("updated_at")
        assert told == {"sub": sub, "name": "Ana Silva", "email_verified": True}


def test_pairwise_client_hints_by_its_own_id(flow: CodeFlow) -> None:
    flow.client.client.subject_type = "pairwise"
    changes.save(flow.client.client, actor=SYSTEM)
    tokens = flow.tokens()
    claims = verify(flow.oauth, tokens["id_token"], audience="web-app")
    assert claims["sub"] != str(person_of(flow).pk)
    answer = answer_of(flow.ask(prompt="none", id_token_hint=tokens["id_token"]))
    assert "code" in answer
    other = make_other(flow)
    assert answer_of(other.ask(prompt="none", id_token_hint=tokens["id_token"]))["error"]


def make_other(flow: CodeFlow) -> CodeFlow:
    """Let somebody else sit in front of another browser."""
    make_subject_with_password(flow.tenant, "other@example.org")
    other = CodeFlow(flow.tenant, flow.client)
    other.sign_in("other@example.org")
    return other


@pytest.mark.requirement("RFC 9470", "5", "Who can't be recognised so surely gets no code.")
def test_guarded_scope_is_not_for_a_password_alone(flow: CodeFlow) -> None:
    guard(flow.tenant, "write", Assurance.PHISHING_RESISTANT)
    flow.sign_in()
    page = flow.ask(scope="openid write", prompt="none")
    assert answer_of(page)["error"] in {"login_required", "unmet_authentication_requirements"}
    guard(flow.tenant, "write", Assurance.ONE_FACTOR)
    assert flow.tokens(scope="openid write")["scope"] == "openid write"


def test_without_passkeys_nobody_is_sent_around(flow: CodeFlow) -> None:
    guard(flow.tenant, "write", Assurance.PHISHING_RESISTANT)
    page = flow.person.prove(flow.ask(scope="openid write"), EMAIL)
    assert answer_of(page)["error"] == "unmet_authentication_requirements"
