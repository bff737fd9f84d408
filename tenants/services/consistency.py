"""The rules between entities: what no single field can check.

Each rule answers messages by field; a message names the fix.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from django.core.exceptions import ValidationError

from tenants import models
from tenants.models.group_details import validate_permissions
from tenants.models.subject import validate_attributes_size
from tenants.services.ceilings import find_excesses
from tenants.services.claim_rules import check_claim_rule
from tenants.services.client_rules import check_client
from tenants.services.policy_rules import check_policy
from tenants.services.tenant_rules import check_tenant
from tenants.services.trust_rules import check_trust_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
IMMUTABLE_FIELDS: dict[str, tuple[str, ...]] = {
    "Project": ("slug",),
    "Environment": ("slug", "project_id"),
    "Tenant": ("slug", "environment_id", "path"),
    "Api": ("slug", "tenant_id", "built_in"),
    "Scope": ("name", "tenant_id", "api_id"),
    "Client": ("client_id", "tenant_id"),
    "TrustProfile": ("slug", "tenant_id"),
    "AccessPolicy": ("slug", "tenant_id"),
    "ClaimProfile": ("slug", "tenant_id"),
    "ClaimRule": ("slug", "tenant_id"),
    "Group": ("slug", "tenant_id"),
    "MasterToken": ("client_id", "kind"),
    "Subject": ("tenant_id",),
    "Membership": ("tenant_id", "user_id"),
}


def find_contradictions(entity: Model, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Answer what contradicts other entities, by field; empty when nothing does."""
    messages: Messages = defaultdict(list)
    for found in (
        _find_changed_identity(entity),
        _find_foreign_links(entity, links),
        find_excesses(entity),
        _check_kind(entity, links),
    ):
        for name, texts in found.items():
            messages[name] += texts
    return dict(messages)


def _find_changed_identity(entity: Model) -> Messages:
    fields = IMMUTABLE_FIELDS.get(type(entity).__name__, ())
    if entity._state.adding or not fields:  # noqa: SLF001 - Django's documented way to ask this.
        return {}
    stored = type(entity)._default_manager.filter(pk=entity.pk).values(*fields).first() or {}  # noqa: SLF001
    return {
        name.removesuffix("_id") if name != "client_id" else name: [
            "This can't be changed once it exists; create another one instead."
        ]
        for name, value in stored.items()
        if getattr(entity, name) != value
    }


def _find_foreign_links(entity: Model, links: Mapping[str, Sequence[Model]]) -> Messages:
    tenant_id = getattr(entity, "tenant_id", None)
    if tenant_id is None:
        return {}
    messages: Messages = {}
    singles = {
        field.name: [getattr(entity, field.name)]
        for field in entity._meta.concrete_fields  # noqa: SLF001 - Django's public API.
        if field.many_to_one and field.name not in {"tenant", "user"}
    }
    for name, targets in {**singles, **links}.items():
        if any(t is not None and getattr(t, "tenant_id", tenant_id) != tenant_id for t in targets):
            messages[name] = ["Not found in this tenant; choose one of its own."]
    return messages


def _check_kind(entity: Model, links: Mapping[str, Sequence[Model]]) -> Messages:
    check = CHECKS.get(type(entity).__name__)
    return check(entity, links) if check else {}


def _check_api(entity: Model, _links: Mapping[str, Sequence[Model]]) -> Messages:
    assert isinstance(entity, models.Api)  # noqa: S101 - narrows the type for the checker.
    clients = models.Client.objects.filter(tenant=entity.tenant_id, client_id=entity.audience)
    if clients.exists():
        return {"audience": ["A client has this id; an audience must differ from every client_id."]}
    return {}


def _check_scope(entity: Model, _links: Mapping[str, Sequence[Model]]) -> Messages:
    assert isinstance(entity, models.Scope)  # noqa: S101 - narrows the type for the checker.
    if entity.name in {"openid", "offline_access"} and entity.api.built_in != "openid":
        return {"name": [f"{entity.name} belongs to OpenID Connect; choose another name."]}
    if entity.min_acr and entity.api.built_in == models.Api.BuiltIn.MANAGEMENT:
        return {"min_acr": ["Programs alone manage the tenant, and nobody recognises them so."]}
    return {}


def _check_subject(entity: Model, _links: Mapping[str, Sequence[Model]]) -> Messages:
    assert isinstance(entity, models.Subject)  # noqa: S101 - narrows the type for the checker.
    if entity.erased_at is not None:
        return {"__all__": ["This user was erased; nothing can be written about them any more."]}
    try:
        validate_attributes_size(entity.attributes)
    except ValidationError as error:
        # Who had more before there was a bound can still be disabled.
        stored = models.Subject.objects.filter(pk=entity.pk, attributes=entity.attributes)
        return {} if stored.exists() else {"attributes": list(error.messages)}
    return {}


def _check_group(entity: Model, _links: Mapping[str, Sequence[Model]]) -> Messages:
    """Bound what every token of a member reads."""
    assert isinstance(entity, models.Group)  # noqa: S101 - narrows the type for the checker.
    try:
        validate_permissions(entity.permissions)
    except ValidationError as error:
        return {"permissions": list(error.messages)}
    return {}


def _check_master_token(entity: Model, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Refuse what a master token can't hand on, and bounds that would bound nothing."""
    assert isinstance(entity, models.MasterToken)  # noqa: S101 - narrows the type for the checker.
    messages: Messages = {}
    scopes = [scope for scope in links.get("scopes", ()) if isinstance(scope, models.Scope)]
    if any(scope.api.built_in == models.Api.BuiltIn.MANAGEMENT for scope in scopes):
        messages["scopes"] = ["Rights to manage the tenant can't be delegated; leave them out."]
    if entity.kind == models.MasterToken.Kind.PUBLIC and entity.user_groups:
        messages["user_groups"] = ["A public token reaches no user who is there; leave it empty."]
    return messages


CHECKS: dict[str, Callable[[Model, Mapping[str, Sequence[Model]]], Messages]] = {
    "Tenant": check_tenant,
    "Api": _check_api,
    "Scope": _check_scope,
    "ClaimRule": check_claim_rule,
    "Client": check_client,
    "Group": _check_group,
    "TrustProfile": check_trust_profile,
    "AccessPolicy": check_policy,
    "Subject": _check_subject,
    "MasterToken": _check_master_token,
}
