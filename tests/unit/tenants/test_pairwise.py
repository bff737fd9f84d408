"""Pairwise ids: vectors that must never change, as clients keep them for ever."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.pairwise import name_sign_in, name_subject
from tenants.records import InteractiveRecord
from tests.factories.records import make_client, make_tenant

SUBJECT = UUID("018f3c7a-5b1e-7c3d-9a2b-4f5e6d7c8b9a")
TENANT = make_tenant(pairwise_salt=bytes(range(32)))
VECTORS = {
    "app.example": "c82ab072-ef9a-85bd-a884-883a4b8cd3e5",
    "other.example": "cc84d96b-7e6f-85ae-9c6c-48e5a18bbe61",
    "": "4f1d64c7-24d5-849e-834e-0f685268adaa",
}


def name(subject_id: UUID, sector: str, *, salt: bytes = TENANT.pairwise_salt) -> str:
    client = make_client(interactive=InteractiveRecord(is_pairwise=True, sector=sector))
    return name_subject(subject_id, client, replace(TENANT, pairwise_salt=salt))


@pytest.mark.parametrize(("sector", "expected"), VECTORS.items(), ids=["app", "other", "none"])
def test_vectors(sector: str, expected: str) -> None:
    assert name(SUBJECT, sector) == expected


def test_public_id_is_the_subjects_own() -> None:
    assert name_subject(SUBJECT, make_client(), TENANT) == str(SUBJECT)


@given(subject_id=st.uuids(), sector=st.text(max_size=40))
def test_it_is_an_id_of_its_own_kind(subject_id: UUID, sector: str) -> None:
    """A UUID of version 8 can't be one of ours, which are random or by time."""
    named = UUID(name(subject_id, sector))
    assert (named.version, named.variant) == (8, "specified in RFC 4122")
    assert named != subject_id
    assert name(subject_id, sector) == str(named)
    assert name(subject_id, sector + "x") != str(named)
    assert name(subject_id, sector, salt=b"another") != str(named)


def test_sector_and_subject_do_not_run_into_each_other() -> None:
    """What is hashed can't be read as another sector with another subject."""
    shifted = UUID(bytes=b"\x00" + SUBJECT.bytes[:15])
    assert name(SUBJECT, "a") != name(shifted, "a" + chr(SUBJECT.bytes[15] & 0x7F))


def test_sign_in_is_named_by_sector_and_never_as_a_subject() -> None:
    client = make_client(interactive=InteractiveRecord(is_pairwise=True, sector="app.example"))
    assert name_sign_in(SUBJECT, client, TENANT) == "173940d4-fbf0-8293-a5b5-2e954870dad1"
    assert name_sign_in(SUBJECT, client, TENANT) != name_subject(SUBJECT, client, TENANT)
    assert name_sign_in(SUBJECT, make_client(), TENANT) == str(SUBJECT)
