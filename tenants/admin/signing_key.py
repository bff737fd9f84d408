"""The admin of the signing keys, which are only shown; the tokens package adds their rotation."""

from __future__ import annotations

from tenants.admin.fact_admin import FactAdmin
from tenants.admin.filters import TenantFilter


class SigningKeyAdmin(FactAdmin):
    """Signing keys with their place in the ring; the private part never leaves the database."""

    kind = "signing_key"
    list_display = ("kid", "algorithm", "state", "api", "tenant", "activated_at", "replaced_at")
    list_filter = (TenantFilter, "state", "algorithm")
    list_select_related = ("tenant", "api")
    search_fields = ("kid__exact",)
    ordering = ("tenant__path", "algorithm", "-created_at")
    fields = (
        "tenant",
        "kid",
        "algorithm",
        "state",
        "api",
        "public_jwk",
        "created_at",
        "activated_at",
        "replaced_at",
    )
