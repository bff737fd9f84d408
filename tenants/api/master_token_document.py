"""A master token as a document; its members are named as in the configuration files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from rest_framework import serializers

from tenants.api.document import Document
from tenants.api.fields import Choice, Count, Flag, Text, Texts
from tenants.api.links import LinkName, LinkNames, find_linked, split_links
from tenants.models import Client, MasterToken
from tenants.models.fields import validate_slug
from tenants.models.master_token import MAX_USERS_PER_DAY
from tenants.queries.managed_master_tokens import CLIENT, LINKS, find_missing_scopes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import Model

QUOTA: Final[dict[str, Any]] = {
    "required": False,
    "min_value": 1,
    "max_value": MAX_USERS_PER_DAY,
}


class MasterTokenDocument(Document[MasterToken]):
    """A master token without its text; what is left out keeps its value, or has the default."""

    id = serializers.UUIDField(read_only=True)
    label = Text(max_length=100)  # type: ignore[assignment]  # the metaclass takes it away.
    client = LinkName(CLIENT)
    kind = Choice(choices=MasterToken.Kind.choices)
    is_enabled = Flag(required=False)
    scopes = LinkNames(LINKS["scopes"], required=False)
    user_groups = Texts(child=Text(max_length=63, validators=[validate_slug]), required=False)
    allowed_origins = Texts(child=Text(max_length=255), required=False)
    allowed_addresses = Texts(child=Text(max_length=49), required=False)
    max_users_per_address_per_day = Count(**QUOTA)
    max_users_per_day = Count(**QUOTA)
    expires_at = serializers.DateTimeField()
    hint = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True)

    def validate_expires_at(self, moment: datetime) -> datetime:
        """Refuse what would make a token that nobody can use; `is_enabled` switches one off."""
        if moment <= timezone.now():
            raise serializers.ValidationError("Choose a moment that is still to come.")
        return moment


class CreatedMasterTokenDocument(MasterTokenDocument):
    """A new master token with its text, which is shown here and never again."""

    master_token = serializers.CharField(read_only=True)


class MasterTokenPageDocument(serializers.Serializer[Any]):
    """A page of master tokens; `next_cursor` is null on the last one."""

    items = MasterTokenDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def set_values(
    token: MasterToken, tenant_id: UUID, values: Mapping[str, Any]
) -> dict[str, list[Model]]:
    """Give a token what was sent, and answer its links, whose names are looked up in the tenant.

    Raises:
        ValidationError: a name is not there, or the client does not have a scope itself.
    """
    own, links = split_links(tenant_id, LINKS, values)
    if "client" in own:
        [own["client"]] = find_linked(tenant_id, "client", CLIENT, [own["client"]])
    for name, value in own.items():
        setattr(token, name, value)
    _check_delegated(token.client, values.get("scopes", ()))
    return links


def _check_delegated(client: Client, names: list[str]) -> None:
    missing = find_missing_scopes(client, names) if names else []
    if missing:
        text = (
            f"The client {client.client_id} does not have the scope {missing[0]} itself; "
            "give it to the client first, or leave it out."
        )
        raise serializers.ValidationError({"scopes": [text]})
