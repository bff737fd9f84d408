"""The test panel of an access policy: the edited, unsaved rule beside the live configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path

from tenants.admin.entity_admin import EntityAdmin, is_post
from tenants.admin.policy_forms import AccessPolicyForm, TrialForm
from tenants.errors import InvalidEntity
from tenants.models import AccessPolicy, Tenant
from tenants.queries.policy_trials import try_policy
from tenants.queries.tenant_core import read_core

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    from tenants.queries.policy_trials import Trial

PREFIX = "trial"
ASKED = f"{PREFIX}-operation"
REFUSED = "request_id"  # The page of a refusal leads here with its id.
MAX_ID_CHARACTERS = 64


class PolicyPanel(EntityAdmin):
    """Adds the panel's pages to the admin of the policies; nothing here is ever saved."""

    def get_urls(self) -> list[URLPattern]:
        """List the panel before the pages of the entity, whose patterns are wider."""
        wrap, name = self.admin_site.admin_view, "tenants_accesspolicy"
        return [
            path("test/", wrap(self.test_new), name=f"{name}_test_new"),
            path("<uuid:object_id>/test/", wrap(self.test_stored), name=f"{name}_test"),
            *super().get_urls(),
        ]

    def test_new(self, request: HttpRequest) -> HttpResponse:
        """Show what a policy that does not exist yet would change.

        Raises:
            PermissionDenied: the operator may make none.
        """
        if not self.has_add_permission(request):
            raise PermissionDenied
        tenant_id = self.chosen_tenant_id(request)
        if tenant_id is None:
            return HttpResponseRedirect(self.url_of("add"))
        return self._show_panel(request, AccessPolicy(tenant_id=tenant_id), is_new=True)

    def test_stored(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show what a stored policy, edited or not, would change; a foreign one is not found.

        Raises:
            PermissionDenied: the operator may not read it.
        """
        policy = self.get_object(request, str(object_id))
        if not isinstance(policy, AccessPolicy):
            missing: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, str(object_id)
            )
            return missing
        if not self.has_view_permission(request, policy):
            raise PermissionDenied
        return self._show_panel(request, policy, is_new=False)

    def _show_panel(
        self, request: HttpRequest, policy: AccessPolicy, *, is_new: bool
    ) -> HttpResponse:
        form = self._make_form(request, policy, is_new=is_new)
        question = TrialForm(
            request.POST if ASKED in request.POST else None,
            prefix=PREFIX,
            initial={REFUSED: request.GET.get(REFUSED, "")[:MAX_ID_CHARACTERS]},
        )
        trial = None
        if question.is_valid() and (form is None or form.is_valid()):
            trial = _try(policy, form.links if form else {}, question)
        context = self._describe(request, policy, form, is_new=is_new)
        title = f"Test {policy}" if policy.slug else "Test a new access policy"
        context |= {"question": question, "trial": trial, "title": title}
        return TemplateResponse(request, "console/policy_test.html", context)

    def _make_form(
        self, request: HttpRequest, policy: AccessPolicy, *, is_new: bool
    ) -> AccessPolicyForm | None:
        """Make the policy's own form; who may only read tries the policy as it is stored."""
        entity = None if is_new else policy
        if not self._is_writable(request, entity):
            return None
        form_class = self.get_form(request, entity, change=not is_new)
        sent = request.POST if is_post(request) else None
        initial = self.get_changeform_initial_data(request) if is_new and sent is None else None
        form = form_class(sent, instance=policy, initial=initial)
        return form if isinstance(form, AccessPolicyForm) else None

    def _describe(
        self,
        request: HttpRequest,
        policy: AccessPolicy,
        form: AccessPolicyForm | None,
        *,
        is_new: bool,
    ) -> dict[str, Any]:
        entity = None if is_new else policy
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": entity,
            "form": form,
            "back": self.url_of("add") if is_new else self.url_of("change", policy.pk),
            "query": f"?tenant={policy.tenant_id}" if is_new else "",
        }
        if form is not None:
            fieldsets = self.get_fieldsets(request, entity)
            readonly = self.get_readonly_fields(request, entity)
            shown = helpers.AdminForm(form, fieldsets, {}, readonly, model_admin=self)
            context |= {"adminform": shown, "media": self.media + shown.media}
        return context


def _try(
    policy: AccessPolicy, links: Mapping[str, list[Model]], question: TrialForm
) -> Trial | None:
    """Judge the request; what this tenant doesn't know stands at its field."""
    path_ = Tenant.objects.values_list("path", flat=True).get(pk=policy.tenant_id)
    core = read_core(path_, base_url=settings.TENANTS_BASE_URL)
    if core is None:
        return None
    try:
        return try_policy(core, question.question, policy, links)
    except InvalidEntity as error:
        for name, texts in error.messages.items():
            question.add_error(name if name in question.fields else None, texts)
        return None
