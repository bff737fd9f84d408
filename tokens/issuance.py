"""Signs, stores and answers an allowed request; everything was decided before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import orjson

from tenants.credentials import (
    CredentialKind,
    IssuedCredential,
    make_credential,
    make_opaque_token,
)
from tokens import (
    id_tokens,
    refresh_tokens,
    secret_uses,
    session_store,
    tenant_signatures,
    token_store,
)
from tokens.claim_refusals import ClaimsRefused, deny
from tokens.errors import InvalidGrant, ServiceUnavailable
from tokens.plan import MissingSigningKey, plan
from tokens.prepared_keys import prepared_key
from tokens.refusals import raise_denied
from tokens.remembered_decisions import restore_document
from tokens.session_store import NewSession
from tokens.signing import encode_header, sign
from tokens.token_ids import ENTROPY_BYTES
from tokens.token_store import NewAccessToken, NewRefreshToken

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import (
        JSON,
        AccessRequest,
        Decision,
        IdTokenPlan,
        KeyedHash,
        PresentedRefreshToken,
        RefreshPlan,
        TenantSnapshot,
        TokenPlan,
    )
    from tokens.parameters import EndpointRequest

# Each plan but the last may miss a ring, which is then made: the access token's, the ID token's.
MAX_PLANS: Final = 3
# A client of this kind is removed when it gets no tokens for long.
DYNAMIC: Final = "dynamic"


def issue(asked: AccessRequest, decision: Decision, request: EndpointRequest) -> dict[str, JSON]:
    """Issue what was decided, durably, and answer it.

    A refresh token that is presented again within the grace is answered as the first time.

    Raises:
        InvalidGrant: the presented refresh token was used meanwhile, or its session has ended.
        ServiceUnavailable: nothing could be stored, or the signing key is not there yet.
    Source: RFC 6749 section 5.1.
    """
    if asked.presented is not None:
        repeated = refresh_tokens.repeated_answer_of(asked.presented)
        if repeated is not None:
            return _within(decision, repeated)
    planned = plan_token(asked, decision, request.tenant, now=request.now)
    if asked.client.kind == DYNAMIC:
        secret_uses.record(asked.client.id, request.now)
    return store(
        asked,
        request.tenant,
        planned,
        now=request.now,
        cut_off_number=request.cut_off_number,
    )


def _within(decision: Decision, repeated: dict[str, JSON]) -> dict[str, JSON]:
    """Repeat an answer only where the retry would be granted as much.

    Raises:
        InvalidGrant: the retry asks for less, or may have less by now.
    """
    scopes = str(repeated.get("scope", "")).split()
    if not set(scopes) <= set(decision.granted_scopes):
        raise InvalidGrant(refresh_tokens.REFUSAL, detail="the retry has a smaller scope")
    return repeated


def plan_token(
    asked: AccessRequest, decision: Decision, tenant: TenantSnapshot, *, now: float
) -> TokenPlan:
    """Plan a token, and make the ring of keys where it is the first to need it.

    `now` is in seconds since the epoch.

    Raises:
        OAuthError: a claim rule or the hook refuses the token.
        ServiceUnavailable: the ring is not seen although it was made.
    """
    for _ in range(MAX_PLANS):
        try:
            return plan(asked, decision, tenant, now=now, entropy=os.urandom(ENTROPY_BYTES))
        except ClaimsRefused as refused:
            whole = restore_document(decision, asked, tenant)
            raise_denied(asked, deny(whole, refused))
        except MissingSigningKey as missing:
            tenant = tenant_signatures.make_ring(tenant, missing.algorithm, missing.api_id)
    raise ServiceUnavailable(tenant_signatures.KEY_TO_COME)


def store(
    asked: AccessRequest,
    tenant: TenantSnapshot,
    planned: TokenPlan,
    *,
    now: float,
    cut_off_number: int,
) -> dict[str, JSON]:
    """Sign a planned token, store it by one statement, and answer it.

    `now` is in seconds since the epoch, `cut_off_number` what was held when the request began.

    Raises:
        InvalidGrant: the presented refresh token was used meanwhile, or its session has ended.
        DatabaseUnavailable: it could not be stored.
    """
    text, keyed_hash = _write_token(tenant, planned)
    answer: dict[str, JSON] = {"access_token": text, **planned.response}
    if planned.id_token is not None:
        answer["id_token"] = _write_id_token(tenant, planned.id_token, text)
    token = NewAccessToken(
        tenant_id=tenant.id,
        plan=planned,
        request=asked,
        cut_off_number=cut_off_number,
        keyed_hash=keyed_hash,
        session_id=asked.session_id,
    )
    if asked.presented is not None:
        return _rotate(asked.presented, token, answer, now=now)
    if asked.consumed is None and (planned.refresh is None or asked.session_id is not None):
        token_store.insert_access_token(token)
        return answer
    return _begin_session(token, answer)


def _write_token(tenant: TenantSnapshot, planned: TokenPlan) -> tuple[str, KeyedHash | None]:
    if planned.signing_key is None or planned.header is None:
        issued = make_opaque_token(planned.token_id)
        return issued.text, issued.keyed_hash
    key = prepared_key(tenant.id, planned.signing_key)
    return sign(key, encode_header(planned.header), orjson.dumps(planned.claims)), None


def _write_id_token(tenant: TenantSnapshot, planned: IdTokenPlan, access_token: str) -> str:
    key = prepared_key(tenant.id, planned.signing_key)
    at_hash = id_tokens.hash_token(access_token, planned.signing_key.algorithm)
    claims = {**planned.claims, "at_hash": at_hash}  # OpenID Connect Core section 3.1.3.6
    return sign(key, encode_header(planned.header), orjson.dumps(claims))


def _begin_session(token: NewAccessToken, answer: dict[str, JSON]) -> dict[str, JSON]:
    planned, consumed = token.plan.refresh, token.request.consumed
    session_id = consumed.session_id if consumed else token_store.new_id()
    end = planned.session_expires_at if planned else token.plan.expires_at
    session = NewSession(session_id, end, _session_number(token))
    if planned is None:
        session_store.begin_session(token, session, None)
        return answer
    _, issued, refresh = _make_refresh_token(token)
    session_store.begin_session(token, session, refresh)
    return answer | {"refresh_token": issued.text}


def _session_number(token: NewAccessToken) -> int:
    """Answer the cut-off number of a session that begins.

    The subject's was read with it; the configuration by which it was judged may be older.
    """
    subject = token.request.subject
    return min(subject.cut_off_number, token.cut_off_number) if subject else token.cut_off_number


def _rotate(
    presented: PresentedRefreshToken,
    token: NewAccessToken,
    answer: dict[str, JSON],
    *,
    now: float,
) -> dict[str, JSON]:
    _, issued, refresh = _make_refresh_token(token)
    answer = answer | {"refresh_token": issued.text}
    is_first = token_store.rotate_refresh(
        presented,
        token=token,
        refresh=refresh,
        repeated_answer=refresh_tokens.seal_answer(presented, answer),
        now=now,
    )
    return answer if is_first else _answer_of_the_first(token.tenant_id, presented, now)


def _answer_of_the_first(
    tenant_id: UUID, presented: PresentedRefreshToken, now: float
) -> dict[str, JSON]:
    """Answer what whoever was first was answered, so that both hold the same tokens."""
    found = refresh_tokens.present_again(tenant_id, presented, now=now)
    repeated = refresh_tokens.repeated_answer_of(found)
    if repeated is None:
        raise InvalidGrant(refresh_tokens.REFUSAL, detail="the session ended meanwhile")
    return repeated


def _make_refresh_token(
    token: NewAccessToken,
) -> tuple[RefreshPlan, IssuedCredential, NewRefreshToken]:
    planned = token.plan.refresh
    if planned is None:
        raise ValueError("the decision allows no refresh token")
    row_id = token_store.new_id()
    issued = make_credential(CredentialKind.REFRESH_TOKEN, row_id)
    return planned, issued, NewRefreshToken(row_id, issued.keyed_hash, planned.expires_at)
