"""Codes are found with all that a token needs, and only by their own text."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tenants.models import Group
from tests.factories.code_flow import CALLBACK, answer_of, make_flow
from tests.factories.openid import RelyingParty, make_party
from tests.factories.tenants import make_tenant
from tokens import authorization_codes
from tokens.authorization_codes import NewCode
from tokens.errors import InvalidGrant
from tokens.issuance import issue
from tokens.models import AuthorizationCode, Session
from tokens.parameters import EndpointRequest, Parameters

if TYPE_CHECKING:
    from tenants.records import Authentication

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> RelyingParty:
    return make_party(make_tenant())


def new_code(party: RelyingParty, authentication: Authentication, **changes: object) -> NewCode:
    code = NewCode(
        tenant_id=party.tenant.pk,
        client_id=party.made.client.pk,
        subject_id=party.subject.pk,
        trust_profile_id=None,
        authentication=authentication,
        redirect_uri=CALLBACK,
        is_redirect_uri_required=True,
        api_slug="",
        scopes=("openid", "email"),
        audiences=("https://orders.example/",),
        nonce="n-1",
        code_challenge="c",
        claims_request={},
        offline_lifetime_seconds=None,
        cut_off_number=snapshot.CURRENT.confirm(),
    )
    return replace(code, **changes)  # type: ignore[arg-type]  # a record's own fields.


def test_code_is_found_with_its_person_groups_and_proof(party: RelyingParty) -> None:
    group = Group.objects.create(tenant=party.tenant, slug="staff", name="Staff")
    group.subjects.add(party.subject)
    authentication = party.recognise(amr=("hwk", "user"))
    now = time.time()
    made = new_code(
        party, authentication, claims_request={"id_token": {"email": None}}, api_slug="orders"
    )
    text = authorization_codes.make_code(made, now=now)
    found = authorization_codes.find_code(party.tenant.pk, text, now=now + 59)
    assert found is not None
    assert (found.death, found.is_used, found.nonce, found.api_slug) == ("", False, "n-1", "orders")
    assert list(found.scopes) == ["openid", "email"]
    assert found.authentication == authentication
    assert (found.subject.id, found.subject.groups) == (party.subject.pk, ("staff",))
    assert party.subject.email in found.subject.standard_claims
    late = authorization_codes.find_code(party.tenant.pk, text, now=now + 60)
    assert late is not None
    assert late.death == "expired"


def test_standard_claims_are_read_only_for_who_asks(party: RelyingParty) -> None:
    now = time.time()
    text = authorization_codes.make_code(new_code(party, party.recognise()), now=now)
    found = authorization_codes.find_code(party.tenant.pk, text, now=now)
    assert found is not None
    assert found.subject.standard_claims == ""


def test_text_is_not_stored(party: RelyingParty) -> None:
    text = authorization_codes.make_code(new_code(party, party.recognise()), now=time.time())
    row = AuthorizationCode.objects.get()
    assert len(bytes(row.secret_hash)) == 32
    assert text.encode() not in bytes(row.secret_hash)


def test_code_is_nothing_at_another_tenant_or_with_another_secret(party: RelyingParty) -> None:
    now = time.time()
    text = authorization_codes.make_code(new_code(party, party.recognise()), now=now)
    other = make_tenant("initech")
    assert authorization_codes.find_code(other.pk, text, now=now) is None
    swapped = text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB")
    assert authorization_codes.find_code(party.tenant.pk, swapped, now=now) is None


def test_second_of_two_that_come_at_once_gets_nothing_and_ends_the_first(
    party: RelyingParty,
) -> None:
    """Both have found the code unused; only the statement that stores tells who was first."""
    asked = party.ask(party.recognise(), "openid")
    assert asked.consumed is not None
    second = replace(asked, consumed=replace(asked.consumed, session_id=uuid.uuid4()))
    number = snapshot.CURRENT.confirm()
    request = EndpointRequest(party.core, Parameters(), now=time.time(), cut_off_number=number)
    issue(asked, party.judge(asked), request)
    with pytest.raises(InvalidGrant):
        issue(second, party.judge(second), request)
    session = Session.objects.get()
    assert (session.pk, session.ended_reason) == (asked.consumed.session_id, "reuse")


def test_person_learns_early_that_they_have_enough_sessions() -> None:
    flow = make_flow(max_sessions=1)
    first = flow.tokens(scope="openid offline_access")
    assert first["refresh_token"]
    refused = answer_of(flow.ask())
    assert (refused["error"], refused["state"]) == ("access_denied", "a-state")
