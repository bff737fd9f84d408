"""Ideavate's auth link: a hosted page where a person chooses a provider and agrees.

An application asks in its own words (`plan`, `documents`), and gets what they stand for at the Api.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tenants.models import Scope
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.code_flow import (
    CALLBACK,
    EMAIL,
    VERIFIER,
    CodeFlow,
    answer_of,
    make_web_client,
)
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import make_api, make_tenant
from tests.seeds.wire import read_jwt, trust_application

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db
AUDIENCE = "https://api.ideavate.example/"
WORDS = {"read:accounts": "plan", "download:documents": "documents"}
ASKED = "plan documents offline_access"


@pytest.fixture
def flow() -> CodeFlow:
    tenant = make_tenant()
    make_api(
        tenant,
        "accounts",
        audience=AUDIENCE,
        scopes=[*WORDS, "write:accounts"],
        access_token_lifetime_seconds=3600,
    )
    for name, word in WORDS.items():
        scope = Scope.objects.get(tenant=tenant, name=name)
        scope.title, scope.translations = word, {"en": {"title": f"See your {word}"}}
        changes.save(scope, actor=SYSTEM)
    make_subject_with_password(tenant, EMAIL)
    public = make_web_client(
        tenant,
        "app",
        kind="spa",
        scopes=[*WORDS, "write:accounts", "offline_access"],
        token_endpoint_auth_method="none",
    )
    return CodeFlow(tenant, public)


def link(flow: CodeFlow, **parameters: str | None) -> HttpResponse:
    return flow.ask(**{"scope": ASKED, "redirect_uri": None, **parameters})


def test_words_of_the_link_become_scopes_of_the_api(flow: CodeFlow) -> None:
    page = flow.person.prove(link(flow), EMAIL)
    for text in ("See your plan", "See your documents", "Stay connected while you are away"):
        assert text in page.content.decode()
    code = answer_of(flow.agree(page))["code"]
    tokens = flow.redeem(code, redirect_uri=None).json()
    assert tokens["expires_in"] == 3600
    expected = {"read:accounts", "download:documents", "offline_access"}
    assert set(tokens["scope"].split()) == expected
    assert "refresh_token" in tokens
    claims = read_jwt(flow.oauth, tokens["access_token"], audience=AUDIENCE, algorithm="ES256")
    assert claims["client_id"] == "app"


def test_refresh_needs_offline_access(flow: CodeFlow) -> None:
    page = flow.person.prove(link(flow, scope="plan"), EMAIL)
    tokens = flow.redeem(answer_of(flow.agree(page))["code"], redirect_uri=None).json()
    assert tokens["scope"] == "read:accounts"
    assert "refresh_token" not in tokens


def test_redirect_uri_that_is_named_must_be_a_configured_one(flow: CodeFlow) -> None:
    assert link(flow, redirect_uri="https://other.example/").status_code == 400
    assert link(flow, redirect_uri=CALLBACK).status_code == 200


def test_plain_challenge_of_old_links_is_refused_with_the_reason(flow: CodeFlow) -> None:
    refused = answer_of(link(flow, code_challenge=VERIFIER, code_challenge_method="plain"))
    assert refused["error"] == "invalid_request"
    assert "S256" in refused["error_description"]


def offer(flow: CodeFlow, issuer: str, slug: str) -> None:
    """Let people sign in with a provider."""
    trust_application(flow.tenant, issuer, audience="us")
    profile = flow.tenant.trust_profiles.get(issuer=issuer)
    type(profile).objects.filter(pk=profile.pk).update(
        slug=slug,
        is_sign_in_offered=True,
        sign_in_label=slug.title(),
        jwks=[],
        jwks_uri=f"{issuer}/jwks",
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        sign_in_client_id="us",
    )
    snapshot.CURRENT.forget()


def shown(page: HttpResponse) -> set[str]:
    return set(re.findall(r'id="provider-([a-z]+)"', page.content.decode()))


def test_link_narrows_the_providers(flow: CodeFlow) -> None:
    for slug in ("gas", "water", "mobile"):
        offer(flow, f"https://{slug}.example", slug)
    assert shown(link(flow)) == {"gas", "water", "mobile"}
    assert shown(link(flow, includeProviders="gas water")) == {"gas", "water"}
    assert shown(link(flow, include_providers="gas water")) == {"gas", "water"}
    assert shown(link(flow, excludeProviders="gas")) == {"water", "mobile"}
    both = link(flow, includeProviders="gas water", excludeProviders="gas")
    assert shown(both) == {"water"}


@pytest.mark.parametrize("parameter", ["providerCode", "provider_hint"])
def test_named_provider_skips_the_chooser(flow: CodeFlow, parameter: str) -> None:
    offer(flow, "https://gas.example", "gas")
    address = flow.address(scope=ASKED, redirect_uri=None, **{parameter: "gas"})
    first = flow.person.open(address, follows=False)
    answer = flow.person.open(first.headers["Location"], follows=False)
    assert answer.headers["Location"].startswith(f"{flow.person.issuer}/sign-in/with/gas")
