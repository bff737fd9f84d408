"""The five built-in claim profiles, as data: how a token record is laid out as claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import TenantSnapshot


class AudienceForm(StrEnum):
    """How `aud` is written. Source: RFC 7519 section 4.1.3."""

    STRING_IF_ONE = "string_if_one"
    ARRAY = "array"
    SINGLE = "single"


class ScopeForm(StrEnum):
    """How a scope claim is written: space-separated (RFC 8693 section 4.2) or as an array."""

    STRING = "string"
    ARRAY = "array"


class SubjectForm(StrEnum):
    """What `sub` names."""

    CLIENT_ID = "client_id"
    SUBJECT = "subject"
    OMITTED = "omitted"


class GroupClaims(StrEnum):
    """How the groups of an end user are told: not at all, or in one of three ways."""

    NONE = "none"
    RFC9068 = "rfc9068"  # RFC 9068 section 2.2.3.1: `groups`, `roles` and `entitlements`.
    GROUP_PERMISSIONS = "group_permissions"  # OneWelcome's version 1, JSON as a text.
    GROUP_POLICIES = "group_policies"  # OneWelcome's version 2, an object.


class UnknownClaimProfile(LookupError):
    """Neither a built-in claim profile nor one of the tenant has this name."""


@dataclass(frozen=True, slots=True)
class ClaimProfileData:
    """One way to lay out claims; the defaults are those of most profiles.

    `group_claims` are dropped from a JWT where they take more than their budget, because gateways
    refuse long Authorization headers. `typ` and `default_algorithm` are of the JOSE header;
    `token_type` is of the token response.
    """

    name: str
    typ: str
    default_algorithm: str
    issuer_suffix: str = ""
    allows_issuer_override: bool = True
    audience_form: AudienceForm = AudienceForm.STRING_IF_ONE
    client_id_claims: tuple[str, ...] = ("client_id",)
    scope_claims: tuple[tuple[str, ScopeForm], ...] = ()
    subject_of_client: SubjectForm = SubjectForm.CLIENT_ID
    subject_of_user: SubjectForm = SubjectForm.SUBJECT
    has_actor: bool = False
    has_ext: bool = False
    has_app_names: bool = False
    keeps_empty_values: bool = False
    has_issued_at: bool = True
    has_not_before: bool = False
    has_token_id: bool = True
    token_id_prefix: str = ""
    version: int | None = None
    has_usage_limit: bool = False
    group_claims: GroupClaims = GroupClaims.NONE
    group_claims_budget_bytes: int = 4_096
    has_authentication: bool = False
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750 section 4, no secret.


RFC9068: Final = ClaimProfileData(
    name="rfc9068",
    typ="at+jwt",
    default_algorithm="ES256",
    allows_issuer_override=False,
    scope_claims=(("scope", ScopeForm.STRING),),
    has_actor=True,
    has_app_names=True,
    group_claims=GroupClaims.RFC9068,
    has_authentication=True,
)
SPACEBLOCKS: Final = ClaimProfileData(
    name="spaceblocks",
    typ="JWT",
    default_algorithm="RS256",
    issuer_suffix="/",
    audience_form=AudienceForm.ARRAY,
    scope_claims=(("scp", ScopeForm.ARRAY),),
    subject_of_user=SubjectForm.CLIENT_ID,
    has_ext=True,
    keeps_empty_values=True,
    has_not_before=True,
    token_type="bearer",  # noqa: S106 - their lower-case spelling, no secret.
)
ONEWELCOME: Final = ClaimProfileData(
    name="onewelcome",
    typ="",
    default_algorithm="RS256",
    issuer_suffix="/oauth",
    client_id_claims=("cid", "client_id"),
    scope_claims=(("scp", ScopeForm.ARRAY), ("scope", ScopeForm.STRING)),
    subject_of_client=SubjectForm.OMITTED,
    has_not_before=True,
    token_id_prefix="AT.",  # noqa: S106 - a fixed text before the id.
    version=1,
    has_usage_limit=True,
    group_claims=GroupClaims.GROUP_POLICIES,
)
THINKTECTURE: Final = ClaimProfileData(
    name="thinktecture",
    typ="JWT",
    default_algorithm="RS256",
    audience_form=AudienceForm.SINGLE,
    scope_claims=(("scope", ScopeForm.ARRAY),),
    subject_of_client=SubjectForm.OMITTED,
    has_issued_at=False,
    has_not_before=True,
    has_token_id=False,
)
AIDBOX: Final = ClaimProfileData(
    name="aidbox",
    typ="JWT",
    default_algorithm="RS256",
    client_id_claims=(),
)

PROFILES: Final[Mapping[str, ClaimProfileData]] = MappingProxyType(
    {profile.name: profile for profile in (RFC9068, SPACEBLOCKS, ONEWELCOME, THINKTECTURE, AIDBOX)}
)


def get(name: str) -> ClaimProfileData:
    """Answer the built-in profile of this name.

    Raises: UnknownClaimProfile.
    """
    profile = PROFILES.get(name)
    if profile is None:
        raise UnknownClaimProfile(name)
    return profile


def resolve_profile(tenant: TenantSnapshot, slug: str) -> tuple[ClaimProfileData, bool]:
    """Answer the profile that the tenant means by this slug, and whether it is dual.

    The tenant's own come first. A dual profile emits RFC 9068's names beside the base's.

    Raises: UnknownClaimProfile.
    """
    variant = tenant.claim_profiles.get(slug)
    if variant is None:
        return get(slug), False
    base = get(variant.base)
    if variant.group_claims_budget_bytes is not None:
        base = _with_budget(base, variant.group_claims_budget_bytes)
    return base, variant.is_dual


@lru_cache(maxsize=256)
def _with_budget(profile: ClaimProfileData, budget_bytes: int) -> ClaimProfileData:
    """Answer a profile with another budget; made once, as every token of it asks."""
    return replace(profile, group_claims_budget_bytes=budget_bytes)
