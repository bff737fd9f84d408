"""Tests of the rows of outside tokens: each knows whether its token has ended, and nothing else."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from tenants.records import SYSTEM, SignedClaims, TrustProfileRecord
from tenants.services import cut_offs
from tests.factories.tenants import make_tenant
from tokens import foreign_token_store
from tokens.foreign_token_store import KnownToken, PresentedToken
from tokens.models import ForeignToken
from tokens.replay import identify, identify_unverified
from tokens.token_ids import expiry_of

if TYPE_CHECKING:
    from uuid import UUID

pytestmark = pytest.mark.django_db
SUBJECT = uuid.uuid4()
API = uuid.uuid4()
CLAIMS = SignedClaims(
    issuer="https://partner.example",
    subject="alice",
    audiences=("https://us.example",),
    issued_at=0,
    expires_at=0,
    not_before=None,
    token_id="one",
    key_id=None,
    algorithm="ES256",
    claims={},
    signing_input_hash=b"s" * 32,
)
PROFILE = TrustProfileRecord(
    id=uuid.uuid4(),
    slug="partner",
    issuer="https://partner.example",
    audience="https://us.example",
    algorithms=frozenset(("ES256",)),
)


@pytest.fixture
def tenant_id() -> UUID:
    return make_tenant().pk


@pytest.fixture
def token(tenant_id: UUID) -> PresentedToken:
    now = int(time.time())
    return PresentedToken(
        tenant_id=tenant_id,
        profile=PROFILE,
        signed=CLAIMS,
        scopes=("read",),
        api_ids=(API,),
        issued_at=now,
        expires_at=now + 600,
    )


def _add(token: PresentedToken, subject: UUID = SUBJECT) -> KnownToken:
    return foreign_token_store.add(token, subject, now=time.time())


def _look_up(token: PresentedToken, subject: UUID | None = SUBJECT, after: float = 0) -> KnownToken:
    return foreign_token_store.look_up(token, subject, now=time.time() + after)


def test_a_row_keeps_what_ends_the_token_and_no_token(token: PresentedToken) -> None:
    known = _add(token)
    row = ForeignToken.objects.get()
    assert (known.id, known.refusal) == (row.pk, "")
    assert (row.subject_id, row.api_ids, row.scopes) == (SUBJECT, [API], ["read"])
    assert bytes(row.token_hash) == identify(CLAIMS)
    assert expiry_of(row.pk) == token.expires_at * 1_000
    assert _look_up(token) == known
    assert str(row) == str(row.pk)


def test_who_loses_the_race_answers_what_the_winner_kept(token: PresentedToken) -> None:
    assert _add(token) == _add(token)
    assert ForeignToken.objects.count() == 1
    assert _add(token, uuid.uuid4()).refusal == "subject_changed"


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "another text": ({"signed": replace(CLAIMS, signing_input_hash=b"t" * 32)}, "jti_of_another"),
    "another profile": ({"profile": replace(PROFILE, id=uuid.uuid4())}, ""),
    "another jti": ({"signed": replace(CLAIMS, token_id="two")}, ""),
    "no jti": ({"signed": replace(CLAIMS, token_id=None)}, ""),
}


@pytest.mark.parametrize(("fields", "refusal"), CHANGES.values(), ids=CHANGES)
def test_another_token_has_no_part_in_a_row(
    token: PresentedToken, fields: dict[str, Any], refusal: str
) -> None:
    _add(token)
    known = _look_up(replace(token, **fields))
    assert known.refusal.startswith(refusal)
    assert bool(known.refusal) is bool(refusal)
    assert (known.id is None) is not bool(refusal)


def test_a_neighbour_knows_nothing_of_it(token: PresentedToken) -> None:
    _add(token)
    assert _look_up(replace(token, tenant_id=make_tenant("initech").pk)) == KnownToken(None)


def test_a_row_expires(token: PresentedToken) -> None:
    _add(token)
    assert _look_up(token, after=599).refusal == ""
    assert _look_up(token, after=600).refusal == "expired"


def test_what_is_ended_stays_ended(token: PresentedToken) -> None:
    assert not foreign_token_store.is_ended(token.tenant_id, PROFILE, CLAIMS)
    foreign_token_store.end(token, now=time.time())
    first = ForeignToken.objects.get().revoked_at
    foreign_token_store.end(token, now=time.time() + 60)
    assert ForeignToken.objects.get().revoked_at == first
    assert foreign_token_store.is_ended(token.tenant_id, PROFILE, CLAIMS)
    assert _add(token).refusal == _look_up(token, None).refusal == "revoked"


def test_a_cut_off_that_came_in_between_keeps_nothing(token: PresentedToken) -> None:
    assert _look_up(token) == KnownToken(None)
    cut_offs.end(token.tenant_id, actor=SYSTEM, subject_id=SUBJECT)
    assert _add(token) == KnownToken(None, "issued_before_cut_off")
    assert not ForeignToken.objects.exists()


def test_a_later_cut_off_counts_whatever_the_clock_says(token: PresentedToken) -> None:
    """A row is ended by the number: its token may claim to be from the future."""
    later = replace(token, issued_at=token.issued_at + 3_600, expires_at=token.expires_at + 3_600)
    _add(later)
    cut_offs.end(token.tenant_id, actor=SYSTEM, api_id=API)
    assert _look_up(later).refusal == "cut_off"


def test_an_earlier_cut_off_spares_who_came_later(token: PresentedToken) -> None:
    cut_off = cut_offs.end(token.tenant_id, actor=SYSTEM, trust_profile_id=PROFILE.id)
    type(cut_off).objects.update(created_at=timezone.now() - timedelta(seconds=60))
    known = _add(token)
    assert known.refusal == ""
    assert ForeignToken.objects.get().cut_off_number == cut_off.number
    assert _look_up(token) == known


@pytest.mark.parametrize("seconds", [29, 30, 31])
@pytest.mark.parametrize("selector", ["subject_id", "api_id", "trust_profile_id", ""])
def test_a_token_is_younger_than_a_cut_off_by_more_than_the_skew_to_the_second(
    token: PresentedToken, selector: str, seconds: int
) -> None:
    assert token.profile.clock_skew_seconds == 30
    is_kept = seconds == 31
    ids = {"subject_id": SUBJECT, "api_id": API, "trust_profile_id": PROFILE.id}
    chosen: dict[str, Any] = {selector: ids[selector]} if selector else {}
    cut_off = cut_offs.end(token.tenant_id, actor=SYSTEM, **chosen)
    moment = datetime.fromtimestamp(token.issued_at, UTC)
    type(cut_off).objects.update(created_at=moment)
    later = replace(token, issued_at=token.issued_at + seconds)
    refusal = "" if is_kept else "issued_before_cut_off"
    assert _look_up(later).refusal == refusal
    assert _add(later).refusal == refusal
    assert ForeignToken.objects.exists() is is_kept


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "é.ü.ß", "e30.W10.AA", "." * 20_000])
def test_what_is_no_jwt_is_not_identified(text: str) -> None:
    assert identify_unverified(text) is None
