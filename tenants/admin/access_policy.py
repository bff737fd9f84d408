"""The admin of the rules that allow, deny or limit what is issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.urls import reverse

from tenants.admin import permissions
from tenants.admin.filters import TenantFilter
from tenants.admin.policy_forms import AccessPolicyForm
from tenants.admin.policy_panel import PolicyPanel
from tenants.admin_site import Tab
from tenants.models import AccessPolicy
from tenants.queries.operators import reach_of

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

    from tenants.admin.forms import EntityForm

# Links to what not every role that writes policies may see: field -> kind.
GUARDED_LINKS = {"subjects": "subject", "groups": "group"}


@admin.register(AccessPolicy)
class AccessPolicyAdmin(PolicyPanel):
    """Access policies: what they do, when, and for whom."""

    form = AccessPolicyForm
    kind = "access_policy"
    change_form_template = "console/policy_form.html"
    list_display = ("slug", "effect", "mode", "engine", "tenant", "is_enabled")
    list_filter = (TenantFilter, "effect", "mode", "engine", "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("slug", "description")
    ordering = ("tenant__path", "slug")
    fieldsets = (
        (
            None,
            {
                "description": "Without a policy that allows it, no client gets a token. "
                "A policy that denies always wins, and all limits hold together.",
                "fields": ("tenant", "slug", "description", "is_enabled", "effect", "mode"),
            },
        ),
        (
            "Applies to",
            {
                "description": "All kinds of links that are filled must match, and of each kind "
                "one link suffices. Without any, the policy speaks of every request of the tenant.",
                "fields": (
                    *("operations", "client_kinds", "clients", "apis", "scopes"),
                    *("subjects", "groups", "trust_profiles"),
                ),
            },
        ),
        ("Rule", {"fields": ("engine", "rule")}),
        (
            "Limits",
            {
                "description": "For the effect limit only: at least one of them.",
                "fields": ("limit_scopes", "limit_lifetime_seconds", "limit_audiences"),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Leave out the links that the operator may not see; saving keeps them as they are."""
        hidden = {name for name, kind in GUARDED_LINKS.items() if not self._may_see(request, kind)}
        return [
            (
                title,
                {**options, "fields": [each for each in options["fields"] if each not in hidden]},
            )
            for title, options in super().get_fieldsets(request, obj)
        ]

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the policy, and say what the linter doubts."""
        super().write(request, entity, form)
        if isinstance(form, AccessPolicyForm):
            for text in form.warnings:
                messages.warning(request, f"Rule: {text}")

    def _may_see(self, request: HttpRequest, kind: str) -> bool:
        tenant_id = request.META.get("tenants.form_tenant")
        return permissions.is_allowed(reach_of(request), kind, "view", tenant_id)


def _link(object_id: str) -> str:
    return reverse("admin:tenants_accesspolicy_test", args=[object_id])


def _may_test(request: HttpRequest) -> bool:
    return permissions.is_allowed(reach_of(request), "access_policy", "view")


admin.site.register_tab(AccessPolicy, Tab("Test", _link, _may_test))  # type: ignore[attr-defined]  # the lazy stand-in of our own site.
