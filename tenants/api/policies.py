"""Access policies: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from rest_framework import serializers

from tenants.api.entity_views import (
    EntityView,
    ItemView,
    ListView,
    describe_item,
    describe_list,
)
from tenants.api.links import split_links
from tenants.api.policy_document import PolicyDocument, PolicyPageDocument
from tenants.api.user_document import PageQueryDocument
from tenants.models import AccessPolicy
from tenants.queries.managed_policies import LINKS, POLICIES
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Model

    from tenants.api.caller import Caller

SCOPES: Final[Mapping[str, str]] = {
    "read": "management:policies:read",
    "write": "management:policies:write",
}


class PolicyQueryDocument(PageQueryDocument):
    """The query parameters of the list."""

    effect = serializers.ChoiceField(choices=AccessPolicy.Effect.choices, default="")


class _PolicyView(EntityView):
    """What the list and the items share."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES
    document = PolicyDocument
    managed = POLICIES

    def write(self, entity: Model, values: Mapping[str, Any], caller: Caller) -> Mapping[str, str]:
        """Store what was sent, by the service that lints the rule."""
        own, links = split_links(caller.tenant.id, LINKS, values)
        for name, value in own.items():
            setattr(entity, name, value)
        changes.save(entity, actor=caller.actor, links=links)
        return {}


@describe_list(
    "policy",
    many="policies",
    texts=(
        "List policies in the order of their slugs, a page at a time.",
        "Create a policy; it holds everywhere within a second.",
    ),
)
class PoliciesView(_PolicyView, ListView):
    """The access policies of a tenant."""

    query = PolicyQueryDocument
    page = PolicyPageDocument
    item = "api-policy"


@describe_item(
    "policy",
    texts=(
        "Read a policy and its ETag.",
        None,
        "Delete a policy; what it allowed is refused from then on.",
    ),
)
class PolicyView(_PolicyView, ItemView):
    """One access policy."""
