"""What a person reads about each scope: the tenant's own words, else ours for standard scopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, gettext_noop

from tenants.queries.consent_texts import ScopeText, find_scope_texts

if TYPE_CHECKING:
    from collections.abc import Collection

    from tokens.front_channel.page import Visit

# OpenID Connect Core sections 5.4 and 11.
STANDARD: Final = {
    "openid": gettext_noop("Know who you are"),
    "offline_access": gettext_noop("Stay connected while you are away"),
    "profile": gettext_noop("Read your profile, such as your name"),
    "email": gettext_noop("Read your e-mail address"),
    "address": gettext_noop("Read your postal address"),
    "phone": gettext_noop("Read your phone number"),
}
# Nothing can be said about a person without saying who they are.
IMPLIED: Final = frozenset(("openid",))


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One scope as a page shows it; what is required can't be left out."""

    name: str
    title: str
    description: str
    is_emphasized: bool
    is_required: bool


def describe_scopes(visit: Visit, names: Collection[str]) -> list[ScopeLine]:
    """Describe scopes in the person's language, emphasized ones first; one statement."""
    texts = find_scope_texts(visit.tenant.id, names, language=visit.language)
    return [_describe(text) for text in texts]


def _describe(text: ScopeText) -> ScopeLine:
    return ScopeLine(
        text.name,
        _title_of(text),
        text.description,
        text.is_emphasized,
        text.is_required or text.name in IMPLIED,
    )


def _title_of(text: ScopeText) -> str:
    standard = STANDARD.get(text.name)
    if standard and text.title in {"", standard}:
        return gettext(standard)
    return text.title or text.name
