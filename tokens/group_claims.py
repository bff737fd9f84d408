"""Tells the groups of an end user in the way that the client has chosen, within a budget. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tokens.claim_profiles import GroupClaims

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.records import JSON, MembershipRecord, ResourceRecord, TokenRecord
    from tokens.claim_profiles import ClaimProfileData

    Memberships = tuple[MembershipRecord, ...]

GROUP_PERMISSIONS: Final = "group_permissions"
GROUP_POLICIES: Final = "urn:onegini.com:oidc:group_policies"
# The one source that the marker names: the issuer's own introspection.
SOURCE: Final = "introspection"
NAMES: Final = frozenset(
    (
        *("groups", "roles", "entitlements", GROUP_PERMISSIONS, GROUP_POLICIES),
        *("_claim_names", "_claim_sources"),
    )
)


def describe_groups(
    profile: ClaimProfileData, record: TokenRecord, *, is_bounded: bool
) -> dict[str, JSON]:
    """Describe the groups by the client's choice, else by the profile's.

    Groups that take more than the budget are left out, and a marker names the claims that are
    missing and where they can be had. Source: OpenID Connect Core section 5.6.2.
    """
    if not record.memberships:
        return {}
    chosen = GroupClaims(record.group_claims or profile.group_claims)
    claims = _LAYOUTS[chosen](record.memberships)
    size = len(json.dumps(claims, separators=(",", ":")).encode())
    if not claims or not is_bounded or size <= profile.group_claims_budget_bytes:
        return claims
    endpoint = f"{record.issuer}/oauth/introspect"
    names: dict[str, JSON] = dict.fromkeys(claims, SOURCE)
    return {"_claim_names": names, "_claim_sources": {SOURCE: {"endpoint": endpoint}}}


def _tell_nothing(_memberships: Memberships) -> dict[str, JSON]:
    return {}


def _tell_arrays(memberships: Memberships) -> dict[str, JSON]:
    """List slugs, roles and permissions. Source: RFC 9068 section 2.2.3.1, RFC 7643 4.1.2."""
    told: dict[str, JSON] = {"groups": [group.slug for group in memberships]}
    roles = dict.fromkeys(text for group in memberships for text in group.roles)
    permissions = dict.fromkeys(text for group in memberships for text in group.permissions)
    for name, texts in (("roles", roles), ("entitlements", permissions)):
        if texts:
            told[name] = [*texts]
    return told


def _tell_text(memberships: Memberships) -> dict[str, JSON]:
    """Write OneWelcome's first version: JSON within a text."""
    listed = [
        {"id": str(group.id), "name": _name(group), "permissions": [*group.permissions]}
        for group in memberships
    ]
    return {GROUP_PERMISSIONS: json.dumps(listed, separators=(",", ":"))}


def _tell_object(memberships: Memberships) -> dict[str, JSON]:
    """Write OneWelcome's second version."""
    return {GROUP_POLICIES: {"groups": [_tell_group(group) for group in memberships]}}


def _tell_group(group: MembershipRecord) -> JSON:
    """Write one group; a permission is a policy named by itself, and empty lists are left out."""
    told: dict[str, JSON] = {
        "id": str(group.id),
        "name": _name(group),
        "policies": [{"id": text, "name": text} for text in group.permissions],
    }
    if group.attributes:
        told["attributes"] = [{"name": name, "value": value} for name, value in group.attributes]
    if group.resources:
        told["resources"] = [_tell_resource(resource) for resource in group.resources]
    return told


def _tell_resource(resource: ResourceRecord) -> JSON:
    kind = _without_empty({"id": resource.type_id, "name": resource.type_name})
    texts = {
        "id": resource.id,
        "name": resource.name,
        "externalId": resource.external_id,
        "privilege": resource.privilege,
    }
    told = _without_empty(texts)
    return {**told, "resourceType": kind} if kind else told


def _without_empty(texts: Mapping[str, str]) -> dict[str, JSON]:
    return {name: text for name, text in texts.items() if text}


def _name(group: MembershipRecord) -> str:
    return group.name or group.slug


_LAYOUTS: Final[Mapping[GroupClaims, Callable[[Memberships], dict[str, JSON]]]] = {
    GroupClaims.NONE: _tell_nothing,
    GroupClaims.RFC9068: _tell_arrays,
    GroupClaims.GROUP_PERMISSIONS: _tell_text,
    GroupClaims.GROUP_POLICIES: _tell_object,
}
