"""Creates projects, environments and tenants, with what every tenant has from its first moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from tenants.errors import InvalidEntity
from tenants.models import Api, Environment, IssuerReservation, Project, Scope, Tenant
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.standard_scopes import STANDARD_SCOPES

if TYPE_CHECKING:
    from tenants.records import Actor

PLATFORM_PATH = "platform/production/platform"
OPENID_SCOPES = {
    "openid": "Know who you are",
    "offline_access": "Stay connected while you are away",
    **STANDARD_SCOPES,
}
MANAGEMENT_SCOPES = {
    "management:clients:read": "Read clients",
    "management:clients:write": "Create, change and delete clients",
    "management:policies:read": "Read and test access policies",
    "management:policies:write": "Create, change and delete access policies",
    "management:claims:read": "Read claim rules and claim profiles",
    "management:claims:write": "Create, change and delete claim rules and claim profiles",
    "management:trust-profiles:read": "Read trust profiles",
    "management:trust-profiles:write": "Create, change and delete trust profiles",
    "management:users:read": "Read users and groups",
    "management:users:write": "Create, change, erase and sign out users; change groups",
    "management:master-tokens:read": "Read master tokens",
    "management:master-tokens:write": "Create, change and delete master tokens",
}


def create_tenant(tenant: Tenant, *, actor: Actor, reason: str = "") -> Tenant:
    """Create a tenant, reserve its issuer for ever and give it its built-in Apis.

    Raises:
        InvalidEntity: the slug was given to another tenant once, or a field is wrong.
    """
    with transaction.atomic():
        tenant.path = f"{tenant.environment.project.slug}/{tenant.environment.slug}/{tenant.slug}"
        changes.save(tenant, actor=actor, reason=reason)
        _, is_new = IssuerReservation.objects.get_or_create(path=tenant.path)
        if not is_new:
            text = "This slug was used before; issuers are never given twice. Choose another."
            raise InvalidEntity({"slug": [text]})
        _create_api(tenant, Api.BuiltIn.OPENID, OPENID_SCOPES, actor)
        _create_api(tenant, Api.BuiltIn.MANAGEMENT, MANAGEMENT_SCOPES, actor)
    return tenant


def ensure_platform_tenant() -> Tenant:
    """Answer the built-in tenant that serves the platform itself; create it where it is missing."""
    found = Tenant.objects.filter(path=PLATFORM_PATH).first()
    if found:
        return found
    project_slug, environment_slug, slug = PLATFORM_PATH.split("/")
    with transaction.atomic():
        project = Project.objects.filter(slug=project_slug).first() or Project(slug=project_slug)
        if project._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
            changes.save(project, actor=SYSTEM)
        environment = Environment(project=project, slug=environment_slug, name="Production")
        changes.save(environment, actor=SYSTEM)
        tenant = Tenant(
            environment=environment, slug=slug, name="The platform itself", is_built_in=True
        )
        return create_tenant(tenant, actor=SYSTEM)


def update_tenant(tenant: Tenant, *, actor: Actor, reason: str = "") -> None:
    """Save a tenant; disabling it ends all of its sessions and tokens."""
    changes.save(tenant, actor=actor, reason=reason)


def _create_api(tenant: Tenant, kind: Api.BuiltIn, scopes: dict[str, str], actor: Actor) -> None:
    api = Api(tenant=tenant, slug=kind.value, name=kind.label, built_in=kind)
    api.audience = f"urn:authplatform:{kind.value}:{tenant.path.replace('/', ':')}"
    changes.save(api, actor=actor)
    for name, title in scopes.items():
        changes.save(Scope(tenant=tenant, api=api, name=name, title=title), actor=actor)
