"""Tells a client about the person whose token it holds. Source: OpenID Connect Core section 5.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from tenants.queries.subjects import standard_claims_of
from tokens import database, standard_claims
from tokens.claim_profiles import RFC9068, UnknownClaimProfile, resolve_profile
from tokens.group_claims import describe_groups
from tokens.token_facts import record_of

if TYPE_CHECKING:
    from tenants.records import JSON, ClientRecord, TenantSnapshot, TokenRecord
    from tokens.claim_profiles import ClaimProfileData
    from tokens.gate import AcceptedToken

# The gate has found the person enabled; the session is gone where a token has none.
PERSON_SQL: Final = f"""
SELECT {standard_claims_of("subject")}, session.claims_request::text
FROM tenants_subject subject
LEFT JOIN tokens_session session ON session.id = %(session_id)b
WHERE subject.id = %(subject_id)b AND subject.tenant_id = %(tenant_id)b
"""  # noqa: S608 - fixed texts.


def describe_person(
    tenant: TenantSnapshot, client: ClientRecord, token: AcceptedToken
) -> dict[str, JSON] | None:
    """Describe the person by what the token's scopes and its request ask for; one statement.

    None where they are gone. Groups are told as in the ID token, however many there are.
    """
    parameters = {
        "subject_id": token.subject_id,
        "session_id": token.session_id,
        "tenant_id": tenant.id,
    }
    rows = database.execute(PERSON_SQL, parameters, is_repeatable=True)
    if not rows:
        return None
    held, asked = rows[0]
    names = standard_claims.names_for(standard_claims.own_scopes(tenant, token.scopes))
    request = orjson.loads(asked) if asked else None
    if request:
        names += standard_claims.single_names(
            request,
            place=standard_claims.USERINFO,
            scopes=standard_claims.scopes_of(tenant, client),
        )
    record = record_of(tenant, token, scopes=token.scopes, audiences=token.audiences, owner=client)
    groups = describe_groups(_profile_of(tenant, token), record, is_bounded=False)
    return {**standard_claims.select(held, names), **groups, **_name(record)}


def _name(record: TokenRecord) -> dict[str, JSON]:
    return {"sub": record.subject}  # OpenID Connect Core section 5.3.2


def _profile_of(tenant: TenantSnapshot, token: AcceptedToken) -> ClaimProfileData:
    """Find the profile that the token was made by; a deleted one leaves the standard's names."""
    try:
        return resolve_profile(tenant, token.claim_profile)[0]
    except UnknownClaimProfile:
        return RFC9068
