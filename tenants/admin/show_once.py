"""The page that shows a new secret, once, in the response itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.admin import ModelAdmin
    from django.db.models import Model
    from django.http import HttpRequest

# Django leaves a name with SECRET in it out of its error reports.
ISSUED_SECRET = "tenants.issued_secret"  # noqa: S105 - the name of an entry, no secret.


def keep_for_response(request: HttpRequest, text: str) -> None:
    """Keep a new secret from the write to the answer of the same request, and no longer."""
    request.META[ISSUED_SECRET] = text


def take_issued(request: HttpRequest) -> str:
    """Answer the secret that this request has made, if any, and forget it."""
    text: str = request.META.pop(ISSUED_SECRET, "")
    return text


@never_cache
def show_once(
    request: HttpRequest,
    admin: ModelAdmin[Any],
    entity: Model,
    *,
    secret: str,
    facts: Mapping[str, Any],
) -> TemplateResponse:
    """Answer with the secret; no browser or proxy may keep the page, and a reload shows none."""
    context = {
        **admin.admin_site.each_context(request),
        "title": facts["title"],
        "opts": admin.opts,
        "entity": entity,
        "secret": secret,
        "facts": facts,
    }
    return TemplateResponse(request, "console/secret_once.html", context)
