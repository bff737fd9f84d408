"""Passwords are set whole or not at all, and end what was begun under the old one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tenants.credentials import is_typed_secret
from tenants.errors import Conflict, InvalidEntity, NotFound
from tenants.models import AuditDetail, AuditEvent, ConfigurationChange, CutOff, SubjectPassword
from tenants.queries.subject_credentials import normalise_password
from tenants.records import SYSTEM, Actor
from tenants.services.subject_credentials import set_password, sign_up, verify_email
from tests.factories.people import make_subject
from tests.factories.tenants import make_tenant

if TYPE_CHECKING:
    from tenants.models import Subject, Tenant

pytestmark = pytest.mark.django_db
PASSWORD = "a long new sentence"
PERSON = Actor("subject", id="7", address="192.0.2.7")


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with nobody in it."""
    return make_tenant()


@pytest.fixture
def subject(tenant: Tenant) -> Subject:
    """Ana, who has no password yet."""
    return make_subject(tenant)


def test_a_password_is_a_hash_and_its_cut_off_the_newest(tenant: Tenant, subject: Subject) -> None:
    number = set_password(tenant.pk, subject.pk, PASSWORD, actor=PERSON)
    row = SubjectPassword.objects.get()
    assert is_typed_secret(PASSWORD, row.password_hash)
    assert CutOff.objects.get(number=number).subject_id == subject.pk


def test_a_second_password_replaces_the_first(tenant: Tenant, subject: Subject) -> None:
    set_password(tenant.pk, subject.pk, PASSWORD, actor=PERSON)
    set_password(tenant.pk, subject.pk, f"{PASSWORD} again", actor=PERSON)
    row = SubjectPassword.objects.get()
    assert not is_typed_secret(PASSWORD, row.password_hash)
    assert is_typed_secret(f"{PASSWORD} again", row.password_hash)


def test_who_did_it_is_audited_without_the_secret(tenant: Tenant, subject: Subject) -> None:
    set_password(tenant.pk, subject.pk, PASSWORD, actor=PERSON)
    event = AuditEvent.objects.get(event="subject_password.created")
    assert (event.actor_kind, event.actor_id) == ("subject", "7")
    written = [
        *AuditEvent.objects.values(),
        *AuditDetail.objects.values(),
        *ConfigurationChange.objects.values(),
    ]
    assert PASSWORD not in str(written)
    assert SubjectPassword.objects.get().password_hash not in str(written)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="empty"),
        pytest.param("eleven char", id="short"),
        pytest.param("x" * 513, id="long"),
        pytest.param("password1234", id="common"),
        pytest.param("ana@example.org", id="address"),
        pytest.param("Ana Silva 12", id="name"),
        pytest.param("a\x00sentence with NUL", id="NUL"),
        pytest.param("a\ud800 half character", id="surrogate"),
    ],
)
def test_a_bad_password_changes_nothing(tenant: Tenant, subject: Subject, password: str) -> None:
    with pytest.raises(InvalidEntity, match="password"):
        set_password(tenant.pk, subject.pk, password, actor=PERSON)
    assert not SubjectPassword.objects.exists()
    assert not CutOff.objects.exists()


def test_only_an_enabled_person_of_the_tenant_gets_one(tenant: Tenant) -> None:
    disabled = make_subject(tenant, is_enabled=False)
    elsewhere = make_subject(make_tenant("initech"))
    for subject_id in (disabled.pk, elsewhere.pk, uuid.uuid4()):
        with pytest.raises(NotFound):
            set_password(tenant.pk, subject_id, PASSWORD, actor=PERSON)


@pytest.mark.parametrize("password", [PASSWORD, ""], ids=["password", "none"])
def test_who_signs_up_has_a_verified_address(tenant: Tenant, password: str) -> None:
    subject = sign_up(tenant.pk, "nia@example.org", "Nia", password, actor=SYSTEM)
    assert subject.is_email_verified
    assert SubjectPassword.objects.filter(subject=subject).exists() == bool(password)
    assert not CutOff.objects.exists()


@pytest.mark.parametrize("email", ["ana@example.org", "Ana@example.org"])
def test_a_verified_address_is_taken(tenant: Tenant, subject: Subject, email: str) -> None:
    assert subject.email == "ana@example.org"
    with pytest.raises(Conflict):
        sign_up(tenant.pk, email, "Eve", PASSWORD, actor=SYSTEM)


def test_an_address_that_is_only_claimed_is_free(tenant: Tenant) -> None:
    make_subject(tenant, "nia@example.org", is_email_verified=False)
    assert sign_up(tenant.pk, "nia@example.org", "Nia", PASSWORD, actor=SYSTEM).pk


def test_a_weak_password_makes_no_account(tenant: Tenant) -> None:
    with pytest.raises(InvalidEntity):
        sign_up(tenant.pk, "nia@example.org", "Nia", "short", actor=SYSTEM)
    assert not tenant.subjects.exists()


def test_only_the_address_that_got_the_link_is_verified(tenant: Tenant) -> None:
    subject = make_subject(tenant, "bo@example.org", is_email_verified=False)
    verify_email(tenant.pk, subject.pk, "other@example.org", actor=PERSON)
    subject.refresh_from_db()
    assert not subject.is_email_verified
    verify_email(tenant.pk, subject.pk, "bo@example.org", actor=PERSON)
    subject.refresh_from_db()
    assert subject.is_email_verified


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("mu\u0308nchen", "m\u00fcnchen"),
        ("a\u00a0b\u2003c", "a b c"),
        ("\ufb01ne", "\ufb01ne"),
        ("A b", "A b"),
    ],
    ids=["composed", "spaces", "ligature stays", "case stays"],
)
def test_a_password_is_normalised_as_an_opaque_string(typed: str, normal: str) -> None:
    assert normalise_password(typed) == normal
