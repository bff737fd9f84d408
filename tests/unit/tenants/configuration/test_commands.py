"""The commands say in words what they did, and fail with every mistake."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from tenants.models import Tenant
from tests.unit.tenants.configuration.files import tenant

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_file_is_applied_and_the_difference_printed(tmp_path: Path) -> None:
    file = tmp_path / "globex.yaml"
    file.write_text(tenant("clients: [{client_id: a}]"))
    assert run("apply_config", str(file), "--dry-run").endswith(
        "4 differences. Nothing was changed (dry run).\n"
    )
    assert not Tenant.objects.exists()
    assert "+ acme/production/globex clients[a]\n" in run("apply_config", str(file))
    assert run("apply_config", str(file)) == "0 differences. Applied.\n"


def test_secrets_come_from_the_environment_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "globex.yaml"
    secret = "{label: a, value_from_env: TEST_SECRET}"
    text = f"allow_typed_secrets: true\nclients: [{{client_id: a, secrets: [{secret}]}}]"
    file.write_text(tenant(text))
    with pytest.raises(CommandError, match="TEST_SECRET is not set"):
        run("apply_config", str(file))
    monkeypatch.setenv("TEST_SECRET", "a typed secret")
    assert "secrets[a]" in run("apply_config", str(file))


def test_the_mistakes_of_all_files_are_reported_and_nothing_is_done(tmp_path: Path) -> None:
    good, bad, worse = (tmp_path / name for name in ("good.yaml", "bad.yaml", "worse.yaml"))
    good.write_text(tenant())
    bad.write_text("a: [")
    worse.write_text("a: !!python/none ''")
    with pytest.raises(CommandError) as caught:
        run("apply_config", str(good), str(bad), str(worse))
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == [str(bad), str(worse)]
    assert lines[2:] == ["Nothing was changed."]
    assert not Tenant.objects.exists()


def test_the_configuration_or_one_tenant_is_exported(tmp_path: Path) -> None:
    file = tmp_path / "globex.yaml"
    file.write_text(tenant("name: Globex"))
    run("apply_config", str(file))
    assert "name: Globex" in run("export_config")
    assert "id: " in run("export_config", "--with-ids", "--tenant", "acme/production/globex")
    with pytest.raises(CommandError, match="There is no tenant a/b/c"):
        run("export_config", "--tenant", "a/b/c")
    assert json.loads(run("export_config", "--schema"))["title"] == "authplatform configuration"
