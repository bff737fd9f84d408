"""The admin of the claims that a tenant adds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.fields import StorableJSONField
from tenants.admin.filters import TenantFilter
from tenants.admin.forms import EntityForm
from tenants.models import ClaimRule

# So JSON begins, and so do the numbers that Python's reader takes and no token carries.
BEGINS_JSON = ("{", "[", '"', "NaN", "Infinity", "-Infinity")


class ValueField(StorableJSONField):
    """JSON, or a template or name as it is: nobody has to write quotes around those."""

    def to_python(self, value: Any) -> Any:  # noqa: ANN401 - any JSON.
        """Read JSON; what doesn't even begin as such is a text.

        Raises:
            ValidationError: it begins as JSON and is none.
        """
        try:
            return super().to_python(value)
        except ValidationError:
            if not isinstance(value, str) or value.strip().startswith(BEGINS_JSON):
                raise
            return super().to_python(f'"{value.strip()}"')


class ClaimRuleForm(EntityForm):
    """A claim rule, whose value is JSON, a template, or the name of what is read."""

    value = ValueField(
        help_text="A constant as JSON; a template such as ${tenant_slug}-${client_id}; or the name "
        "of what is read, such as department. docs/claims.md lists what there is."
    )


@admin.register(ClaimRule)
class ClaimRuleAdmin(EntityAdmin):
    """Claims, where they come from, and where they are added."""

    form = ClaimRuleForm
    kind = "claim_rule"
    list_display = ("slug", "claim", "source", "is_required", "api", "client", "tenant")
    list_filter = (TenantFilter, "source")
    list_select_related = ("tenant", "api", "client")
    search_fields = ("slug", "claim")
    ordering = ("tenant__path", "slug")
    fieldsets = (
        (None, {"fields": ("tenant", "slug", "claim", "source", "value", "is_required")}),
        (
            "Added where all of these match",
            {
                "description": "An empty one matches everything.",
                "fields": ("api", "client", "grant_type", "condition"),
            },
        ),
    )
