"""The choices of a form: only what belongs to the tenant whose entity is edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.widgets import (
    AutocompleteMixin,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
    RelatedFieldWidgetWrapper,
)
from django.contrib.postgres.fields import ArrayField
from django.db.models import JSONField, URLField
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminNullBooleanSelectWidget,
)

from tenants.admin.fields import LinesField, StorableJSONField
from tenants.admin.requests import form_tenant_of
from tenants.models import Client, Scope, Subject

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import Field, ForeignKey, ManyToManyField, Model, QuerySet
    from django.http import HttpRequest

    BaseAdmin = BaseModelAdmin[Any]
else:
    BaseAdmin = BaseModelAdmin

# Of these a tenant may have too many for a list: they are searched for.
SEARCHED_MODELS = (Client, Subject)
LEVEL_ABOVE = "The level above decides"
DECIDED_ABOVE = frozenset(("access_token_format", "signing_algorithm"))
# Where the field's own name reads badly: the RFC's word as it stands, or plain words.
LABELS = {
    "apis": "APIs",
    "backchannel_logout_session_required": "Needs the sid",
    "backchannel_logout_uri": "Back-channel logout",
    "client_id": "client_id",
    "client_uri": "Home page",
    "cors_allowed_origins": "Web origins (CORS)",
    "default_max_age_seconds": "Maximum age of a sign-in",
    "emphasized": "Emphasized",
    "id_token_signed_response_alg": "Algorithm of ID tokens",
    "initiate_login_uri": "Where sign-ins begin",
    "is_dual": "Both sets of names",
    "is_email_verified": "Address is verified",
    "is_enabled": "Enabled",
    "is_pkce_exempt": "Exempt from PKCE",
    "is_superuser": "Platform operator",
    "jwks": "Public keys (JWKS)",
    "jwks_uri": "Address of the keys (jwks_uri)",
    "logo_uri": "Logo",
    "min_acr": "Least acr",
    "policy_uri": "Privacy policy",
    "privacy_policy_uri": "Privacy policy",
    "redirect_uris": "Redirect URIs",
    "post_logout_redirect_uris": "Redirect URIs after logout",
    "refresh_token_enabled": "Refresh tokens",
    "requires_offline_access": "Refresh tokens by offline_access",
    "skip_authorization": "First party",
    "subject_type": "Knows users",
    "terms_of_service_uri": "Terms of service",
    "token_endpoint_auth_method": "Method",
    "tos_uri": "Terms of service",
    "userinfo_signed_response_alg": "Algorithm of userinfo",
}
HELP_TEXTS = {
    "is_active": "Who is not active can't sign in; what they did stays in the record.",
    "is_superuser": "Reaches every tenant, and the platform itself.",
    "redirect_uris": "Where people may be sent with a code, separated by spaces; compared exactly.",
    "skip_authorization": "The tenant's own client: nobody is asked for consent.",
    "post_logout_redirect_uris": "Where people may be sent after a logout, separated by spaces.",
}


class TenantUrl(AutocompleteMixin):
    """Searches in one tenant only."""

    tenant_id: UUID | None = None

    def get_url(self) -> str:
        """Write the address of the search, with the tenant."""
        return f"{super().get_url()}?{urlencode({'tenant': self.tenant_id or ''})}"


class TenantSelect(TenantUrl, AutocompleteSelect):
    """Finds one entity of a tenant."""


class TenantSelectMultiple(TenantUrl, AutocompleteSelectMultiple):
    """Finds several entities of a tenant."""


class TenantChoices(BaseAdmin):
    """Makes form fields whose choices are those of the entity's tenant."""

    def formfield_for_dbfield(
        self,
        db_field: Field[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.Field | None:
        """Make a field's form field, without the links that open other forms from this one."""
        if isinstance(db_field, ArrayField):
            return _make_list_field(db_field)
        if isinstance(db_field, JSONField):
            # A hidden second copy would only say what the stored value says.
            kwargs |= {"form_class": StorableJSONField, "show_hidden_initial": False}
            if not db_field.null and db_field.has_default():
                kwargs["empty"] = db_field.get_default
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        if db_field.name in LABELS:
            kwargs["label"] = LABELS[db_field.name]
        if db_field.name in HELP_TEXTS:
            kwargs["help_text"] = HELP_TEXTS[db_field.name]
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def formfield_for_nullboolean_field(
        self,
        db_field: Field[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.Field | None:
        """Offer the level above in place of "unknown"."""
        field = db_field.formfield(**kwargs, widget=UnfoldAdminNullBooleanSelectWidget())
        if field is not None:
            field.widget.choices = [("unknown", LEVEL_ABOVE), ("true", "Yes"), ("false", "No")]
        return field

    def formfield_for_choice_field(
        self,
        db_field: Field[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.TypedChoiceField | None:
        """Offer the level above in place of nothing."""
        if db_field.name in DECIDED_ABOVE and db_field.blank:
            blank = [("", LEVEL_ABOVE)]
            kwargs["choices"] = db_field.get_choices(include_blank=True, blank_choice=blank)
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def formfield_for_foreignkey(
        self,
        db_field: ForeignKey[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.ModelChoiceField[Model] | None:
        """Offer the tenant's own entities."""
        target = db_field.remote_field.model
        kwargs["queryset"] = self._find_choices(target, request)
        if target in SEARCHED_MODELS:
            kwargs["widget"] = self._search(TenantSelect, db_field, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self,
        db_field: ManyToManyField[Any, Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> forms.ModelMultipleChoiceField[Model] | None:
        """Offer the tenant's own entities."""
        target = db_field.remote_field.model
        kwargs["queryset"] = self._find_choices(target, request)
        if target in SEARCHED_MODELS:
            kwargs["widget"] = self._search(TenantSelectMultiple, db_field, request)
        else:
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget({"class": "console-ticks"})
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None:
            # Django adds how to select several in a list, which this is not.
            field.help_text = db_field.help_text
            if target is Scope:
                setattr(field, "label_from_instance", _name_scope)  # noqa: B010 - a method in the stubs.
        return field

    def _find_choices(self, target: type[Model], request: HttpRequest) -> QuerySet[Model]:
        rows: QuerySet[Model] = self.admin_site.get_model_admin(target).get_queryset(request)
        if target is Scope:
            rows = rows.select_related("api").order_by("api__slug", "name")
        if any(field.name == "tenant" for field in target._meta.concrete_fields):  # noqa: SLF001
            return rows.filter(tenant=form_tenant_of(request))
        return rows

    def _search(
        self,
        widget_class: type[TenantSelect | TenantSelectMultiple],
        db_field: Field[Any, Any],
        request: HttpRequest,
    ) -> TenantSelect | TenantSelectMultiple:
        classes = "unfold-admin-autocomplete admin-autocomplete"
        widget = widget_class(db_field, self.admin_site, attrs={"class": classes})
        widget.tenant_id = form_tenant_of(request)
        return widget


def _name_scope(scope: Scope) -> str:
    return f"{scope.name} ({scope.api.slug})"


def _make_list_field(db_field: ArrayField[Any, Any]) -> forms.Field:
    element = db_field.base_field
    common: dict[str, Any] = {
        "required": not db_field.blank,
        "label": LABELS.get(db_field.name, str(db_field.verbose_name).capitalize()),
        "help_text": db_field.help_text,
        "initial": list,
    }
    if element.choices:
        widget = UnfoldAdminCheckboxSelectMultipleWidget({"class": "console-ticks"})
        return forms.MultipleChoiceField(choices=element.choices, widget=widget, **common)
    return LinesField(read_line=element.to_python, validate_line=element.validators, **common)
