"""A trial says what acceptance would, and stores nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import Subject, SubjectIdentity, TrustProfile
from tenants.queries.trust_profiles import read_trust_profile
from tenants.records import SYSTEM
from tenants.services.subjects import save_subject
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import make_api, make_tenant
from tests.rfc.signers import assertion_claims, make_signer
from tests.rfc.verification import issuer_of
from tokens.foreign_trials import Outcome, Trial, try_token
from tokens.models import ReplayedAssertion

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
PARTNER = "https://partner.example"
SIGNER = make_signer()
EMAIL = "alice@globex.example"
OF_PARTNER: dict[str, Any] = {
    "slug": "p",
    "issuer": PARTNER,
    "algorithms": ["ES256"],
    "jwks": [SIGNER.jwk],
}


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def trust(tenant: Tenant, **fields: Any) -> TrustProfile:  # noqa: ANN401 - of a profile.
    return save_trust_profile(TrustProfile(tenant=tenant, **(OF_PARTNER | fields)), actor=SYSTEM)


def attempt(profile: TrustProfile, typ: str = "JWT", **claims: Any) -> Trial:  # noqa: ANN401 - JSON.
    record = read_trust_profile(profile.tenant_id, profile.pk, base_url=settings.TENANTS_BASE_URL)
    assert record is not None
    said = assertion_claims(PARTNER, "alice", issuer_of(profile.tenant), **claims)
    token = SIGNER.sign(said, typ=typ)
    return try_token(profile.tenant_id, record, token, time.time())


@pytest.mark.parametrize(
    ("provisioning", "outcome"), [("create", Outcome.CREATED), ("refuse", Outcome.UNKNOWN)]
)
def test_a_new_name_is_created_or_unknown(
    tenant: Tenant, provisioning: str, outcome: Outcome
) -> None:
    trial = attempt(trust(tenant, provisioning=provisioning))
    assert (trial.is_accepted, trial.outcome, trial.subject_id) == (True, outcome, None)
    assert not Subject.objects.exists()
    assert not ReplayedAssertion.objects.exists()


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt"])
def test_an_access_token_passes_where_it_is_accepted_directly_and_the_page_says_so(
    tenant: Tenant, typ: str
) -> None:
    links = {"direct_apis": [make_api(tenant)]}
    profile = TrustProfile(tenant=tenant, **OF_PARTNER, is_accepted_directly=True)
    save_trust_profile(profile, actor=SYSTEM, links=links)
    trial = attempt(profile, typ)
    assert trial.is_accepted
    assert "directly only" in next(c.detail for c in trial.checks if c.name == "type")
    assert attempt(profile).is_accepted
    for other in ("dpop+jwt", "logout+jwt"):
        assert not attempt(profile, other).is_accepted
    profile.is_accepted_directly = False
    save_trust_profile(profile, actor=SYSTEM)
    reasons = [check.reason for check in attempt(profile, typ).checks if not check.passed]
    assert reasons == ["wrong_type"]


def test_a_known_name_is_told_with_its_subject(tenant: Tenant) -> None:
    profile = trust(tenant)
    subject = save_subject(Subject(tenant=tenant), actor=SYSTEM)
    SubjectIdentity.objects.create(
        tenant=tenant, subject=subject, trust_profile=profile, sub="alice"
    )
    trial = attempt(profile)
    assert (trial.outcome, trial.subject_id) == (Outcome.KNOWN, subject.pk)


def test_who_would_be_linked_is_told_and_not_linked(tenant: Tenant) -> None:
    profile = trust(tenant, linking_claim="email", linking_verified_claim="email_verified")
    subject = Subject(tenant=tenant, email=EMAIL, is_email_verified=True)
    save_subject(subject, actor=SYSTEM)
    trial = attempt(profile, email=EMAIL, email_verified=True)
    assert (trial.outcome, trial.subject_id) == (Outcome.LINKED, subject.pk)
    assert attempt(profile, email=EMAIL, email_verified="true").outcome is Outcome.UNKNOWN
    assert not SubjectIdentity.objects.exists()


def test_of_a_refused_token_nobody_is_looked_up(tenant: Tenant) -> None:
    profile = trust(tenant)
    with CaptureQueriesContext(connection) as statements:
        trial = attempt(profile, aud="https://elsewhere.example")
    assert (trial.is_accepted, trial.outcome) == (False, None)
    assert len(statements) == 1, "only the profile is read"


def test_a_profile_of_another_tenant_is_none(tenant: Tenant) -> None:
    foreign = trust(make_tenant("initech"))
    base_url = settings.TENANTS_BASE_URL
    assert read_trust_profile(tenant.pk, foreign.pk, base_url=base_url) is None
