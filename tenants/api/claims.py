"""Claim rules and claim profiles: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from tenants.api.claim_document import (
    ClaimProfileDocument,
    ClaimProfilePageDocument,
    ClaimRuleDocument,
    ClaimRulePageDocument,
    resolve_links,
)
from tenants.api.entity_views import (
    EntityView,
    ItemView,
    ListView,
    describe_item,
    describe_list,
)
from tenants.queries.managed_claims import CLAIM_PROFILES, CLAIM_RULES
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Model

    from tenants.api.caller import Caller

SCOPES: Final[Mapping[str, str]] = {
    "read": "management:claims:read",
    "write": "management:claims:write",
}


class _ClaimsView(EntityView):
    """What the views of rules and profiles share."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES

    def write(self, entity: Model, values: Mapping[str, Any], caller: Caller) -> Mapping[str, str]:
        """Store what was sent, by the service that checks it."""
        for name, value in resolve_links(caller.tenant.id, values).items():
            setattr(entity, name, value)
        changes.save(entity, actor=caller.actor)
        return {}


@describe_list("claim_rule")
class ClaimRulesView(_ClaimsView, ListView):
    """The claim rules of a tenant."""

    document = ClaimRuleDocument
    page = ClaimRulePageDocument
    managed = CLAIM_RULES
    item = "api-claim-rule"


@describe_item("claim_rule")
class ClaimRuleView(_ClaimsView, ItemView):
    """One claim rule."""

    document = ClaimRuleDocument
    managed = CLAIM_RULES


@describe_list("claim_profile")
class ClaimProfilesView(_ClaimsView, ListView):
    """The claim profiles of a tenant."""

    document = ClaimProfileDocument
    page = ClaimProfilePageDocument
    managed = CLAIM_PROFILES
    item = "api-claim-profile"


@describe_item("claim_profile")
class ClaimProfileView(_ClaimsView, ItemView):
    """One claim profile."""

    document = ClaimProfileDocument
    managed = CLAIM_PROFILES
