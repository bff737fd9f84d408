"""The one list of sessions and machine tokens, and the search by whatever support has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from tenants.admin.requests import parse_uuid
from tenants.models import Client, Subject, Tenant
from tenants.queries.operators import scope
from tokens.admin import grant_pages, grant_search, sign_in_rows
from tokens.admin.access import require_sight
from tokens.admin.grant_rows import GrantFilter

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tokens.admin.grant_search import Finding

LIST: Final = "admin:sessions_and_tokens"
STATES: Final = (("active", "Active"), ("ended", "Ended"), ("all", "All"))
MAX_TENANTS: Final = 100
NOT_FOUND: Final = (
    "Nothing was found in your tenants: no session, token, subject or client. Check that it was "
    "pasted whole; what expired long ago is gone."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader of the list has chosen, with the entities that the page names."""

    tenant: Tenant
    client: Client | None = None
    subject: Subject | None = None
    state: str = "active"

    @property
    def keep(self) -> GrantFilter:
        """The choice as a filter of the rows."""
        return GrantFilter(
            self.tenant.pk,
            self.client.pk if self.client else None,
            self.subject.pk if self.subject else None,
            self.state,
        )

    @property
    def parameters(self) -> dict[str, str]:
        """The choice as the parameters of an address."""
        return {
            "tenant": str(self.tenant.pk),
            **({"client": str(self.client.pk)} if self.client else {}),
            **({"subject": str(self.subject.pk)} if self.subject else {}),
            "state": self.state,
        }


def address_of(**parameters: object) -> str:
    """Write the list's address with a choice."""
    return f"{reverse(LIST)}?{urlencode(parameters)}"


@never_cache
def list_grants(request: HttpRequest) -> HttpResponse:
    """Show a page of one tenant's sessions and machine tokens."""
    return _show(request, require_sight(request))


@never_cache
@require_POST
@sensitive_post_parameters("pasted")
@sensitive_variables()
def find_grant(request: HttpRequest) -> HttpResponse:
    """Go to what was pasted; the text itself stands in no address, page or log."""
    tenant_ids = require_sight(request)
    finding = grant_search.find(request.POST.get("pasted", ""), tenant_ids)
    if finding is None:
        return _show(request, tenant_ids, problem=NOT_FOUND)
    if len(finding.clients) > 1:
        return _show(request, tenant_ids, clients=finding.clients)
    if finding.named_in is not None:
        return _show_name(request, request.POST["pasted"].strip(), finding.named_in)
    return HttpResponseRedirect(_locate(finding))


def _show_name(request: HttpRequest, name: str, tenant_id: UUID) -> TemplateResponse:
    """Show the newest that was issued in the name of an application's subject.

    The name may be a person's, so it stands in this answer and in no address.
    """
    keep = GrantFilter(tenant_id, state="all", app_subject_id=name)
    page = grant_pages.read_page(keep, grant_pages.Position())
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Sessions and tokens",
        "named": name,
        "named_tenant": Tenant.objects.only("path").get(pk=tenant_id),
        "rows": page.rows,
        "has_more": page.following is not None,
    }
    return TemplateResponse(request, "console/grants.html", context)


def _locate(finding: Finding) -> str:
    if finding.token_id:
        return reverse("admin:token_detail", args=[finding.token_id])
    if finding.foreign_id:
        return reverse("admin:foreign_token_detail", args=[finding.foreign_id])
    if finding.session_id:
        return reverse("admin:session_detail", args=[finding.session_id])
    if finding.subject:
        return address_of(subject=finding.subject.pk)
    return address_of(client=finding.clients[0].pk)


def _show(
    request: HttpRequest,
    tenant_ids: Collection[UUID] | None,
    *,
    problem: str = "",
    clients: tuple[Client, ...] = (),
) -> TemplateResponse:
    tenants = list(_own_tenants(tenant_ids).only("path")[:MAX_TENANTS])
    choice = _read_choice(request, tenant_ids, tenants)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Sessions and tokens",
        "tenants": tenants,
        "choice": choice,
        "problem": problem,
        "clients": clients,
    }
    if choice is not None:
        context |= _read_rows(request, choice)
    return TemplateResponse(request, "console/grants.html", context)


def _read_rows(request: HttpRequest, choice: Choice) -> dict[str, Any]:
    position = grant_pages.parse_position(
        request.GET.get("after_session", ""),
        request.GET.get("after_token", ""),
        request.GET.get("after_foreign", ""),
    )
    page = grant_pages.read_page(choice.keep, position)
    following, subject = page.following, choice.subject
    return {
        "sign_ins": sign_in_rows.list_sign_ins(choice.tenant.pk, subject.pk) if subject else [],
        "rows": page.rows,
        "is_first": position == grant_pages.Position(),
        "first": address_of(**choice.parameters),
        "following": address_of(**choice.parameters, **grant_pages.write_position(following))
        if following
        else "",
        "states": [
            (title, address_of(**replace(choice, state=state).parameters), state == choice.state)
            for state, title in STATES
        ],
    }


def _own_tenants(tenant_ids: Collection[UUID] | None) -> Any:  # noqa: ANN401 - a queryset of tenants.
    return scope(Tenant.objects.order_by("path"), tenant_ids, "pk")


def _read_choice(
    request: HttpRequest, tenant_ids: Collection[UUID] | None, tenants: list[Tenant]
) -> Choice | None:
    """Read the choice; whatever is not the operator's reads as if it were not there."""
    state = request.GET.get("state", "active")
    known = state if state in dict(STATES) else "active"
    client, subject = (
        _find(model, request.GET.get(name), tenant_ids)
        for model, name in ((Client, "client"), (Subject, "subject"))
    )
    entity = client or subject
    if entity is not None:
        return Choice(entity.tenant, client, None if client else subject, known)
    if request.GET.get("client") or request.GET.get("subject"):
        return None
    wanted = parse_uuid(request.GET.get("tenant"))
    if wanted is not None:
        tenant = _own_tenants(tenant_ids).filter(pk=wanted).first()
        return Choice(tenant, state=known) if tenant else None
    return Choice(tenants[0], state=known) if tenants else None


def _find(
    model: type[Client | Subject], text: str | None, tenant_ids: Collection[UUID] | None
) -> Any:  # noqa: ANN401 - one of the model, or None.
    row_id = parse_uuid(text)
    if row_id is None:
        return None
    rows = model._default_manager.filter(pk=row_id).select_related("tenant")  # noqa: SLF001
    return scope(rows, tenant_ids, "tenant_id").first()
