"""The admin of the clients, from the first secret on."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from django.conf import settings
from django.contrib import admin
from django.template.response import TemplateResponse
from unfold.decorators import action

from tenants.admin import permissions
from tenants.admin.client_fieldsets import ADD_FIELDSETS, FIELDSETS
from tenants.admin.client_forms import (
    SECRET_METHODS,
    NewClientForm,
    NewSecretForm,
    make_slug,
    suggest_label,
    todays_label,
)
from tenants.admin.entity_admin import EntityAdmin, is_post
from tenants.admin.filters import TenantFilter
from tenants.admin.history import redirect_to_home
from tenants.admin.inlines import EntityStack, FactTable, link_removal
from tenants.admin.requests import actor_of
from tenants.admin.show_once import keep_for_response, show_once, take_issued
from tenants.admin.token_settings import LIFETIMES, TOKEN_CHOICES
from tenants.errors import InvalidEntity
from tenants.models import AccessPolicy, Client, ClientGrantSettings, ClientSecret
from tenants.models.fields import GrantTypeChoice
from tenants.queries.operators import reach_of
from tenants.services import changes, client_secrets, clients

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse

    from tenants.admin.forms import EntityForm


class SecretTable(FactTable):
    """The live secrets of a client."""

    model = ClientSecret
    kind = "client_secret"
    fields = readonly_fields = (
        "label",
        "hint",
        "created_at",
        "expires_at",
        "last_used_at",
        "removal",
    )
    verbose_name_plural = "secrets"

    @admin.display(description="")
    def removal(self, secret: ClientSecret) -> str:
        """Link to the removal, which asks first."""
        return link_removal(self.admin_site, secret)


class GrantSettingsStack(EntityStack):
    """What holds for one grant of the client only."""

    model = ClientGrantSettings
    kind = "client_grant_settings"
    verbose_name_plural = "settings for single grants"
    fieldsets = (
        (None, {"fields": ("grant_type", *TOKEN_CHOICES, "refresh_token_enabled")}),
        LIFETIMES,
    )


@admin.register(Client)
class ClientAdmin(EntityAdmin):
    """Clients with their secrets, grants and scopes."""

    kind = "client"
    list_display = ("client_id", "name", "kind_text", "tenant", "is_enabled")
    list_filter = (TenantFilter, "kind", "is_enabled")
    list_select_related = ("tenant",)
    search_fields = ("client_id", "name")
    search_help_text = "client_id or name"
    ordering = ("tenant__path", "client_id")
    readonly_fields = ("created", "updated")
    inlines = (SecretTable, GrantSettingsStack)
    actions_detail = ("new_secret",)
    add_fieldsets = ADD_FIELDSETS
    fieldsets = FIELDSETS

    @admin.display(description="kind", ordering="kind")
    def kind_text(self, client: Client) -> str:
        """Write the kind in words."""
        return client.get_kind_display()

    def get_form(
        self,
        request: HttpRequest,
        obj: Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature.
        **kwargs: Any,  # noqa: ANN401 - Django's signature.
    ) -> type[EntityForm]:
        """Open the short form for a new client."""
        if obj is None:
            kwargs["form"] = NewClientForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Leave it to owners to exempt a client from PKCE."""
        fields = super().get_readonly_fields(request, obj)
        tenant_id = self.tenant_id_of(obj) if obj else None
        is_owner = permissions.is_owner(reach_of(request), tenant_id)
        return fields if is_owner else [*fields, "is_pkce_exempt"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start a backend service: the kind of client that is made most often."""
        return {
            "grant_types": ["client_credentials"],
            **super().get_changeform_initial_data(request),
        }

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list[type[Any]]:
        """Show what hangs on a client once there is one."""
        return list(super().get_inlines(request, obj)) if obj else []

    def write(self, request: HttpRequest, entity: Model, form: EntityForm) -> None:
        """Store the client; a new one gets its first secret and access policy with it."""
        assert isinstance(entity, Client)  # noqa: S101 - narrows the type for the checker.
        is_new = entity._state.adding  # noqa: SLF001 - Django's documented way to ask this.
        reason = form.cleaned_data.get("reason", "")
        clients.save_client(entity, actor=actor_of(request), reason=reason, links=form.links)
        if is_new and form.cleaned_data.get("allow_client"):
            self._allow(request, entity)
        if is_new and entity.token_endpoint_auth_method in SECRET_METHODS:
            self._issue_secret(request, entity, todays_label())

    def remove(self, request: HttpRequest, entity: Model) -> None:
        """Delete the client and end everything that was issued to it."""
        assert isinstance(entity, Client)  # noqa: S101 - narrows the type for the checker.
        reason = request.POST.get("reason", "")
        clients.delete_client(entity, actor=actor_of(request), reason=reason)

    def response_add(
        self, request: HttpRequest, obj: Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the first secret once, or go on as usual where there is none."""
        text = take_issued(request)
        if not text:
            return super().response_add(request, obj, post_url_continue)
        return self._show_secret(request, obj, text, f"Client {obj} was made")

    def has_new_secret_permission(self, request: HttpRequest, object_id: str) -> bool:
        """Say whether the operator may give the client a secret; a foreign client is not found."""
        client = self.get_object(request, object_id)
        tenant_id = self.tenant_id_of(client) if client else None
        return permissions.is_allowed(reach_of(request), "client_secret", "add", tenant_id)

    @action(  # type: ignore[untyped-decorator]  # the theme has no types.
        description="New secret",
        url_path="new-secret",
        permissions=["new_secret"],
        icon="key",
    )
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a label and an expiry, then show the new secret once."""
        client = self.get_object(request, object_id)
        if client is None:
            return redirect_to_home(self, request, object_id)
        taken = ClientSecret.objects.filter(client=client.pk).values_list("label", flat=True)
        initial = {"label": suggest_label(set(taken))}
        form = NewSecretForm(request.POST if is_post(request) else None, initial=initial)
        if form.is_valid():
            try:
                label, expires_at = form.cleaned_data["label"], form.expires_at
                self._issue_secret(request, client, label, expires_at)
            except InvalidEntity as error:
                form.add_error(None, [text for texts in error.messages.values() for text in texts])
            else:
                self.log_change(request, client, f"Added the secret {label}.")
                return self._show_secret(request, client, take_issued(request), "A new secret")
        context = {
            **self.admin_site.each_context(request),
            "title": f"New secret for {client}",
            "opts": self.opts,
            "client": client,
            "form": form,
        }
        return TemplateResponse(request, "console/new_secret.html", context)

    def _allow(self, request: HttpRequest, client: Client) -> None:
        policy = AccessPolicy(tenant_id=client.tenant_id, slug=make_slug(client.client_id))
        policy.description = f"Made with the client {client.client_id}."
        # For tokens: whoever asks about calls of an Api gets a policy for that.
        policy.operations = GrantTypeChoice.values
        try:
            changes.save(policy, actor=actor_of(request), links={"clients": [client]})
        except InvalidEntity as error:
            text = f"The access policy {policy.slug} can't be made; switch this off and write one."
            raise InvalidEntity({"allow_client": [text]}) from error

    def _issue_secret(
        self,
        request: HttpRequest,
        client: Model,
        label: str,
        expires_at: Any = None,  # noqa: ANN401
    ) -> None:
        assert isinstance(client, Client)  # noqa: S101 - narrows the type for the checker.
        _, text = client_secrets.add_secret(
            client, label=label, actor=actor_of(request), expires_at=expires_at
        )
        keep_for_response(request, text)

    def _show_secret(
        self, request: HttpRequest, client: Model, text: str, title: str
    ) -> HttpResponse:
        assert isinstance(client, Client)  # noqa: S101 - narrows the type for the checker.
        facts = {
            "title": title,
            "noun": "client secret",
            "client_id": client.client_id,
            "command": _write_command(client, text),
            "back": self.url_of("change", client.pk),
        }
        return show_once(request, self, client, secret=text, facts=facts)


def _write_command(client: Client, secret: str) -> str:
    """Write the call that gets a token; Basic wants both parts form-encoded.

    Source: RFC 6749 section 2.3.1.
    """
    if "client_credentials" not in client.grant_types:
        return ""
    credentials = shlex.quote(f"{quote_plus(client.client_id)}:{secret}")
    url = shlex.quote(f"{settings.TENANTS_BASE_URL}/t/{client.tenant.path}/oauth/token")
    scope = client.scopes.values_list("name", flat=True).first()
    asked = (
        ""
        if client.default_scopes.exists() or not scope
        else f" -d {shlex.quote(f'scope={scope}')}"
    )
    return f"curl -u {credentials} -d grant_type=client_credentials{asked} {url}"
