"""RFC 6749 section 6: a refresh token is swapped for a new pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import AccessPolicy, Client
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.clients import save_client
from tests.factories.tenants import MadeClient, make_api, make_client
from tests.rfc.verification import verify

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient


def refresh(oauth: OAuthClient, client: MadeClient | None, token: str, **more: str) -> HttpResponse:
    return oauth.token(client, grant_type="refresh_token", refresh_token=token, **more)


def _begin(oauth: OAuthClient, client: MadeClient, **more: str) -> dict[str, Any]:
    response = oauth.token(client, **more)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def _assert_refused(response: HttpResponse, code: str = "invalid_grant") -> None:
    assert (response.status_code, response.json()["error"]) == (400, code)


@pytest.mark.requirement("RFC 6749", "6", "The answer is a new access token.")
def test_a_refresh_token_brings_a_new_pair(oauth: OAuthClient, refresher: MadeClient) -> None:
    first = _begin(oauth, refresher)
    second = refresh(oauth, refresher, first["refresh_token"])
    assert second.status_code == 200
    assert second["Cache-Control"] == "no-store"
    answer = second.json()
    assert answer["refresh_token"] != first["refresh_token"]
    assert answer["access_token"] != first["access_token"]
    assert answer["scope"] == "read write"
    for token in (first["access_token"], answer["access_token"]):
        assert oauth.introspect(refresher, token).json()["active"] is True


def test_a_refresh_runs_one_read_and_one_write(
    oauth: OAuthClient, refresher: MadeClient, settings: object
) -> None:
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 60  # type: ignore[attr-defined]  # the fixture.
    token = _begin(oauth, refresher)["refresh_token"]
    token = refresh(oauth, refresher, token).json()["refresh_token"]
    with CaptureQueriesContext(connection) as statements:
        assert refresh(oauth, refresher, token).status_code == 200
    assert [query["sql"].split()[0] for query in statements] == ["SELECT", "WITH"]


@pytest.mark.requirement("RFC 6749", "6", "The scope can't go beyond what was first granted.")
def test_a_refresh_narrows_and_never_widens(oauth: OAuthClient, refresher: MadeClient) -> None:
    token = _begin(oauth, refresher, scope="read")["refresh_token"]
    _assert_refused(refresh(oauth, refresher, token, scope="read write"), "invalid_scope")
    answer = refresh(oauth, refresher, token, scope="read").json()
    assert answer["scope"] == "read"


@pytest.mark.requirement("RFC 6749", "6", "A new refresh token keeps the scope of the old one.")
def test_what_was_narrowed_once_is_there_again_later(
    oauth: OAuthClient, refresher: MadeClient
) -> None:
    token = _begin(oauth, refresher)["refresh_token"]
    narrow = refresh(oauth, refresher, token, scope="read").json()
    assert narrow["scope"] == "read"
    assert verify(oauth, narrow["access_token"])["scope"] == "read"
    again = refresh(oauth, refresher, narrow["refresh_token"]).json()
    assert again["scope"] == "read write"


@pytest.mark.requirement(
    "RFC 8707", "2.2", "A refresh may ask for fewer resources, not for others."
)
def test_a_refresh_can_be_cut_to_one_audience(oauth: OAuthClient, tenant: Tenant) -> None:
    for slug, scope in (("orders", "read"), ("bills", "pay"), ("vault", "open")):
        make_api(tenant, slug, scopes=[scope])
    client = make_client(
        tenant,
        scopes=["read", "pay", "open"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )
    token = _begin(oauth, client, scope="read pay")["refresh_token"]
    _assert_refused(
        refresh(oauth, client, token, audience="https://vault.example/"), "invalid_target"
    )
    answer = refresh(oauth, client, token, audience="https://bills.example/", scope="pay").json()
    assert verify(oauth, answer["access_token"], "https://bills.example/")["scope"] == "pay"


@pytest.mark.requirement(
    "RFC 6749", "6", "A refresh token is bound to the client it was issued to."
)
def test_another_client_can_do_nothing_with_it(
    oauth: OAuthClient, tenant: Tenant, refresher: MadeClient
) -> None:
    thief = make_client(
        tenant,
        "thief",
        scopes=["read"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )
    token = _begin(oauth, refresher)["refresh_token"]
    _assert_refused(refresh(oauth, thief, token))
    assert refresh(oauth, refresher, token).status_code == 200


@pytest.mark.requirement("RFC 6749", "6", "A confidential client must authenticate.")
def test_nobody_refreshes_without_authentication(oauth: OAuthClient, refresher: MadeClient) -> None:
    token = _begin(oauth, refresher)["refresh_token"]
    response = refresh(oauth, None, token, client_id=refresher.client_id)
    assert response.status_code == 401


NO_TOKENS = {
    "missing": "",
    "garbage": "garbage",
    "a prefix only": "art_",
    "right form, unknown": "art_" + "A" * 64,
    "an access token": "eyJhbGciOiJub25lIn0.e30.",
    "not ASCII": "art_ü",
}


@pytest.mark.requirement("RFC 6749", "5.2", "An invalid refresh token is an invalid_grant.")
@pytest.mark.parametrize("token", NO_TOKENS.values(), ids=NO_TOKENS)
def test_what_is_no_refresh_token_is_refused(
    oauth: OAuthClient, refresher: MadeClient, token: str
) -> None:
    code = "invalid_grant" if token else "invalid_request"
    _assert_refused(refresh(oauth, refresher, token), code)


def test_a_changed_secret_is_refused(oauth: OAuthClient, refresher: MadeClient) -> None:
    token = _begin(oauth, refresher)["refresh_token"]
    changed = token[:-8] + ("A" * 8 if token[-8:] != "A" * 8 else "B" * 8)
    _assert_refused(refresh(oauth, refresher, changed))
    assert refresh(oauth, refresher, token).status_code == 200


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 9700", "4.14.2", "A refresh token that is not used expires.")
def test_a_refresh_token_dies_of_idleness(oauth: OAuthClient, tenant: Tenant) -> None:
    client = _short_lived(tenant, refresh_token_idle_lifetime_seconds=100)
    with time_machine.travel(timezone.now()) as clock:
        token = _begin(oauth, client)["refresh_token"]
        clock.shift(90)
        token = refresh(oauth, client, token).json()["refresh_token"]
        clock.shift(90)
        token = refresh(oauth, client, token).json()["refresh_token"]
        clock.shift(101)
        _assert_refused(refresh(oauth, client, token))


@pytest.mark.usefixtures("api")
@pytest.mark.requirement("RFC 9700", "4.14.2", "A session ends, however often it is refreshed.")
def test_refreshing_never_outlives_the_session(oauth: OAuthClient, tenant: Tenant) -> None:
    client = _short_lived(tenant, refresh_token_lifetime_seconds=100)
    with time_machine.travel(timezone.now()) as clock:
        first = _begin(oauth, client)
        assert first["expires_in"] == 100
        clock.shift(60)
        second = refresh(oauth, client, first["refresh_token"]).json()
        assert second["expires_in"] <= 40
        clock.shift(41)
        _assert_refused(refresh(oauth, client, second["refresh_token"]))
        for answer in (first, second):
            assert oauth.introspect(client, answer["access_token"]).json() == {"active": False}


def _short_lived(tenant: Tenant, **lifetimes: Any) -> MadeClient:  # noqa: ANN401 - of a model.
    return make_client(
        tenant,
        scopes=["read"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
        **lifetimes,
    )


def _end_by_policy(client: Client) -> None:
    policy = AccessPolicy.objects.get(slug=client.client_id)
    policy.is_enabled = False
    changes.save(policy, actor=SYSTEM)


def _end_by_client(client: Client) -> None:
    client.is_enabled = False
    save_client(client, actor=SYSTEM)
    client.is_enabled = True
    save_client(client, actor=SYSTEM)


def _end_by_switch(client: Client) -> None:
    client.refresh_token_enabled = False
    save_client(client, actor=SYSTEM)


def _end_by_grant(client: Client) -> None:
    client.grant_types = ["client_credentials"]
    save_client(client, actor=SYSTEM)


def _end_by_scopes(client: Client) -> None:
    save_client(client, actor=SYSTEM, links={"scopes": [], "default_scopes": []})


ENDS = {
    "its policy is switched off": (_end_by_policy, "invalid_grant"),
    "it was disabled for a moment": (_end_by_client, "invalid_grant"),
    "refreshing is switched off": (_end_by_switch, "invalid_grant"),
    "the grant is taken away": (_end_by_grant, "unauthorized_client"),
    "its scopes are taken away": (_end_by_scopes, "invalid_scope"),
}


@pytest.mark.requirement("RFC 6749", "10.4", "What a client lost, its refresh tokens can't bring.")
@pytest.mark.parametrize("name", ENDS)
def test_a_refresh_token_is_worth_no_more_than_its_client(
    oauth: OAuthClient, refresher: MadeClient, name: str
) -> None:
    end, code = ENDS[name]
    token = _begin(oauth, refresher)["refresh_token"]
    end(refresher.client)
    _assert_refused(refresh(oauth, refresher, token), code)
