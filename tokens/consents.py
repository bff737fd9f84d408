"""What people have agreed to: found, remembered and withdrawn. One row per person and client."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.db import transaction

from tenants import audit
from tenants.services import cut_offs
from tokens import database
from tokens.liveness import NOW
from tokens.models import Consent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from tenants.records import Actor, TenantSnapshot

MAX_CONSENTS: Final = 1_000
WITHDRAWN: Final = "consent withdrawn"
# A scope that was deleted and made again is another right, whatever its name.
FIND_SQL: Final = f"""
SELECT scope.name FROM tokens_consent consent
JOIN tenants_scope scope ON scope.id = ANY (consent.scope_ids)
WHERE consent.tenant_id = %(tenant_id)b AND consent.subject_id = %(subject_id)b
  AND consent.client_id = %(client_id)b AND consent.expires_at > {NOW}"""  # noqa: S608 - fixed texts.
# What was agreed to before and has expired is not brought back by what is agreed to now.
REMEMBER_SQL: Final = f"""
INSERT INTO tokens_consent AS consent
  (id, tenant_id, client_id, subject_id, scopes, scope_ids, granted_at, expires_at)
SELECT %(id)b::uuid, %(tenant_id)b::uuid, %(client_id)b::uuid, %(subject_id)b::uuid,
  %(agreed)s::text[], %(agreed_ids)b::uuid[], {NOW},
  {NOW} + make_interval(secs => %(lifetime)b::float8)
ON CONFLICT (tenant_id, subject_id, client_id) DO UPDATE SET
  scopes = ARRAY(SELECT name FROM (
      SELECT unnest(consent.scopes) AS name WHERE consent.expires_at > {NOW}
      EXCEPT SELECT unnest(%(asked)s::text[])
      UNION SELECT unnest(%(agreed)s::text[])) agreed ORDER BY name),
  scope_ids = ARRAY(
      SELECT unnest(consent.scope_ids) WHERE consent.expires_at > {NOW}
      EXCEPT SELECT unnest(%(asked_ids)b::uuid[])
      UNION SELECT unnest(%(agreed_ids)b::uuid[])),
  granted_at = EXCLUDED.granted_at, expires_at = EXCLUDED.expires_at"""  # noqa: S608 - fixed texts.


def find_scopes(
    tenant_id: UUID, subject_id: UUID, client_id: UUID, *, now: float
) -> frozenset[str]:
    """Find the scopes to which a person has agreed for a client; one statement."""
    parameters = {
        "tenant_id": tenant_id,
        "subject_id": subject_id,
        "client_id": client_id,
        "now": float(now),
    }
    rows = database.execute(FIND_SQL, parameters, is_repeatable=True)
    return frozenset(name for (name,) in rows)


def remember(
    tenant: TenantSnapshot,
    subject_id: UUID,
    client_id: UUID,
    *,
    asked: Iterable[str],
    agreed: Iterable[str],
    now: float,
) -> None:
    """Remember to which of the scopes that were asked for a person has agreed; one statement.

    What was asked for earlier stays agreed to.
    """
    wanted, granted = sorted(asked), sorted(agreed)
    parameters = {
        "id": uuid.uuid4(),
        "tenant_id": tenant.id,
        "subject_id": subject_id,
        "client_id": client_id,
        "asked": wanted,
        "agreed": granted,
        "asked_ids": _ids(tenant, wanted),
        "agreed_ids": _ids(tenant, granted),
        "lifetime": float(tenant.sign_in.consent_lifetime_seconds),
        "now": float(now),
    }
    database.execute(REMEMBER_SQL, parameters, is_repeatable=True)


def _ids(tenant: TenantSnapshot, names: Iterable[str]) -> list[UUID]:
    return [tenant.scopes[name].id for name in names if name in tenant.scopes]


def list_consents(tenant_id: UUID, subject_id: UUID, *, now: float) -> list[Consent]:
    """List what a person has agreed to, the newest first, with the clients; one statement."""
    moment = datetime.fromtimestamp(now, UTC)
    rows = Consent.objects.filter(tenant=tenant_id, subject=subject_id, expires_at__gt=moment)
    return list(rows.select_related("client").order_by("-granted_at", "pk")[:MAX_CONSENTS])


def withdraw(
    tenant_id: UUID, subject_id: UUID, client_ids: Collection[UUID], *, actor: Actor
) -> None:
    """Withdraw what a person agreed to for clients and end everything that these got by it.

    All of it in one transaction; a client to which nobody had to agree loses its access as well.
    """
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        for client_id in client_ids:
            cut_offs.end(
                tenant_id,
                actor=actor,
                reason=WITHDRAWN,
                subject_id=subject_id,
                client_id=client_id,
            )
        agreed = Consent.objects.filter(tenant=tenant_id, subject=subject_id)
        agreed.filter(client__in=client_ids).delete()
