"""Ends a tenant for good: everything stops, every row goes, and a report proves it.

The issuer stays reserved for ever. The audit chain leaves with the tenant; its length and last hash
are appended to the platform's own chain, so that an exported one can be proved later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from tenants import audit
from tenants.errors import Conflict, Forbidden
from tenants.models import AuditEvent, Offboarding, Tenant
from tenants.services import changes
from tenants.services.tenant_tables import link_models, tenant_models

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import Model

    from tenants.records import JSON, Actor

BATCH_ROWS: Final = 500
# A process that has not heard of the end answers 503 after five seconds, and so issues no more.
SETTLING: Final = timedelta(seconds=6)
KEPT: Final = timedelta(days=1)
TENANT: Final = "tenants.Tenant"


@dataclass(frozen=True, slots=True)
class OffboardingReport:
    """How many rows each table had of the tenant when it ended, and how many it has now."""

    tenant_id: UUID
    path: str
    finished_at: datetime
    before: Mapping[str, int]
    after: Mapping[str, int]
    audit_events: int
    audit_hash: str

    @property
    def is_proven(self) -> bool:
        """Whether no table has a row of the tenant any more."""
        return not any(self.after.values())

    def describe(self) -> dict[str, JSON]:
        """Describe the report as JSON."""
        return {
            "tenant": self.path,
            "id": str(self.tenant_id),
            "finished_at": self.finished_at.isoformat(),
            "is_proven": self.is_proven,
            "tables": [
                {"where": name, "before": count, "after": self.after[name]}
                for name, count in self.before.items()
            ],
            "audit_chain": {"events": self.audit_events, "last_hash": self.audit_hash},
        }


def begin(tenant: Tenant, *, actor: Actor, reason: str = "", wait: timedelta = KEPT) -> Offboarding:
    """Disable a tenant, which ends all of its sessions and tokens, and note that it leaves.

    Its rows go after the wait; until then it can be kept by enabling it again.

    Raises:
        Forbidden: it is the platform's own tenant.
    """
    if tenant.is_built_in:
        raise Forbidden("The platform's own tenant can't leave.")
    with transaction.atomic():
        audit.lock_chain(None)
        audit.lock_chain(tenant.pk)
        tenant.is_enabled = False
        changes.save(tenant, actor=actor, reason=reason)
        leaving, _ = Offboarding.objects.update_or_create(
            pk=tenant.pk,
            defaults={"path": tenant.path, "delete_after": timezone.now() + max(wait, SETTLING)},
        )
        _record_on_platform("tenant.offboarding_begun", str(tenant.pk), actor, reason)
    return leaving


def release(leaving: Offboarding) -> None:
    """Wait no longer: whoever leaves has what they take along."""
    leaving.delete_after = timezone.now()
    leaving.save(update_fields=["delete_after"])


def delete_rows(
    leaving: Offboarding,
    *,
    actor: Actor,
    using: str = DEFAULT_DB_ALIAS,
    batch_rows: int = BATCH_ROWS,
) -> OffboardingReport:
    """Delete every row of a tenant that leaves, each batch being its own transaction.

    It may be stopped at any point and run again. `using` is a connection that owns the tables,
    because nobody else may take events out of a chain.

    Raises:
        Conflict: it has left, may still be kept, or was enabled again.
    """
    if leaving.finished_at is not None or leaving.delete_after > timezone.now():
        raise Conflict("This tenant has left already, or may still be kept for a while.")
    if Tenant.objects.using(using).filter(pk=leaving.pk, is_enabled=True).exists():
        raise Conflict("The tenant was enabled again; begin its offboarding anew.")
    before = leaving.report.get("before") or count_rows(leaving.pk, using=using)
    length, last_hash = _end_of_chain(leaving.pk, using)
    chain = leaving.report.get("chain") or [length, last_hash]
    Offboarding.objects.filter(pk=leaving.pk).update(report={"before": before, "chain": chain})
    for model in tenant_models():
        _delete_in_batches(model, leaving.pk, using, batch_rows)
    Tenant.objects.using(using).filter(pk=leaving.pk).delete()
    report = OffboardingReport(
        leaving.pk,
        leaving.path,
        timezone.now(),
        before,
        count_rows(leaving.pk, using=using),
        *chain,
    )
    _close(report, actor)
    return report


def count_rows(tenant_id: UUID, *, using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """Count a tenant's rows in every table that has any tenant's, by asking the models."""
    counts = {
        model._meta.label: model._default_manager.using(using).filter(tenant_id=tenant_id).count()  # noqa: SLF001
        for model in tenant_models()
    }
    for through, column, owner in link_models():
        own = owner._default_manager.using(using).filter(tenant_id=tenant_id)  # noqa: SLF001
        rows = through._default_manager.using(using)  # noqa: SLF001 - Django's public API.
        counts[through._meta.label] = rows.filter(**{f"{column}__in": own.values("pk")}).count()  # noqa: SLF001
    counts[TENANT] = Tenant.objects.using(using).filter(pk=tenant_id).count()
    return counts


def _delete_in_batches(model: type[Model], tenant_id: UUID, using: str, batch_rows: int) -> None:
    rows = model._base_manager.using(using)  # noqa: SLF001 - Django's public API.
    while ids := list(
        rows.filter(tenant_id=tenant_id).order_by().values_list("pk", flat=True)[:batch_rows]
    ):
        rows.filter(pk__in=ids).delete()


def _end_of_chain(tenant_id: UUID, using: str) -> tuple[int, str]:
    events = AuditEvent.objects.using(using).filter(tenant_id=tenant_id).order_by("-sequence")
    last = events.first()
    return (last.sequence, bytes(last.hash).hex()) if last else (0, "")


def _close(report: OffboardingReport, actor: Actor) -> None:
    with transaction.atomic():
        Offboarding.objects.filter(pk=report.tenant_id).update(
            finished_at=report.finished_at, report=report.describe()
        )
        _record_on_platform("tenant.offboarded", str(report.tenant_id), actor, "")
        # A hash has as many hexadecimal digits as an entity's id may have characters.
        _record_on_platform("tenant.audit_chain_closed", report.audit_hash, actor, "")


def _record_on_platform(event: str, entity_id: str, actor: Actor, reason: str) -> None:
    audit.record_event(
        tenant_id=None,
        event=event,
        actor=actor,
        entity_kind="tenant",
        entity_id=entity_id,
        reason=reason,
    )


def keep(leaving: Offboarding, *, actor: Actor) -> None:
    """Forget that a tenant was to leave, because it was enabled again."""
    with transaction.atomic():
        _record_on_platform("tenant.offboarding_cancelled", str(leaving.pk), actor, "")
        leaving.delete()
