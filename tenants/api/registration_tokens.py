"""Initial access tokens: list, create, read, update, delete. The text of one is shown once.

Source: RFC 7591 section 1.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.utils import timezone
from rest_framework import serializers

from tenants.api.document import Document
from tenants.api.entity_views import (
    EntityView,
    ItemView,
    ListView,
    describe_item,
    describe_list,
)
from tenants.api.fields import Count, Flag, Text
from tenants.api.user_document import validate_id
from tenants.models import InitialAccessToken
from tenants.queries.managed_registration_tokens import INITIAL_ACCESS_TOKENS
from tenants.services import changes
from tenants.services.registration_tokens import create_initial_access_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import Model

    from tenants.api.caller import Caller

# What is registered by such a token are clients, which its maker could make as well.
SCOPES: Final[Mapping[str, str]] = {
    "read": "management:clients:read",
    "write": "management:clients:write",
}
MAX_CLIENTS: Final = 100_000


class InitialAccessTokenDocument(Document[InitialAccessToken]):
    """An initial access token without its text."""

    id = serializers.UUIDField(read_only=True)
    label = Text(max_length=100)  # type: ignore[assignment]  # the metaclass takes it away.
    is_enabled = Flag(required=False)
    max_clients = Count(required=False, min_value=1, max_value=MAX_CLIENTS)
    expires_at = serializers.DateTimeField()
    registered_clients = serializers.IntegerField(read_only=True)
    hint = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True)

    def validate_expires_at(self, moment: datetime) -> datetime:
        """Refuse what would make a token that nobody can use; `is_enabled` switches one off."""
        if moment <= timezone.now():
            raise serializers.ValidationError("Choose a moment that is still to come.")
        return moment


class CreatedInitialAccessTokenDocument(InitialAccessTokenDocument):
    """A new initial access token with its text, which is shown here and never again."""

    initial_access_token = serializers.CharField(read_only=True)


class InitialAccessTokenPageDocument(serializers.Serializer[Any]):
    """A page of initial access tokens; `next_cursor` is null on the last one."""

    items = InitialAccessTokenDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class _InitialAccessTokenView(EntityView):
    """What the list and the items share."""

    scopes: ClassVar[Mapping[str, str]] = SCOPES
    document = InitialAccessTokenDocument
    managed = INITIAL_ACCESS_TOKENS
    unversioned: ClassVar[frozenset[str]] = frozenset(("last_used_at", "registered_clients"))

    def write(self, entity: Model, values: Mapping[str, Any], caller: Caller) -> Mapping[str, str]:
        """Make a token, or change one; what it has registered stays."""
        assert isinstance(entity, InitialAccessToken)  # noqa: S101 - narrows the type for the checker.
        for name, value in values.items():
            setattr(entity, name, value)
        if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
            text = create_initial_access_token(entity, actor=caller.actor)
            return {"initial_access_token": text}
        changes.save(entity, actor=caller.actor)
        return {}


@describe_list(
    "initial_access_token",
    created=CreatedInitialAccessTokenDocument,
    texts=(
        "List initial access tokens without their texts, in the order of their ids, by pages.",
        "Create an initial access token; its text is in this answer and never shown again.",
    ),
)
class InitialAccessTokensView(_InitialAccessTokenView, ListView):
    """The initial access tokens of a tenant."""

    page = InitialAccessTokenPageDocument
    item = "api-initial-access-token"

    @staticmethod
    def validate_cursor(name: str) -> None:
        """Refuse what is no id."""
        validate_id(name)


@describe_item(
    "initial_access_token",
    texts=(
        "Read an initial access token and its ETag; its text is never shown.",
        "Change the members that are sent; a disabled token registers nobody any more.",
        "Delete an initial access token; the clients that it has registered stay.",
    ),
)
class InitialAccessTokenView(_InitialAccessTokenView, ItemView):
    """One initial access token."""
