"""The preview of a person's tokens is what issuance answers, the ID token included."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from django.core.management import call_command

from tenants.assurance import Assurance
from tenants.models import Scope
from tenants.records import SYSTEM, AccessRequest, GrantType
from tenants.services import changes
from tests.factories.openid import RelyingParty, make_party, read_subject
from tests.factories.tenants import make_api, make_tenant
from tokens.explained_text import write_text
from tokens.explanations import describe_preview
from tokens.preview import preview

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def claims_of(text: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
    return claims


def ask(party: RelyingParty, *scopes: str) -> AccessRequest:
    """Ask as the page of the preview does, which knows nothing of a sign-in."""
    return AccessRequest(
        grant_type=GrantType.AUTHORIZATION_CODE.value,
        client=party.ask(party.recognise(), *scopes).client,
        subject=read_subject(party.subject),
        requested_scopes=scopes or None,
    )


@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
@pytest.mark.parametrize("profile", ["rfc9068", "onewelcome"])
@pytest.mark.parametrize("asked", [None, {"id_token": {"email": None}}], ids=["plain", "claims"])
def test_previewed_id_token_is_the_one_that_is_issued(
    tenant: Tenant, subject_type: str, profile: str, asked: dict[str, Any] | None
) -> None:
    make_api(tenant, claim_profile=profile)
    party = make_party(
        tenant,
        subject_type=subject_type,
        refresh_token_enabled=True,
        scopes=["openid", "offline_access", "read"],
    )
    request = party.ask(
        party.recognise(), "openid", "offline_access", "read", nonce="n", claims_request=asked
    )
    before = preview(request, party.core, now=1_700_000_000)
    answer = party.begin(
        "openid",
        "offline_access",
        "read",
        authentication=request.authentication,
        nonce="n",
        claims_request=asked,
    )
    issued = claims_of(answer["id_token"])
    assert set(before.response) == set(answer)
    assert before.plan is not None
    assert before.plan.id_token is not None
    at_once = preview(request, party.core, now=issued["iat"])
    assert at_once.plan is not None
    assert at_once.plan.id_token is not None
    assert {**at_once.plan.id_token.claims, "at_hash": issued["at_hash"]} == issued
    header = jwt.get_unverified_header(answer["id_token"])
    assert at_once.plan.id_token.header == header
    assert at_once.plan.claims["sub"] == issued["sub"]


def test_person_is_previewed_as_recognised_surely_enough(tenant: Tenant) -> None:
    party = make_party(tenant)
    plain = preview(ask(party, "openid"), party.core, now=1_700_000_000)
    assert plain.plan is not None
    assert plain.plan.id_token is not None
    assert plain.plan.id_token.claims["acr"] == Assurance.ONE_FACTOR
    assert plain.plan.id_token.claims["auth_time"] == 1_700_000_000
    assert plain.plan.refresh is None
    scope = Scope.objects.get(tenant=tenant, name="email")
    scope.min_acr = Assurance.PHISHING_RESISTANT
    changes.save(scope, actor=SYSTEM)
    for scopes in (("openid", "email"), ()):
        guarded = preview(ask(party, *scopes), party.core, now=1_700_000_000)
        assert guarded.plan is not None
        assert guarded.plan.claims["acr"] == "phr"


def test_code_without_a_person_is_no_sign_in(tenant: Tenant) -> None:
    party = make_party(tenant)
    nobody = replace(ask(party, "openid"), subject=None)
    previewed = preview(nobody, party.core, now=1_700_000_000)
    assert previewed.plan is not None
    assert previewed.plan.id_token is None
    assert "id_token" not in describe_preview(previewed)


def test_texts_tell_of_the_id_token(tenant: Tenant) -> None:
    party = make_party(tenant)
    previewed = preview(ask(party, "openid"), party.core, now=1_700_000_000)
    text = write_text(describe_preview(previewed))
    assert "Claims of the ID token\n  iss: " in text
    written = StringIO()
    call_command(
        "explain",
        *("--tenant", tenant.path, "--client", "web-app", "--grant", "authorization_code"),
        *("--scope", "openid", "--subject", str(party.subject.pk), "--json"),
        stdout=written,
    )
    told = json.loads(written.getvalue())["id_token"]
    assert (told["sub"], told["aud"]) == (str(party.subject.pk), "web-app")
