import re
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import connection, connections
from pytest_django import Settings

from authplatform import checks
from authplatform import settings as configuration

SETTINGS_DOCUMENT = Path(__file__).parents[3] / "docs" / "settings.md"
ENVIRONMENT_MODULE = Path(checks.__file__).with_name("env.py")


def _ids() -> set[str | None]:
    return {message.id for message in checks.check_settings() + checks.check_admin_host()}


def test_settings_as_shipped_pass() -> None:
    assert _ids() == set()


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("TENANTS_OUTGOING_TIMEOUT_SECONDS", 31, "E001"),
        ("TENANTS_OUTGOING_MAX_BYTES", 10, "E002"),
        ("TENANTS_TOKEN_PEPPERS", {"a": b"short"}, "E003"),
        ("TENANTS_KEY_ENCRYPTION_KEYS", {"a": b"x" * 33}, "E004"),
        ("AUTHPLATFORM_TRUSTED_PROXIES", ["nonsense"], "E007"),
        ("AUTHPLATFORM_OPERATIONS_ADDRESSES", ["10.0.0.1/8"], "E008"),
        ("TENANTS_OUTGOING_PRIVATE_ADDRESSES", [""], "E009"),
        ("TENANTS_OUTGOING_CA_FILE", "/nowhere/authority.pem", "E031"),
        ("TENANTS_OUTGOING_CA_FILE", __file__, "E031"),
        ("AUTHPLATFORM_OPERATIONS_TOKEN", "short", "E010"),
        ("AUTHPLATFORM_TASK_TIME_LIMIT_SECONDS", 5, "E011"),
        ("AUTHPLATFORM_TASK_VISIBILITY_TIMEOUT_SECONDS", 240, "E012"),
        ("TENANTS_SNAPSHOT_MAX_AGE_SECONDS", 6, "E015"),
        ("TENANTS_SNAPSHOT_MAX_TENANTS", 0, "E016"),
        ("TENANTS_SNAPSHOT_MAX_CLIENTS", 0, "E017"),
        ("TOKENS_REFRESH_GRACE_SECONDS", -1, "E018"),
        ("TOKENS_KEY_ROTATION_SECONDS", 60, "E019"),
    ],
)
def test_setting_out_of_range_is_an_error(
    settings: Settings, name: str, wrong: object, expected: str
) -> None:
    setattr(settings, name, wrong)
    assert f"authplatform.{expected}" in _ids()


def test_production_needs_https_and_a_host_for_the_admin(settings: Settings) -> None:
    settings.AUTHPLATFORM_STAGE = "production"
    assert _ids() == {"authplatform.E005", "authplatform.E006", "authplatform.E013"}


def test_claims_hook_that_can_not_be_loaded_is_an_error(settings: Settings) -> None:
    assert checks.check_claims_hook() == []
    settings.TOKENS_CLAIMS_HOOK = "tests.unit.tokens.hooks.RegionHook"
    assert checks.check_claims_hook() == []
    settings.TOKENS_CLAIMS_HOOK = "tests.unit.tokens.hooks.OneArgument"
    (message,) = checks.check_claims_hook()
    assert message.id == "authplatform.E030"
    assert "TOKEN_CLAIMS_HOOK" in str(message.msg)
    assert message.id in SETTINGS_DOCUMENT.read_text()


def test_broken_setting_stops_a_command(settings: Settings) -> None:
    settings.TENANTS_OUTGOING_MAX_BYTES = 0
    assert "authplatform.E002" in {message.id for message in run_checks()}


@pytest.mark.django_db
def test_owner_may_not_ignore_row_level_security() -> None:
    assert checks.check_database_login(databases=["default"]) == []


@pytest.mark.django_db
def test_superuser_is_refused() -> None:
    superuser = connection.copy("superuser")
    superuser.settings_dict["USER"] = "postgres"
    connections["superuser"] = superuser
    try:
        messages = checks.check_database_login(databases=["superuser"])
    finally:
        superuser.close()
        del connections["superuser"]
    assert [message.id for message in messages] == ["authplatform.E014"]


def test_ids_are_unique() -> None:
    ids = [rule.id for rule in checks.RULES]
    assert len(ids) == len(set(ids))


def test_every_number_among_our_settings_has_a_range() -> None:
    numbers = {
        name
        for name in dir(configuration)
        if name.startswith(("AUTHPLATFORM_", "TENANTS_", "TOKENS_"))
        and type(getattr(configuration, name)) in {int, float}
    }
    assert numbers
    assert numbers <= {rule.setting for rule in checks.RULES}


def test_document_lists_every_rule_with_its_setting() -> None:
    rows = SETTINGS_DOCUMENT.read_text().splitlines()
    for rule in checks.RULES:
        assert any(rule.setting in row and rule.id in row for row in rows), rule.id


def test_document_lists_every_variable_and_no_other() -> None:
    read = set(re.findall(r'"([A-Z][A-Z_]{3,})"', ENVIRONMENT_MODULE.read_text()))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", SETTINGS_DOCUMENT.read_text(), re.MULTILINE))
    assert documented == read
