"""Whoever proves anew who they are stays signed in, as the new proof says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tenants.assurance import Assurance
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.factories.openid import make_party
from tests.factories.outside import make_partner
from tests.factories.tenants import make_api, make_tenant
from tokens import sign_ins
from tokens.sign_ins import Proof, SignInRecord

if TYPE_CHECKING:
    from uuid import UUID

    from tests.factories.openid import RelyingParty

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> RelyingParty:
    return make_party(make_tenant())


@pytest.fixture
def profile_id(party: RelyingParty) -> UUID:
    api = make_api(party.tenant)
    return make_partner(party.tenant, [api], ["read"]).profile.pk


def proof(party: RelyingParty, profile_id: UUID | None) -> Proof:
    amr = () if profile_id else ("pwd",)
    return Proof(party.subject.pk, Assurance.ONE_FACTOR, amr, "", "", trust_profile_id=profile_id)


def find(party: RelyingParty, text: str | None) -> SignInRecord | None:
    assert text is not None
    return sign_ins.find(party.core, text, now=time.time())


def begin(party: RelyingParty, profile_id: UUID | None) -> SignInRecord:
    number = snapshot.CURRENT.confirm()
    text = sign_ins.begin(party.core, proof(party, profile_id), number=number, now=time.time())
    found = find(party, text)
    assert found is not None
    return found


def prove_again(
    party: RelyingParty, known: SignInRecord, profile_id: UUID | None
) -> SignInRecord | None:
    number = snapshot.CURRENT.confirm()
    again = proof(party, profile_id)
    text = sign_ins.prove_again(party.core, known.id, again, number=number, now=time.time())
    return find(party, text)


def test_who_vouched_before_bounds_nothing_any_more(party: RelyingParty, profile_id: UUID) -> None:
    again = prove_again(party, begin(party, profile_id), None)
    assert again is not None
    assert (again.trust_profile_id, again.authentication.amr) == (None, ("pwd",))


def test_who_vouches_now_bounds_what_follows(party: RelyingParty, profile_id: UUID) -> None:
    known = begin(party, None)
    again = prove_again(party, known, profile_id)
    assert again is not None
    assert (again.id, again.trust_profile_id) == (known.id, profile_id)


def test_a_cut_off_before_the_new_proof_does_not_end_it(
    party: RelyingParty, profile_id: UUID
) -> None:
    known = begin(party, None)
    cut_offs.end(party.tenant.pk, actor=SYSTEM, reason="x", trust_profile_id=profile_id)
    assert prove_again(party, known, profile_id) is not None


def test_a_cut_off_after_the_new_proof_ends_it(party: RelyingParty, profile_id: UUID) -> None:
    known = begin(party, None)
    again = proof(party, profile_id)
    text = sign_ins.prove_again(
        party.core, known.id, again, number=snapshot.CURRENT.confirm(), now=time.time()
    )
    cut_offs.end(party.tenant.pk, actor=SYSTEM, reason="x", trust_profile_id=profile_id)
    assert find(party, text) is None
