import pytest
from psycopg import conninfo

from authplatform.database_url import read_url, write_connection_string
from authplatform.env import InvalidEnvironment


def test_url_becomes_django_settings() -> None:
    settings = read_url("postgresql://web:a%20b@db:5433/auth?sslmode=verify-full", role="app")
    assert settings["NAME"] == "auth"
    assert settings["USER"] == "web"
    assert settings["PASSWORD"] == "a b"
    assert (settings["HOST"], settings["PORT"]) == ("db", "5433")
    assert settings["OPTIONS"]["sslmode"] == "verify-full"
    assert settings["OPTIONS"]["options"] == "-c role=app"


def test_socket_folder_with_spaces_is_the_host() -> None:
    assert read_url("postgresql://o@/auth?host=%2Fa%20b")["HOST"] == "/a b"


def test_given_options_are_kept() -> None:
    text = write_connection_string("postgresql://db/auth?options=-c%20a%3Db", role="app")
    assert conninfo.conninfo_to_dict(text)["options"] == "-c a=b -c role=app"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        pytest.param("", "read-write", id="a primary unless said otherwise"),
        pytest.param("?target_session_attrs=any", "any", id="as the operator says"),
    ],
)
def test_connections_go_to_the_primary(query: str, wanted: str) -> None:
    url = f"postgresql://web@one,two/auth{query}"
    assert read_url(url)["OPTIONS"]["target_session_attrs"] == wanted
    text = write_connection_string(url)
    assert conninfo.conninfo_to_dict(text)["target_session_attrs"] == wanted


def test_unreadable_url_is_refused_without_its_password() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read_url("postgresql://web:sensitive@[db/auth")
    assert "DATABASE_URL" in str(caught.value)
    assert "sensitive" not in str(caught.value)
