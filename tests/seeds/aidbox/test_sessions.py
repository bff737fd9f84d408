"""Aidbox: one session per grant, which support finds, and which ends with all its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import time_machine
from django.utils import timezone

from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tokens.models import RefreshToken, Session

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db
GRACE_SECONDS = 10


@pytest.fixture
def service() -> MadeClient:
    tenant = make_tenant(claim_profile="aidbox", signing_algorithm="RS256")
    make_api(tenant, "fhir", audience="https://fhir.example/", scopes=["patients"])
    return make_client(
        tenant,
        "api-client",
        scopes=["patients"],
        grant_types=["client_credentials", "refresh_token"],
        refresh_token_enabled=True,
    )


@pytest.fixture
def oauth(service: MadeClient) -> OAuthClient:
    return OAuthClient(service.client.tenant)


def refresh(oauth: OAuthClient, service: MadeClient, token: str) -> Response:
    return oauth.token(service, grant_type="refresh_token", refresh_token=token)


def test_session_says_who_began_it_from_where_and_until_when(
    oauth: OAuthClient, service: MadeClient
) -> None:
    oauth.http.defaults |= {"REMOTE_ADDR": "198.51.100.7", "HTTP_USER_AGENT": "probe/1"}
    oauth.token(service)
    session = Session.objects.get()
    assert (session.client_id, session.grant_type) == (service.client.pk, "client_credentials")
    assert (session.address, session.user_agent) == ("198.51.100.7", "probe/1")
    assert session.scopes == ["patients"]
    assert session.started_at < session.expires_at
    assert session.ended_at is None


def test_ended_session_keeps_when_and_why(oauth: OAuthClient, service: MadeClient) -> None:
    oauth.end_session(oauth.token(service).json()["access_token"])
    session = Session.objects.get()
    assert session.ended_at is not None
    assert session.ended_reason


def test_refresh_token_is_replaced_and_only_its_hash_is_kept(
    oauth: OAuthClient, service: MadeClient
) -> None:
    first = oauth.token(service).json()["refresh_token"]
    second = refresh(oauth, service, first).json()["refresh_token"]
    assert first != second
    kept = "".join(repr(vars(row)) for row in RefreshToken.objects.all())
    assert first not in kept
    assert second not in kept
    assert Session.objects.count() == 1


def test_lost_answer_is_repeated_within_the_grace(oauth: OAuthClient, service: MadeClient) -> None:
    first = oauth.token(service).json()["refresh_token"]
    assert refresh(oauth, service, first).json() == refresh(oauth, service, first).json()


def test_stolen_refresh_token_ends_the_session_for_thief_and_owner(
    oauth: OAuthClient, service: MadeClient
) -> None:
    with time_machine.travel(timezone.now()) as clock:
        stolen = oauth.token(service).json()["refresh_token"]
        newest = refresh(oauth, service, stolen).json()["refresh_token"]
        clock.shift(GRACE_SECONDS + 1)
        for token in (stolen, newest):
            refused = refresh(oauth, service, token)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert Session.objects.get().ended_reason


def test_session_always_ends(oauth: OAuthClient, service: MadeClient) -> None:
    """There, a client without a lifetime had tokens for ever."""
    answer = oauth.token(service).json()
    assert 0 < answer["expires_in"] <= 86_400
    row, session = RefreshToken.objects.get(), Session.objects.get()
    assert row.expires_at <= session.expires_at
