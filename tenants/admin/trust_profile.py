"""The admin of the outside issuers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.forms import EntityForm
from tenants.admin.requests import actor_of
from tenants.models import Api, TrustProfile
from tenants.services import trust_profiles
from tenants.services.trust_rules import ASYMMETRIC, SYMMETRIC

if TYPE_CHECKING:
    from django.db.models import ManyToManyField, Model
    from django.http import HttpRequest


class TrustProfileForm(EntityForm):
    """A trust profile's form; the shared secret can be written and never read."""

    algorithms = forms.MultipleChoiceField(
        choices=[(name, name) for name in (*sorted(ASYMMETRIC), *sorted(SYMMETRIC))],
        widget=UnfoldAdminCheckboxSelectMultipleWidget({"class": "console-ticks"}),
        help_text="The only algorithms that are accepted. HS ones go with a shared secret only.",
    )
    shared_secret = forms.CharField(
        required=False,
        strip=False,
        max_length=4096,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Write-only; 32 bytes or more. An empty field keeps the stored one. "
        "Instead of public keys, never beside them.",
    )


@admin.register(TrustProfile)
class TrustProfileAdmin(EntityAdmin):
    """Trust profiles: whose tokens are accepted, by which keys, and for how much."""

    form = TrustProfileForm
    kind = "trust_profile"
    list_display = ("slug", "issuer", "tenant", "is_enabled", "provisioning")
    list_filter = (TenantFilter, "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("slug", "issuer", "name")
    ordering = ("tenant__path", "slug")
    readonly_fields = ("has_shared_secret",)

    @admin.display(boolean=True, description="has a shared secret")
    def has_shared_secret(self, profile: TrustProfile) -> bool:
        """Say whether a shared secret is stored."""
        return profile.shared_secret_ciphertext is not None

    def formfield_for_manytomany(
        self,
        db_field: ManyToManyField[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.ModelMultipleChoiceField[Model] | None:
        """Leave out the management scopes, which never come from an outside issuer."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and field.queryset is not None:
            field.queryset = field.queryset.exclude(api__built_in=Api.BuiltIn.MANAGEMENT)
        return field

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Offer the secret's field only to who may write."""
        secret = ("shared_secret",) if self._is_writable(request, obj) else ()
        self_facts = ("tenant", "slug", "name", "is_enabled", "issuer", "audience")
        own: list[Any] = [
            (None, {"fields": self_facts}),
            (
                "Keys",
                {
                    "description": "Exactly one of: an address, public keys, a shared secret.",
                    "fields": ("algorithms", "jwks_uri", "jwks", *secret, "has_shared_secret"),
                },
            ),
            (
                "What may come of its tokens",
                {
                    "fields": (
                        "maximum_scopes",
                        ("scope_claim", "subject_claim"),
                        ("maximum_age_seconds", "clock_skew_seconds"),
                        "provisioning",
                    )
                },
            ),
        ]
        reason = ("For the record", {"fields": ("reason",)})
        return [*own, reason] if secret else own

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the profile; disabling it ends what came of its tokens."""
        assert isinstance(entity, TrustProfile)  # noqa: S101 - narrows the type for the checker.
        trust_profiles.save_trust_profile(
            entity,
            actor=actor_of(request),
            reason=form.cleaned_data.get("reason", ""),
            links=form.links,
            shared_secret=form.cleaned_data.get("shared_secret", ""),
        )
