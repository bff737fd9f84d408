"""The admin of the outside issuers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from tenants.admin import permissions
from tenants.admin.entity_admin import EntityAdmin
from tenants.admin.filters import TenantFilter
from tenants.admin.forms import EntityForm
from tenants.admin.requests import actor_of
from tenants.admin.trust_profile_fields import describe_fieldsets
from tenants.errors import Forbidden
from tenants.models import Api, TrustProfile
from tenants.queries.managed_trust_profiles import find_reached_management_scopes
from tenants.queries.operators import reach_of
from tenants.services import trust_profiles
from tenants.services.trust_rules import ASYMMETRIC, SYMMETRIC
from tenants.trust_presets import PRESETS

if TYPE_CHECKING:
    from django.db.models import ManyToManyField, Model
    from django.http import HttpRequest, HttpResponse


class TrustProfileForm(EntityForm):
    """A trust profile's form; the shared secret can be written and never read."""

    algorithms = forms.MultipleChoiceField(
        required=False,
        choices=[(name, name) for name in (*sorted(ASYMMETRIC), *sorted(SYMMETRIC))],
        widget=UnfoldAdminCheckboxSelectMultipleWidget({"class": "console-ticks"}),
        help_text="The only algorithms that are accepted. HS ones go with a shared secret only.",
    )
    public_key_pem = forms.CharField(
        required=False,
        max_length=4096,
        widget=UnfoldAdminTextareaWidget({"rows": 4, "spellcheck": "false"}),
        help_text="A public key as PEM; it is added to the keys in jwks.",
    )
    shared_secret = forms.CharField(
        required=False,
        strip=False,
        max_length=4096,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Write-only; 32 bytes or more. An empty field keeps the stored one. "
        "Instead of public keys, never beside them.",
    )
    introspection_secret = forms.CharField(
        required=False,
        strip=False,
        max_length=4096,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Write-only, for opaque tokens. An empty field keeps the stored one.",
    )
    sign_in_secret = forms.CharField(
        required=False,
        strip=False,
        max_length=4096,
        widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Write-only, for the token endpoint. An empty field keeps the stored one; none "
        "is needed where the issuer takes this platform for a public client.",
    )
    remove_secrets = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Forget the stored secrets, such as before the keys come from an address.",
    )

    def clean(self) -> dict[str, Any]:
        """Take an emptied field for what says nothing."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, nothing in (("jwks", []), ("scope_mapping", {}), ("required_claims", {})):
            if name in cleaned and cleaned[name] is None:
                cleaned[name] = nothing
        if cleaned.get("public_key_pem") and isinstance(cleaned.get("jwks"), list):
            cleaned["jwks"] = [*cleaned["jwks"], {"pem": f"{cleaned['public_key_pem']}\n"}]
        return cleaned

    @property
    def secrets(self) -> dict[str, str | None]:
        """The secrets as the service takes them: empty keeps the stored one, None removes it."""
        return {slot.name: self._secret(slot.name) for slot in trust_profiles.SECRET_SLOTS}

    def _secret(self, name: str) -> str | None:
        text: str = self.cleaned_data.get(name, "")
        return None if self.cleaned_data.get("remove_secrets") and not text else text


@admin.register(TrustProfile)
class TrustProfileAdmin(EntityAdmin):
    """Trust profiles: whose tokens are accepted, by which keys, and for how much."""

    form = TrustProfileForm
    add_form_template = "console/trust_profile_form.html"
    kind = "trust_profile"
    list_display = ("slug", "issuer", "kind", "tenant", "is_enabled", "provisioning")
    list_filter = (TenantFilter, "is_enabled", "kind")
    list_select_related = ("tenant",)
    search_fields = ("slug", "issuer", "name")
    ordering = ("tenant__path", "slug")
    readonly_fields = ("has_shared_secret", "has_introspection_secret", "has_sign_in_secret")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with what is known of the issuer whose preset was chosen."""
        preset = PRESETS.get(request.GET.get("preset", ""))
        return dict(preset.all_fields) if preset else {}

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Offer the presets beside the form."""
        tenant_id = self.chosen_tenant_id(request)
        context = {
            "presets": PRESETS.values(),
            "preset": PRESETS.get(request.GET.get("preset", "")),
            "query": f"tenant={tenant_id}&" if tenant_id else "",
        }
        return super().add_view(request, form_url, {**(extra_context or {}), **context})

    @admin.display(boolean=True, description="has a shared secret")
    def has_shared_secret(self, profile: TrustProfile) -> bool:
        """Say whether a shared secret is stored."""
        return profile.shared_secret_ciphertext is not None

    @admin.display(boolean=True, description="has an introspection secret")
    def has_introspection_secret(self, profile: TrustProfile) -> bool:
        """Say whether a secret for the introspection endpoint is stored."""
        return profile.introspection_secret_ciphertext is not None

    @admin.display(boolean=True, description="has a sign-in secret")
    def has_sign_in_secret(self, profile: TrustProfile) -> bool:
        """Say whether a secret for the token endpoint is stored."""
        return profile.sign_in_secret_ciphertext is not None

    def formfield_for_manytomany(
        self,
        db_field: ManyToManyField[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.ModelMultipleChoiceField[Model] | None:
        """Leave out what an outside issuer can't have: management scopes, built-in Apis."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and field.queryset is not None:
            if db_field.name == "maximum_scopes":
                field.queryset = field.queryset.exclude(api__built_in=Api.BuiltIn.MANAGEMENT)
            if db_field.name == "direct_apis":
                field.queryset = field.queryset.filter(built_in="")
        return field

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """Offer the secrets' fields only to who may write."""
        if not self._is_writable(request, obj):
            return [*describe_fieldsets(is_writable=False)]
        return [*describe_fieldsets(is_writable=True), ("For the record", {"fields": ("reason",)})]

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the profile; disabling it ends what came of its tokens."""
        assert isinstance(entity, TrustProfile)  # noqa: S101 - narrows the type for the checker.
        assert isinstance(form, TrustProfileForm)  # noqa: S101 - as above.
        _require_owner(request, entity)
        trust_profiles.require_secrets_for_other_addresses(entity, form.secrets)
        trust_profiles.save_trust_profile(
            entity,
            actor=actor_of(request),
            reason=form.cleaned_data.get("reason", ""),
            links=form.links,
            **cast("trust_profiles.Secrets", form.secrets),
        )

    def remove(self, request: HttpRequest, entity: Model) -> None:
        """Delete the profile and end what came of its tokens."""
        assert isinstance(entity, TrustProfile)  # noqa: S101 - narrows the type for the checker.
        _require_owner(request, entity)
        super().remove(request, entity)


def _require_owner(request: HttpRequest, profile: TrustProfile) -> None:
    """Leave a profile that proves clients with management scopes to the tenant's owners.

    With keys of their own, others could ask for a token as such a client.

    Raises:
        Forbidden: the operator is none.
    """
    if permissions.is_owner(reach_of(request), profile.tenant_id):
        return
    if find_reached_management_scopes(profile.tenant_id, profile.pk):
        raise Forbidden(
            "This profile proves a client with management scopes; only an owner changes it."
        )
