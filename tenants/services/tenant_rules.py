"""What must hold for a tenant as a whole: how people sign in, and how its pages look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from tenants import models
from tenants.services.web_addresses import explain_endpoint, explain_page, find_wrong_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
PAGES: Final = ("privacy_policy_uri", "terms_of_service_uri")


def check_tenant(entity: Model, _links: Mapping[str, Sequence[Model]]) -> Messages:
    """Answer what is wrong with a tenant, by field."""
    assert isinstance(entity, models.Tenant)  # noqa: S101 - narrows the type for the checker.
    messages = find_wrong_addresses(entity, PAGES, explain_page)
    messages |= find_wrong_addresses(entity, ("logo_uri",), explain_endpoint)
    if entity.allow_sign_up and not (entity.allow_password_sign_in or entity.allow_email_sign_in):
        text = "Who signs up comes back by password or by e-mail; allow one of them."
        messages["allow_sign_up"] = [text]
    return messages
