"""What every write of a client shares: the current version, and rights that can't escalate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from tenants import audit
from tenants.api.client_document import MEMBER_NAMES, split_links
from tenants.api.document import renamed_members
from tenants.api.links import split_links as split_profiles
from tenants.errors import Forbidden
from tenants.models import Api, Client
from tenants.queries.managed_clients import (
    PROFILE_LINKS,
    SCOPE_LINKS,
    find_scopes,
    find_trust_profile,
    get_client,
)
from tenants.services.clients import save_client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.api.caller import Caller
    from tenants.models import TrustProfile


def lock_client(caller: Caller, client_id: UUID) -> Client:
    """Read a client that the caller may write; nobody else writes it before the transaction ends.

    Raises:
        NotFound: there is none in the caller's tenant.
        Forbidden: the client holds management scopes that the caller's token lacks.
    """
    audit.lock_chain(caller.tenant.id)
    client = get_client(caller.tenant.id, client_id)
    held = {
        scope.name for scope in client.scopes.all() if scope.api.built_in == Api.BuiltIn.MANAGEMENT
    }
    if held - caller.scopes:
        # With a secret of its own making the caller could ask for a token as that client.
        raise Forbidden("This client holds management scopes that your token does not have.")
    return client


def write_client(client: Client, values: Mapping[str, Any], caller: Caller) -> Client:
    """Store the document's values.

    Raises:
        InvalidEntity: naming each wrong member as the document does.
        Forbidden: it gives management scopes or exempts the client from PKCE, which only an owner
            of the tenant may.
    """
    names = {name for link in SCOPE_LINKS for name in values.get(link, ())}
    scopes = find_scopes(caller.tenant.id, names) if names else []
    own, links = split_links(values, scopes)
    own, profiles = split_profiles(caller.tenant.id, PROFILE_LINKS, own)
    if own.get("workload_trust_profile"):
        own["workload_trust_profile"] = _find_profile(caller, own["workload_trust_profile"])
    for name, value in own.items():
        setattr(client, name, value)
    with renamed_members(MEMBER_NAMES):
        return save_client(client, actor=caller.actor, links={**links, **profiles})


def _find_profile(caller: Caller, slug: str) -> TrustProfile:
    profile = find_trust_profile(caller.tenant.id, slug)
    if profile is None:
        text = f"This tenant has no trust profile {slug}."
        raise serializers.ValidationError({"workload_trust_profile": [text]})
    return profile
