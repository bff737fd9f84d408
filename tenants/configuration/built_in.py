"""What every tenant has from its birth, which no file needs to say and none can remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import models
from tenants.configuration.values import default_value
from tenants.services.tenants import MANAGEMENT_SCOPES, OPENID_SCOPES

if TYPE_CHECKING:
    from django.db.models import Model

    from tenants.configuration.vocabulary import Attribute, Kind
    from tenants.records import JSON

SCOPES = {
    models.Api.BuiltIn.OPENID.value: OPENID_SCOPES,
    models.Api.BuiltIn.MANAGEMENT.value: MANAGEMENT_SCOPES,
}


def is_built_in(entity: Model) -> bool:
    """Say whether an entity came into being with its tenant."""
    match entity:
        case models.Api():
            return bool(entity.built_in)
        case models.Scope():
            return entity.name in SCOPES.get(entity.api.built_in, {})
        case _:
            return False


def birth_value(kind: Kind, attribute: Attribute, entity: Model) -> JSON:
    """Answer what an entity has where its entry says nothing."""
    match entity, attribute.name:
        case models.Api(built_in=built_in), "name" if built_in:
            return str(models.Api.BuiltIn(built_in).label)
        case models.Api(built_in=built_in), "audience" if built_in:
            return f"urn:authplatform:{built_in}:{entity.tenant.path.replace('/', ':')}"
        case models.Scope(), "title" if is_built_in(entity):
            return SCOPES[entity.api.built_in][entity.name]
        case _:
            return default_value(kind, attribute)
