"""The admin of the tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.requests import actor_of, parse_uuid
from tenants.admin.token_settings import LIFETIMES, LIMITS, TOKEN_CHOICES
from tenants.models import Tenant
from tenants.models.sign_in import BRANDING_FIELDS, REGISTRATION_FIELDS, SIGN_IN_FIELDS
from tenants.queries.operators import reach_of
from tenants.queries.tenant_search import SEARCH_HELP, find_by_beginning
from tenants.services import tenants

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

    from tenants.admin.forms import EntityForm


@admin.register(Tenant)
class TenantAdmin(EntityAdmin):
    """Tenants with their issuer and what holds for all of their tokens."""

    kind = "tenant"
    tenant_path = "pk"
    belongs_to_tenant = False
    list_display = ("path", "name", "is_enabled", "signing_algorithm")
    list_filter = ("is_enabled",)
    search_fields = ("path", "slug", "name")
    search_help_text = SEARCH_HELP
    ordering = ("path",)
    readonly_fields = ("issuer",)
    fieldsets = (
        (None, {"fields": ("environment", "slug", "name", "issuer", "is_enabled")}),
        ("Tokens", {"fields": ("signing_algorithm", *TOKEN_CHOICES, "scope_excess")}),
        LIFETIMES,
        LIMITS,
        ("Sign-in", {"classes": ("collapse",), "fields": SIGN_IN_FIELDS}),
        ("Look", {"classes": ("collapse",), "fields": BRANDING_FIELDS}),
        ("Registration", {"classes": ("collapse",), "fields": REGISTRATION_FIELDS}),
        ("Refused requests", {"fields": ("refusal_retention_seconds",)}),
        (
            "For callers of other systems",
            {
                "classes": ("collapse",),
                "fields": (
                    "issuer_override",
                    "allow_json_token_requests",
                    "allow_spaceblocks_alias",
                    "allow_aidbox_alias",
                ),
            },
        ),
    )

    @admin.display(description="issuer")
    def issuer(self, tenant: Tenant) -> str:
        """Write the issuer, which can never be changed."""
        if not tenant.path:
            return (
                f"{settings.TENANTS_BASE_URL}/t/, then project, environment and slug. "
                "It can't be changed later and is never given to another tenant."
            )
        return f"{settings.TENANTS_BASE_URL}/t/{tenant.path}"

    def tenant_id_of(self, entity: Model) -> UUID | None:
        """Answer the tenant itself."""
        tenant_id: UUID | None = entity.pk
        return tenant_id

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look a beginning up in the indexes of slug, path and name, and a UUID by the key."""
        text = search_term.strip()
        if not text or parse_uuid(text) is not None:
            return super().get_search_results(request, queryset, text)
        return find_by_beginning(queryset, text), False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Leave it to the platform to give a tenant the issuer of another system."""
        fields = super().get_readonly_fields(request, obj)
        return fields if reach_of(request).is_platform_operator else [*fields, "issuer_override"]

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Create the tenant with its built-in Apis, or change it; disabling ends its tokens."""
        assert isinstance(entity, Tenant)  # noqa: S101 - narrows the type for the checker.
        actor, reason = actor_of(request), form.cleaned_data.get("reason", "")
        if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
            tenants.create_tenant(entity, actor=actor, reason=reason)
        else:
            tenants.update_tenant(entity, actor=actor, reason=reason)
