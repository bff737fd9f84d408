"""At first sight a trust profile links or creates: once, within its quota, in its own tenant."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connections

from tenants.errors import QuotaUsedUp
from tenants.models import AuditEvent, Subject, SubjectIdentity, SubjectQuota, Tenant, TrustProfile
from tenants.records import SYSTEM, TrustMatch
from tenants.services import changes
from tenants.services.subjects import provision_subject, save_subject
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import make_tenant
from tests.unit.tenants.services.test_trust_profiles import make_profile

pytestmark = pytest.mark.django_db
EMAIL = "alice@globex.example"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


@pytest.fixture
def profile(tenant: Tenant) -> TrustProfile:
    return save_trust_profile(make_profile(tenant), actor=SYSTEM)


def match_of(profile: TrustProfile, sub: str = "alice", **fields: Any) -> TrustMatch:  # noqa: ANN401
    values = {"scopes": None, "provisioning": "refuse", "linking_email": EMAIL, **fields}
    return TrustMatch(profile.pk, profile.issuer, sub, **values)


def make_subject(tenant: Tenant, **fields: Any) -> Subject:  # noqa: ANN401 - of a subject.
    values = {"email": EMAIL, "is_email_verified": True, **fields}
    return save_subject(Subject(tenant=tenant, **values), actor=SYSTEM)


def see(match: TrustMatch, tenant: Tenant) -> Subject | None:
    return provision_subject(tenant.pk, match, actor=SYSTEM)


def test_a_verified_address_links_the_subject_that_has_it(
    tenant: Tenant, profile: TrustProfile
) -> None:
    subject = make_subject(tenant)
    assert see(match_of(profile), tenant) == subject
    assert SubjectIdentity.objects.get().subject == subject
    event = AuditEvent.objects.get(event="subject.linked")
    assert (event.entity_kind, event.entity_id) == ("subject", str(subject.pk))
    assert event.tenant_id == tenant.pk


def test_linking_comes_before_creating_and_uses_no_quota(
    tenant: Tenant, profile: TrustProfile
) -> None:
    subject = make_subject(tenant)
    assert see(match_of(profile, provisioning="create", max_subjects_per_day=1), tenant) == subject
    assert not SubjectQuota.objects.exists()
    assert Subject.objects.count() == 1


UNLINKABLE: dict[str, dict[str, Any]] = {
    "another address": {"email": "bob@globex.example"},
    "the address in capitals": {"email": "Alice@globex.example"},
    "an address that is not verified here": {"is_email_verified": False},
    "disabled": {"is_enabled": False},
}


@pytest.mark.parametrize("fields", UNLINKABLE.values(), ids=UNLINKABLE)
@pytest.mark.parametrize("provisioning", ["refuse", "create"])
def test_who_can_not_be_linked_stays_who_they_are(
    tenant: Tenant, profile: TrustProfile, provisioning: str, fields: dict[str, Any]
) -> None:
    subject = make_subject(tenant, **fields)
    found = see(match_of(profile, provisioning=provisioning), tenant)
    assert found != subject
    assert (found is None) == (provisioning == "refuse")
    assert not subject.identities.exists()
    assert not AuditEvent.objects.filter(event="subject.linked").exists()


def test_an_address_that_two_have_links_nobody(tenant: Tenant, profile: TrustProfile) -> None:
    make_subject(tenant)
    make_subject(tenant, is_email_verified=False)
    assert see(match_of(profile), tenant) is None


def test_a_disabled_namesake_does_not_hinder(tenant: Tenant, profile: TrustProfile) -> None:
    make_subject(tenant, is_enabled=False)
    subject = make_subject(tenant)
    assert see(match_of(profile), tenant) == subject


def test_nobody_of_another_tenant_is_linked(tenant: Tenant, profile: TrustProfile) -> None:
    make_subject(make_tenant("initech"))
    assert see(match_of(profile), tenant) is None
    assert not SubjectIdentity.objects.exists()


def test_an_empty_address_links_nobody(tenant: Tenant, profile: TrustProfile) -> None:
    make_subject(tenant, email="")
    assert see(match_of(profile, linking_email=""), tenant) is None


def test_an_address_that_was_given_to_somebody_else_brings_nothing_along(
    tenant: Tenant, profile: TrustProfile
) -> None:
    subject = make_subject(tenant)
    assert see(match_of(profile, "first owner"), tenant) == subject
    assert see(match_of(profile, "second owner"), tenant) is None
    assert see(match_of(profile, "first owner", linking_email=""), tenant) == subject


def test_who_is_known_is_never_linked_anew(tenant: Tenant, profile: TrustProfile) -> None:
    known = make_subject(tenant, email="old@globex.example")
    changes.save(
        SubjectIdentity(tenant=tenant, subject=known, trust_profile=profile, sub="alice"),
        actor=SYSTEM,
    )
    make_subject(tenant)
    assert see(match_of(profile), tenant) == known


def test_two_profiles_may_link_the_same_subject(tenant: Tenant, profile: TrustProfile) -> None:
    subject = make_subject(tenant)
    other = save_trust_profile(
        make_profile(tenant, slug="q", issuer="https://q.example"), actor=SYSTEM
    )
    assert see(match_of(profile), tenant) == see(match_of(other), tenant) == subject


def create(profile: TrustProfile, sub: str, limit: int) -> TrustMatch:
    return match_of(
        profile, sub, provisioning="create", linking_email="", max_subjects_per_day=limit
    )


def test_a_profile_creates_no_more_than_its_quota_in_a_day(
    tenant: Tenant, profile: TrustProfile
) -> None:
    with time_machine.travel(datetime(2026, 5, 1, 23, 0, tzinfo=UTC), tick=False) as clock:
        for number in range(3):
            see(create(profile, f"u{number}", 3), tenant)
        with pytest.raises(QuotaUsedUp) as refused:
            see(create(profile, "u3", 3), tenant)
        assert refused.value.retry_after_seconds == 3_600
        assert see(create(profile, "u0", 3), tenant) is not None
        clock.shift(3_600)
        assert see(create(profile, "u3", 3), tenant) is not None
    assert Subject.objects.count() == 4
    row = SubjectQuota.objects.get()
    assert (row.tenant_id, row.count) == (tenant.pk, 1)


def test_a_profile_uses_up_nothing_of_another(tenant: Tenant, profile: TrustProfile) -> None:
    other = save_trust_profile(
        make_profile(tenant, slug="q", issuer="https://q.example"), actor=SYSTEM
    )
    assert see(create(profile, "a", 1), tenant) is not None
    assert see(create(other, "a", 1), tenant) is not None


def at_once(tenant: Tenant, matches: list[TrustMatch]) -> list[Subject | None]:
    made: list[Subject | None] = []

    def run(match: TrustMatch) -> None:
        try:
            made.append(provision_subject(tenant.pk, match, actor=SYSTEM))
        except QuotaUsedUp:
            made.append(None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[match]) for match in matches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(matches)
    return made


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_quota_holds_when_many_come_at_once() -> None:
    tenant = make_tenant()
    profile = save_trust_profile(make_profile(tenant), actor=SYSTEM)
    made = at_once(tenant, [create(profile, f"u{number}", 3) for number in range(8)])
    assert sum(subject is not None for subject in made) == 3
    assert Subject.objects.count() == SubjectIdentity.objects.count() == 3


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_names_that_come_at_once_with_one_address_link_once() -> None:
    tenant = make_tenant()
    profile = save_trust_profile(make_profile(tenant), actor=SYSTEM)
    subject = make_subject(tenant)
    made = at_once(tenant, [match_of(profile, f"u{number}") for number in range(6)])
    assert [found for found in made if found is not None] == [subject]
    assert SubjectIdentity.objects.count() == 1
