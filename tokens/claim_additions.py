"""Adds to a token what the tenant's claim rules and the platform's hook say. Pure.

A new token gets all of it or is refused. An answer of introspection tells a token that is there
already, so it leaves out what can't be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tenants.claim_bounds import MAX_CLAIMS_BYTES, UnwritableClaim, is_reserved, measure_claim
from tenants.claim_document import make_claim_document
from tenants.records import CONSTANT, NOTHING_ADDED, Verdict
from tenants.refusal_reasons import Reason
from tokens import claim_hook
from tokens.claim_refusals import ClaimsRefused
from tokens.claim_sources import HOOK
from tokens.claims import build_claims

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from tenants.claim_document import ClaimInputs
    from tenants.policy_document import Document
    from tenants.records import JSON, ClaimRuleRecord, TokenRecord
    from tokens.claim_profiles import ClaimProfileData

NO_RULES: Final[tuple[ClaimRuleRecord, ...]] = ()


class MadeClaims(NamedTuple):
    """The claims of a token; `added_by` names what has added those that no profile lays out."""

    claims: dict[str, JSON]
    added_by: Mapping[str, str] = NOTHING_ADDED


@dataclass(frozen=True, slots=True)
class _Additions:
    """What rules add: claims, the rule of each, and the rules that lack a value."""

    claims: dict[str, JSON]
    added_by: dict[str, str]
    missing: tuple[str, ...]


def select_rules(
    rules: tuple[ClaimRuleRecord, ...],
    *,
    api_ids: tuple[UUID, ...],
    client_id: UUID | None,
    grant_types: tuple[str, ...],
) -> tuple[ClaimRuleRecord, ...]:
    """Choose the rules whose links match, in the order in which a later one wins a claim.

    Those with more links come later, then by slug, whatever the language of the database.
    Without a client, as outside tokens have none of ours, those of all clients are left.
    """
    if not rules:
        return NO_RULES
    matching = [
        rule
        for rule in rules
        if not is_reserved(rule.claim)
        and (rule.api_id is None or rule.api_id in api_ids)
        and (rule.client_id is None or rule.client_id == client_id)
        and (not rule.grant_type or rule.grant_type in grant_types)
    ]
    return tuple(sorted(matching, key=_rank))


def make_claims(
    profile: ClaimProfileData,
    record: TokenRecord,
    rules: Sequence[ClaimRuleRecord],
    inputs: ClaimInputs,
    *,
    is_dual: bool,
) -> MadeClaims:
    """Make the claims of a token that is about to be issued.

    Raises:
        ClaimsRefused: a required value is absent, a claim is out of bounds, or the hook says no.
    """
    hook = claim_hook.current_hook()
    if not rules and hook is None:
        return MadeClaims(build_claims(profile, record, is_dual=is_dual))
    added, room = _demand(rules, record, inputs)
    claims = _join(build_claims(profile, record, is_dual=is_dual), added.claims)
    if hook is None:
        return MadeClaims(claims, added.added_by)
    more = claim_hook.ask_hook(hook, record, claims, room=room)
    return MadeClaims(claims | more, {**added.added_by, **dict.fromkeys(more, HOOK)})


def tell_claims(
    profile: ClaimProfileData,
    record: TokenRecord,
    rules: Sequence[ClaimRuleRecord],
    inputs: ClaimInputs,
    *,
    is_dual: bool,
) -> dict[str, JSON]:
    """Tell the claims of a token that was issued, however large its groups are."""
    told, room = _keep_writable(_apply(rules, record, inputs).claims if rules else {})
    claims = _join(build_claims(profile, record, is_dual=is_dual, is_bounded=False), told)
    hook = claim_hook.current_hook()
    if hook is None:
        return claims
    try:
        return claims | claim_hook.ask_hook(hook, record, claims, room=room)
    except ClaimsRefused:
        return claims


def make_rule_claims(
    record: TokenRecord, rules: Sequence[ClaimRuleRecord], inputs: ClaimInputs
) -> dict[str, JSON]:
    """Make what rules add to an outside token that is accepted as it is.

    Raises:
        ClaimsRefused: a required value is absent, or a claim is out of bounds.
    """
    return _demand(rules, record, inputs)[0].claims


def _demand(
    rules: Sequence[ClaimRuleRecord], record: TokenRecord, inputs: ClaimInputs
) -> tuple[_Additions, int]:
    """Answer all that rules add, and the bytes that are left beside it.

    Raises:
        ClaimsRefused: a required value is absent, or a claim is out of bounds.
    """
    added = _apply(rules, record, inputs)
    if added.missing:
        raise ClaimsRefused(Reason.CLAIM_MISSING, " ".join(added.missing))
    return added, MAX_CLAIMS_BYTES - _measure(added.claims)


def _join(claims: dict[str, JSON], added: Mapping[str, JSON]) -> dict[str, JSON]:
    """Put what is added behind the profile's own claims, which it never changes."""
    for name, value in added.items():
        claims.setdefault(name, value)
    return claims


def _apply(
    rules: Sequence[ClaimRuleRecord], record: TokenRecord, inputs: ClaimInputs
) -> _Additions:
    """Apply rules in their order; where the condition is not known to hold, a rule does not."""
    claims: dict[str, JSON] = {}
    added_by: dict[str, str] = {}
    missing: list[str] = []
    document = make_claim_document(record, inputs)
    for rule in rules:
        if rule.condition and rule.holds(document) is not Verdict.TRUE:
            continue
        value = _read(rule, document)
        if value is not None:
            claims[rule.claim], added_by[rule.claim] = value, rule.slug or str(rule.id)
        elif rule.is_required:
            missing.append(rule.slug or str(rule.id))
    return _Additions(claims, added_by, tuple(missing))


def _read(rule: ClaimRuleRecord, document: Document) -> JSON:
    return rule.value if rule.source == CONSTANT else rule.read(document)


def _measure(claims: Mapping[str, JSON]) -> int:
    """Answer how many bytes claims take.

    Raises:
        ClaimsRefused: one of them, or all together, are out of bounds.
    """
    size = 0
    for name, value in claims.items():
        try:
            size += measure_claim(value) + len(name.encode())
        except UnwritableClaim as error:
            raise ClaimsRefused(Reason.CLAIMS_OUT_OF_BOUNDS, f"{name:.60}: {error}") from error
    if size > MAX_CLAIMS_BYTES:
        text = f"{size} bytes in all, of at most {MAX_CLAIMS_BYTES}"
        raise ClaimsRefused(Reason.CLAIMS_OUT_OF_BOUNDS, text)
    return size


def _keep_writable(claims: Mapping[str, JSON]) -> tuple[dict[str, JSON], int]:
    """Keep each claim that is within its bounds and those of all, and the bytes that are left."""
    kept: dict[str, JSON] = {}
    room = MAX_CLAIMS_BYTES
    for name, value in claims.items():
        try:
            size = measure_claim(value) + len(name.encode())
        except UnwritableClaim:
            continue
        if size <= room:
            kept[name] = value
            room -= size
    return kept, room


def _rank(rule: ClaimRuleRecord) -> tuple[int, str]:
    links = (rule.api_id is not None) + (rule.client_id is not None) + bool(rule.grant_type)
    return links, rule.slug
