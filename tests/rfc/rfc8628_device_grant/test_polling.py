"""RFC 8628 sections 3.4 and 3.5: the device asks until its person has decided."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from oauthlib.oauth2 import DeviceClient
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

from tenants.models import Subject
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.devices import Device, allow, look, make_device
from tests.factories.tenants import allow as allow_policy
from tests.factories.tenants import make_api, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.verification import verify
from tokens.models import AccessToken, DeviceCode, Refusal, Session, SignIn

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Api
    from tests.browser_person import Person
    from tests.factories.tenants import MadeClient

PENDING = (400, "authorization_pending")
INVALID = (400, "invalid_grant")


def refusal(page: HttpResponse) -> tuple[int, str]:
    return page.status_code, page.json()["error"]


@pytest.mark.requirement("RFC 8628", "3.5", "authorization_pending while the person decides.")
def test_device_waits_for_its_person(device: Device) -> None:
    for _ in range(3):
        assert refusal(device.poll()) == PENDING
        device.wait(5)
    assert device.row.interval_seconds == 5


def test_waiting_is_no_refusal(device: Device) -> None:
    page = device.poll()
    assert refusal(page) == PENDING
    assert refusal(device.poll()) == (400, "slow_down")
    assert "X-Refusal-Trace" not in page.headers
    assert not Refusal.objects.exists()


@pytest.mark.requirement("RFC 8628", "3.5", "slow_down makes the interval 5 seconds longer.")
def test_hasty_device_has_to_slow_down(device: Device) -> None:
    assert refusal(device.poll()) == PENDING
    assert refusal(device.poll()) == (400, "slow_down")
    assert device.row.interval_seconds == 10
    device.wait(5)
    assert refusal(device.poll()) == (400, "slow_down")
    assert device.row.interval_seconds == 15
    device.wait(15)
    assert refusal(device.poll()) == PENDING
    assert device.row.interval_seconds == 15


def test_interval_does_not_grow_for_ever(device: Device) -> None:
    DeviceCode.objects.update(interval_seconds=118)
    device.poll()
    device.poll()
    device.poll()
    assert device.row.interval_seconds == 120


def test_network_need_not_be_punctual(device: Device) -> None:
    device.poll()
    device.wait(4.3)
    assert refusal(device.poll()) == PENDING


@pytest.mark.requirement("RFC 8628", "3.5", "expired_token when nobody decided in time.")
def test_late_device_is_told_so(device: Device, person: Person) -> None:
    device.expire()
    assert refusal(device.poll()) == (400, "expired_token")
    assert "No device waits" in look(person, device).content.decode()


def test_approval_is_lost_when_the_device_is_late(device: Device, person: Person) -> None:
    allow(person, device)
    device.expire()
    assert refusal(device.poll()) == (400, "expired_token")


@pytest.mark.requirement("RFC 8628", "3.5", "access_denied when the person said no.")
def test_person_says_no(device: Device, person: Person) -> None:
    device.poll()
    page = allow(person, device, decision="deny")
    assert "Not connected" in page.content.decode()
    for _ in range(2):
        assert refusal(device.poll()) == (400, "access_denied")


@pytest.mark.requirement("RFC 8628", "3.5", "The answer is that of RFC 6749 section 5.1.")
def test_device_gets_tokens_of_the_person(device: Device, person: Person) -> None:
    device.poll()
    page = allow(person, device)
    assert "Your device is connected" in page.content.decode()
    answer = device.poll().json()
    assert answer["scope"] == "openid read"
    assert "refresh_token" not in answer
    subject = Subject.objects.get()
    claims = verify(OAuthClient(device.tenant), answer["id_token"], audience="tv")
    sign_in = SignIn.objects.get()
    assert claims["sub"] == str(subject.pk)
    assert (claims["sid"], claims["amr"]) == (str(sign_in.pk), ["pwd"])
    authenticated_at = device.row.authenticated_at
    assert authenticated_at is not None
    assert claims["auth_time"] == authenticated_at.timestamp()
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["sub"] == str(
        subject.pk
    )
    session = Session.objects.get()
    assert (session.grant_type, session.subject_id) == (
        "urn:ietf:params:oauth:grant-type:device_code",
        subject.pk,
    )
    assert (session.address, session.user_agent) == ("203.0.113.9", "TV/1.0")


def test_approved_device_need_not_wait(device: Device, person: Person) -> None:
    device.poll()
    allow(person, device)
    assert device.poll().status_code == 200


def test_refresh_comes_only_with_offline_access(api: Api, person: Person) -> None:
    device = make_device(api.tenant, "recorder", refresh_token_enabled=True)
    device.begin(scope="read offline_access")
    allow(person, device)
    answer = device.poll().json()
    again = device.poll(grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert set(again.json()["scope"].split()) == {"read", "offline_access"}
    assert answer["scope"] == "read offline_access"


def test_client_may_do_without_offline_access(api: Api, person: Person) -> None:
    device = make_device(
        api.tenant, "recorder", refresh_token_enabled=True, requires_offline_access=False
    )
    device.begin(scope="read")
    allow(person, device)
    assert "refresh_token" in device.poll().json()


def test_offline_access_lasts_as_long_as_the_page_says(api: Api, person: Person) -> None:
    device = make_device(
        api.tenant,
        "recorder",
        refresh_token_enabled=True,
        offline_lifetimes_seconds=[86_400, 7_200],
    )
    device.begin(scope="read offline_access")
    assert "for 2 hours." in look(person, device).content.decode()
    allow(person, device)
    assert device.poll().status_code == 200
    session = Session.objects.get()
    assert 7_190 < (session.expires_at - session.started_at).total_seconds() <= 7_200


def test_code_works_once_and_its_reuse_ends_the_session(device: Device, person: Person) -> None:
    allow(person, device)
    token = device.poll().json()["access_token"]
    assert device.poll().json()["error"] == "invalid_grant"
    assert Session.objects.get().ended_reason == "reuse"
    oauth = OAuthClient(device.tenant)
    headers = {"Authorization": f"Bearer {token}"}
    assert oauth.http.get(f"{oauth.base}/oauth/userinfo", headers=headers).status_code == 401


def test_late_reuse_ends_the_session_too(device: Device, person: Person) -> None:
    allow(person, device)
    device.poll()
    device.expire()
    assert refusal(device.poll()) == INVALID
    assert Session.objects.get().ended_reason == "reuse"


def test_other_clients_code_is_refused_and_not_touched(
    api: Api, device: Device, person: Person
) -> None:
    thief = make_device(api.tenant, "other-tv")
    thief.answer = device.answer
    assert refusal(thief.poll()) == INVALID
    allow(person, device)
    assert refusal(thief.poll()) == INVALID
    assert device.row.last_polled_at is None
    assert device.poll().status_code == 200


def test_other_tenants_code_is_refused(device: Device) -> None:
    other = make_tenant("initech")
    make_api(other)
    thief = make_device(other)
    thief.answer = device.answer
    assert refusal(thief.poll()) == INVALID


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("adc_", id="prefix"),
        pytest.param("adc_" + "A" * 64, id="unknown"),
        pytest.param("aac_" + "A" * 64, id="other kind"),
        pytest.param("%zz", id="percent"),
        pytest.param("x" * 10_000, id="long"),
    ],
)
def test_odd_codes_are_refused(device: Device, text: str) -> None:
    assert refusal(device.poll(device_code=text)) == INVALID


def test_right_row_with_a_wrong_secret_is_refused_and_not_touched(device: Device) -> None:
    text = device.answer["device_code"]
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert refusal(device.poll(device_code=wrong)) == INVALID
    assert device.row.last_polled_at is None


def test_missing_code_is_named(device: Device) -> None:
    page = device.poll(device_code="")
    assert refusal(page) == (400, "invalid_request")
    assert "device_code" in page.json()["error_description"]


def test_signing_out_before_the_poll_takes_the_approval_back(
    device: Device, person: Person
) -> None:
    allow(person, device)
    page = person.open("/oauth/logout")
    person.submit(page, "logout-form")
    assert refusal(device.poll()) == INVALID
    assert not AccessToken.objects.exists()


def test_person_may_sign_out_at_once_who_agreed_to_offline_access(api: Api, person: Person) -> None:
    device = make_device(api.tenant, "recorder", refresh_token_enabled=True)
    device.begin(scope="read offline_access")
    allow(person, device)
    person.submit(person.open("/oauth/logout"), "logout-form")
    answer = device.poll().json()
    again = device.poll(grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert again.status_code == 200


def test_disabled_person_takes_the_approval_back(device: Device, person: Person) -> None:
    allow(person, device)
    Subject.objects.update(is_enabled=False)
    assert refusal(device.poll()) == INVALID


@pytest.mark.parametrize("selector", ["client_id", "subject_id"])
@pytest.mark.parametrize("is_approved", [True, False], ids=["approved", "pending"])
def test_cut_off_ends_codes(
    device: Device, person: Person, selector: str, *, is_approved: bool
) -> None:
    if is_approved:
        allow(person, device)
    ids = {
        "client_id": device.made.client.pk,
        "subject_id": Subject.objects.get().pk,
    }
    cut_offs.end(device.tenant.pk, actor=SYSTEM, reason="test", **{selector: ids[selector]})
    expected = PENDING if selector == "subject_id" and not is_approved else INVALID
    assert refusal(device.poll()) == expected


def test_person_who_signs_in_anew_after_a_cut_off_can_approve(
    device: Device, person: Person
) -> None:
    cut_offs.end(device.tenant.pk, actor=SYSTEM, reason="test", subject_id=Subject.objects.get().pk)
    person.sign_in("ana@example.org")
    allow(person, device)
    assert device.poll().status_code == 200


def test_grant_is_judged_again_at_the_poll(device: Device, person: Person) -> None:
    allow(person, device)
    allow_policy(device.tenant, device.made.client, slug="not-tv", effect="deny")
    assert refusal(device.poll()) == INVALID
    assert Refusal.objects.get().reason == "policy_denied"


def test_token_may_be_for_one_of_the_apis(api: Api, person: Person) -> None:
    other = make_api(api.tenant, "stock", scopes=["count"])
    device = make_device(api.tenant, "scanner", scopes=["read", "count"])
    device.begin(scope="read count")
    allow(person, device)
    assert refusal(device.poll(resource="https://elsewhere.example/")) == (400, "invalid_target")
    answer = device.poll(resource=other.audience).json()
    assert answer["scope"] == "count"


def test_api_of_the_device_holds_for_its_tokens(api: Api, person: Person) -> None:
    make_api(api.tenant, "stock", scopes=["count"])
    device = make_device(api.tenant, "scanner", scopes=["read", "count"])
    device.begin(f"/apis/{api.slug}/oauth/device", scope="read")
    allow(person, device)
    assert refusal(device.poll("/apis/stock/oauth/token")) == INVALID
    assert device.poll(f"/apis/{api.slug}/oauth/token").status_code == 200


def test_device_without_scopes_gets_the_clients_own(api: Api, person: Person) -> None:
    device = make_device(api.tenant, "scanner", default_scopes=["read"])
    device.begin()
    allow(person, device)
    assert device.poll().json()["scope"] == "read"


def test_other_clients_of_the_tenant_lack_the_grant(service: MadeClient, device: Device) -> None:
    stranger = Device(device.tenant, service, device.answer)
    assert refusal(stranger.poll()) == (400, "unauthorized_client")


def test_ids_of_rows_tell_nothing(device: Device) -> None:
    assert isinstance(device.row.pk, uuid.UUID)
    assert device.row.pk.version == 4


def test_stock_client_understands_the_answers(device: Device, person: Person) -> None:
    stock = DeviceClient("tv")
    oauth = OAuthClient(device.tenant)

    def poll() -> dict[str, Any]:
        body = stock.prepare_request_body(device.answer["device_code"], include_client_id=True)
        page = oauth.post_raw("/oauth/token", body)
        answer: dict[str, Any] = stock.parse_request_body_response(page.content.decode())
        return answer

    with pytest.raises(CustomOAuth2Error, match="authorization_pending"):
        poll()
    allow(person, device)
    assert poll()["token_type"] == "Bearer"
    assert stock.access_token
