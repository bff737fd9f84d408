"""Erases an end user: tokens ended, personal data gone, the audit kept under the pseudonym.

Where personal data lies is said by the models themselves (`personal_data`), so that a new one
can't be forgotten: a test asks every model that names a subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from tenants import audit
from tenants.errors import InvalidEntity
from tenants.models import AuditDetail, AuditEvent, Subject
from tenants.personal_data import PersonalData
from tenants.services import cut_offs
from tenants.services.tenant_tables import tenant_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import Model, QuerySet

    from tenants.records import JSON, Actor

BATCH_ROWS: Final = 1_000
# Shorter texts stand in other people's rows as well and would prove nothing.
SHORTEST_MARK: Final = 6
# Rows that are blanked by rule and of which a tenant has millions are not read as text.
UNSEARCHED: Final = frozenset(("tokens.AccessToken", "tokens.RefreshToken"))
BLANK_SUBJECT: Final[Mapping[str, Any]] = {
    "external_id": None,
    "name": "",
    "email": "",
    "is_email_verified": False,
    "attributes": {},
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place where was looked, with the rows that held something, before and after."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What an erasure found and left.

    `places` held the subject's personal data. `mentions` hold a text that was the subject's, such
    as the mail address, and may be another's just as well: somebody has to look.
    """

    tenant: str
    subject_id: UUID
    erased_at: datetime
    places: tuple[Place, ...]
    mentions: tuple[Place, ...]

    @property
    def is_proven(self) -> bool:
        """Whether nothing was left in any place."""
        return all(place.after == 0 for place in self.places)

    def describe(self) -> dict[str, JSON]:
        """Describe the report as JSON; the subject is named by the pseudonym alone."""
        return {
            "tenant": self.tenant,
            "subject": str(self.subject_id),
            "erased_at": self.erased_at.isoformat(),
            "is_proven": self.is_proven,
            "places": _describe(self.places),
            "mentions": _describe(self.mentions),
        }


def erase_subject(subject: Subject, *, actor: Actor, reason: str = "") -> ErasureReport:
    """End everything of a subject and remove what is personal; twice is harmless.

    Raises:
        InvalidEntity: the reason, which stays, names the person.
    """
    marks = _find_marks(subject)
    if any(mark.casefold() in reason.casefold() for mark in marks):
        text = "The reason is kept: write it without the person's name and addresses."
        raise InvalidEntity({"reason": [text]})
    mentioned = _count_mentions(subject.tenant_id, marks)
    with transaction.atomic():
        audit.lock_chain(subject.tenant_id)
        before = _count(subject, marks)
        cut_offs.end(subject.tenant_id, actor=actor, reason=reason, subject_id=subject.pk)
        _erase(subject, marks)
        audit.record_event(
            tenant_id=subject.tenant_id,
            event="subject.erased",
            actor=actor,
            entity_kind="subject",
            entity_id=str(subject.pk),
            reason=reason,
        )
        after = _count(subject, marks, since_erasure=True)
    still_mentioned = _count_mentions(subject.tenant_id, marks)
    subject.refresh_from_db()
    return ErasureReport(
        subject.tenant.path,
        subject.pk,
        subject.erased_at or timezone.now(),
        tuple(Place(name, before[name], after[name]) for name in before),
        tuple(Place(name, n, still_mentioned[name]) for name, n in mentioned.items() if n),
    )


def personal_models() -> Iterator[tuple[type[Model], PersonalData]]:
    """List the models that say where they keep what is personal about a subject."""
    for model in apps.get_models():
        declared = getattr(model, "personal_data", None)
        if isinstance(declared, PersonalData):
            yield model, declared


def rows_of(model: type[Model], declared: PersonalData, subject: Subject) -> QuerySet[Model]:
    """Answer the rows of a model that name the subject."""
    value = str(subject.pk) if declared.subject_type is str else subject.pk
    rows = model._default_manager.filter(tenant=subject.tenant_id)  # noqa: SLF001 - public API.
    return rows.filter(**{declared.subject: value}).order_by()


def _count(subject: Subject, marks: list[str], *, since_erasure: bool = False) -> dict[str, int]:
    counts = {
        "tenants.Subject": Subject.objects.filter(pk=subject.pk).exclude(**BLANK_SUBJECT).count(),
        "tenants.Group.subjects": subject.groups.count(),
        "tenants.AuditDetail": _details_of(subject, marks, since_erasure=since_erasure).count(),
    }
    for model, declared in personal_models():
        if declared.left != {}:
            counts[model._meta.label] = _personal_rows(model, declared, subject).count()  # noqa: SLF001
    return counts


def _personal_rows(model: type[Model], declared: PersonalData, subject: Subject) -> QuerySet[Model]:
    rows = rows_of(model, declared, subject)
    return rows.exclude(**declared.left) if declared.left else rows


def _erase(subject: Subject, marks: list[str]) -> None:
    _details_of(subject, marks).delete()
    for model, declared in personal_models():
        if declared.left == {}:
            continue
        rows = _personal_rows(model, declared, subject)
        while ids := list(rows.values_list("pk", flat=True)[:BATCH_ROWS]):
            batch = model._default_manager.filter(pk__in=ids)  # noqa: SLF001 - public API.
            if declared.left is None:
                batch.delete()
            else:
                batch.update(**declared.left)
    subject.groups.clear()
    Subject.objects.filter(pk=subject.pk).update(
        **BLANK_SUBJECT, is_enabled=False, erased_at=subject.erased_at or timezone.now()
    )


def _details_of(
    subject: Subject, marks: list[str], *, since_erasure: bool = False
) -> QuerySet[AuditDetail]:
    """Find the plain texts behind events about the subject, by the subject, or with a mark.

    The reason of the erasure itself is the operator's and stays.
    """
    about = Q(event__entity_id=str(subject.pk)) | Q(event__actor_id=str(subject.pk))
    about |= Q(event__entity_id__in=_ids_of_grants(subject))
    about = reduce(or_, (Q(reason__icontains=mark) for mark in marks), about)
    details = AuditDetail.objects.filter(tenant_id=subject.tenant_id).filter(about)
    if since_erasure:
        newest = AuditEvent.objects.filter(
            tenant_id=subject.tenant_id, event="subject.erased", entity_id=str(subject.pk)
        ).order_by("-id")
        details = details.exclude(event__in=newest.values("id")[:1])
    return details


def _ids_of_grants(subject: Subject) -> list[str]:
    """List the ids by which events name the subject's sessions, tokens and identities."""
    ids: list[str] = []
    for model, declared in personal_models():
        rows = rows_of(model, declared, subject)
        ids += [str(pk) for pk in rows.values_list("pk", flat=True)[:BATCH_ROWS]]
    return ids


def _find_marks(subject: Subject) -> list[str]:
    """List the texts that are the subject's own, by which forgotten copies are found."""
    identities = subject.identities.values_list("sub", flat=True)
    texts = {subject.email, subject.external_id or "", subject.name, *identities}
    return sorted(text for text in texts if len(text) >= SHORTEST_MARK)


def _count_mentions(tenant_id: UUID, marks: list[str]) -> dict[str, int]:
    """Count in every table of the tenant the rows that hold one of the texts anywhere."""
    counts: dict[str, int] = {}
    for model in tenant_models():
        label, table = model._meta.label, model._meta.db_table  # noqa: SLF001 - public API.
        if not marks or label in UNSEARCHED:
            continue
        sql = (
            f"SELECT count(*) FROM {table} t WHERE t.tenant_id = %s AND EXISTS "  # noqa: S608 - a table of ours.
            "(SELECT 1 FROM unnest(%s::text[]) mark WHERE strpos(t::text, mark) > 0)"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [tenant_id, marks])
            counts[label] = int(cursor.fetchone()[0])
    return counts


def _describe(places: tuple[Place, ...]) -> list[JSON]:
    return [{"where": p.name, "before": p.before, "after": p.after} for p in places]
