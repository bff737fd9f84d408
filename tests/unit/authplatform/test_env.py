from pathlib import Path

import pytest

from authplatform.env import InvalidEnvironment, Stage, read_environment
from authplatform.secret_file import generate_secrets, write_once

PRODUCTION = {
    "AUTHPLATFORM_ENVIRONMENT": "production",
    "BASE_URL": "https://login.example/",
    "ADMIN_BASE_URL": "https://admin.example",
    "DATABASE_URL": "postgresql://web@database/authplatform",
    "DATA_DIR": "/nowhere",
    **generate_secrets(),
}


def test_production_reads_every_variable() -> None:
    environment = read_environment(
        PRODUCTION
        | {"TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1", "PORT": "9000", "ACCESS_LOG": "on"}
    )
    assert environment.stage is Stage.PRODUCTION
    assert environment.base_url == "https://login.example"
    assert environment.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")
    assert environment.port == 9000
    assert environment.access_log
    assert environment.redis_url == ""
    assert environment.database_owner_url == PRODUCTION["DATABASE_URL"]
    assert environment.database_role == "authplatform_app"
    assert environment.operations_addresses == ()
    assert environment.mail_from == "no-reply@login.example"


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "TOKEN_PEPPERS",
        "KEY_ENCRYPTION_KEYS",
        "BASE_URL",
        "ADMIN_BASE_URL",
        "DATABASE_URL",
    ],
)
def test_production_names_the_missing_variable(name: str) -> None:
    given = {key: text for key, text in PRODUCTION.items() if key != name}
    with pytest.raises(InvalidEnvironment, match=f"variable {name} is missing"):
        read_environment(given)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("PORT", "0", id="port zero"),
        pytest.param("PORT", "65534", id="no ports left for the demo"),
        pytest.param("PORT", "eighty", id="port in words"),
        pytest.param("PORT", "٨٠", id="port in other digits"),
        pytest.param("BASE_URL", "login.example", id="no scheme"),
        pytest.param("BASE_URL", "ftp://login.example", id="another scheme"),
        pytest.param("BASE_URL", "https://u:p@login.example", id="credentials in the URL"),
        pytest.param("BASE_URL", "https://login.example/?a=b", id="query"),
        pytest.param("REDIS_URL", "cache.example:6379", id="no scheme of Redis"),
        pytest.param("REDIS_URL", "redis://cache.example:port", id="port of Redis in words"),
        pytest.param("SMTP_URL", "mail.example:25", id="no scheme of mail"),
        pytest.param("SMTP_URL", "smtp://mail.example:port", id="port of mail in words"),
        pytest.param("SMTP_URL", "smtps:///", id="no host of mail"),
        pytest.param("MAIL_FROM", "nobody", id="no address"),
        pytest.param("MAIL_FROM", "a@b.example\nBcc: c@d.example", id="a header more"),
        pytest.param("ACCESS_LOG", "yes", id="neither on nor off"),
        pytest.param("TOKEN_PEPPERS", "only-one-part", id="pepper without id"),
        pytest.param("TOKEN_PEPPERS", "one:***", id="pepper that is no base64url"),
        pytest.param("KEY_ENCRYPTION_KEYS", "one:", id="empty key"),
        pytest.param("AUTHPLATFORM_ENVIRONMENT", "prod", id="unknown stage"),
    ],
)
def test_wrong_variable_is_named(name: str, text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=name):
        read_environment(PRODUCTION | {name: text})


def test_error_about_a_key_does_not_repeat_it() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read_environment(PRODUCTION | {"TOKEN_PEPPERS": "id:sensitive!"})
    assert "sensitive" not in str(caught.value)


def test_first_key_is_current() -> None:
    environment = read_environment(PRODUCTION | {"TOKEN_PEPPERS": "new:bmV3,old:b2xk"})
    assert list(environment.token_peppers.items()) == [("new", b"new"), ("old", b"old")]


def test_installation_made_by_make_run_needs_no_variable(tmp_path: Path) -> None:
    write_once(tmp_path / "secrets.env", generate_secrets())
    environment = read_environment({"DATA_DIR": str(tmp_path)})
    assert environment.stage is Stage.EMBEDDED
    assert environment.is_database_embedded
    assert environment.base_url == "http://localhost:8000"


def test_without_generated_secrets_the_stage_is_production(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="is missing"):
        read_environment({"DATA_DIR": str(tmp_path)})


def test_secrets_are_written_once_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    write_once(path, {"NAME": "first"})
    write_once(path, {"NAME": "second"})
    assert path.read_text() == "NAME=first\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_given_variable_wins_over_the_generated_one(tmp_path: Path) -> None:
    write_once(tmp_path / "secrets.env", generate_secrets())
    environment = read_environment({"DATA_DIR": str(tmp_path), "SECRET_KEY": "given"})
    assert environment.secret_key == "given"
