"""Tests of the aliases for callers of Space Blocks and Aidbox: served where a switch says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db

SPACEBLOCKS = "/token-manager/token"
AIDBOX = "/auth/token"
AIDBOX_SESSION = "/Session"


def _make(**switches: Any) -> tuple[OAuthClient, MadeClient]:  # noqa: ANN401 - of a model.
    tenant = make_tenant(**switches)
    make_api(tenant)
    return OAuthClient(tenant), make_client(tenant, scopes=["read"])


def _post_json(
    oauth: OAuthClient,
    path: str,
    client: MadeClient,
    **members: Any,  # noqa: ANN401 - as sent.
) -> HttpResponse:
    body = {"client_id": client.client_id, "client_secret": client.secret, **members}
    return oauth.post_raw(
        path, json.dumps(body), content_type="application/json", apiKey="an ignored key"
    )


def _assert_absent(response: HttpResponse) -> None:
    assert response.status_code == 404
    assert response.json()["error"] == "not_found"


@pytest.mark.parametrize("path", [SPACEBLOCKS, AIDBOX])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_what_is_switched_off_is_not_there(path: str, content_type: str) -> None:
    oauth, _ = _make(allow_json_token_requests=True)
    _assert_absent(oauth.post_raw(path, "{}", content_type=content_type))
    _assert_absent(oauth.http.options(f"{oauth.base}{path}"))


def test_the_old_session_is_not_there_either() -> None:
    oauth, client = _make()
    token = oauth.token(client).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    _assert_absent(oauth.http.delete(f"{oauth.base}{AIDBOX_SESSION}", headers=headers))
    assert oauth.introspect(client, token).json()["active"] is True


def test_each_switch_opens_its_own_door_only() -> None:
    oauth, client = _make(allow_spaceblocks_alias=True)
    _assert_absent(_post_json(oauth, AIDBOX, client, grant_type="client_credentials"))
    assert _post_json(oauth, SPACEBLOCKS, client).status_code == 200
    assert (
        _post_json(oauth, "/oauth/token", client, grant_type="client_credentials").status_code
        == 415
    )


def test_space_blocks_names_no_grant() -> None:
    oauth, client = _make(allow_spaceblocks_alias=True)
    for members in (
        {},
        {"scope": "read"},
        {"grant_type": ""},
        {"grant_type": "client_credentials"},
    ):
        response = _post_json(oauth, SPACEBLOCKS, client, **members)
        assert response.status_code == 200, response.content
        assert response.json()["scope"] == "read"
    form = oauth.post(SPACEBLOCKS, client)
    assert form.status_code == 200
    other = _post_json(oauth, SPACEBLOCKS, client, grant_type="barter")
    assert other.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("name", ["app_tenant_id", "app_subject_id"])
def test_nobody_acts_for_a_subject_of_the_application_without_the_right(name: str) -> None:
    oauth, client = _make(allow_spaceblocks_alias=True)
    for path in (SPACEBLOCKS, "/oauth/token"):
        response = oauth.post(path, client, grant_type="client_credentials", **{name: "u1"})
        assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")
    assert _post_json(oauth, SPACEBLOCKS, client, **{name: ""}).status_code == 200


def test_aidbox_takes_json_and_forms_and_ends_sessions() -> None:
    oauth, client = _make(allow_aidbox_alias=True)
    for response in (
        _post_json(oauth, AIDBOX, client, grant_type="client_credentials"),
        oauth.post(AIDBOX, client, grant_type="client_credentials"),
    ):
        assert response.status_code == 200
        token = response.json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        ended = oauth.http.delete(f"{oauth.base}{AIDBOX_SESSION}", headers=headers)
        assert ended.status_code == 204
        assert oauth.introspect(client, token).json() == {"active": False}
    missing = _post_json(oauth, AIDBOX, client)
    assert missing.json()["error"] == "invalid_request"
