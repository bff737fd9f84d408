"""RFC 8628 sections 3.1 and 3.2: the device authorization request and its answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.devices import ADDRESS, GRANT, USER_AGENT, Device, make_device
from tests.factories.tenants import make_api, make_client
from tests.rfc.verification import issuer_of
from tokens import device_codes, limits, user_codes
from tokens.models import DeviceCode

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

USER_CODE = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")
PATH = "/oauth/device"


def refusal(page: HttpResponse) -> tuple[int, str]:
    return page.status_code, page.json()["error"]


@pytest.mark.requirement("RFC 8628", "3.2", "The answer has both codes, the address and the times.")
def test_device_is_told_both_codes(api: Api) -> None:
    device = make_device(api.tenant)
    page = device.begin(scope="openid read")
    issuer = issuer_of(api.tenant)
    assert page.headers["Cache-Control"] == "no-store"
    assert USER_CODE.fullmatch(device.code)
    assert page.json() == {
        "device_code": device.answer["device_code"],
        "user_code": device.code,
        "verification_uri": f"{issuer}/device",
        "verification_uri_complete": f"{issuer}/device?user_code={device.code}",
        "expires_in": 600,
        "interval": 5,
    }


def test_row_keeps_hashes_and_what_the_person_will_be_shown(device: Device) -> None:
    row = device.row
    assert (row.address, row.user_agent, row.status) == (ADDRESS, USER_AGENT, "pending")
    assert row.scopes == ["openid", "read"]
    stored = f"{row.__dict__}"
    assert device.code.replace("-", "") not in stored
    assert device.answer["device_code"].partition("_")[2] not in stored
    assert len(bytes(row.secret_hash)) == len(bytes(row.user_code_hash)) == 32


def test_codes_are_never_the_same(api: Api) -> None:
    device = make_device(api.tenant)
    answers = [device.begin().json() for _ in range(20)]
    for name in ("device_code", "user_code"):
        assert len({answer[name] for answer in answers}) == 20


@pytest.mark.requirement("RFC 8628", "3.1", "A confidential client authenticates.")
def test_confidential_client_authenticates(api: Api) -> None:
    method = "client_secret_basic"
    device = make_device(api.tenant, token_endpoint_auth_method=method, kind="service")
    assert device.begin().status_code == 200
    stranger = Device(api.tenant, type(device.made)(device.made.client, ""))
    assert refusal(stranger.begin()) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({"scope": "nothing"}, "invalid_scope", id="unknown scope"),
        pytest.param({"scope": "phone"}, "invalid_scope", id="scope of others"),
        pytest.param({"resource": "https://elsewhere.example/"}, "invalid_target", id="resource"),
        pytest.param({"audience": "https://elsewhere.example/"}, "invalid_target", id="audience"),
        pytest.param({"scope": ["read", "write"]}, "invalid_request", id="repeated"),
        pytest.param({"scope": "a\x00b"}, "invalid_request", id="NUL"),
        pytest.param({"scope": "x" * 5_000}, "invalid_request", id="long"),
    ],
)
def test_what_nobody_could_approve_is_refused_at_once(
    api: Api, parameters: dict[str, str], expected: str
) -> None:
    page = make_device(api.tenant).begin(**parameters)
    assert refusal(page) == (400, expected)
    assert page.headers["X-Refusal-Trace"] == "kept"
    assert not DeviceCode.objects.exists()


def test_client_without_the_grant_is_refused(api: Api, service: MadeClient) -> None:
    page = Device(api.tenant, service).begin()
    assert refusal(page) == (400, "unauthorized_client")


def test_grant_that_the_environment_lacks_is_refused(api: Api) -> None:
    device = make_device(api.tenant)
    environment = api.tenant.environment
    environment.allowed_grant_types = ["client_credentials"]
    environment.save()
    assert refusal(device.begin()) == (400, "unauthorized_client")


def test_unknown_client_is_refused(oauth: OAuthClient) -> None:
    assert refusal(oauth.post(PATH, client_id="nobody")) == (401, "invalid_client")
    assert refusal(oauth.post(PATH)) == (401, "invalid_client")


def test_only_post_is_taken(oauth: OAuthClient) -> None:
    assert oauth.get(PATH).status_code == 405


def test_scopes_that_are_narrowed_away_are_not_kept(tenant: Tenant) -> None:
    make_api(tenant)
    tenant.scope_excess = "narrow"
    tenant.save()
    device = make_device(tenant)
    assert device.begin(scope=f"read {'x' * 300} y").status_code == 200
    assert device.row.scopes == ["read"]


@pytest.mark.requirement("RFC 8707", "2", "The resource may be named as at other endpoints.")
def test_audience_and_api_are_kept(api: Api) -> None:
    device = make_device(api.tenant)
    device.begin(scope="read", resource=api.audience)
    assert (device.row.audiences, device.row.api_slug) == ([api.audience], "")
    device.begin(f"/apis/{api.slug}/oauth/device", scope="read")
    assert device.row.api_slug == api.slug
    assert refusal(device.begin("/apis/nothing/oauth/device")) == (400, "invalid_target")


def test_any_client_with_the_grant_may_use_it(api: Api) -> None:
    made = make_client(
        api.tenant,
        "cli",
        kind="native",
        grant_types=[GRANT],
        scopes=["read"],
        token_endpoint_auth_method="none",
    )
    assert Device(api.tenant, made).begin(scope="read").status_code == 200


@pytest.mark.requirement("RFC 8414", "2", "RFC 8628 section 4 adds the endpoint to the metadata.")
def test_metadata_names_endpoint_and_grant(tenant: Tenant, oauth: OAuthClient) -> None:
    metadata = oauth.get("/.well-known/oauth-authorization-server").json()
    assert metadata["device_authorization_endpoint"] == f"{issuer_of(tenant)}/oauth/device"
    assert GRANT in metadata["grant_types_supported"]


def test_a_taken_user_code_is_drawn_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    device = make_device(api.tenant)
    drawn = iter(("BBBBBBBB", "BBBBBBBB", "CCCCCCCC"))
    monkeypatch.setattr(user_codes, "draw_code", lambda: next(drawn))
    assert device.begin().json()["user_code"] == "BBBB-BBBB"
    assert device.begin().json()["user_code"] == "CCCC-CCCC"


def test_only_so_many_devices_of_a_client_wait(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_codes, "MAX_PENDING", 2)
    device = make_device(api.tenant)
    assert [device.begin().status_code for _ in range(3)] == [200, 200, 429]
    page = device.begin()
    assert page.json()["error"] == "temporarily_unavailable"
    assert int(page.headers["Retry-After"]) > 0
    assert make_device(api.tenant, "other-tv").begin().status_code == 200
    device.expire()
    assert device.begin().status_code == 200


def test_one_address_begins_only_so_many_of_a_public_client(api: Api) -> None:
    device = make_device(api.tenant)
    statuses = [device.begin().status_code for _ in range(limits.DEVICES_RATE.burst + 5)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert make_device(api.tenant, "other-tv").begin().status_code == 200
