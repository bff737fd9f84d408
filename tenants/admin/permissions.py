"""Who may do what in the admin: one table from kind and action to the roles in the tenant.

A platform operator may do all that the table names at all. `None` means that nobody may, because
the entity is made, changed or ended in another way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from tenants.models import Membership

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from tenants.queries.operators import ConsoleReach

Action: TypeAlias = Literal["view", "add", "change", "delete"]
Roles: TypeAlias = "frozenset[str] | None"

Role = Membership.Role
EVERYONE: Roles = frozenset(Role)
OWNER: Roles = frozenset((Role.OWNER,))
PLATFORM: Roles = frozenset()  # No role in a tenant reaches it.
NEVER: Roles = None
CLIENT_MANAGERS: Roles = frozenset((Role.OWNER, Role.CLIENT_MANAGER))
KEY_CUSTODIANS: Roles = frozenset((Role.OWNER, Role.KEY_CUSTODIAN))
SUPPORTERS: Roles = frozenset((Role.OWNER, Role.SUPPORT))
AUDITORS: Roles = frozenset((Role.OWNER, Role.AUDITOR))
# Whoever finds out why a request got what it got, or gives a client what it lacks.
EXPLAINERS: Roles = frozenset((Role.OWNER, Role.CLIENT_MANAGER, Role.AUDITOR, Role.SUPPORT))
READERS: Roles = frozenset((Role.OWNER, Role.AUDITOR, Role.SUPPORT))


@dataclass(frozen=True, slots=True)
class Rights:
    """The roles that may do each action with one kind of entity."""

    view: Roles
    add: Roles = NEVER
    change: Roles = NEVER
    delete: Roles = NEVER


def _whole(view: Roles, write: Roles) -> Rights:
    return Rights(view, add=write, change=write, delete=write)


RIGHTS: dict[str, Rights] = {
    "tenant": Rights(EVERYONE, add=PLATFORM, change=OWNER),
    "api": _whole(EVERYONE, CLIENT_MANAGERS),
    "scope": _whole(EVERYONE, CLIENT_MANAGERS),
    "client": _whole(EVERYONE, CLIENT_MANAGERS),
    "client_grant_settings": _whole(EVERYONE, CLIENT_MANAGERS),
    # A secret is made on its client's page, where it is shown once.
    "client_secret": Rights(EVERYONE, add=CLIENT_MANAGERS, delete=CLIENT_MANAGERS),
    "access_policy": _whole(EVERYONE, CLIENT_MANAGERS),
    "master_token": _whole(EVERYONE, OWNER),
    "initial_access_token": _whole(EVERYONE, CLIENT_MANAGERS),
    # "change" takes a client back from its removal.
    "client_registration": Rights(EVERYONE, change=CLIENT_MANAGERS),
    "trust_profile": _whole(EVERYONE, KEY_CUSTODIANS),
    "claim_profile": _whole(EVERYONE, OWNER),
    "claim_rule": _whole(EVERYONE, OWNER),
    # "change" is the rotation of its ring.
    "signing_key": Rights(EVERYONE, change=KEY_CUSTODIANS),
    "subject": _whole(READERS, OWNER),
    # "change" is the erasure of a subject.
    "erasure": Rights(OWNER, change=OWNER),
    "subject_identity": Rights(READERS, delete=OWNER),
    # "add" sends a user the link to set one.
    "password_link": Rights(READERS, add=SUPPORTERS),
    # People add their passkeys themselves.
    "passkey": Rights(READERS, delete=OWNER),
    "group": _whole(READERS, OWNER),
    "cut_off": Rights(READERS, add=SUPPORTERS),
    # "change" is the end of a session or token.
    "session": Rights(READERS, change=SUPPORTERS),
    # Also explanations and previews.
    "refusal": Rights(EXPLAINERS),
    "audit_event": Rights(READERS),
    "configuration_change": Rights(AUDITORS),
    "membership": _whole(AUDITORS, OWNER),
    "user": Rights(AUDITORS, add=PLATFORM, change=PLATFORM),
    "project": Rights(EVERYONE, add=PLATFORM, change=PLATFORM, delete=PLATFORM),
    "environment": Rights(EVERYONE, add=PLATFORM, change=PLATFORM, delete=PLATFORM),
    "platform": Rights(PLATFORM, change=PLATFORM),
    "issuer_reservation": Rights(PLATFORM),
    # "add" begins the end of a tenant.
    "offboarding": Rights(PLATFORM, add=PLATFORM),
}


def is_allowed(
    reach: ConsoleReach, kind: str, action: Action, tenant_id: UUID | None = None
) -> bool:
    """Say whether the operator may do this, in the tenant or, without one, in any of theirs."""
    roles: Roles = getattr(RIGHTS[kind], action)
    if roles is None:
        return False
    if reach.is_platform_operator:
        return True
    if tenant_id is not None:
        return bool(reach.roles.get(tenant_id, frozenset()) & roles)
    return any(held & roles for held in reach.roles.values())


def is_owner(reach: ConsoleReach, tenant_id: UUID | None) -> bool:
    """Say whether the operator owns the tenant, or the platform."""
    held = reach.roles.get(tenant_id, frozenset()) if tenant_id else frozenset()
    return reach.is_platform_operator or Role.OWNER in held


def tenants_for(reach: ConsoleReach, kind: str, action: Action) -> Collection[UUID] | None:
    """List the tenants in which the operator may do this; None stands for all there are."""
    if reach.is_platform_operator:
        return None
    return [tenant_id for tenant_id in reach.roles if is_allowed(reach, kind, action, tenant_id)]
