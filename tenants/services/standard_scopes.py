"""The standard scopes of OpenID Connect, whose names an Api may take over for rights of its own."""

from __future__ import annotations

from typing import Final

from tenants import models
from tenants.errors import InvalidEntity

# OpenID Connect Core section 5.4: each asks for claims, and `openid` alone makes the request one.
STANDARD_SCOPES: Final = {
    "profile": "Read your profile, such as your name",
    "email": "Read your e-mail address",
    "address": "Read your postal address",
    "phone": "Read your phone number",
}


def find_taken_over(entity: models.Scope) -> models.Scope | None:
    """Find the standard scope whose name a new scope of an Api takes over; None for other names.

    Raises:
        InvalidEntity: somebody may use the standard scope.
    """
    if entity.name not in STANDARD_SCOPES or entity.api.built_in:
        return None
    scopes = models.Scope.objects.filter(
        tenant=entity.tenant_id, name=entity.name, api__built_in=models.Api.BuiltIn.OPENID
    )
    standard = scopes.first()
    if standard is not None and _is_used(standard):
        text = "Somebody uses the standard scope of this name; take it from them first."
        raise InvalidEntity({"name": [text]})
    return standard


def _is_used(scope: models.Scope) -> bool:
    links = (relation for relation in scope._meta.related_objects if relation.many_to_many)  # noqa: SLF001 - Django's documented API.
    return any(
        relation.field.model._default_manager.filter(**{relation.field.name: scope}).exists()  # noqa: SLF001 - as above.
        for relation in links
    )
