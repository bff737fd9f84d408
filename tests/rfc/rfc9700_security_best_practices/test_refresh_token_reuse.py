"""RFC 9700 section 4.14: refresh tokens rotate, and one that comes twice gives the theft away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tokens.models import RefreshToken, Session

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

THREADS = 20
GRACE_SECONDS = 10


def _refresh(oauth: OAuthClient, client: MadeClient, token: str, **more: str) -> HttpResponse:
    return oauth.token(client, grant_type="refresh_token", refresh_token=token, **more)


@pytest.mark.requirement("RFC 9700", "4.14.2", "A retry within the grace is answered as before.")
def test_a_retry_is_answered_as_the_first_time(oauth: OAuthClient, refresher: MadeClient) -> None:
    first = oauth.token(refresher).json()["refresh_token"]
    with time_machine.travel(timezone.now()) as clock:
        answer = _refresh(oauth, refresher, first).json()
        clock.shift(GRACE_SECONDS - 2)
        assert _refresh(oauth, refresher, first).json() == answer
    assert RefreshToken.objects.count() == 2
    assert oauth.introspect(refresher, answer["access_token"]).json()["active"] is True


@pytest.mark.requirement("RFC 9700", "4.14.2", "Reuse of a rotated token ends the whole family.")
def test_reuse_after_the_grace_ends_the_family(oauth: OAuthClient, refresher: MadeClient) -> None:
    with time_machine.travel(timezone.now()) as clock:
        first = oauth.token(refresher).json()
        second = _refresh(oauth, refresher, first["refresh_token"]).json()
        clock.shift(GRACE_SECONDS + 1)
        stolen = _refresh(oauth, refresher, first["refresh_token"])
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        assert _refresh(oauth, refresher, second["refresh_token"]).status_code == 400
        for answer in (first, second):
            told = oauth.introspect(refresher, answer["access_token"]).json()
            assert told == {"active": False}
    assert Session.objects.get().ended_reason == "reuse"


def test_another_family_of_the_client_goes_on(oauth: OAuthClient, refresher: MadeClient) -> None:
    with time_machine.travel(timezone.now()) as clock:
        one, two = (oauth.token(refresher).json()["refresh_token"] for _ in range(2))
        _refresh(oauth, refresher, one)
        clock.shift(GRACE_SECONDS + 1)
        assert _refresh(oauth, refresher, one).status_code == 400
        assert _refresh(oauth, refresher, two).status_code == 200


@pytest.mark.requirement("RFC 9700", "4.14.2", "A client that is not the token's ends nothing.")
def test_a_stranger_cannot_end_a_family(
    oauth: OAuthClient, tenant: Tenant, refresher: MadeClient
) -> None:
    stranger = make_client(
        tenant, "stranger", scopes=["read"], grant_types=["refresh_token"], is_allowed=False
    )
    with time_machine.travel(timezone.now()) as clock:
        first = oauth.token(refresher).json()["refresh_token"]
        second = _refresh(oauth, refresher, first).json()["refresh_token"]
        clock.shift(GRACE_SECONDS + 1)
        assert _refresh(oauth, stranger, first).status_code == 400
        assert _refresh(oauth, refresher, second).status_code == 200


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_twenty_at_once_end_in_one_family() -> None:
    tenant = make_tenant()
    make_api(tenant)
    client = make_client(
        tenant,
        scopes=["read"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )
    token = OAuthClient(tenant).token(client).json()["refresh_token"]
    answers = _at_once(tenant, client, token)
    assert [answer["status"] for answer in answers] == [200] * THREADS
    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert len({answer["access_token"] for answer in answers}) == 1
    assert Session.objects.count() == 1
    assert RefreshToken.objects.count() == 2
    assert RefreshToken.objects.filter(consumed_at__isnull=True).count() == 1
    following = _refresh(OAuthClient(tenant), client, answers[0]["refresh_token"])
    assert following.status_code == 200


def _at_once(tenant: Tenant, client: MadeClient, token: str) -> list[dict[str, Any]]:
    barrier = threading.Barrier(THREADS)
    answers: list[dict[str, Any]] = []

    def refresh() -> None:
        oauth = OAuthClient(tenant)
        barrier.wait()
        try:
            response = _refresh(oauth, client, token)
            answers.append(response.json() | {"status": response.status_code})
        finally:
            connection.close()

    threads = [threading.Thread(target=refresh) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.requirement("RFC 9700", "2.4", "The password grant must not be used.")
@pytest.mark.requirement("RFC 9700", "2.1.2", "The implicit grant should not be used.")
@pytest.mark.parametrize("grant_type", ["password", "implicit"])
def test_old_grants_are_refused_with_the_reason(
    oauth: OAuthClient, service: MadeClient, grant_type: str
) -> None:
    response = oauth.token(service, grant_type=grant_type)
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")
    assert "RFC 9700" in response.json()["error_description"]
