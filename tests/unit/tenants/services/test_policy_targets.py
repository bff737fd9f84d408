"""A policy never reaches further because something that it links to is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tenants.models import AccessPolicy, Api, AuditEvent, Group, Scope, Subject, TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.policies import make_policy
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.factories.tokens import make_subject

if TYPE_CHECKING:
    from django.db.models import Model

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
LINKS = ("clients", "apis", "scopes", "subjects", "groups", "trust_profiles")


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def targets(tenant: Tenant, name: str) -> tuple[Model, Model]:
    """Make two entities that the relation may link to."""
    return _make(tenant, name, "one"), _make(tenant, name, "two")


def _make(tenant: Tenant, name: str, slug: str) -> Model:
    entity: Model
    match name:
        case "clients":
            return make_client(tenant, slug, is_allowed=False).client
        case "apis":
            return make_api(tenant, slug, scopes=())
        case "scopes":
            return Scope.objects.get(api=make_api(tenant, slug, scopes=[slug]))
        case "subjects":
            return make_subject(tenant)
        case "groups":
            entity = Group(tenant=tenant, slug=slug)
        case _:
            entity = TrustProfile(
                tenant=tenant,
                slug=slug,
                issuer=f"https://{slug}.example",
                algorithms=["ES256"],
                jwks_uri="https://p.example/jwks",
            )
    changes.save(entity, actor=SYSTEM)
    return entity


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_the_last_link_of_a_kind_takes_the_policy_with_it(
    tenant: Tenant, name: str, effect: str
) -> None:
    one, two = targets(tenant, name)
    policy = make_policy(tenant, "p", effect=effect, operations=["access"], **{name: [one, two]})
    other = make_policy(tenant, "other", operations=["access"])
    changes.delete(one, actor=SYSTEM)
    assert list(getattr(policy, name).all()) == [two]
    changes.delete(two, actor=SYSTEM)
    assert list(AccessPolicy.objects.filter(tenant=tenant)) == [other]
    assert AuditEvent.objects.filter(event="access_policy.deleted").count() == 1


def test_an_api_takes_its_scopes_with_it(tenant: Tenant) -> None:
    orders = make_api(tenant, "orders", scopes=["read", "write"])
    bills = make_api(tenant, "bills", scopes=["pay"])
    narrow = make_policy(tenant, "narrow", scopes=list(orders.scopes.all()))
    make_policy(tenant, "wide", scopes=[*orders.scopes.all(), *bills.scopes.all()])
    changes.delete(orders, actor=SYSTEM)
    assert not AccessPolicy.objects.filter(pk=narrow.pk).exists()
    wide = AccessPolicy.objects.get(slug="wide")
    assert [scope.name for scope in wide.scopes.all()] == ["pay"]
    assert Api.objects.filter(pk=bills.pk).exists()


def test_one_kind_emptied_is_enough(tenant: Tenant) -> None:
    client = make_client(tenant, is_allowed=False).client
    person = make_subject(tenant)
    make_policy(tenant, "p", clients=[client], subjects=[person])
    changes.delete(person, actor=SYSTEM)
    assert not AccessPolicy.objects.exists()
    assert not Subject.objects.exists()


def test_what_is_written_stays_a_policy_of_everything(tenant: Tenant) -> None:
    """Who takes the links away on purpose means it."""
    client = make_client(tenant, is_allowed=False).client
    policy = make_policy(tenant, "p", clients=[client])
    changes.save(policy, actor=SYSTEM, links={"clients": []})
    changes.delete(client, actor=SYSTEM)
    assert AccessPolicy.objects.get() == policy
