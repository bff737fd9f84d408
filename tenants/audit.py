"""Appends to the audit chain: who changed or ended what, linked by hashes, one chain a tenant."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone

from tenants.models import AuditDetail, AuditEvent

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from tenants.records import Actor

CHAIN_LOCK = 0x41554449  # "AUDI": the advisory lock space of the chains.
NO_HASH = bytes(32)
MAX_REASON_LENGTH = 500


def lock_chain(tenant_id: UUID | None) -> None:
    """Take the tenant's chain until the transaction ends; the writes of a tenant queue here.

    Every service takes it before it locks anything else, so that writers can't deadlock.
    """
    chain = hashlib.sha256(str(tenant_id).encode()).digest()[:4]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)",
            [CHAIN_LOCK, int.from_bytes(chain, "big", signed=True)],
        )


def record_event(
    *,
    tenant_id: UUID | None,
    event: str,
    actor: Actor,
    entity_kind: str = "",
    entity_id: str = "",
    reason: str = "",
) -> AuditEvent:
    """Append one event in the caller's transaction, with its erasable detail."""
    lock_chain(tenant_id)
    last = AuditEvent.objects.filter(tenant_id=tenant_id).order_by("-sequence").first()
    salt = os.urandom(16)
    link = AuditEvent(
        tenant_id=tenant_id,
        sequence=last.sequence + 1 if last else 1,
        previous_hash=bytes(last.hash) if last else NO_HASH,
        event=event,
        entity_kind=entity_kind,
        entity_id=entity_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        detail_digest=digest_detail(salt, actor.address, reason[:MAX_REASON_LENGTH]),
        occurred_at=timezone.now(),
    )
    link.hash = hash_event(link)
    link.save(force_insert=True)
    AuditDetail.objects.create(
        event=link,
        tenant_id=tenant_id,
        salt=salt,
        address=actor.address,
        reason=reason[:MAX_REASON_LENGTH],
    )
    return link


def digest_detail(salt: bytes, address: str, reason: str) -> bytes:
    """Compute the salted digest that stays when the plain detail is erased."""
    return hashlib.sha256(salt + json.dumps([address, reason]).encode()).digest()


def hash_event(event: AuditEvent) -> bytes:
    """Compute the hash of an event, which covers the hash before it."""
    facts = [
        str(event.tenant_id),
        event.sequence,
        bytes(event.previous_hash).hex(),
        event.event,
        event.entity_kind,
        event.entity_id,
        event.actor_kind,
        event.actor_id,
        bytes(event.detail_digest or b"").hex(),
        _utc_text(event.occurred_at),
    ]
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).digest()


def find_broken_link(tenant_id: UUID | None) -> int | None:
    """Answer the sequence number of the first event whose hash or place is wrong, if any."""
    expected, previous = 1, NO_HASH
    events = AuditEvent.objects.filter(tenant_id=tenant_id).order_by("sequence")
    for event in events.iterator(chunk_size=1000):
        is_linked = event.sequence == expected and bytes(event.previous_hash) == previous
        if not is_linked or bytes(event.hash) != hash_event(event):
            return expected
        expected, previous = expected + 1, bytes(event.hash)
    return None


def _utc_text(moment: datetime) -> str:
    return f"{moment.timestamp():.6f}"
