"""A device without browser, for black-box tests: it begins, shows a code and polls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from tenants.credentials import CredentialKind, parse_credential
from tests.browser_person import Person
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import make_client
from tests.oauth_client import OAuthClient
from tokens.models import DeviceCode

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
USER_AGENT = "TV/1.0"
ADDRESS = "203.0.113.9"


@dataclass(slots=True)
class Device:
    """A device and what the server told it when it began."""

    tenant: Tenant
    made: MadeClient
    answer: dict[str, Any] = field(default_factory=dict)

    def begin(self, path: str = "/oauth/device", **parameters: Any) -> HttpResponse:
        """Ask for codes; the answer is kept where there are any."""
        page = self._send(path, **parameters)
        if page.status_code == 200:
            self.answer = page.json()
        return page

    def poll(self, path: str = "/oauth/token", **parameters: Any) -> HttpResponse:
        """Ask for the tokens."""
        asked = {"grant_type": GRANT, "device_code": self.answer.get("device_code", "")}
        return self._send(path, **(asked | parameters))

    @property
    def code(self) -> str:
        """What the device shows."""
        return str(self.answer["user_code"])

    @property
    def row(self) -> DeviceCode:
        """What is stored."""
        parsed = parse_credential(CredentialKind.DEVICE_CODE, self.answer["device_code"])
        assert parsed is not None
        return DeviceCode.objects.get(pk=parsed.row_id)

    def wait(self, seconds: float = 5.0) -> None:
        """Let time pass for this device only."""
        row, passed = self.row, timedelta(seconds=seconds)
        row.created_at -= passed
        row.expires_at -= passed
        row.last_polled_at = row.last_polled_at and row.last_polled_at - passed
        row.save()

    def expire(self) -> None:
        """Let the codes grow too old."""
        DeviceCode.objects.filter(pk=self.row.pk).update(expires_at=timezone.now())

    def _send(self, path: str, **parameters: Any) -> HttpResponse:
        oauth = OAuthClient(self.tenant)
        oauth.http.defaults |= {"REMOTE_ADDR": ADDRESS, "HTTP_USER_AGENT": USER_AGENT}
        if self.made.secret:
            return oauth.post(path, self.made, **parameters)
        return oauth.post(path, **({"client_id": self.made.client_id} | parameters))


def make_device(tenant: Tenant, client_id: str = "tv", **fields: Any) -> Device:
    """Make a public client for devices."""
    fields.setdefault("kind", "device")
    fields.setdefault("name", "Living room TV")
    fields.setdefault("token_endpoint_auth_method", "none")
    fields.setdefault("grant_types", [GRANT, "refresh_token"])
    fields.setdefault("scopes", ["openid", "offline_access", "read", "write"])
    fields.setdefault("default_scopes", ["read"])
    return Device(tenant, make_client(tenant, client_id, **fields))


def make_person(tenant: Tenant, email: str = "ana@example.org") -> Person:
    """Make a person who has signed in in a browser."""
    make_subject_with_password(tenant, email)
    person = Person(tenant)
    person.sign_in(email)
    return person


def look(person: Person, device: Device) -> HttpResponse:
    """Type the code that the device shows."""
    page = person.open("/device")
    return person.submit(page, "device-form", user_code=device.code)


def allow(person: Person, device: Device, **fields: Any) -> HttpResponse:
    """Type the code and allow what the device asks for, all of it if nothing is said."""
    page = look(person, device)
    assert page.status_code == 200, page.content.decode()
    return person.submit(page, "device-form", **({"decision": "allow"} | fields))
