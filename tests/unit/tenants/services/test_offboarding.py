"""Tests of offboarding: everything ends, everything goes, and the proof stays."""

from __future__ import annotations

import hashlib
import io
import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tenants import audit
from tenants.errors import Conflict, Forbidden, InvalidEntity
from tenants.models import AuditEvent, IssuerReservation, Offboarding, Tenant
from tenants.records import SYSTEM
from tenants.services.offboarding import begin, count_rows, delete_rows, release
from tenants.services.tenant_tables import link_models, tenant_models
from tenants.services.tenants import ensure_platform_tenant, update_tenant
from tenants.tasks import continue_offboardings
from tests.admin.tenant_worlds import TenantWorld
from tests.factories.tenants import make_tenant
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from pathlib import Path

    from tenants.services.offboarding import OffboardingReport

pytestmark = pytest.mark.django_db


@pytest.fixture
def globex() -> TenantWorld:
    """A tenant with a row of every kind."""
    return TenantWorld("globex")


@pytest.fixture
def initech() -> TenantWorld:
    return TenantWorld("initech")


def leave(tenant: Tenant) -> OffboardingReport:
    leaving = begin(tenant, actor=SYSTEM, reason="contract ended")
    release(leaving)
    return delete_rows(leaving, actor=SYSTEM)


def test_every_table_with_a_tenant_is_known_and_children_come_first() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant_id' "
            "AND table_schema = 'public' AND table_name NOT IN "
            "(SELECT inhrelid::regclass::text FROM pg_inherits)"
        )
        stored = {row[0] for row in cursor.fetchall()}
    models = tenant_models()
    assert {model._meta.db_table for model in models} == stored  # noqa: SLF001 - public API.
    for place, model in enumerate(models):
        for field in model._meta.concrete_fields:  # noqa: SLF001 - Django's public API.
            target = field.remote_field.model if field.remote_field else None
            if target in models and target is not model:
                assert models.index(target) > place, (model, target)


def test_every_table_of_links_is_known() -> None:
    known = {through for through, _, _ in link_models()}
    stored = {
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.auto_created and model._meta.app_label in {"tenants", "tokens"}  # noqa: SLF001
    }
    operators = {model for model in stored if model.__name__.startswith("User_")}
    assert known == stored - operators


def test_no_row_is_left_in_any_table(globex: TenantWorld) -> None:
    tenant_id = globex.tenant.pk
    before = count_rows(tenant_id)
    report = leave(globex.tenant)
    assert report.is_proven
    assert not any(count_rows(tenant_id).values())
    assert {name for name, count in before.items() if count} <= {
        name for name, count in report.before.items() if count
    }
    assert sum(report.before.values()) > 40
    for model in tenant_models():
        assert not model._default_manager.filter(tenant_id=tenant_id).exists()  # noqa: SLF001
    assert not Tenant.objects.filter(pk=tenant_id).exists()


def test_nobody_else_loses_a_row(globex: TenantWorld, initech: TenantWorld) -> None:
    before = count_rows(initech.tenant.pk)
    leave(globex.tenant)
    assert count_rows(initech.tenant.pk) == before
    assert audit.find_broken_link(initech.tenant.pk) is None
    answer = OAuthClient(initech.tenant).get("/.well-known/oauth-authorization-server")
    assert answer.status_code == 200


def test_rows_go_in_bounded_batches(globex: TenantWorld) -> None:
    leaving = begin(globex.tenant, actor=SYSTEM)
    release(leaving)
    assert delete_rows(leaving, actor=SYSTEM, batch_rows=2).is_proven


def test_everything_ends_with_the_beginning(globex: TenantWorld) -> None:
    oauth = OAuthClient(globex.tenant)
    assert oauth.get("/jwks").status_code == 200
    leaving = begin(globex.tenant, actor=SYSTEM)
    assert oauth.get("/jwks").status_code == 404
    assert oauth.end_session(str(globex.answer["access_token"])).status_code == 404
    with pytest.raises(Conflict, match="for a while"):
        delete_rows(leaving, actor=SYSTEM)
    assert leaving.delete_after > timezone.now() + timedelta(hours=23)


def test_issuer_stays_reserved_for_ever(globex: TenantWorld) -> None:
    leave(globex.tenant)
    assert IssuerReservation.objects.filter(path=globex.tenant.path).exists()
    with pytest.raises(InvalidEntity, match="never given twice"):
        make_tenant("globex")


def test_end_of_the_chain_stands_in_the_platforms_own(globex: TenantWorld) -> None:
    leaving = begin(globex.tenant, actor=SYSTEM, reason="contract ended")
    last = AuditEvent.objects.filter(tenant_id=globex.tenant.pk).order_by("-sequence")[0]
    release(leaving)
    report = delete_rows(leaving, actor=SYSTEM)
    assert (report.audit_events, report.audit_hash) == (last.sequence, bytes(last.hash).hex())
    events = AuditEvent.objects.filter(tenant_id=None).order_by("sequence")
    found = [(event.event, event.entity_id) for event in events][-3:]
    own = str(globex.tenant.pk)
    assert found == [
        ("tenant.offboarding_begun", own),
        ("tenant.offboarded", own),
        ("tenant.audit_chain_closed", report.audit_hash),
    ]
    assert audit.find_broken_link(None) is None
    kept = Offboarding.objects.get(path=globex.tenant.path)
    assert (kept.path, kept.report) == (globex.tenant.path, report.describe())
    assert kept.finished_at == report.finished_at
    with pytest.raises(Conflict, match="left already"):
        delete_rows(kept, actor=SYSTEM)


def test_interrupted_deletion_goes_on_and_reports_the_beginning(globex: TenantWorld) -> None:
    leaving = begin(globex.tenant, actor=SYSTEM)
    release(leaving)
    before = count_rows(globex.tenant.pk)
    chain = [7, "ab"]
    Offboarding.objects.filter(pk=leaving.pk).update(report={"before": before, "chain": chain})
    AuditEvent.objects.filter(tenant_id=globex.tenant.pk).delete()
    report = delete_rows(Offboarding.objects.get(path=globex.tenant.path), actor=SYSTEM)
    assert (report.is_proven, report.before, report.audit_events) == (True, before, 7)


def test_platforms_own_tenant_stays() -> None:
    with pytest.raises(Forbidden):
        begin(ensure_platform_tenant(), actor=SYSTEM)


def test_tenant_that_was_enabled_again_is_kept(globex: TenantWorld) -> None:
    leaving = begin(globex.tenant, actor=SYSTEM)
    globex.tenant.refresh_from_db()
    globex.tenant.is_enabled = True
    update_tenant(globex.tenant, actor=SYSTEM)
    release(leaving)
    with pytest.raises(Conflict, match="enabled again"):
        delete_rows(leaving, actor=SYSTEM)
    continue_offboardings()
    assert not Offboarding.objects.filter(pk=leaving.pk).exists()
    assert Tenant.objects.filter(pk=globex.tenant.pk, is_enabled=True).exists()
    assert AuditEvent.objects.filter(event="tenant.offboarding_cancelled").exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True, databases=["default", "owner"])
def test_task_waits_and_then_deletes(globex: TenantWorld) -> None:
    leaving = begin(globex.tenant, actor=SYSTEM)
    continue_offboardings()
    assert Tenant.objects.filter(pk=globex.tenant.pk).exists()
    release(leaving)
    continue_offboardings()
    continue_offboardings()
    assert not Tenant.objects.filter(pk=globex.tenant.pk).exists()
    assert Offboarding.objects.get(path=globex.tenant.path).report["is_proven"] is True


def run_command(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    # There is one process here, and it knows at once.
    call_command("offboard_tenant", *arguments, "--settle-seconds", "0", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_command_takes_everything_along_and_proves_the_end(
    globex: TenantWorld, tmp_path: Path
) -> None:
    path, file = globex.tenant.path, tmp_path / "globex.jsonl"
    report = run_command(path, "--confirm", path, "--export", str(file), "--reason", "ended")
    assert report["is_proven"] is True
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = file.read_bytes().splitlines(keepends=True)
    first, configuration, *rows, last = [json.loads(line) for line in lines]
    assert (first["kind"], first["tenant"]) == ("archive", path)
    assert last["rows"] == len(rows)
    assert last["sha256"] == hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    stated = yaml.safe_load(configuration["yaml"])["projects"][0]["environments"][0]["tenants"][0]
    assert stated["slug"] == "globex"
    kinds = {row["kind"] for row in rows}
    assert {"tenants.Subject", "tenants.AuditEvent", "tokens.AccessToken"} <= kinds
    counted = {table["where"]: table["before"] for table in report["tables"]}
    for kind in kinds:
        assert sum(row["kind"] == kind for row in rows) == counted[kind], kind
    names = {name for row in rows for name in row["row"]}
    assert names.isdisjoint({"secret_hash", "token_hash", "private_ciphertext", "repeated_answer"})


def test_command_changes_nothing_without_the_path_twice(globex: TenantWorld) -> None:
    path = globex.tenant.path
    for arguments in ((path, "--confirm", "globex"), ("a/b/c", "--confirm", "a/b/c")):
        with pytest.raises(CommandError):
            run_command(*arguments)
    assert Tenant.objects.filter(pk=globex.tenant.pk, is_enabled=True).exists()


def test_tenant_stays_where_its_archive_can_not_be_written(
    globex: TenantWorld, tmp_path: Path
) -> None:
    path, file = globex.tenant.path, tmp_path / "there"
    file.write_text("precious")
    with pytest.raises(CommandError, match="disabled but not deleted"):
        run_command(path, "--confirm", path, "--export", str(file))
    assert file.read_text() == "precious"
    continue_offboardings()
    assert Tenant.objects.filter(pk=globex.tenant.pk).exists()
