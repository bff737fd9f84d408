"""Whom a name means is found by one statement, in one tenant, and never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.queries import subject_credentials
from tests.factories.people import make_subject, make_subject_with_password
from tests.factories.tenants import make_tenant

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
EMAIL = "ana@example.org"


@pytest.fixture
def tenant() -> Tenant:
    """A tenant with nobody in it."""
    return make_tenant()


def test_each_look_is_one_statement(
    tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    subject = make_subject_with_password(tenant, EMAIL)
    with django_assert_num_queries(1):
        assert subject_credentials.find_password(tenant.pk, EMAIL) is not None
    with django_assert_num_queries(1):
        assert subject_credentials.find_recipient(tenant.pk, EMAIL) == (subject.pk, EMAIL)
    with django_assert_num_queries(1):
        assert subject_credentials.is_email_taken(tenant.pk, EMAIL)
    with django_assert_num_queries(1):
        assert subject_credentials.has_password(tenant.pk, subject.pk)
    with django_assert_num_queries(1):
        assert subject_credentials.find_address(tenant.pk, subject.pk) == (subject.pk, EMAIL)


def test_a_foreign_tenant_has_nobody_of_ours(tenant: Tenant) -> None:
    subject = make_subject_with_password(tenant, EMAIL)
    other = make_tenant("initech").pk
    assert subject_credentials.find_password(other, EMAIL) is None
    assert subject_credentials.find_recipient(other, EMAIL) is None
    assert subject_credentials.find_address(other, subject.pk) is None
    assert not subject_credentials.is_email_taken(other, EMAIL)
    assert not subject_credentials.has_password(other, subject.pk)


def test_the_tenants_own_name_wins_over_an_address(tenant: Tenant) -> None:
    make_subject_with_password(tenant, EMAIL)
    named = make_subject_with_password(tenant, "other@example.org", external_id=EMAIL)
    found = subject_credentials.find_password(tenant.pk, EMAIL)
    assert found is not None
    assert found.subject_id == named.pk


def test_mail_goes_to_nobody_where_two_have_the_address(tenant: Tenant) -> None:
    make_subject(tenant, EMAIL)
    make_subject(tenant, EMAIL)
    assert subject_credentials.find_recipient(tenant.pk, EMAIL) is None


def test_the_disabled_are_found_by_nobody_but_keep_their_address(tenant: Tenant) -> None:
    subject = make_subject_with_password(tenant, EMAIL, is_enabled=False)
    assert subject_credentials.find_password(tenant.pk, EMAIL) is None
    assert subject_credentials.find_recipient(tenant.pk, EMAIL) is None
    assert subject_credentials.find_address(tenant.pk, subject.pk) is None
    assert subject_credentials.is_email_taken(tenant.pk, EMAIL)


@pytest.mark.parametrize(
    "text", ["", "a\x00b", "\ud800", "x" * 256], ids=["empty", "NUL", "surrogate", "long"]
)
def test_what_no_row_can_hold_is_nobody(tenant: Tenant, text: str) -> None:
    assert subject_credentials.find_password(tenant.pk, text) is None
    assert subject_credentials.find_recipient(tenant.pk, text) is None
