"""Makes authorization codes and finds them again: each function is one statement.

The code's secret goes to the client, its keyed hash stays. A used code stays as well, so that a
second use is noticed. Source: RFC 6749 section 4.1.2, RFC 9700 section 4.5.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from tenants.credentials import CredentialKind, is_secret, make_credential, parse_credential
from tenants.queries.subjects import (
    attributes_of,
    memberships_of,
    read_memberships,
    standard_claims_of,
)
from tenants.records import Authentication, KeyedHash, SubjectRecord
from tokens import database
from tokens.liveness import CODE_DEATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from tenants.records import JSON

LIFETIME_SECONDS: Final = 60
MAKE_SQL: Final = """
INSERT INTO tokens_authorizationcode (id, tenant_id, client_id, subject_id, trust_profile_id,
  sign_in_id, authenticated_at, acr, amr, pepper_id, secret_hash, redirect_uri,
  is_redirect_uri_required, api_slug, scopes, audiences, nonce, code_challenge, claims_request,
  offline_lifetime_seconds, cut_off_number, created_at, expires_at)
SELECT %(id)b::uuid, %(tenant_id)b::uuid, %(client_id)b::uuid, %(subject_id)b::uuid,
  %(trust_profile_id)b::uuid, %(sign_in_id)b::uuid, to_timestamp(%(authenticated_at)b::float8),
  %(acr)s, %(amr)s::text[], %(pepper_id)s, %(secret_hash)b::bytea, %(redirect_uri)s,
  %(is_redirect_uri_required)b::boolean, %(api_slug)s, %(scopes)s::text[], %(audiences)s::text[],
  %(nonce)s, %(code_challenge)s, %(claims_request)s::jsonb, %(offline_lifetime_seconds)b::int,
  %(cut_off_number)b::bigint, moment, moment + make_interval(secs => %(lifetime)b::float8)
FROM to_timestamp(%(now)b::float8) moment"""
FIND_SQL: Final = f"""
SELECT code.pepper_id, code.secret_hash, code.client_id, code.session_id, code.trust_profile_id,
  code.redirect_uri, code.is_redirect_uri_required, code.api_slug, code.scopes, code.audiences,
  code.nonce, code.code_challenge, code.claims_request, code.offline_lifetime_seconds,
  code.used_at IS NOT NULL, COALESCE({CODE_DEATH}, ''), code.sign_in_id,
  floor(extract(epoch FROM code.authenticated_at))::bigint, code.acr, code.amr, code.subject_id,
  code.cut_off_number, {memberships_of("code.subject_id")}, {attributes_of("subject")},
  CASE WHEN code.claims_request ? 'id_token' THEN {standard_claims_of("subject")} END
FROM tokens_authorizationcode code
LEFT JOIN tenants_subject subject ON subject.id = code.subject_id
LEFT JOIN tokens_signin sign_in ON sign_in.id = code.sign_in_id
WHERE code.id = %(id)b AND code.tenant_id = %(tenant_id)b
"""  # noqa: S608 - fixed texts.
_OWN_FACTS: Final = 16


@dataclass(frozen=True, slots=True)
class NewCode:
    """What a code stands for; `cut_off_number` was held when the person's request began.

    `audiences` are those of the Apis for which the scopes are granted.
    """

    tenant_id: UUID
    client_id: UUID
    subject_id: UUID
    trust_profile_id: UUID | None
    authentication: Authentication
    redirect_uri: str
    is_redirect_uri_required: bool
    api_slug: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    nonce: str
    code_challenge: str
    claims_request: Mapping[str, JSON]
    offline_lifetime_seconds: int | None
    cut_off_number: int


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """A code whose secret was right; `client` is the row of whom it was given to.

    `death` says why it can't be used any more, apart from having been used; it is empty while the
    code lives. `session_id` is the session that began with it.
    """

    id: UUID
    client: UUID
    session_id: UUID | None
    trust_profile_id: UUID | None
    redirect_uri: str
    is_redirect_uri_required: bool
    api_slug: str
    scopes: Sequence[str]
    audiences: Sequence[str]
    nonce: str
    code_challenge: str
    claims_request: Mapping[str, JSON] = field(repr=False)
    offline_lifetime_seconds: int | None
    is_used: bool
    death: str
    authentication: Authentication
    subject: SubjectRecord


def make_code(new: NewCode, *, now: float) -> str:
    """Store a code that lives a minute, and answer its text."""
    code_id = uuid.uuid4()
    issued = make_credential(CredentialKind.AUTHORIZATION_CODE, code_id)
    authentication = new.authentication
    database.execute(
        MAKE_SQL,
        {
            "id": code_id,
            "tenant_id": new.tenant_id,
            "client_id": new.client_id,
            "subject_id": new.subject_id,
            "trust_profile_id": new.trust_profile_id,
            "sign_in_id": authentication.sign_in_id,
            "authenticated_at": float(authentication.authenticated_at),
            "acr": authentication.acr,
            "amr": list(authentication.amr),
            "pepper_id": issued.keyed_hash.pepper_id,
            "secret_hash": issued.keyed_hash.digest,
            "redirect_uri": new.redirect_uri,
            "is_redirect_uri_required": new.is_redirect_uri_required,
            "api_slug": new.api_slug,
            "scopes": list(new.scopes),
            "audiences": list(new.audiences),
            "nonce": new.nonce,
            "code_challenge": new.code_challenge,
            "claims_request": orjson.dumps(dict(new.claims_request)).decode(),
            "offline_lifetime_seconds": new.offline_lifetime_seconds,
            "cut_off_number": new.cut_off_number,
            "now": float(now),
            "lifetime": float(LIFETIME_SECONDS),
        },
    )
    return issued.text


def find_code(tenant_id: UUID, text: str, *, now: float) -> PresentedCode | None:
    """Find a code with all that a token for it needs; None for an unknown text or wrong secret."""
    credential = parse_credential(CredentialKind.AUTHORIZATION_CODE, text)
    if credential is None:
        return None
    parameters = {"id": credential.row_id, "tenant_id": tenant_id, "now": float(now)}
    rows = database.execute(FIND_SQL, parameters, is_repeatable=True)
    if not rows:
        return None
    pepper_id, secret_hash, *facts = rows[0][:_OWN_FACTS]
    if not is_secret(credential.secret, KeyedHash(pepper_id, secret_hash)):
        return None
    facts += _read_person(rows[0][_OWN_FACTS:])
    return PresentedCode(credential.row_id, *facts)


def _read_person(columns: database.Row) -> tuple[Authentication, SubjectRecord]:
    """Read who signed in and how; a disabled person has ended the code already."""
    sign_in_id, authenticated_at, acr, amr, subject_id, number, text, attributes, claims = columns
    memberships = read_memberships(text)
    subject = SubjectRecord(
        subject_id,
        is_enabled=True,
        cut_off_number=number,
        groups=tuple(membership.slug for membership in memberships),
        memberships=memberships,
        attributes=attributes or "",
        standard_claims=claims or "",
    )
    return Authentication(sign_in_id, authenticated_at, acr, tuple(amr)), subject
