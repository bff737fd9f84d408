"""Stores the beginning of a session: one statement, with its first token and the code it took.

A code works once: the session begins only where the statement itself has used the code up, so that
of two requests with one code the second begins nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tokens import database, session_limits, sessions
from tokens.errors import InvalidGrant
from tokens.token_store import (
    INSERT_REFRESH_SQL,
    INSERT_TOKEN_SQL,
    ON_CONFLICT,
    encode_facts,
    refresh_values,
    token_values,
    write,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import ConsumedGrant
    from tokens.token_store import NewAccessToken, NewRefreshToken

MAX_USER_AGENT_CHARACTERS: Final = 200
MAX_ADDRESS_CHARACTERS: Final = 45
CODE: Final = "authorization_code"
DEVICE: Final = "device_code"
OFFLINE_ACCESS: Final = "offline_access"  # OpenID Connect Core section 11.
REUSED: Final = "reuse"
USED_MEANWHILE: Final = "The code was used already. Ask for a new one."
_SESSION: Final = """INSERT INTO tokens_session
  (id, tenant_id, client_id, subject_id, trust_profile_id, grant_type, scopes, audiences, api_ids,
   cut_off_number, address, user_agent, started_at, last_used_at, expires_at, ended_reason,
   app_tenant_id, app_subject_id, sign_in_id, authenticated_at, acr, amr, claims_request,
   is_offline)
SELECT %(session_id)b::uuid, %(tenant_id)b::uuid, %(client_id)b::uuid, %(subject_id)b::uuid,
  %(trust_profile_id)b::uuid, %(grant_type)s, %(scopes)s::text[], %(audiences)s::text[],
  %(api_ids)b::uuid[], %(session_cut_off_number)b::bigint, %(address)s, %(user_agent)s,
  to_timestamp(%(issued_at)b::float8), to_timestamp(%(issued_at)b::float8),
  to_timestamp(%(session_expires_at)b::float8), '', %(app_tenant_id)s::text,
  %(app_subject_id)s::text, %(sign_in_id)b::uuid, to_timestamp(%(authenticated_at)b::float8),
  %(acr)s, %(amr)s::text[], %(claims_request)s::jsonb, %(is_offline)b::boolean"""
# Held to the end of the statement: whoever signs the person out meanwhile waits, and then sees the
# session; who was first is seen here. Only a device may still begin an offline session: people may
# sign out as soon as they have approved it.
_PRESENT: Final = """SELECT 1 FROM tokens_signin
  WHERE id = %(sign_in_id)b::uuid AND ended_at IS NULL FOR SHARE"""
# By kind: what uses a code up, and what tells whose use it was.
_TAKE: Final = {
    CODE: """UPDATE tokens_authorizationcode
  SET used_at = to_timestamp(%(issued_at)b::float8), session_id = %(session_id)b::uuid
  WHERE id = %(consumed_id)b AND tenant_id = %(tenant_id)b AND used_at IS NULL
    AND EXISTS (SELECT 1 FROM present)
  RETURNING id""",
    DEVICE: """UPDATE tokens_devicecode
  SET status = 'used', session_id = %(session_id)b::uuid
  WHERE id = %(consumed_id)b AND tenant_id = %(tenant_id)b AND status = 'approved'
    AND (%(is_offline)b::boolean OR EXISTS (SELECT 1 FROM present))
  RETURNING id""",
}
_TAKEN_BY: Final = {
    CODE: "SELECT session_id FROM tokens_authorizationcode WHERE id = %(id)b",
    DEVICE: "SELECT session_id FROM tokens_devicecode WHERE id = %(id)b",
}


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session's row has beside its first token; the expiry in seconds since the epoch."""

    id: UUID
    expires_at: int
    cut_off_number: int


def _begin(*, has_refresh: bool, taken: str = "", on_conflict: str = "") -> str:
    source = " FROM taken" if taken else ""
    steps = [f"present AS MATERIALIZED ({_PRESENT})", f"taken AS ({taken})"] if taken else []
    steps.append(f"begun AS ({_SESSION}{source}{on_conflict})")
    if has_refresh:
        steps.append(f"first AS ({INSERT_REFRESH_SQL}{source}{on_conflict})")
    return f"WITH {', '.join(steps)} {INSERT_TOKEN_SQL}{source}{on_conflict} RETURNING id"


BEGIN_SQL: Final = _begin(has_refresh=True)
REPEAT_SQL: Final = _begin(has_refresh=True, on_conflict=ON_CONFLICT)
TAKE_SQL: Final = {
    (kind, has_refresh): _begin(has_refresh=has_refresh, taken=taken)
    for kind, taken in _TAKE.items()
    for has_refresh in (True, False)
}


def begin_session(
    token: NewAccessToken, session: NewSession, refresh: NewRefreshToken | None
) -> None:
    """Store a session with its first access token and refresh token, using its code up.

    Raises:
        InvalidGrant: another request has used the code up meanwhile.
        SessionLimitReached: the person has as many sessions with the client as it allows.
        DatabaseUnavailable: it could not be stored.
    """
    values = token_values(token) | _session_values(token, session)
    if refresh is not None:
        values |= refresh_values(refresh)
    request, consumed = token.request, token.request.consumed
    if consumed is None:
        _begin_once(values)
        return
    now, subject_id = float(token.plan.issued_at), request.subject.id if request.subject else None
    try:
        with session_limits.kept(
            token.tenant_id, subject_id, request.client, begun=session.id, now=now
        ):
            _use_up(consumed, values, has_refresh=refresh is not None)
    except InvalidGrant:
        _end_other(token.tenant_id, consumed)
        raise


def _begin_once(values: dict[str, object]) -> None:
    try:
        write(BEGIN_SQL, values)
    except database.ConnectionLost:
        # The ids are ours, so the second run stores what the first may have stored, once.
        database.execute(REPEAT_SQL, values, is_repeatable=True)


def _use_up(consumed: ConsumedGrant, values: dict[str, object], *, has_refresh: bool) -> None:
    if not _take(consumed, values, has_refresh=has_refresh):
        raise InvalidGrant(USED_MEANWHILE, detail=f"{consumed.kind} {consumed.id}")


def _take(consumed: ConsumedGrant, values: dict[str, object], *, has_refresh: bool) -> bool:
    values |= {"consumed_id": consumed.id}
    sql = TAKE_SQL[consumed.kind, has_refresh]
    try:
        return bool(write(sql, values))
    except database.ConnectionLost:
        if write(sql, values):
            return True
    # The first run may have done it all: then the code names the session that we meant to begin.
    rows = database.execute(_TAKEN_BY[consumed.kind], {"id": consumed.id}, is_repeatable=True)
    return bool(rows) and rows[0][0] == consumed.session_id


def _end_other(tenant_id: UUID, consumed: ConsumedGrant) -> None:
    """End the session of who was first with a code: one of the two has stolen it.

    Source: RFC 9700 section 4.5.
    """
    rows = database.execute(_TAKEN_BY[consumed.kind], {"id": consumed.id}, is_repeatable=True)
    if rows and rows[0][0] is not None:
        sessions.end_session(tenant_id, rows[0][0], ended_reason=REUSED)


def _session_values(token: NewAccessToken, session: NewSession) -> dict[str, object]:
    request, authentication = token.request, token.request.authentication
    return {
        "session_id": session.id,
        "session_expires_at": float(session.expires_at),
        "session_cut_off_number": session.cut_off_number,
        "address": request.address[:MAX_ADDRESS_CHARACTERS],
        "user_agent": _storable(request.user_agent)[:MAX_USER_AGENT_CHARACTERS],
        "sign_in_id": authentication.sign_in_id if authentication else None,
        "authenticated_at": float(authentication.authenticated_at) if authentication else None,
        "acr": authentication.acr if authentication else "",
        "amr": list(authentication.amr) if authentication else [],
        "claims_request": encode_facts(request.claims_request or {}),
        "is_offline": OFFLINE_ACCESS in token.plan.scopes,
    }


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd")
