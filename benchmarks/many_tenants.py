"""Fills a platform with many tenants: one is made by the services, the others are its copies.

A copy's ids are made of the template's ids and its number, so that both sides can name them; its
signing keys are its own. The task `create` says in milliseconds how long making a tenant takes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import django
import psycopg
from django.db import connection, models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

SLUG: Final = "template"
CLIENTS: Final = 20
CREATED: Final = 11
# What is not copied: personal words, ends of tokens, and keys, which are made for each tenant.
LEFT_OUT: Final = frozenset(("AuditDetail", "CutOff", "SigningKey"))
# Columns of text that hold an entity's id, and those that hold the tenant's slug.
ID_TEXTS: Final = frozenset(("entity_id", "scope_id"))
SLUG_TEXTS: Final = frozenset(("slug", "path", "audience"))
FROM_TEMPLATE: Final = "FROM {table} t, generate_series(1, %(last)s) AS copy (number)"
RESERVE: Final = (
    "INSERT INTO tenants_issuerreservation (path, reserved_at)"
    " SELECT path, now() FROM tenants_tenant ON CONFLICT DO NOTHING"
)
KEYS: Final = (
    "COPY tenants_signingkey (id, tenant_id, algorithm, state, kid, public_jwk,"
    " private_ciphertext, kek_id, created_at, activated_at) FROM STDIN"
)


def main(task: str, count: int) -> None:
    """Fill the database with as many tenants, or make a few more and say how long each took."""
    django.setup()
    answer = _fill(count) if task == "fill" else [_create(number) for number in range(CREATED)]
    json.dump(answer, sys.stdout)


def path_of(template: str, number: int) -> str:
    """Answer the issuer path of a copy."""
    return template.replace(SLUG, _slug(number))


def copied_secret(text: str, number: int) -> str:
    """Answer the text of a copied client secret, which names the copied row."""
    kind, _, body = text.partition("_")
    raw = base64.urlsafe_b64decode(body)
    copied = _copied_id(UUID(bytes=raw[:16]), number).bytes + raw[16:]
    return f"{kind}_{base64.urlsafe_b64encode(copied).decode()}"


def _slug(number: int) -> str:
    return f"tenant-{number}" if number else SLUG


def _copied_id(template: UUID, number: int) -> UUID:
    digest = hashlib.md5(f"{template}{number}".encode(), usedforsecurity=False)
    return UUID(digest.hexdigest()) if number else template


def _fill(count: int) -> dict[str, Any]:
    tenant, clients = _make_template()
    parameters = {"tenant": tenant.id, "last": count - 1}
    with _connect_as_superuser() as superuser:
        # The copies' foreign keys hold as the template's do; checking each would take minutes.
        superuser.execute("SET session_replication_role = replica")
        for statement in (*_entity_copies(), *_link_copies()):
            superuser.execute(statement, parameters)
        _copy_keys(superuser, tenant, count)
        superuser.execute("ANALYZE")
    return {
        "path": tenant.path,
        "client_ids": [made.client_id for made in clients],
        "secrets": [made.secret for made in clients],
        "cookies": _sign_in(tenant),
    }


def _make_template() -> tuple[Tenant, list[MadeClient]]:
    from tests.factories import tenants as factories  # noqa: PLC0415 - after the set-up.

    tenant = factories.make_tenant(SLUG)
    factories.make_api(tenant)
    made = [
        factories.make_client(tenant, f"client-{number}", scopes=["read"], is_allowed=False)
        for number in range(CLIENTS)
    ]
    factories.allow(tenant, *[one.client for one in made], slug="all")
    _make_keys(tenant)
    return tenant, made


def _make_keys(tenant: Tenant) -> None:
    from tenants import snapshot  # noqa: PLC0415 - after the set-up.
    from tokens import keys  # noqa: PLC0415 - the same.

    snapshot.CURRENT.renew()
    core = snapshot.CURRENT.tenant(tenant.path)
    if core is None:
        raise RuntimeError("the tenant is not there")
    keys.ensure_ring(core, "ES256", None)


def _create(number: int) -> float:
    """Make a tenant with its first keys; answer the milliseconds that it took."""
    from tests.factories import tenants as factories  # noqa: PLC0415 - after the set-up.

    environment = factories.make_environment()
    began = time.perf_counter()
    tenant = factories.make_tenant(f"made-{number}", environment=environment)
    _make_keys(tenant)
    return (time.perf_counter() - began) * 1_000


def _connect_as_superuser() -> psycopg.Connection[tuple[Any, ...]]:
    place = connection.settings_dict
    return psycopg.connect(
        host=place["HOST"], dbname=place["NAME"], user="postgres", autocommit=True
    )


def _entity_copies() -> Iterator[str]:
    """Write the statements that copy what the template consists of."""
    from tenants.models import Tenant  # noqa: PLC0415 - after the set-up.
    from tenants.services.tenant_tables import tenant_models  # noqa: PLC0415 - the same.

    owned = [model for model in tenant_models() if model._meta.app_label == "tenants"]  # noqa: SLF001 - Django's public API.
    yield _copy(Tenant, owned, "t.id = %(tenant)s")
    for model in owned:
        if model.__name__ not in LEFT_OUT:
            yield _copy(model, owned, "t.tenant_id = %(tenant)s")
    yield RESERVE


def _link_copies() -> Iterator[str]:
    """Write the statements that copy the links between the template's entities."""
    from tenants.services.tenant_tables import link_models, tenant_models  # noqa: PLC0415 - after the set-up.

    owned = tenant_models()
    for through, column, model in link_models():
        table = model._meta.db_table  # noqa: SLF001 - Django's public API.
        ours = f"t.{column} IN (SELECT id FROM {table} WHERE tenant_id = %(tenant)s)"  # noqa: S608 - our own names.
        yield _copy(through, owned, ours)


def _copy(model: type[models.Model], owned: list[type[models.Model]], condition: str) -> str:
    columns = {
        str(field.column): _copied(field, owned)
        for field in model._meta.concrete_fields  # noqa: SLF001 - Django's public API.
        if not isinstance(field, models.AutoField)
    }
    table = model._meta.db_table  # noqa: SLF001 - as above.
    origin = FROM_TEMPLATE.format(table=table)
    names, texts = ", ".join(columns), ", ".join(columns.values())
    return f"INSERT INTO {table} ({names}) SELECT {texts} {origin} WHERE {condition}"


def _copied(field: models.Field[Any, Any], owned: list[type[models.Model]]) -> str:
    """Write what a column holds in a copy."""
    from tenants.models import Tenant  # noqa: PLC0415 - after the set-up.

    column = f"t.{field.column}"
    target = field.remote_field.model if field.remote_field else None
    is_id = field.primary_key or field.column == "tenant_id"
    if is_id or target is Tenant or target in owned:
        if column.endswith("audit_event_id"):
            return "NULL"  # Its ids are numbers, which the copy counts on.
        return f"md5({column}::text || copy.number)::uuid"
    if field.column in ID_TEXTS:
        return f"md5({column} || copy.number)::uuid::text"
    if field.column in SLUG_TEXTS:
        return f"replace({column}, '{SLUG}', 'tenant-' || copy.number)"
    return column


def _copy_keys(superuser: psycopg.Connection[tuple[Any, ...]], tenant: Tenant, count: int) -> None:
    """Make two keys for each copy, the one that signs and the next one, as a ring has them."""
    from tenants.models import SigningKey  # noqa: PLC0415 - after the set-up.

    templates = list(SigningKey.objects.filter(tenant=tenant))
    with superuser.cursor() as cursor, cursor.copy(KEYS) as copy:
        for number in range(1, count):
            for template in templates:
                copy.write_row(_make_key(template, number))


def _make_key(template: Any, number: int) -> tuple[object, ...]:  # noqa: ANN401 - a model that is not loaded yet.
    from tenants import credentials  # noqa: PLC0415 - after the set-up.
    from tenants.services.signing_keys import encryption_context  # noqa: PLC0415 - the same.
    from tokens.jwk import SigningAlgorithm, generate_key, key_id  # noqa: PLC0415 - the same.

    made = generate_key(SigningAlgorithm(template.algorithm))
    row_id = _copied_id(template.id, number)
    private = credentials.encrypt(made.private, context=encryption_context(row_id))
    return (
        row_id,
        _copied_id(template.tenant_id, number),
        template.algorithm,
        template.state,
        key_id(made.public_jwk),
        json.dumps(made.public_jwk),
        private.blob,
        private.kek_id,
        template.created_at,
        template.activated_at,
    )


def _sign_in(tenant: Tenant) -> dict[str, str]:
    """Sign an owner of the template and a platform operator in; answer their cookies."""
    from django.conf import settings  # noqa: PLC0415 - after the set-up.

    from tenants.models import Membership  # noqa: PLC0415 - the same.
    from tests.admin.operators import OperatorBrowser, make_operator  # noqa: PLC0415 - the same.

    operators = {
        "owner": make_operator("owner", (tenant, Membership.Role.OWNER)),
        "platform": make_operator("platform", is_superuser=True),
    }
    name = settings.SESSION_COOKIE_NAME
    return {
        role: f"{name}={OperatorBrowser(user).cookies[name].value}"
        for role, user in operators.items()
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
