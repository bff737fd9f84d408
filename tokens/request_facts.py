"""What a token's row keeps of its request, without secrets, so that it can be explained. Pure."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tenants.claim_document import (
    ATTRIBUTES,
    FOREIGN,
    ClaimInputs,
    UnreadableAttributes,
    read_attributes,
)
from tokens.parameters import FORM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tenants.records import JSON, AccessRequest, ClaimRuleRecord

# Beyond this the caller's texts are kept as digests, so that no row grows with them.
FACTS_BYTES: Final = 1_024
# The member that stands for the grant's findings where they are too long.
DIGEST: Final = "digest"
# What stands alone in the row of an erased user.
ERASED: Final = "erased"
POST: Final = "POST"
# What nearly every request has, so that no row says it.
USUAL_TYPE: Final = ("content-type", FORM)


def collect_facts(request: AccessRequest, rules: Sequence[ClaimRuleRecord] = ()) -> dict[str, JSON]:
    """Collect what the caller said, without secrets, by which the token is explained later.

    Of the subject's attributes only those are kept which the claim rules of the token read.
    """
    written = {
        "scope": " ".join(request.requested_scopes or ()),
        "audience": " ".join(request.requested_audiences),
        "api": request.api_slug,
        "user_agent": request.user_agent,
    }
    facts: dict[str, JSON] = {"grant_type": request.grant_type, "address": request.address}
    encoded = {name: text.encode("utf-8", "surrogatepass") for name, text in written.items()}
    size = sum(map(len, encoded.values()))
    is_digested = size > FACTS_BYTES
    for name, text in written.items():
        if text:
            facts[name] = sha256(encoded[name]).hexdigest() if is_digested else _storable(text)
    found = _found_facts(request)
    inputs = _inputs_of_rules(request, rules) if rules else {}
    if found or inputs:
        facts |= _bounded(found, inputs, FACTS_BYTES - size)
    if is_digested:
        facts["digested"] = True
    return facts


def read_inputs(facts: Mapping[str, JSON] | None) -> ClaimInputs:
    """Read what the claim rules of a token have read, as far as its row keeps it."""
    kept = facts or {}
    attributes, foreign = kept.get(ATTRIBUTES), kept.get("claims", kept.get(FOREIGN))
    return ClaimInputs(
        json.dumps(attributes) if isinstance(attributes, dict) else "",
        foreign if isinstance(foreign, dict) else None,
    )


def find_known(
    facts: Mapping[str, JSON] | None, rules: Sequence[ClaimRuleRecord], *, has_subject: bool
) -> Sequence[ClaimRuleRecord]:
    """Choose the rules of which it is known what they would have read when the token was made.

    A row keeps that something was absent as null, so that no condition on an absence holds by what
    the row has lost, or by what nobody had asked for.
    """
    kept = facts or {}
    attributes = _names(kept.get(ATTRIBUTES))
    foreign = _names(kept.get("claims", kept.get(FOREIGN)))
    has_all_claims = not {DIGEST, ERASED} & kept.keys()
    return [
        rule
        for rule in rules
        if (rule.attributes <= attributes or not has_subject)
        and (rule.foreign_claims <= foreign or has_all_claims)
    ]


def _names(members: JSON) -> frozenset[str]:
    return frozenset(members) if isinstance(members, dict) else frozenset()


def _found_facts(request: AccessRequest) -> dict[str, JSON]:
    """Collect what the grant found out and policies may read; a session's row tells its own."""
    headers: dict[str, JSON] = {
        name: text
        for name, text in request.headers.items()
        if name != "user-agent" and (name, text) != USUAL_TYPE
    }
    found: dict[str, JSON] = {
        "groups": _listed(request.groups),
        "claims": None if request.claims is None else dict(request.claims),
        "headers": headers or None,
        "usage_limit": request.usage_limit or None,
        "method": request.method if request.method != POST else None,
    }
    if request.session_id is None:
        for name in ("scope_ceiling", "audience_ceiling"):
            ceiling: frozenset[str] | None = getattr(request, name)
            found[name] = None if ceiling is None else _listed(sorted(ceiling))
        found["expires_at_ceiling"] = request.expires_at_ceiling
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _listed(names: Sequence[str] | None) -> JSON:
    return None if names is None else [*names]


def _inputs_of_rules(
    request: AccessRequest, rules: Sequence[ClaimRuleRecord]
) -> dict[str, dict[str, JSON]]:
    """Collect the attributes and foreign claims that rules read, under the names of facts.

    What is absent is kept as null; of attributes that can't be read nothing is known.
    """
    inputs: dict[str, dict[str, JSON]] = {}
    attributes = _all_of(rule.attributes for rule in rules)
    if attributes and request.subject:
        try:
            held = read_attributes(request.subject.attributes)
            inputs[ATTRIBUTES] = {name: held.get(name) for name in attributes}
        except UnreadableAttributes:
            pass
    foreign = _all_of(rule.foreign_claims for rule in rules)
    if foreign and request.claims:
        inputs[FOREIGN] = {name: request.claims.get(name) for name in foreign}
    return inputs


def _all_of(names: Iterable[frozenset[str]]) -> list[str]:
    return sorted(frozenset[str]().union(*names))


def _bounded(
    found: Mapping[str, JSON], inputs: Mapping[str, dict[str, JSON]], room: int
) -> dict[str, JSON]:
    """Keep the facts where they fit and PostgreSQL can store them, else the digest of them all.

    What claim rules have read may fit where the rest does not, and then stands beside the digest.
    """
    kept: dict[str, JSON] = {name: members for name, members in inputs.items() if name != FOREIGN}
    whole = {**found, **kept}
    text = _write(whole)
    if _fits(text, room):
        return whole
    digest: dict[str, JSON] = {DIGEST: sha256(text).hexdigest()}
    alone: dict[str, JSON] = {**digest, **inputs}
    return alone if inputs and _fits(_write(alone), room) else digest


def _write(facts: Mapping[str, JSON]) -> bytes:
    return json.dumps(facts, separators=(",", ":"), sort_keys=True).encode()


def _fits(text: bytes, room: int) -> bool:
    return len(text) <= room and b"\\u0000" not in text and b"\\ud" not in text


def _storable(text: str) -> str:
    """Replace what PostgreSQL's JSON refuses: NUL and lone surrogates, and other control codes."""
    if text.isprintable():
        return text
    return "".join([letter if letter.isprintable() else "\ufffd" for letter in text])
