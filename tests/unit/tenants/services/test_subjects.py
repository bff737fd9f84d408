"""Tests of end users: made once, and ended with what they hold."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from tenants.errors import InvalidEntity
from tenants.models import (
    CutOff,
    Subject,
    SubjectIdentity,
    Tenant,
)
from tenants.records import SYSTEM, TrustMatch
from tenants.services.subjects import provision_subject, save_subject
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import (
    make_api,
    make_tenant,
)
from tests.unit.tenants.services.test_trust_profiles import make_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


def _reads() -> list[dict[str, Any]]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return [*CutOff.objects.order_by("number").values(*names)]


def _only(**selector: object) -> dict[str, object]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return dict.fromkeys(names) | selector


def test_provisioning_twice_makes_one_subject(tenant: Tenant) -> None:
    profile = save_trust_profile(make_profile(tenant), actor=SYSTEM)
    match = TrustMatch(profile.pk, profile.issuer, "alice", None, "create")
    first = provision_subject(tenant.pk, match, actor=SYSTEM)
    assert first is not None
    assert provision_subject(tenant.pk, match, actor=SYSTEM) == first
    assert Subject.objects.count() == SubjectIdentity.objects.count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_provisioning_at_once_makes_one_subject() -> None:
    tenant = make_tenant()
    profile = save_trust_profile(make_profile(tenant), actor=SYSTEM)
    match = TrustMatch(profile.pk, profile.issuer, "alice", None, "create")
    made: list[object] = []

    def provision() -> None:
        try:
            made.append(provision_subject(tenant.pk, match, actor=SYSTEM))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=provision) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    assert Subject.objects.count() == 1


def test_attributes_are_bounded_in_bytes(tenant: Tenant) -> None:
    largest = {"a": "ä" * 8_188}
    subject = save_subject(Subject(tenant=tenant, attributes=largest), actor=SYSTEM)
    subject.attributes = {"a": "ä" * 8_189}
    with pytest.raises(InvalidEntity) as refused:
        save_subject(subject, actor=SYSTEM)
    assert "16384 bytes" in refused.value.messages["attributes"][0]


def test_who_had_larger_attributes_before_can_be_disabled(tenant: Tenant) -> None:
    subject = Subject.objects.create(tenant=tenant, attributes={"a": "a" * 20_000})
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert not Subject.objects.get().is_enabled


def test_disabling_a_subject_ends_its_tokens(tenant: Tenant) -> None:
    subject = save_subject(Subject(tenant=tenant), actor=SYSTEM)
    assert _reads() == []
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert _reads() == [_only(subject_id=subject.pk)]
