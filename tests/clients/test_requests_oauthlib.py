"""requests-oauthlib, unmodified, against the running platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

if TYPE_CHECKING:
    from tests.live.installation import Installation


@pytest.fixture(autouse=True)
def plain_http_of_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell oauthlib that this connection never leaves the machine."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def open_session(client_id: str, scope: list[object] | None = None) -> OAuth2Session:
    return OAuth2Session(client=BackendApplicationClient(client_id=client_id, scope=scope))


def test_client_credentials_by_basic(live: Installation) -> None:
    with open_session("service", ["read", "write"]) as session:
        token = session.fetch_token(
            live.token_endpoint, auth=HTTPBasicAuth(*live.credentials("service"))
        )

    assert token["scope"] == ["read", "write"]
    assert live.introspect(token["access_token"])["scope"] == "read write"


def test_client_credentials_in_the_body(live: Installation) -> None:
    with open_session("post") as session:
        token = session.fetch_token(
            live.token_endpoint, client_secret=live.secrets["post"], include_client_id=True
        )

    assert live.introspect(token["access_token"])["client_id"] == "post"


def test_refresh(live: Installation) -> None:
    basic = HTTPBasicAuth(*live.credentials("renewing"))
    with open_session("renewing") as session:
        first = dict(session.fetch_token(live.token_endpoint, auth=basic))
        second = dict(session.refresh_token(live.token_endpoint, auth=basic))

    assert first["refresh_token"] != second["refresh_token"]
    assert live.introspect(second["access_token"])["active"] is True


@pytest.mark.parametrize(
    ("scope", "secret", "error"),
    [("invoices:read", "", InvalidScopeError), ("read", "wrong", InvalidClientError)],
    ids=["scope of another client", "wrong secret"],
)
def test_refusal_becomes_the_exception_of_its_code(
    live: Installation, scope: str, secret: str, error: type[Exception]
) -> None:
    client_id, right = live.credentials("service")
    with open_session(client_id, [scope]) as session, pytest.raises(error):
        session.fetch_token(live.token_endpoint, auth=HTTPBasicAuth(client_id, secret or right))
