"""A foreign tenant's id reads as "not found" on every page of the admin.

Each test runs twice: as shipped, and with the admin's own checks switched off, so that row-level
security alone has to hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from django.urls import reverse

from tenants.admin import permissions
from tenants.models import (
    Api,
    AuditEvent,
    Client,
    ClientSecret,
    Group,
    Membership,
    Scope,
    SigningKey,
    Subject,
    Tenant,
)
from tenants.queries import operators
from tests.admin.addresses import MODELS, address

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import Model, QuerySet

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

SELECTED = "_selected_action"
HOME = "/admin/"


def see_everything(
    rows: QuerySet[Any],
    tenant_ids: Collection[Any] | None,  # noqa: ARG001 - the signature of what it stands for.
    path: str,  # noqa: ARG001 - as above.
) -> QuerySet[Any]:
    return rows


def everything(*_arguments: object) -> None:
    return None


def unused_key(entity: Model) -> object:
    """Answer a key of the entity's kind under which there is nothing."""
    return uuid4() if isinstance(entity.pk, UUID) else 10**12


@pytest.fixture(params=["as shipped", "row-level security alone"], autouse=True)
def checks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave the admin's checks on, or take them away."""
    if request.param == "row-level security alone":
        monkeypatch.setattr(operators, "scope", see_everything)
        for module in ("entity_rights", "tenant_choice", "filters"):
            monkeypatch.setattr(f"tenants.admin.{module}.scope", see_everything)
        for module in ("grant_list", "grant_search"):
            monkeypatch.setattr(f"tokens.admin.{module}.scope", see_everything)
        monkeypatch.setattr(permissions, "tenants_for", everything)
        monkeypatch.setattr(permissions, "is_allowed", lambda *_arguments: True)
    return str(request.param)


def foreign(initech: TenantWorld) -> list[Model]:
    """List the entities of the other tenant that its own operators alone may see."""
    return [entity for entity in initech.entities if type(entity) in MODELS]


def test_lists_hide_foreign_rows(
    owner: OperatorBrowser, globex: TenantWorld, initech: TenantWorld
) -> None:
    for model in {type(entity) for entity in foreign(initech)}:
        page = owner.get(address(model, "changelist"))
        assert page.status_code == 200, model
        shown = {row.pk for row in page.context["cl"].result_list}
        hidden = {entity.pk for entity in initech.entities if isinstance(entity, model)}
        own = {entity.pk for entity in globex.entities if isinstance(entity, model)}
        assert not shown & hidden, model
        assert shown & own, model


def test_lists_can_not_be_asked_for_foreign_rows(
    owner: OperatorBrowser, initech: TenantWorld
) -> None:
    for entity in foreign(initech):
        for query in (f"q={entity.pk}", f"tenant={initech.tenant.pk}"):
            page = owner.get(f"{address(type(entity), 'changelist')}?{query}")
            rows = page.context["cl"].result_list if page.status_code == 200 else []
            assert entity.pk not in {row.pk for row in rows}, (entity, query)


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_pages_of_foreign_entities_are_not_found(
    page: str, owner: OperatorBrowser, initech: TenantWorld
) -> None:
    for entity in foreign(initech):
        answer = owner.get(address(type(entity), page, entity.pk))
        nothing = owner.get(address(type(entity), page, unused_key(entity)))
        assert answer.status_code == nothing.status_code, entity
        # What can never be deleted is refused alike, whether it exists or not.
        assert answer.status_code in ({302, 403} if page == "delete" else {302}), entity
        assert answer.get("Location", HOME) == HOME, entity


def test_foreign_entities_can_not_be_written(owner: OperatorBrowser, initech: TenantWorld) -> None:
    before = AuditEvent.objects.filter(tenant_id=initech.tenant.pk).count()
    for entity in foreign(initech):
        for page, form in (("change", {"name": "stolen"}), ("delete", {"post": "yes"})):
            answer = owner.post(address(type(entity), page, entity.pk), form)
            assert answer.status_code in {302, 403, 404}, (entity, page)
            assert answer.get("Location", HOME) == HOME, (entity, page)
        entity.refresh_from_db()
    assert AuditEvent.objects.filter(tenant_id=initech.tenant.pk).count() == before


def test_bulk_actions_do_not_reach_foreign_entities(
    owner: OperatorBrowser, initech: TenantWorld
) -> None:
    for entity in foreign(initech):
        for across in ("0", "1"):
            form = {
                "action": "delete_selected",
                SELECTED: [str(entity.pk)],
                "select_across": across,
                "post": "yes",
            }
            if across == "1" and not isinstance(entity, Group):
                continue
            owner.post(address(type(entity), "changelist"), form)
        entity.refresh_from_db()


@pytest.mark.parametrize(
    ("source", "field", "target"),
    [
        ("api", "resource_server_clients", Client),
        ("accesspolicy", "clients", Client),
        ("group", "subjects", Subject),
        ("clientsecret", "client", Client),
        ("clientsecret", "tenant", Tenant),
        ("client", "scopes", Scope),
        ("trustprofile", "maximum_scopes", Scope),
        ("trustprofile", "direct_apis", Api),
    ],
)
def test_choices_hide_foreign_entities(
    source: str,
    field: str,
    target: type[Model],
    owner: OperatorBrowser,
    globex: TenantWorld,
    initech: TenantWorld,
) -> None:
    query = {"app_label": "tenants", "model_name": source, "field_name": field, "term": ""}
    for tenant in ("", str(initech.tenant.pk)):
        answer = owner.get(reverse("admin:autocomplete"), {**query, "tenant": tenant})
        found = {row["id"] for row in answer.json()["results"]}
        assert not found & {str(e.pk) for e in initech.entities if isinstance(e, target)}
    answer = owner.get(reverse("admin:autocomplete"), query)
    found = {row["id"] for row in answer.json()["results"]}
    assert found & {str(e.pk) for e in globex.entities if isinstance(e, target)}


@pytest.mark.usefixtures("globex")
def test_foreign_choices_are_refused(owner: OperatorBrowser, initech: TenantWorld) -> None:
    scope = initech.issuer.api.scopes.first()
    assert scope is not None
    form = {
        "client_id": "thief",
        "kind": "service",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
        "jwks": "[]",
        "scopes": [str(scope.pk)],
    }
    answer = owner.post(address(Client, "add"), form)
    assert answer.status_code == 200
    assert "scopes" in answer.context["adminform"].form.errors
    assert not Client.objects.filter(client_id="thief").exists()


def test_nothing_can_be_made_in_a_foreign_tenant(
    owner: OperatorBrowser, initech: TenantWorld
) -> None:
    before = Group.objects.filter(tenant=initech.tenant).count()
    url = f"{address(Group, 'add')}?tenant={initech.tenant.pk}"
    owner.post(url, {"slug": "intruders", "permissions": "[]", "tenant": str(initech.tenant.pk)})
    assert Group.objects.filter(tenant=initech.tenant).count() == before


def test_an_owner_can_not_give_roles_in_a_foreign_tenant(
    owner: OperatorBrowser, initech: TenantWorld
) -> None:
    form = {"user": str(owner.user.pk), "role": "owner", "tenant": str(initech.tenant.pk)}
    owner.post(f"{address(Membership, 'add')}?tenant={initech.tenant.pk}", form)
    assert not Membership.objects.filter(tenant=initech.tenant, user=owner.user).exists()


def test_actions_on_foreign_entities_are_not_found(
    owner: OperatorBrowser, initech: TenantWorld
) -> None:
    client, key = initech.client, initech.one(SigningKey)
    for url in (
        f"{address(Client, 'change', client.pk)[: -len('change/')]}new-secret/",
        f"{address(SigningKey, 'change', key.pk)[: -len('change/')]}rotate/",
    ):
        for answer in (owner.get(url), owner.post(url, {"label": "x", "reason": "x"})):
            assert answer.status_code == 302, url
            assert answer["Location"] == HOME
    assert ClientSecret.objects.filter(client=client).count() == 1
    key.refresh_from_db()
    assert key.state == "current"


@pytest.mark.usefixtures("globex")
def test_foreign_tokens_are_not_found(owner: OperatorBrowser, initech: TenantWorld) -> None:
    text = str(initech.answer["access_token"])
    find = reverse("admin:find_grant")
    for pasted in (text, str(initech.client.client_id), str(initech.one(Subject).pk)):
        page = owner.post(find, {"pasted": pasted})
        assert page.status_code == 200
        assert "Nothing was found in your tenants" in page.content.decode()
    listed = reverse("admin:sessions_and_tokens")
    for query in (f"tenant={initech.tenant.pk}", f"client={initech.client.pk}"):
        page = owner.get(f"{listed}?{query}")
        assert "Nothing was found in your tenants" in page.content.decode()
        assert not page.context.get("rows")


def test_foreign_tokens_can_not_be_ended(owner: OperatorBrowser, initech: TenantWorld) -> None:
    from tokens.models import AccessToken  # noqa: PLC0415

    token = AccessToken.objects.get(tenant=initech.tenant)
    for name in ("token_detail", "token_end", "session_detail", "session_end"):
        for answer in (
            owner.get(reverse(f"admin:{name}", args=[token.pk])),
            owner.post(reverse(f"admin:{name}", args=[token.pk]), {"reason": "theft"}),
        ):
            assert answer.status_code == 404, name
    token.refresh_from_db()
    assert token.revoked_at is None
