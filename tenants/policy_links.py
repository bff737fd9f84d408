"""Finds the policies that concern a request by what they are linked to. Pure.

A policy is filed under the most selective kind of its links, so that the policies of other clients
cost a request nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping
    from uuid import UUID

    from tenants.records import PolicyRecord

# What a request asks for, in parts: the Api and the scope of each, None where it names none.
Unit: TypeAlias = "tuple[UUID | None, str | None]"
# A policy, and whether to have been found is to match: nothing else of its links is to be held.
Filed: TypeAlias = "tuple[PolicyRecord, bool]"
Policies: TypeAlias = "tuple[Filed, ...]"

ALLOW: Final = "allow"
# What never refuses: without any other policy nobody need be asked about an issued token.
_HARMLESS: Final = frozenset((ALLOW, "limit"))
# The most selective first; a policy is filed under the first kind of link that it has.
LINK_KINDS: Final = (
    *("clients", "subjects", "trust_profiles", "groups"),
    *("scopes", "apis", "client_kinds", "operations"),
)
# Such a link may match a part of the request only, or its match may not be known.
_PARTIAL: Final = frozenset(("groups", "scopes", "apis"))


@dataclass(frozen=True, slots=True)
class PolicyIndex:
    """The policies of a tenant, each filed once; whether one of them denies, if only at times."""

    unlinked: Policies
    clients: Mapping[Hashable, Policies]
    subjects: Mapping[Hashable, Policies]
    trust_profiles: Mapping[Hashable, Policies]
    groups: Mapping[Hashable, Policies]
    scopes: Mapping[Hashable, Policies]
    apis: Mapping[Hashable, Policies]
    client_kinds: Mapping[Hashable, Policies]
    operations: Mapping[Hashable, Policies]
    has_denials: bool


@dataclass(slots=True)
class Asked:
    """What links are held against; `groups` is None where the subject's are not known."""

    client_id: UUID
    client_kind: str
    operation: str
    units: tuple[Unit, ...]
    subject_id: UUID | None = None
    groups: tuple[str, ...] | None = ()
    trust_profile_id: UUID | None = None


def index_policies(policies: Collection[PolicyRecord]) -> PolicyIndex:
    """File each policy under one kind of its links."""
    unlinked: list[Filed] = []
    by_kind: dict[str, dict[Hashable, Policies]] = {kind: {} for kind in LINK_KINDS}
    for policy in policies:
        kinds = [kind for kind in LINK_KINDS if getattr(policy, kind)]
        if not kinds:
            unlinked.append((policy, True))
            continue
        filed = (policy, len(kinds) == 1 and kinds[0] not in _PARTIAL)
        targets = by_kind[kinds[0]]
        for target in getattr(policy, kinds[0]):
            targets[target] = (*targets.get(target, ()), filed)
    has_denials = any(policy.effect not in _HARMLESS for policy in policies)
    return PolicyIndex(tuple(unlinked), **by_kind, has_denials=has_denials)


def find_candidates(index: PolicyIndex, asked: Asked) -> list[Filed]:
    """List every policy that may concern the request, each once, in no order."""
    found = [
        *index.unlinked,
        *index.clients.get(asked.client_id, ()),
        *index.subjects.get(asked.subject_id, ()),
        *index.trust_profiles.get(asked.trust_profile_id, ()),
        *index.client_kinds.get(asked.client_kind, ()),
        *index.operations.get(asked.operation, ()),
    ]
    repeated: list[Filed] = []
    if index.groups:
        repeated += _in_groups(index.groups, asked.groups)
    if index.apis or index.scopes:
        for api_id, scope in asked.units:
            repeated += index.apis.get(api_id, ())
            repeated += index.scopes.get(scope, ())
    if repeated:
        found += {id(filed): filed for filed in repeated}.values()
    return found


def _in_groups(
    filed: Mapping[Hashable, Policies], groups: tuple[str, ...] | None
) -> Iterable[Filed]:
    """List the policies of these groups; of unknown groups, any may be meant."""
    known = filed.values() if groups is None else (filed.get(group, ()) for group in groups)
    return chain.from_iterable(known)


def find_reach(policy: PolicyRecord, asked: Asked) -> tuple[Unit, ...]:
    """List what of the request the policy's links reach; nothing where one kind doesn't match."""
    if not _links_match(policy, asked):
        return ()
    apis, scopes = policy.apis, policy.scopes
    if not apis and not scopes:
        return asked.units
    return tuple(
        [
            (api_id, scope)
            for api_id, scope in asked.units
            if (not apis or api_id in apis) and (not scopes or scope in scopes)
        ]
    )


def _links_match(policy: PolicyRecord, asked: Asked) -> bool:
    return not (
        (policy.clients and asked.client_id not in policy.clients)
        or (policy.operations and asked.operation not in policy.operations)
        or (policy.client_kinds and asked.client_kind not in policy.client_kinds)
        or (policy.subjects and asked.subject_id not in policy.subjects)
        or (policy.trust_profiles and asked.trust_profile_id not in policy.trust_profiles)
        or (policy.groups and not _groups_match(policy, asked.groups))
    )


def _groups_match(policy: PolicyRecord, groups: tuple[str, ...] | None) -> bool:
    """Hold groups against links; where they are unknown only an allow policy doesn't match."""
    if groups is None:
        return policy.effect != ALLOW
    return not policy.groups.isdisjoint(groups)
