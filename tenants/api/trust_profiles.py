"""Trust profiles: list, create, read, update, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from tenants.api.entity_views import (
    EntityView,
    ItemView,
    ListView,
    describe_item,
    describe_list,
)
from tenants.api.trust_document import (
    TrustProfileDocument,
    TrustProfilePageDocument,
    describe_version,
    split_values,
)
from tenants.errors import Forbidden
from tenants.models import TrustProfile
from tenants.queries.managed_trust_profiles import (
    TRUST_PROFILES,
    find_reached_management_scopes,
)
from tenants.services.trust_profiles import (
    require_secrets_for_other_addresses,
    save_trust_profile,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.db.models import Model

    from tenants.api.caller import Caller
    from tenants.services.trust_profiles import Secrets

SCOPES: Final[Mapping[str, str]] = {
    "read": "management:trust-profiles:read",
    "write": "management:trust-profiles:write",
}


class _TrustProfileView(EntityView):
    """What the list and the items share."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES
    document = TrustProfileDocument
    managed = TRUST_PROFILES

    def version_of(self, entity: Model) -> str:
        """Write the version of what is stored; another secret is another version."""
        assert isinstance(entity, TrustProfile)  # noqa: S101 - narrows the type for the checker.
        return describe_version(entity, self.document(entity).data)

    def write(self, entity: Model, values: Mapping[str, Any], caller: Caller) -> Mapping[str, str]:
        """Store what was sent, and its secrets sealed."""
        assert isinstance(entity, TrustProfile)  # noqa: S101 - as above.
        own, links, secrets = split_values(caller.tenant.id, values)
        for name, value in own.items():
            setattr(entity, name, value)
        require_secrets_for_other_addresses(entity, secrets)
        stated = cast("Secrets", secrets)
        save_trust_profile(entity, actor=caller.actor, links=links, **stated)
        return {}


CHANGE: Final = """Change the members that are sent, on the version that If-Match names.

Disabling a profile ends what came of its tokens."""


@describe_list(
    "trust_profile",
    texts=(
        "List trust profiles in the order of their slugs, a page at a time.",
        "Create a trust profile; it holds everywhere within a second.",
    ),
)
class TrustProfilesView(_TrustProfileView, ListView):
    """The trust profiles of a tenant."""

    page = TrustProfilePageDocument
    item = "api-trust-profile"


@describe_item(
    "trust_profile",
    texts=(
        "Read a trust profile and its ETag; secrets are never shown.",
        CHANGE,
        "Delete a trust profile and end everything that came of its tokens.",
    ),
)
class TrustProfileView(_TrustProfileView, ItemView):
    """One trust profile."""

    def lock(self, caller: Caller, entity_id: UUID) -> Model:
        """Read a profile that the caller may write; nobody else does before the transaction ends.

        Raises:
            NotFound: there is none in the caller's tenant.
            Forbidden: a client that it proves holds management scopes that the caller's lacks.
        """
        profile = super().lock(caller, entity_id)
        if find_reached_management_scopes(caller.tenant.id, entity_id) - caller.scopes:
            # With keys of its own the caller could ask for a token as that client.
            raise Forbidden("This profile proves a client with management scopes that yours lacks.")
        return profile
