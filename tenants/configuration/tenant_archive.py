"""Writes all that there is of a tenant as JSON lines, for whoever takes it along.

The first line names the archive, the second holds the configuration as `apply_config` reads it,
each of the others is one row, and the last one says how many there were and their digest. What
only proves a secret, and what is encrypted for this installation, stays out of the rows.
"""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Any, Final

import orjson
from django.utils import timezone

from tenants.configuration.export import export
from tenants.services.changes import SECRET_FIELDS
from tenants.services.tenant_tables import tenant_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from tenants.models import Tenant

VERSION: Final = 1
CHUNK_ROWS: Final = 1_000
LEFT_OUT: Final = SECRET_FIELDS | {"repeated_answer", "user_code_hash", "assertion_hash"}


def write_archive(tenant: Tenant, file: IO[bytes]) -> int:
    """Write the archive, and answer how many rows it has."""
    digest, rows = hashlib.sha256(), 0
    for line in _lines(tenant):
        rows += line["kind"] not in {"archive", "configuration"}
        written = orjson.dumps(line, default=_plain) + b"\n"
        digest.update(written)
        file.write(written)
    file.write(orjson.dumps({"kind": "end", "rows": rows, "sha256": digest.hexdigest()}) + b"\n")
    return rows


def _lines(tenant: Tenant) -> Iterator[dict[str, Any]]:
    yield {
        "kind": "archive",
        "version": VERSION,
        "tenant": tenant.path,
        "id": tenant.pk,
        "written_at": timezone.now(),
    }
    yield {"kind": "configuration", "yaml": export([tenant.path], with_ids=True)}
    for model in reversed(tenant_models()):
        rows = model._default_manager.filter(tenant_id=tenant.pk).order_by("pk")  # noqa: SLF001
        for row in rows.iterator(chunk_size=CHUNK_ROWS):
            yield {"kind": model._meta.label, "row": _describe(row)}  # noqa: SLF001


def _describe(row: Model) -> dict[str, Any]:
    meta = row._meta  # noqa: SLF001 - Django's public API.
    described = {
        field.attname: getattr(row, field.attname)
        for field in meta.concrete_fields
        if field.name not in LEFT_OUT
    }
    for field in meta.many_to_many:
        described[field.name] = list(getattr(row, field.name).values_list("pk", flat=True))
    return described


def _plain(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
