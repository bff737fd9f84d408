"""The one gate through which our own tokens are accepted: the row decides.

A token is good only if its row lives in this tenant, its format is the row's, and its signature or
its secret half verifies. After that only the row's facts are used, never the presented claims.
"""

from __future__ import annotations

import logging
import time
from dataclasses import field
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from tenants.credentials import is_secret, parse_opaque_token
from tenants.queries.subjects import attributes_of, memberships_of, read_memberships
from tenants.records import (
    Authentication,
    Ciphertext,
    KeyedHash,
    KeyState,
    SigningKeyRecord,
    TokenFormat,
)
from tenants.request_records import request_record
from tokens import database, proofs, token_store
from tokens.jose import COMPACT_SEGMENTS, MAXIMUM_TOKEN_CHARACTERS, InvalidJWT, decode_base64url
from tokens.liveness import TOKEN_DEATH
from tokens.prepared_keys import verification_key
from tokens.proofs import Proof
from tokens.signing import SigningAlgorithm, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.records import JSON, MembershipRecord, PresentedRefreshToken, TenantSnapshot
    from tokens.database import Row

logger = logging.getLogger(__name__)

LEGACY_ID_PREFIX: Final = "AT."
MAXIMUM_ID_CHARACTERS: Final = len(LEGACY_ID_PREFIX) + 36
# Whoever has verified the text before needs no key for it.
_KEY_MATERIAL: Final = ", ".join(
    f"CASE WHEN %(needs_key)b THEN key.{name} END"
    for name in ("public_jwk", "private_ciphertext", "kek_id")
)


def _row(table: str, row_id: str) -> str:
    """Write the look-up of one row by its key: where there are few, the planner hashes them all."""
    return f"LATERAL (SELECT * FROM {table} WHERE id = {row_id} OFFSET 0)"  # noqa: S608 - fixed.


# LIMIT tells the planner that there is one row, not one in each partition.
LOOK_UP_SQL: Final = f"""
SELECT {TOKEN_DEATH}, token.format, token.pepper_id, token.secret_hash,
  key.id, key.kid, key.algorithm, key.state, {_KEY_MATERIAL},
  token.client_id, client.client_id, token.subject_id, token.session_id, token.parent_id,
  token.trust_profile_id, token.api_ids, token.grant_type, token.claim_profile, token.scopes,
  token.audiences, extract(epoch FROM token.issued_at)::bigint,
  extract(epoch FROM token.expires_at)::bigint, token.cut_off_number,
  CASE WHEN token.subject_id IS NOT NULL THEN {memberships_of("token.subject_id")} END,
  token.app_tenant_id, token.app_subject_id, token.actors,
  token.usage_limit, session.grant_type,
  CASE WHEN %(reads_claim_inputs)b THEN {attributes_of("subject")} END,
  CASE WHEN %(reads_claim_inputs)b THEN token.facts END,
  session.sign_in_id, floor(extract(epoch FROM session.authenticated_at))::bigint,
  session.acr, session.amr
FROM (
  SELECT * FROM tokens_accesstoken WHERE id = %(id)b AND tenant_id = %(tenant_id)b LIMIT 1
) token
JOIN {_row("tenants_client", "token.client_id")} client ON true
LEFT JOIN {_row("tenants_signingkey", "token.signing_key_id")} key ON true
LEFT JOIN {_row("tokens_session", "token.session_id")} session ON true
LEFT JOIN {_row("tenants_subject", "token.subject_id")} subject ON true
"""  # noqa: S608 - fixed texts.
_PROOF_COLUMNS: Final = 4
_KEY_COLUMNS: Final = 7


@request_record(frozen=True, slots=True)
class AcceptedToken:
    """An access token that the gate has let through: its row's facts, seconds since the epoch.

    `client` is the client's row, `client_id` its name; `kid` and `algorithm` are empty for an
    opaque token; `groups` are the slugs of the subject's; the `app_` names are the customer's,
    and `actors` act for the subject, the latest first. What claim rules read - the `attributes` of
    the subject today, and the `facts` of the row - is there only where the tenant has such rules.
    `authentication` says how the person was recognised whose session it is.
    """

    id: UUID
    tenant_id: UUID
    format: str
    algorithm: str
    kid: str
    client: UUID
    client_id: str
    subject_id: UUID | None
    session_id: UUID | None
    parent_id: UUID | None
    trust_profile_id: UUID | None
    api_ids: tuple[UUID, ...]
    grant_type: str
    claim_profile: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    issued_at: int
    expires_at: int
    cut_off_number: int
    groups: tuple[str, ...] = ()
    memberships: tuple[MembershipRecord, ...] = ()
    app_tenant_id: str = ""
    app_subject_id: str = ""
    actors: tuple[str, ...] = ()
    usage_limit: int = 0
    session_grant_type: str = ""
    attributes: str = field(default="", repr=False)
    facts: Mapping[str, JSON] | None = field(default=None, repr=False)
    authentication: Authentication | None = None


def accept(
    tenant: TenantSnapshot,
    text: str,
    *,
    accept_symmetric: bool = False,
    accept_limited: bool = False,
) -> AcceptedToken | None:
    """Answer the access token of this tenant that the text is and proves; None for all else.

    `accept_symmetric` lets HS256 tokens through, which their Api could forge: only introspection,
    revocation and the inspector may say so. `accept_limited` lets tokens of limited use through,
    whose uses only introspection counts: whoever says so counts them, or ends the token.

    Raises:
        DatabaseUnavailable: nobody knows.
    """
    token = _accept(tenant, text, accept_symmetric=accept_symmetric)
    if token is None or accept_limited or not token.usage_limit:
        return token
    return _refuse("limited", token.id)


def _accept(tenant: TenantSnapshot, text: str, *, accept_symmetric: bool) -> AcceptedToken | None:
    opaque = parse_opaque_token(text)
    if opaque is not None:
        return _look_up(tenant, opaque.row_id, lambda row, _: _is_opaque(row, opaque.secret))
    proof = proofs.recall(text)
    token_id = proof.token_id if proof else read_unverified_token_id(text)
    if token_id is None:
        return _refuse("unreadable", None)

    def is_proven(row: Row, key: SigningKeyRecord | None) -> bool:
        if key is None or (key.algorithm == SigningAlgorithm.HS256 and not accept_symmetric):
            return False
        if row[1] != TokenFormat.JWT or key.state == KeyState.RETIRED:
            return False
        if proof is not None:
            return proof.key_id == key.id and proof.algorithm == key.algorithm
        return _is_signed(text, tenant.id, token_id, key)

    return _look_up(tenant, token_id, is_proven, needs_key=proof is None)


def look_up_refresh(tenant: TenantSnapshot, text: str) -> PresentedRefreshToken | None:
    """Answer the refresh token of this tenant that would still work; None for all else."""
    presented = token_store.find_refresh_token(tenant.id, text, now=time.time())
    if presented is None or presented.death or presented.consumed_at is not None:
        return None
    return presented


def read_unverified_token_id(text: str) -> UUID | None:
    """Read the `jti` of a JWT, by which to find its row; nothing has been verified.

    Where the claim profile hides it from the payload, it stands in the JOSE header.
    """
    segments = text.split(".")
    if len(segments) != COMPACT_SEGMENTS or len(text) > MAXIMUM_TOKEN_CHARACTERS:
        return None
    for segment in (segments[1], segments[0]):
        jti = _read_member(segment, "jti")
        if isinstance(jti, str) and len(jti) <= MAXIMUM_ID_CHARACTERS:
            return _parse_id(jti.removeprefix(LEGACY_ID_PREFIX))
    return None


def _read_member(segment: str, name: str) -> JSON:
    try:
        document = orjson.loads(decode_base64url(segment))
    except (ValueError, InvalidJWT):
        return None
    return document.get(name) if isinstance(document, dict) else None


def _parse_id(text: str) -> UUID | None:
    try:
        token_id = UUID(text)
    except ValueError:
        return None
    return token_id if str(token_id) == text else None


def _look_up(
    tenant: TenantSnapshot,
    token_id: UUID,
    is_proven: Callable[[Row, SigningKeyRecord | None], bool],
    *,
    needs_key: bool = False,
) -> AcceptedToken | None:
    parameters = {
        "id": token_id,
        "tenant_id": tenant.id,
        "now": time.time(),
        "needs_key": needs_key,
        "reads_claim_inputs": tenant.reads_claim_inputs,
    }
    rows = database.execute(LOOK_UP_SQL, parameters, is_repeatable=True)
    if not rows:
        return _refuse("unknown", token_id)
    row = rows[0]
    key = _read_key(row[_PROOF_COLUMNS : _PROOF_COLUMNS + _KEY_COLUMNS])
    if not is_proven(row, key):
        return _refuse("unproven", token_id)
    death = row[0]
    if death:
        return _refuse(death, token_id)
    return _read_facts(tenant.id, token_id, row, key)


def _is_opaque(row: Row, secret: bytes) -> bool:
    _, token_format, pepper_id, secret_hash = row[:_PROOF_COLUMNS]
    if token_format != TokenFormat.OPAQUE or secret_hash is None:
        return False
    return is_secret(secret, KeyedHash(pepper_id, secret_hash))


def _is_signed(text: str, tenant_id: UUID, token_id: UUID, key: SigningKeyRecord) -> bool:
    try:
        verify(text, key=verification_key(tenant_id, key), algorithm=key.algorithm)
    except InvalidJWT:
        return False
    proofs.remember(text, Proof(token_id, key.id, key.algorithm))
    return True


def _read_key(columns: Row) -> SigningKeyRecord | None:
    key_id, kid, algorithm, state, public_jwk, private, kek_id = columns
    if key_id is None:
        return None
    return SigningKeyRecord(
        id=key_id,
        kid=kid,
        algorithm=algorithm,
        state=state,
        private=Ciphertext(kek_id or "", private or b""),
        public_jwk=public_jwk,
    )


def _read_facts(
    tenant_id: UUID, token_id: UUID, row: Row, key: SigningKeyRecord | None
) -> AcceptedToken:
    client, client_id, subject_id, session_id, parent_id, trust_profile_id, *rest = row[
        _PROOF_COLUMNS + _KEY_COLUMNS :
    ]
    api_ids, grant_type, claim_profile, scopes, audiences, *others = rest
    issued_at, expires_at, cut_off_number, text, app_tenant_id, *last = others
    memberships = read_memberships(text)
    app_subject_id, actors, usage_limit, session_grant_type, attributes, facts, *recognised = last
    return AcceptedToken(
        token_id,
        tenant_id,
        row[1],
        key.algorithm if key else "",
        key.kid if key else "",
        client,
        client_id,
        subject_id,
        session_id,
        parent_id,
        trust_profile_id,
        tuple(api_ids),
        grant_type,
        claim_profile,
        tuple(scopes),
        tuple(audiences),
        issued_at,
        expires_at,
        cut_off_number,
        groups=tuple(membership.slug for membership in memberships),
        memberships=memberships,
        app_tenant_id=app_tenant_id or "",
        app_subject_id=app_subject_id or "",
        actors=tuple(actors or ()),
        usage_limit=usage_limit or 0,
        session_grant_type=session_grant_type or "",
        attributes=attributes or "",
        facts=facts,
        authentication=_read_authentication(*recognised),
    )


def _read_authentication(
    sign_in_id: UUID | None, authenticated_at: int, acr: str, amr: list[str]
) -> Authentication | None:
    if sign_in_id is None:
        return None
    return Authentication(sign_in_id, authenticated_at, acr, tuple(amr))


def _refuse(reason: str, token_id: UUID | None) -> AcceptedToken | None:
    """Log why a token is not accepted; whoever presented it only learns that it is not."""
    extra = {"reason": reason, "jti": str(token_id) if token_id else ""}
    logger.info("token not accepted", extra=extra)
    return None
