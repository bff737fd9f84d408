"""Master tokens: list, create, read, update, delete. The text of one is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from tenants.api.document import renamed_members
from tenants.api.entity_views import (
    EntityView,
    ItemView,
    ListView,
    describe_item,
    describe_list,
)
from tenants.api.master_token_document import (
    CreatedMasterTokenDocument,
    MasterTokenDocument,
    MasterTokenPageDocument,
    set_values,
)
from tenants.api.user_document import validate_id
from tenants.models import MasterToken
from tenants.queries.managed_master_tokens import MASTER_TOKENS
from tenants.services.master_tokens import create_master_token, save_master_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Model

    from tenants.api.caller import Caller

# A private master token makes and reads users and signs them out: whoever makes one must have that
# as well, or it would be the way to more rights.
SCOPES: Final[Mapping[str, str]] = {
    "read": "management:master-tokens:read",
    "write": "management:master-tokens:write management:users:read management:users:write",
}

MEMBER_NAMES: Final = {"client_id": "client"}


class _MasterTokenView(EntityView):
    """What the list and the items share."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES
    document = MasterTokenDocument
    managed = MASTER_TOKENS
    unversioned: ClassVar[frozenset[str]] = frozenset(("last_used_at",))

    def write(self, entity: Model, values: Mapping[str, Any], caller: Caller) -> Mapping[str, str]:
        """Make a token, or change one; disabling it ends what it has issued."""
        assert isinstance(entity, MasterToken)  # noqa: S101 - narrows the type for the checker.
        links = set_values(entity, caller.tenant.id, values)
        with renamed_members(MEMBER_NAMES):
            if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
                text = create_master_token(entity, actor=caller.actor, links=links)
                return {"master_token": text}
            save_master_token(entity, actor=caller.actor, links=links)
        return {}


@describe_list(
    "master_token",
    created=CreatedMasterTokenDocument,
    texts=(
        "List master tokens without their texts, in the order of their ids, a page at a time.",
        "Create a master token; its text is in this answer and never shown again.",
    ),
)
class MasterTokensView(_MasterTokenView, ListView):
    """The master tokens of a tenant."""

    page = MasterTokenPageDocument
    item = "api-master-token"

    @staticmethod
    def validate_cursor(name: str) -> None:
        """Refuse what is no id."""
        validate_id(name)


@describe_item(
    "master_token",
    texts=(
        "Read a master token and its ETag; its text is never shown.",
        "Change the members that are sent; disabling a master token ends what it has given.",
        "Delete a master token and end every token that it has given.",
    ),
)
class MasterTokenView(_MasterTokenView, ItemView):
    """One master token."""
