"""Applies configuration files: all of them or nothing, and only what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db import connection, transaction

from tenants import audit, models
from tenants.configuration.documents import Entry, read_file
from tenants.configuration.journal import Journal
from tenants.configuration.kinds import ENVIRONMENT, KINDS, PLATFORM, PROJECT, TENANT
from tenants.configuration.mistakes import InvalidConfiguration, Mistake
from tenants.configuration.repetitions import find_repetitions
from tenants.configuration.stated_list import StatedList
from tenants.configuration.tenant_contents import TenantContents
from tenants.configuration.validation import find_schema_mistakes
from tenants.configuration.writing import Draft, bring
from tenants.errors import CredentialCheckBusy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from tenants.configuration.documents import Document
    from tenants.configuration.journal import Difference
    from tenants.records import Actor

APPLY_LOCK = 0x434F4E464947  # "CONFIG": one application at a time.


def read_files(paths: Iterable[Path]) -> list[Document]:
    """Read files; the mistakes of all of them are reported together.

    Raises:
        InvalidConfiguration: one of them can't be read.
    """
    documents: list[Document] = []
    mistakes: list[Mistake] = []
    for path in paths:
        try:
            documents += read_file(path)
        except InvalidConfiguration as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidConfiguration(mistakes)
    return documents


def apply_documents(
    documents: Sequence[Document],
    *,
    actor: Actor,
    variables: Mapping[str, str],
    is_dry_run: bool = False,
) -> Sequence[Difference]:
    """Write what the documents say and differs, and answer what that was.

    A dry run does the same and undoes it, so that it can't promise anything else. `variables` is
    where `value_from_env` looks.

    Raises:
        InvalidConfiguration: something is wrong, and nothing was changed.
    """
    entries = _check(documents)
    journal = Journal(actor, variables)
    with transaction.atomic():
        _lock(entries)
        for entry in entries:
            _apply(journal, entry)
        if journal.mistakes:
            raise InvalidConfiguration(journal.mistakes)
        if is_dry_run:
            transaction.set_rollback(True)
    return journal.differences


def _check(documents: Sequence[Document]) -> list[Entry]:
    mistakes = [mistake for document in documents for mistake in find_schema_mistakes(document)]
    if mistakes:
        raise InvalidConfiguration(mistakes)
    entries = [Entry(d, (), d.content) for d in documents if isinstance(d.content, dict)]
    repetitions = find_repetitions(entries)
    if repetitions:
        raise InvalidConfiguration(repetitions)
    return entries


def _lock(entries: Sequence[Entry]) -> None:
    """Wait for other applications, then for other writers of these tenants, in one fixed order.

    Whoever writes takes one chain first and locks rows later, so taking all chains before any row
    can't end in a deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [APPLY_LOCK])
    audit.lock_chain(None)
    for tenant_id in _find_tenants(entries):
        audit.lock_chain(tenant_id)


def _find_tenants(entries: Sequence[Entry]) -> list[UUID]:
    paths = [
        f"{project.text('slug')}/{environment.text('slug')}/{tenant.text('slug')}"
        for entry in entries
        for project in entry.entries(PROJECT.name)
        for environment in project.entries(ENVIRONMENT.name)
        for tenant in environment.entries(TENANT.name)
    ]
    rows = models.Tenant.objects.filter(path__in=paths).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def _apply(journal: Journal, entry: Entry) -> None:
    platform = entry.entry("platform")
    if platform.content:
        row = models.Platform.objects.get(pk=1)
        bring(Draft(journal, platform, PLATFORM, row, "platform"))
    for draft in StatedList(journal, entry, PROJECT, None, "").drafts():
        if bring(draft):
            _apply_levels(draft)


def _apply_levels(above: Draft) -> None:
    """Bring what stands below a project or an environment, and below that."""
    kind = KINDS[above.kind.children[0]]
    below = StatedList(above.journal, above.entry, kind, above.entity, above.label)
    for draft in below.drafts():
        if bring(draft) is None:
            continue
        if kind is TENANT:
            _apply_tenant(draft)
        else:
            _apply_levels(draft)


def _apply_tenant(tenant: Draft) -> None:
    contents = TenantContents(tenant.journal, tenant.entry, cast("models.Tenant", tenant.entity))
    try:
        contents.bring()
    except CredentialCheckBusy:
        text = "too many secrets are being checked at this moment; apply again"
        tenant.journal.refuse(tenant.entry, text)
