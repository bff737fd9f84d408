"""Every tenant has the standard scopes; an Api may take over the name of one that nobody uses."""

from __future__ import annotations

import pytest

from tenants.configuration.export import export
from tenants.errors import InvalidEntity
from tenants.models import AuditEvent, Scope
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.standard_scopes import STANDARD_SCOPES
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.unit.tenants.configuration.files import apply, tenant

pytestmark = pytest.mark.django_db


def test_tenant_has_them_from_its_birth() -> None:
    globex = make_tenant()
    made = Scope.objects.filter(tenant=globex, api__built_in="openid")
    assert {scope.name for scope in made} == {"openid", "offline_access", *STANDARD_SCOPES}
    assert {s.name: s.title for s in made if s.name in STANDARD_SCOPES} == STANDARD_SCOPES


def test_an_api_takes_over_a_name_that_nobody_uses() -> None:
    globex = make_tenant()
    mailer = make_api(globex, "mailer", scopes=["email", "send"])
    assert [scope.api for scope in Scope.objects.filter(tenant=globex, name="email")] == [mailer]
    events = AuditEvent.objects.filter(tenant_id=globex.pk).values_list("event", flat=True)
    assert list(events).count("scope.deleted") == 1


def test_a_scope_that_a_client_holds_stays() -> None:
    globex = make_tenant()
    make_client(globex, scopes=["email"])
    with pytest.raises(InvalidEntity, match="take it from them first"):
        make_api(globex, "mailer", scopes=["email"])
    assert Scope.objects.get(tenant=globex, name="email").api.built_in == "openid"


def test_a_name_is_taken_over_once() -> None:
    globex = make_tenant()
    make_api(globex, "mailer", scopes=["email"])
    with pytest.raises(InvalidEntity, match="name"):
        make_api(globex, "letters", scopes=["email"])
    with pytest.raises(InvalidEntity, match="name"):
        make_api(globex, "doors", scopes=["openid"])
    made = Scope(tenant=globex, api=make_api(globex, "other", scopes=[]), name="unheard-of")
    changes.save(made, actor=SYSTEM)


def test_a_file_takes_a_name_over_and_says_so_again() -> None:
    mailer = "apis: [{slug: mailer, audience: 'https://mailer.example/', scopes: [{name: email}]}]"
    apply(tenant())
    assert apply(tenant(mailer)) != []
    assert apply(tenant(mailer)) == []
    assert Scope.objects.get(name="email").api.slug == "mailer"
    stated = export()
    assert apply(stated) == []
    assert "- name: email" in stated
