"""Creates, changes and removes clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from tenants import models
from tenants.errors import Forbidden
from tenants.services import changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    from tenants.records import Actor


def save_client(
    client: models.Client, *, actor: Actor, reason: str = "", links: changes.Links | None = None
) -> models.Client:
    """Create or update a client; disabling it ends its sessions and tokens.

    Raises:
        Forbidden: the actor may not give a client scopes of the management Api, or exempt it from
            PKCE.
        InvalidEntity: naming each wrong field.
    """
    links = links or {}
    with transaction.atomic():
        _check_management_scopes(client, links.get("scopes"), actor)
        _check_exemption(client, actor)
        changes.save(client, actor=actor, reason=reason, links=links)
    return client


def delete_client(client: models.Client, *, actor: Actor, reason: str = "") -> None:
    """Delete a client; everything that was issued to it ends."""
    changes.delete(client, actor=actor, reason=reason)


def _check_management_scopes(
    client: models.Client, scopes: Sequence[Model] | None, actor: Actor
) -> None:
    if scopes is None or actor.kind == "system":
        return
    held = set() if client._state.adding else set(client.scopes.all())  # noqa: SLF001
    wanted = [s for s in scopes if isinstance(s, models.Scope) and s not in held]
    added = [s for s in wanted if s.api.built_in == models.Api.BuiltIn.MANAGEMENT]
    if added and not _is_owner(client, actor):
        raise Forbidden("Only an owner of the tenant may give a client management scopes.")


def _check_exemption(client: models.Client, actor: Actor) -> None:
    """Leave it to owners to let a client go without PKCE; any actor may end that."""
    if not client.is_pkce_exempt or actor.kind == "system":
        return
    stored = models.Client.objects.filter(pk=client.pk, is_pkce_exempt=True)
    if not stored.exists() and not _is_owner(client, actor):
        raise Forbidden("Only an owner of the tenant may exempt a client from PKCE.")


def _is_owner(client: models.Client, actor: Actor) -> bool:
    if actor.kind != "operator":
        return False
    if models.User.objects.filter(pk=actor.id, is_superuser=True, is_active=True).exists():
        return True
    return models.Membership.objects.filter(
        tenant=client.tenant_id, user_id=actor.id, role=models.Membership.Role.OWNER
    ).exists()
