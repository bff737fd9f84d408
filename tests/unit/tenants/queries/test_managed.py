"""Every kind of entity that the management API shows is read alike: one tenant, few statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.errors import NotFound
from tenants.models import (
    ClaimProfile,
    ClaimRule,
    Group,
    InitialAccessToken,
    Subject,
    SubjectIdentity,
    TrustProfile,
)
from tenants.queries.managed import find_targets
from tenants.queries.managed_claims import CLAIM_PROFILES, CLAIM_RULES
from tenants.queries.managed_clients import CLIENTS, ClientFilter, list_clients
from tenants.queries.managed_master_tokens import MASTER_TOKENS
from tenants.queries.managed_policies import LINKS, POLICIES
from tenants.queries.managed_registration_tokens import INITIAL_ACCESS_TOKENS
from tenants.queries.managed_trust_profiles import TRUST_PROFILES
from tenants.queries.managed_users import GROUPS, SUBJECTS, ManagedSubjectFilter, list_subjects
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.registration_tokens import create_initial_access_token
from tests.factories.master_tokens import make_application

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tenants.queries.managed import Managed

pytestmark = pytest.mark.django_db
# How many statements one row or a page of them takes, where every link has a target.
KINDS: dict[str, tuple[Managed[Any], int]] = {
    "clients": (CLIENTS, 6),
    "policies": (POLICIES, 7),
    "trust profiles": (TRUST_PROFILES, 3),
    "claim rules": (CLAIM_RULES, 1),
    "claim profiles": (CLAIM_PROFILES, 1),
    "subjects": (SUBJECTS, 4),
    "groups": (GROUPS, 1),
    "master tokens": (MASTER_TOKENS, 2),
    "initial access tokens": (INITIAL_ACCESS_TOKENS, 1),
}


def make_world(slug: str) -> Tenant:
    """Make a tenant that has one or two of each kind."""
    made = make_application(slug)
    tenant = made.tenant
    profile = TrustProfile(tenant=tenant, slug="partner", issuer="https://p.example")
    profile.algorithms, profile.jwks_uri = ["ES256"], "https://p.example/jwks"
    changes.save(profile, actor=SYSTEM)
    token = InitialAccessToken(tenant=tenant, label="t", expires_at=timezone.now())
    create_initial_access_token(token, actor=SYSTEM)
    changes.save(ClaimRule(tenant=tenant, slug="plan", claim="plan", value=1), actor=SYSTEM)
    changes.save(ClaimProfile(tenant=tenant, slug="mine", base="rfc9068"), actor=SYSTEM)
    changes.save(Group(tenant=tenant, slug="staff"), actor=SYSTEM)
    subject = Subject(tenant=tenant, external_id="c-1", email="anna@example.com")
    changes.save(subject, actor=SYSTEM)
    identity = SubjectIdentity(tenant=tenant, subject=subject, trust_profile=profile, sub="anna")
    changes.save(identity, actor=SYSTEM)
    return tenant


@pytest.fixture
def tenant() -> Tenant:
    return make_world("globex")


@pytest.mark.parametrize(("managed", "count"), KINDS.values(), ids=KINDS)
def test_a_row_and_a_page_cost_the_same(tenant: Tenant, managed: Managed[Any], count: int) -> None:
    with CaptureQueriesContext(connection) as statements:
        page = managed.page(tenant.pk, after="", limit=10)
    assert page
    assert len(statements) == count
    with CaptureQueriesContext(connection) as statements:
        assert managed.get(tenant.pk, page[0].pk) == page[0]
    assert len(statements) == count


@pytest.mark.parametrize("managed", [managed for managed, _ in KINDS.values()], ids=KINDS)
def test_a_page_begins_behind_the_one_before(tenant: Tenant, managed: Managed[Any]) -> None:
    whole = managed.page(tenant.pk, after=None, limit=10)
    names = [getattr(row, managed.order) for row in whole]
    assert names == sorted(names)
    assert managed.page(tenant.pk, after=names[0], limit=10) == whole[1:]
    assert managed.page(tenant.pk, after="", limit=1) == whole[:1]
    assert managed.page(tenant.pk, after=names[-1], limit=10) == []


@pytest.mark.parametrize("managed", [managed for managed, _ in KINDS.values()], ids=KINDS)
def test_nothing_of_another_tenant_is_found(tenant: Tenant, managed: Managed[Any]) -> None:
    foreign = managed.page(make_world("initech").pk, after=None, limit=1)[0]
    ids = [row.pk for row in managed.page(tenant.pk, after=None, limit=10)]
    assert foreign.pk not in ids
    for entity_id in (foreign.pk, uuid4()):
        with pytest.raises(NotFound):
            managed.get(tenant.pk, entity_id)


def test_an_absent_value_of_a_filter_shows_them_all(tenant: Tenant) -> None:
    def clients(wanted: ClientFilter) -> list[str]:
        return [client.client_id for client in list_clients(tenant.pk, wanted, after="", limit=9)]

    def subjects(wanted: ManagedSubjectFilter) -> int:
        return len(list_subjects(tenant.pk, wanted, after=None, limit=9))

    assert clients(ClientFilter()) == clients(ClientFilter("app", "spa", is_enabled=True))
    assert clients(ClientFilter(is_enabled=False)) == clients(ClientFilter("other")) == []
    assert subjects(ManagedSubjectFilter()) == subjects(ManagedSubjectFilter("c-1")) == 1
    assert subjects(ManagedSubjectFilter(is_enabled=False)) == 0
    assert len(POLICIES.page(tenant.pk, after="", limit=9, effect="")) == 1
    assert POLICIES.page(tenant.pk, after="", limit=9, effect="deny") == []


@pytest.mark.parametrize("link", LINKS)
def test_targets_are_found_by_the_names_of_their_tenant(tenant: Tenant, link: str) -> None:
    model, naming = LINKS[link]
    theirs = model._default_manager.filter(tenant=make_world("initech"))  # noqa: SLF001 - Django's public API.
    ours = model._default_manager.filter(tenant=tenant)  # noqa: SLF001 - as above.
    names = [getattr(row, naming) for row in ours]
    unknown = uuid4() if naming == "pk" else "nobody"
    found = find_targets(tenant.pk, LINKS[link], [*names, unknown])
    assert found == {str(getattr(row, naming)): row for row in ours}
    foreign = [getattr(row, naming) for row in theirs if isinstance(getattr(row, naming), UUID)]
    assert find_targets(tenant.pk, LINKS[link], foreign) == {}
