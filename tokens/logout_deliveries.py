"""Delivers logout tokens: at once, then again with growing pauses, until they arrive or never do.

A row that is taken is due again after its pause, so that whoever dies on the way loses nothing.
Of many rows each tenant has its turn. Source: OpenID Connect Back-Channel Logout 1.0 section 2.5.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.db import transaction

from tenants import audit, outgoing, snapshot
from tenants.errors import OutgoingFailed, OutgoingRefused
from tokens import database
from tokens.errors import IssuerNotFound, ServiceUnavailable
from tokens.liveness import NOW
from tokens.logout_tokens import write_logout_token
from tokens.metrics import count_logout_delivery
from tokens.models import LogoutDelivery

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from tenants.records import Actor

logger = logging.getLogger(__name__)

Status = LogoutDelivery.Status
# The pause after each attempt; the last attempt begins an hour after the first.
PAUSES_SECONDS: Final = (60, 240, 900, 2_400, 2_400)
MAX_ATTEMPTS: Final = len(PAUSES_SECONDS)
TIMEOUT_SECONDS: Final = 5.0
# Sent side by side, so that a client that is slow holds up nobody else's.
BATCH_ROWS: Final = 20
# How many rows a run looks at to give each tenant its turn.
WINDOW_ROWS: Final = 5_000
# The first attempt is nobody else's turn, but is bounded, too; the rest is due like all others.
MAX_BATCHES_AT_ONCE: Final = 10
ACCEPTED: Final = frozenset((200, 204))
MAX_ERROR_CHARACTERS: Final = 200
GONE: Final = "the client is gone, or has no address for it any more"
_DUE: Final = f"status = 'pending' AND next_attempt_at <= {NOW}"


def _claim(chosen: str) -> str:
    pauses = ", ".join(map(str, PAUSES_SECONDS))
    return f"""
WITH chosen AS MATERIALIZED ({chosen} FOR UPDATE SKIP LOCKED)
UPDATE tokens_logoutdelivery delivery SET attempts = attempts + 1,
  next_attempt_at = {NOW} + make_interval(
    secs => (ARRAY[{pauses}])[least(attempts + 1, {MAX_ATTEMPTS})]::float8)
FROM chosen WHERE delivery.id = chosen.id
RETURNING delivery.id, subject_id, sign_in_id, attempts,
  (SELECT path FROM tenants_tenant WHERE id = delivery.tenant_id),
  (SELECT client_id FROM tenants_client WHERE id = delivery.client_id)
"""  # noqa: S608 - fixed texts.


CLAIM_OF_SQL: Final = _claim(f"""
  SELECT id FROM tokens_logoutdelivery WHERE sign_in_id = ANY (%(sign_in_ids)b::uuid[]) AND {_DUE}
  LIMIT %(rows)b::bigint""")  # noqa: S608 - fixed texts.
CLAIM_DUE_SQL: Final = _claim(f"""
  SELECT id FROM tokens_logoutdelivery WHERE {_DUE} AND id IN (
    SELECT id FROM (
      SELECT id, next_attempt_at,
        row_number() OVER (PARTITION BY tenant_id ORDER BY next_attempt_at) AS place
      FROM (SELECT id, tenant_id, next_attempt_at FROM tokens_logoutdelivery WHERE {_DUE}
        ORDER BY next_attempt_at LIMIT {WINDOW_ROWS}) oldest) ranked
    ORDER BY place, next_attempt_at LIMIT %(rows)b::bigint)""")  # noqa: S608 - fixed texts.
RECORD_SQL: Final = f"""
UPDATE tokens_logoutdelivery SET status = %(status)s, last_error = %(last_error)s,
  delivered_at = CASE WHEN %(is_delivered)b::boolean THEN {NOW} END
WHERE id = %(id)b AND status = 'pending'
"""  # noqa: S608 - fixed texts.
AGAIN_SQL: Final = f"""
UPDATE tokens_logoutdelivery SET status = 'pending', attempts = 0, next_attempt_at = {NOW},
  last_error = ''
WHERE id = %(id)b AND tenant_id = %(tenant_id)b AND status <> 'delivered'
RETURNING sign_in_id
"""  # noqa: S608 - fixed texts.


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A row whose attempt has begun; path and client_id are None where their row is gone."""

    id: UUID
    subject_id: UUID
    sign_in_id: UUID
    attempts: int
    path: str | None
    client_id: str | None


@dataclass(frozen=True, slots=True)
class _Letter:
    """A form, and where it goes."""

    url: str
    form: bytes = field(repr=False)


def deliver_of(sign_in_ids: Sequence[UUID]) -> int:
    """Deliver what the clients of these sign-ins are to be told; answers how many were tried."""
    values = {"sign_in_ids": sign_in_ids}
    return _deliver_all(CLAIM_OF_SQL, values, max_batches=MAX_BATCHES_AT_ONCE)


def deliver_due(*, max_batches: int) -> int:
    """Deliver what is due, in so many batches at most; answers how many were tried."""
    return _deliver_all(CLAIM_DUE_SQL, {}, max_batches=max_batches)


def try_again(tenant_id: UUID, delivery_id: UUID, *, actor: Actor) -> UUID | None:
    """Let a delivery that has not arrived begin anew; answers its sign-in, None for no such row."""
    values = {"id": delivery_id, "tenant_id": tenant_id, "now": time.time()}
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        found = database.execute(AGAIN_SQL, values)
        if not found:
            return None
        audit.record_event(
            tenant_id=tenant_id,
            event="logout_delivery.retried",
            actor=actor,
            entity_kind="logout_delivery",
            entity_id=str(delivery_id),
        )
    sign_in_id: UUID = found[0][0]
    return sign_in_id


def _deliver_all(sql: str, values: database.Parameters, *, max_batches: int) -> int:
    tried = 0
    for _ in range(max_batches):
        snapshot.CURRENT.confirm()
        rows = database.execute(sql, {**values, "rows": BATCH_ROWS, "now": time.time()})
        _deliver([_Claimed(*row) for row in rows])
        tried += len(rows)
        if len(rows) < BATCH_ROWS:
            break
    return tried


def _deliver(batch: Sequence[_Claimed]) -> None:
    """Write all tokens, send them side by side, and note what became of each."""
    written = [(claimed, _write(claimed)) for claimed in batch]
    letters = {claimed.id: letter for claimed, letter in written if isinstance(letter, _Letter)}
    with ThreadPoolExecutor(max_workers=BATCH_ROWS) as pool:
        sent = dict(zip(letters, pool.map(_send, letters.values()), strict=True))
    for claimed, letter in written:
        _record(claimed, sent[claimed.id] if isinstance(letter, _Letter) else letter)


def _write(claimed: _Claimed) -> _Letter | str:
    """Write the token of a delivery, or answer why there is none."""
    tenant = snapshot.CURRENT.tenant(claimed.path) if claimed.path else None
    client = snapshot.CURRENT.client(tenant, claimed.client_id or "") if tenant else None
    if tenant is None or client is None or not (tenant.is_enabled and client.is_enabled):
        return GONE
    url = client.interactive.backchannel_logout_uri
    if not url:
        return GONE
    try:
        token = write_logout_token(
            tenant,
            client,
            subject_id=claimed.subject_id,
            sign_in_id=claimed.sign_in_id,
            token_id=claimed.id,
            now=int(time.time()),
        )
    except (ServiceUnavailable, IssuerNotFound) as error:
        return error.description
    return _Letter(url, urlencode({"logout_token": token}).encode("ascii"))


def _send(letter: _Letter) -> str:
    """Post a token; answer what went wrong, nothing where it arrived. Source: section 2.8."""
    try:
        status = outgoing.notify(letter.url, letter.form, timeout_seconds=TIMEOUT_SECONDS)
    except OutgoingRefused as error:
        return f"refused: {error.reason}"
    except OutgoingFailed as error:
        return str(error)
    return "" if status in ACCEPTED else f"status {status}"


def _record(claimed: _Claimed, problem: str) -> None:
    status = _judge(claimed, problem)
    values = {
        "id": claimed.id,
        "status": status.value,
        "is_delivered": status is Status.DELIVERED,
        "last_error": problem[:MAX_ERROR_CHARACTERS],
        "now": time.time(),
    }
    database.execute(RECORD_SQL, values, is_repeatable=True)
    count_logout_delivery(status.value)
    if problem:
        logger.info("logout delivery %s: %s: %s", claimed.id, status.value, problem)


def _judge(claimed: _Claimed, problem: str) -> LogoutDelivery.Status:
    if not problem:
        return Status.DELIVERED
    is_over = problem == GONE or claimed.attempts >= MAX_ATTEMPTS
    return Status.GIVEN_UP if is_over else Status.PENDING
