"""A tenant's policies see and name that tenant only: in service, database and on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from tenants.errors import InvalidEntity
from tenants.models import AccessPolicy, Group, TrustProfile
from tenants.queries.console import console_role
from tenants.queries.operators import ConsoleReach
from tenants.queries.policy_trials import Question, try_policy
from tenants.queries.subjects import find_subjects
from tenants.queries.tenant_core import read_core
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.policies import LINKS, make_policy
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.factories.tokens import make_subject
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def make_links(tenant: Tenant) -> dict[str, list[Any]]:
    """Make one entity of each kind that a policy may link to."""
    api = make_api(tenant)
    group, person = Group(tenant=tenant, slug="staff"), make_subject(tenant)
    changes.save(group, actor=SYSTEM, links={"subjects": [person]})
    profile = TrustProfile.objects.create(
        tenant=tenant, slug="partner", issuer="https://p.example", algorithms=["ES256"]
    )
    made = make_client(tenant, scopes=["read"])
    return {
        "clients": [made.client],
        "apis": [api],
        "scopes": [api.scopes.get(name="read")],
        "subjects": [person],
        "groups": [group],
        "trust_profiles": [profile],
    }


@pytest.mark.parametrize("name", LINKS)
def test_no_link_crosses_the_border(name: str) -> None:
    here, there = make_tenant("globex"), make_tenant("initech")
    foreign = make_links(there)[name]
    with pytest.raises(InvalidEntity, match=name):
        make_policy(here, "mine", **{name: foreign})
    assert not AccessPolicy.objects.filter(tenant=here).exists()


@pytest.mark.parametrize("name", LINKS)
def test_row_level_security_hides_the_links_of_others(name: str) -> None:
    here, there = make_tenant("globex"), make_tenant("initech")
    mine = make_policy(here, "mine", **{name: make_links(here)[name]})
    theirs = make_policy(there, "theirs", **{name: make_links(there)[name]})
    through = getattr(AccessPolicy, name).through
    with console_role(ConsoleReach(roles={here.pk: frozenset()})):
        seen = set(through.objects.values_list("accesspolicy_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', 'none', true)")
    assert mine.pk in seen
    assert theirs.pk not in seen
    assert through.objects.filter(accesspolicy=theirs).exists()


def test_the_core_of_a_tenant_has_its_own_policies_only() -> None:
    here, there = make_tenant("globex"), make_tenant("initech")
    make_policy(here, "mine", **make_links(here))
    make_policy(there, "theirs", **make_links(there))
    core = read_core(here.path, base_url=settings.TENANTS_BASE_URL)
    assert core is not None
    assert [policy.slug for policy in core.policies] == ["api-client", "mine"]


def test_denials_and_limits_of_another_tenant_change_nothing() -> None:
    here, there = make_tenant("globex"), make_tenant("initech")
    make_api(here)
    client = make_client(here, scopes=["read", "write"])
    before = OAuthClient(here).token(client).json()
    make_policy(there, "no", effect="deny")
    make_policy(there, "short", effect="limit", limit_lifetime_seconds=1)
    after = OAuthClient(here).token(client).json()
    assert (after["scope"], after["expires_in"]) == (before["scope"], before["expires_in"])


def test_a_trial_knows_nobody_of_another_tenant() -> None:
    here, there = make_tenant("globex"), make_tenant("initech")
    make_links(here)
    foreign = make_links(there)
    core = read_core(here.path, base_url=settings.TENANTS_BASE_URL)
    assert core is not None
    policy = AccessPolicy(tenant=here, slug="edited")
    subject = str(foreign["subjects"][0].pk)
    for question in (
        Question(client_id="api-client", operation="access", subject=subject),
        Question(client_id="api-client", operation="access", subject=str(uuid4())),
        Question(request_id="0" * 32),
    ):
        with pytest.raises(InvalidEntity):
            try_policy(core, question, policy, {})


def test_subjects_are_found_in_their_own_tenant_only() -> None:
    here, there = make_tenant("globex"), make_tenant("initech")
    mine, theirs = make_subject(here), make_subject(there)
    group = Group(tenant=here, slug="staff")
    changes.save(group, actor=SYSTEM, links={"subjects": [mine]})
    found = find_subjects(here.pk, [mine.pk, theirs.pk])
    assert found.keys() == {mine.pk}
    assert (found[mine.pk].groups, found[mine.pk].is_enabled) == (("staff",), True)
    assert find_subjects(here.pk, []) == {}
