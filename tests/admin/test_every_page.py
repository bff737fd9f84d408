"""Every page of every entity opens; what a role may not see or do is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib import admin
from django.urls import reverse

from tenants.models import Membership
from tests.admin.addresses import MODELS, address
from tests.admin.operators import sign_in

if TYPE_CHECKING:
    from django.db.models import Model

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld


PLATFORMS_OWN = {"Platform", "IssuerReservation", "Offboarding"}


@pytest.mark.usefixtures("globex")
def test_each_page_opens_for_a_platform_operator(platform_operator: OperatorBrowser) -> None:
    statuses = {}
    for model in MODELS:
        entity = model._default_manager.first()  # noqa: SLF001 - Django's public API.
        assert entity is not None, model
        for page in ("changelist", "change", "history"):
            arguments = [] if page == "changelist" else [entity.pk]
            answer = platform_operator.get(address(model, page, *arguments))
            statuses[model._meta.label, page] = answer.status_code  # noqa: SLF001 - Django's public API.
    expected = dict.fromkeys(statuses, 200) | {("tenants.Platform", "changelist"): 302}
    assert statuses == expected


@pytest.mark.usefixtures("globex")
def test_each_add_form_opens_where_there_is_one(platform_operator: OperatorBrowser) -> None:
    statuses = {model: platform_operator.get(address(model, "add")).status_code for model in MODELS}
    made_elsewhere = {model._meta.object_name for model, code in statuses.items() if code == 403}  # noqa: SLF001 - Django's public API.
    assert made_elsewhere == {
        *("AuditEvent", "ClientRegistration", "ClientSecret", "ConfigurationChange"),
        *("IssuerReservation", "Passkey", "Platform", "SigningKey", "SubjectIdentity"),
    }
    assert set(statuses.values()) == {200, 403}


def test_each_delete_page_opens_where_there_is_one(
    globex: TenantWorld, platform_operator: OperatorBrowser
) -> None:
    for model in MODELS:
        entity = globex_entity(globex, model)
        answer = platform_operator.get(address(model, "delete", entity.pk))
        assert answer.status_code in {200, 403}, model


@pytest.mark.usefixtures("globex")
def test_an_owner_sees_each_list_but_the_platforms(owner: OperatorBrowser) -> None:
    statuses = {model: owner.get(address(model, "changelist")).status_code for model in MODELS}
    refused = {model._meta.object_name for model, code in statuses.items() if code == 403}  # noqa: SLF001 - Django's public API.
    assert refused == PLATFORMS_OWN
    assert set(statuses.values()) == {200, 403}


def test_an_auditor_reads_everything_and_writes_nothing(globex: TenantWorld) -> None:
    auditor = sign_in("auditor", (globex.tenant, Membership.Role.AUDITOR))
    for model in MODELS:
        if model._meta.object_name in PLATFORMS_OWN:  # noqa: SLF001 - Django's public API.
            continue
        entity = globex_entity(globex, model)
        assert auditor.get(address(model, "change", entity.pk)).status_code == 200, model
        assert auditor.post(address(model, "change", entity.pk), {}).status_code == 403, model
        assert auditor.get(address(model, "add")).status_code == 403, model
        assert auditor.post(address(model, "delete", entity.pk), {"post": "yes"}).status_code == 403


def test_home_lists_the_nouns_in_the_operators_reach(owner: OperatorBrowser) -> None:
    text = owner.get(reverse("admin:index")).content.decode()
    for noun in ("Clients", "Access policies", "Sessions and tokens", "Audit events"):
        assert noun in text
    assert "Issuer reservations" not in text


@pytest.mark.usefixtures("globex")
def test_a_stranger_is_sent_to_the_sign_in() -> None:
    from django.test import Client as Browser  # noqa: PLC0415

    for model in MODELS:
        answer = Browser().get(address(model, "changelist"))
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


@pytest.mark.usefixtures("globex")
def test_an_operator_without_a_role_finds_an_empty_home() -> None:
    nobody = sign_in("nobody")
    assert "no role in any tenant yet" in nobody.get(reverse("admin:index")).content.decode()
    statuses = {nobody.get(address(model, "changelist")).status_code for model in MODELS}
    assert statuses == {403}


def test_other_applications_have_no_pages() -> None:
    modules = {type(model_admin).__module__ for model_admin in admin.site._registry.values()}  # noqa: SLF001 - Django's public API.
    assert all(module.startswith(("tenants.admin.", "tokens.admin.")) for module in modules)


def globex_entity(globex: TenantWorld, model: type[Model]) -> Model:
    """Answer the tenant's entity, or for what stands above tenants the first there is."""
    mine = [entity for entity in globex.entities if isinstance(entity, model)]
    found = mine[0] if mine else model._default_manager.first()  # noqa: SLF001 - Django's public API.
    assert found is not None, model
    return found
