"""A tenant's first client in a real browser: made, used, found, ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import requests
from playwright.sync_api import Error

from authplatform.env import read_assignments
from tests.admin.browser import Journey, travelling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Dialog

    from tests.live.installation import Installation

pytestmark = pytest.mark.needs("chromium")
TENANT = "live/test/acme"
TIMEOUT_SECONDS = 10
REASON = "Ticket 4711: the laptop was stolen"


@pytest.fixture
def journey(live: Installation, tmp_path: Path) -> Iterator[Journey]:
    """A browser in which the first operator has signed in."""
    sign_in = read_assignments(live.platform.folder / "demo.env")
    with travelling(f"http://localhost:{live.platform.port}", tmp_path) as begun:
        begun.open("/admin/")
        begun.picture("sign-in")
        begun.sign_in(sign_in["ADMIN_USERNAME"], sign_in["ADMIN_PASSWORD"])
        yield begun


def test_a_client_is_made_used_found_and_ended(journey: Journey, live: Installation) -> None:
    client_id = f"billing-{uuid4().hex[:8]}"
    secret = make_client(journey, client_id)
    token = fetch_token(live, client_id, secret)
    assert live.introspect(token)["active"] is True
    revoke(journey, token, client_id)
    assert live.introspect(token) == {"active": False}
    assert journey.complaints == []


def test_a_secret_that_was_left_is_gone(journey: Journey) -> None:
    client_id = f"forgotten-{uuid4().hex[:8]}"
    secret = make_client(journey, client_id)
    journey.page.go_back()
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        journey.page.go_forward()
    journey.page.wait_for_url("chrome-error://**")
    journey.open(f"/admin/tenants/client/?q={client_id}")
    journey.page.click(f"text={client_id}")
    journey.page.wait_for_url("**/change/**")
    assert secret not in journey.page.content()
    journey.picture("client")
    journey.page.click("text=New secret")
    journey.page.wait_for_selector("#id_label")
    journey.picture("new-secret")
    journey.page.click("text=Make the secret")
    another = journey.page.inner_text("#secret")
    assert another.startswith("acs_")
    assert another != secret
    asked: list[str] = []

    def leave_anyway(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    journey.page.once("dialog", leave_anyway)
    journey.page.click("text=I have copied it")
    journey.page.wait_for_url("**/change/**")
    assert asked == ["beforeunload"], "leaving before copying must warn"


def make_client(journey: Journey, client_id: str) -> str:
    """Make a client with a scope in the form, and copy its secret from the page."""
    page = journey.page
    journey.open("/admin/tenants/client/add/")
    journey.picture("choose-tenant")
    page.click(f"text={TENANT}")
    page.fill("#id_client_id", client_id)
    for name in ("scopes", "default_scopes"):
        page.locator(f"#id_{name} label", has_text="read (orders)").click()
    journey.picture("new-client")
    page.click("text=Save")
    page.wait_for_selector("#secret")
    journey.picture("secret-once")
    page.click("[data-copy=secret]")
    return page.inner_text("#secret")


def fetch_token(live: Installation, client_id: str, secret: str) -> str:
    """Get a token with what was copied."""
    answer = requests.post(
        live.token_endpoint,
        data={"grant_type": "client_credentials"},
        auth=(client_id, secret),
        timeout=TIMEOUT_SECONDS,
    )
    assert answer.status_code == 200, answer.text
    return str(json.loads(answer.text)["access_token"])


def revoke(journey: Journey, token: str, client_id: str) -> None:
    """Paste the token, look at what was found, and revoke it with a reason."""
    page = journey.page
    journey.open("/admin/sessions-and-tokens/")
    journey.picture("sessions-and-tokens")
    page.fill("#pasted", token)
    page.click("text=Find >> nth=-1")
    page.wait_for_selector("text=Revoke this token")
    assert client_id in page.content()
    assert token not in page.url
    assert token not in page.content()
    journey.picture("token")
    page.click("text=Revoke this token")
    page.fill("#id_reason", REASON)
    journey.picture("revoke")
    page.click("button:has-text('Revoke this token')")
    page.wait_for_selector("text=introspection says so")
    assert REASON in page.content()
    journey.picture("revoked")
