"""Lists and ends what stands for a user: tokens with their sessions, and consents."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.services import cut_offs
from tokens import consents, database, sessions
from tokens.errors import InsufficientScope, UserNotFound
from tokens.liveness import FOREIGN_DEATH, TOKEN_DEATH
from tokens.token_ids import lower_bound
from tokens.users import NO_USER, find_user, reach_user

if TYPE_CHECKING:
    from uuid import UUID

    from tokens.callers import Caller
    from tokens.models import Consent
    from tokens.parameters import EndpointRequest

MILLISECONDS: Final = 1_000
NO_TOKEN: Final = "This user has no such token that lives."  # noqa: S105 - a sentence.
NO_CONSENT: Final = "This user has given no such consent."
SIGNED_OUT: Final = "asked for at the users endpoint"
# The id's time is the expiry, so the index passes over what has expired.
_LIVING: Final = f"""
FROM tokens_accesstoken token
JOIN tenants_client client ON client.id = token.client_id
LEFT JOIN tokens_session session ON session.id = token.session_id
LEFT JOIN tenants_subject subject ON subject.id = token.subject_id
WHERE token.tenant_id = %(tenant_id)b AND token.subject_id = %(subject_id)b
  AND token.id >= %(oldest)b AND ({TOKEN_DEATH}) IS NULL"""
_COLUMNS: Final = """
SELECT token.id, token.session_id, client.client_id, token.grant_type, token.format, token.scopes,
  token.audiences, extract(epoch FROM token.issued_at)::bigint,
  extract(epoch FROM token.expires_at)::bigint, NULL::text"""
_FOREIGN_COLUMNS: Final = """
SELECT token.id, NULL::uuid, NULL::text, NULL::text, 'jwt', token.scopes,
  ARRAY(SELECT audience FROM tenants_api WHERE id = ANY (token.api_ids) ORDER BY audience),
  extract(epoch FROM token.issued_at)::bigint, extract(epoch FROM token.expires_at)::bigint,
  profile.slug"""
_FOREIGN_LIVING: Final = f"""
FROM tokens_foreigntoken token
LEFT JOIN tenants_trustprofile profile ON profile.id = token.trust_profile_id
LEFT JOIN tenants_subject subject ON subject.id = token.subject_id
WHERE token.tenant_id = %(tenant_id)b AND token.subject_id = %(subject_id)b
  AND token.id >= %(oldest)b AND ({FOREIGN_DEATH}) IS NULL"""


def _write_page(condition: str = "") -> str:
    """Write the list of both kinds, whose ids are made alike; each is read by its own index."""
    page = f"{condition} ORDER BY token.id DESC LIMIT %(limit)b"
    return (
        f"SELECT * FROM (({_COLUMNS}{_LIVING}{page}) UNION ALL "  # noqa: S608 - fixed texts.
        f"({_FOREIGN_COLUMNS}{_FOREIGN_LIVING}{page})) found ORDER BY id DESC LIMIT %(limit)b"
    )


LIST_SQL: Final = _write_page()
LIST_AFTER_SQL: Final = _write_page(" AND token.id < %(after)b")
FIND_SQL: Final = (
    f"{_COLUMNS}{_LIVING} AND token.id = %(id)b "
    f"UNION ALL {_FOREIGN_COLUMNS}{_FOREIGN_LIVING} AND token.id = %(id)b"
)


@dataclass(frozen=True, slots=True)
class UserToken:
    """A living token of a user; times in seconds since the epoch.

    An outside token that was accepted directly names its trust profile, neither client nor grant.
    """

    id: UUID
    session_id: UUID | None
    client_id: str
    grant_type: str
    format: str
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    issued_at: int
    expires_at: int
    trust_profile: str = ""


def list_tokens(
    request: EndpointRequest, caller: Caller, user_id: UUID, *, after: UUID | None, limit: int
) -> list[UserToken]:
    """List a user's living tokens, those that live longest first.

    Raises:
        UserNotFound: the caller reaches no such user.
    """
    find_user(request, caller, user_id)
    parameters = {**_bind(request, user_id), "after": after, "limit": limit}
    rows = database.execute(LIST_AFTER_SQL if after else LIST_SQL, parameters, is_repeatable=True)
    return [_build(row) for row in rows]


def find_token(
    request: EndpointRequest, caller: Caller, user_id: UUID, token_id: UUID
) -> UserToken:
    """Find one of a user's living tokens.

    Raises:
        UserNotFound: the caller reaches no such user, or the user has no such token.
    """
    find_user(request, caller, user_id)
    return _find(request, user_id, token_id)


def _find(request: EndpointRequest, user_id: UUID, token_id: UUID) -> UserToken:
    parameters = {**_bind(request, user_id), "id": token_id}
    rows = database.execute(FIND_SQL, parameters, is_repeatable=True)
    if not rows:
        raise UserNotFound(NO_TOKEN)
    return _build(rows[0])


def end_token(request: EndpointRequest, caller: Caller, user_id: UUID, token_id: UUID) -> None:
    """End one token, with the session that would renew it.

    Raises:
        UserNotFound: there is none for this caller.
        InsufficientScope: the caller may read only.
    """
    _require_writer(request, caller, user_id)
    token = _find(request, user_id, token_id)
    if token.trust_profile:
        sessions.revoke_foreign_token(
            request.tenant.id, token.id, actor=caller.actor, reason=SIGNED_OUT
        )
        return
    if token.session_id is None:
        sessions.revoke_access_token(
            request.tenant.id, token.id, actor=caller.actor, reason=SIGNED_OUT
        )
        return
    sessions.end_session(
        request.tenant.id,
        token.session_id,
        ended_reason="signed_out",
        actor=caller.actor,
        reason=SIGNED_OUT,
    )


def end_all_tokens(request: EndpointRequest, caller: Caller, user_id: UUID) -> None:
    """End every token and session of a user by one cut-off.

    Raises:
        UserNotFound: there is no such user for this caller.
        InsufficientScope: the caller may read only.
    """
    _require_writer(request, caller, user_id)
    cut_offs.end(request.tenant.id, actor=caller.actor, reason=SIGNED_OUT, subject_id=user_id)


def list_consents(request: EndpointRequest, caller: Caller, user_id: UUID) -> list[Consent]:
    """List what a user has agreed to, the newest first.

    Raises:
        UserNotFound: there is no such user for this caller.
    """
    find_user(request, caller, user_id)
    return _list_consents(request, user_id)


def _list_consents(request: EndpointRequest, user_id: UUID) -> list[Consent]:
    return consents.list_consents(request.tenant.id, user_id, now=request.now)


def withdraw_consent(
    request: EndpointRequest, caller: Caller, user_id: UUID, consent_id: UUID
) -> None:
    """Withdraw one consent and end what its client got by it.

    Raises:
        UserNotFound: there is none for this caller.
        InsufficientScope: the caller may read only.
    """
    _require_writer(request, caller, user_id)
    found = _list_consents(request, user_id)
    clients = [consent.client_id for consent in found if consent.pk == consent_id]
    if not clients:
        raise UserNotFound(NO_CONSENT)
    consents.withdraw(request.tenant.id, user_id, clients, actor=caller.actor)


def withdraw_all_consents(request: EndpointRequest, caller: Caller, user_id: UUID) -> None:
    """Withdraw all that a user has agreed to, and end what came of it.

    Raises:
        UserNotFound: there is no such user for this caller.
        InsufficientScope: the caller may read only.
    """
    _require_writer(request, caller, user_id)
    clients = [consent.client_id for consent in _list_consents(request, user_id)]
    consents.withdraw(request.tenant.id, user_id, clients, actor=caller.actor)


def _require_writer(request: EndpointRequest, caller: Caller, user_id: UUID) -> None:
    """Refuse who may only read; who may not even read is told that there is nobody.

    What was exchanged for a user's token speaks for the user, but was made to do less.
    """
    if not caller.writes_all and caller.subject_id != user_id:
        if caller.reads_all:
            raise InsufficientScope("Ending this needs the scope management:users:write.")
        raise UserNotFound(NO_USER)
    if caller.token is not None and caller.token.parent_id is not None:
        raise InsufficientScope("A token that was exchanged for another can only read here.")
    reach_user(request, caller, user_id)


def _bind(request: EndpointRequest, user_id: UUID) -> dict[str, object]:
    now = time.time()
    return {
        "tenant_id": request.tenant.id,
        "subject_id": user_id,
        "now": now,
        "oldest": lower_bound(int(now * MILLISECONDS)),
    }


def _build(row: database.Row) -> UserToken:
    token_id, session_id, client_id, grant_type, token_format, scopes, audiences, *rest = row
    issued_at, expires_at, trust_profile = rest
    return UserToken(
        token_id,
        session_id,
        client_id or "",
        grant_type or "",
        token_format,
        tuple(scopes),
        tuple(audiences),
        issued_at,
        expires_at,
        trust_profile or "",
    )
