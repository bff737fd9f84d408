"""RFC 7592: registered clients read, change and delete themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.models import AuditEvent, Client, ClientRegistration
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, make_api
from tests.registering import CALLBACK, Registering, make_open

pytestmark = pytest.mark.django_db
OTHER = "https://new.example/other"
# What is told with a description, and must not be sent back.
NOT_SENT = (
    *("registration_access_token", "registration_client_uri"),
    *("client_secret_expires_at", "client_id_issued_at"),
)


@pytest.fixture
def somebody() -> Registering:
    return make_open()


@pytest.fixture
def made(somebody: Registering) -> dict[str, Any]:
    return somebody.register(client_name="The new app", scope="openid")


def sent(made: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON.
    """What a client sends to change itself."""
    return {name: value for name, value in made.items() if name not in NOT_SENT} | changes


@pytest.mark.requirement("RFC 7592", "2.1", "a client reads its current registration")
def test_client_reads_itself(somebody: Registering, made: dict[str, Any]) -> None:
    answer = somebody.manage("GET", made)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    secret = {"client_secret", "client_secret_expires_at"}
    assert answer.json() == {name: made[name] for name in made if name not in secret}


@pytest.mark.requirement("RFC 7592", "2.2", "the whole registration is replaced")
def test_client_replaces_what_it_says(somebody: Registering, made: dict[str, Any]) -> None:
    changed = sent(made, redirect_uris=[OTHER], scope="openid email")
    del changed["client_name"]

    answer = somebody.manage("PUT", made, changed)

    assert answer.status_code == 200, answer.content
    held = answer.json()
    assert (held["redirect_uris"], held["scope"]) == ([OTHER], "email openid")
    assert "client_name" not in held
    client = Client.objects.get(client_id=made["client_id"])
    assert client.redirect_uris == OTHER
    event = AuditEvent.objects.filter(event="client.updated").get()
    assert (event.actor_kind, event.actor_id) == ("client", str(client.pk))
    # The secret stays as it was.
    assert "client_secret" not in held
    assert client.secrets.count() == 1


def test_secret_comes_and_goes_with_the_method(somebody: Registering, made: dict[str, Any]) -> None:
    client = Client.objects.get(client_id=made["client_id"])

    public = somebody.manage("PUT", made, sent(made, token_endpoint_auth_method="none"))
    assert public.status_code == 200
    assert not client.secrets.exists()

    document = sent(public.json())
    confidential = somebody.manage(
        "PUT", made, document | {"token_endpoint_auth_method": "client_secret_post"}
    ).json()
    assert confidential["client_secret"] != made["client_secret"]


REFUSED: dict[str, dict[str, Any]] = {
    "another client": {"client_id": "another"},
    "no client": {"client_id": None},
    "a secret of its choice": {"client_secret": "acs_" + "A" * 64},
    "a secret that is none": {"client_secret": ["x"]},
    **{name: {name: "x"} for name in NOT_SENT},
    "a wrong redirect URI": {"redirect_uris": ["http://far.example/"]},
    "a wrong name": {"client_name": 1},
}


@pytest.mark.requirement("RFC 7592", "2.2", "client_id repeated, four members left out")
@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_wrong_changes_are_refused(
    somebody: Registering, made: dict[str, Any], changes: dict[str, Any]
) -> None:
    answer = somebody.manage("PUT", made, sent(made, **changes))

    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}
    assert Client.objects.get(client_id=made["client_id"]).redirect_uris == CALLBACK


@pytest.mark.requirement("RFC 7592", "2.3", "204, and its tokens end")
def test_client_deletes_itself_and_its_tokens(somebody: Registering) -> None:
    make_api(somebody.tenant)
    make_policy(somebody.tenant, "registered", client_kinds=["dynamic"])
    made = somebody.register(scope="read", grant_types=["client_credentials"], response_types=[])
    client = Client.objects.get(client_id=made["client_id"])
    token = somebody.oauth.token(MadeClient(client, made["client_secret"])).json()["access_token"]
    assert somebody.oauth.end_session("x" + token).status_code == 401

    answer = somebody.manage("DELETE", made)

    assert (answer.status_code, answer.content) == (204, b"")
    assert somebody.manage("GET", made).status_code == 401
    assert somebody.oauth.end_session(token).status_code == 401
    assert not ClientRegistration.objects.exists()


def test_nobody_else_manages_a_client(somebody: Registering, made: dict[str, Any]) -> None:
    other = somebody.register()
    for token in ("", other["registration_access_token"], made["client_secret"], "arg_x"):
        for method in ("GET", "PUT", "DELETE"):
            answer = somebody.manage(method, made, sent(made), token=token)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    foreign = make_open(slug="initech")
    path = f"{foreign.oauth.base}/oauth/register/{ClientRegistration.objects.first().pk}"  # type: ignore[union-attr]  # there are two.
    headers = {"Authorization": f"Bearer {made['registration_access_token']}"}
    assert foreign.oauth.http.get(path, headers=headers).status_code == 401


def test_disabled_client_manages_nothing(somebody: Registering, made: dict[str, Any]) -> None:
    Client.objects.filter(client_id=made["client_id"]).update(is_enabled=False)
    assert somebody.manage("PUT", made, sent(made)).status_code == 401


def test_client_manages_itself_where_nobody_may_register_any_more(
    somebody: Registering, made: dict[str, Any]
) -> None:
    somebody.tenant.client_registration = "off"
    somebody.tenant.save()
    assert somebody.manage("GET", made).status_code == 200
