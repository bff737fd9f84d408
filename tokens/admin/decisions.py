"""Shows what each check and reason code means: docs/decisions.md, where the admin's links lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

from tokens.admin.refusal_access import may_see

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PATH: Final = "docs/decisions.md"
_PARAGRAPH: Final = re.compile(r"^### `([a-z_]+)`\n\n((?:.+\n)+)", re.MULTILINE)
_MARKUP: Final = re.compile(r"[`*]+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What one name means."""

    name: str
    text: str


@cache
def read_paragraphs() -> tuple[Paragraph, ...]:
    """Read the page's paragraphs, once for each process; none where it is not installed."""
    path = settings.BASE_DIR / PATH
    if not path.exists():
        return ()
    found = _PARAGRAPH.findall(path.read_text())
    return tuple(Paragraph(name, _MARKUP.sub("", text).replace("\n", " ")) for name, text in found)


def show_decisions(request: HttpRequest) -> HttpResponse:
    """Show all paragraphs, each under its own anchor."""
    if not may_see(request):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": "What decisions mean",
        "paragraphs": read_paragraphs(),
    }
    return TemplateResponse(request, "console/decisions.html", context)
