"""A policy is tried in a real browser before it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authplatform.env import read_assignments
from tests.admin.browser import Journey, travelling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.installation import Installation

pytestmark = pytest.mark.needs("chromium")
RULE = '{\n  "client": {\n    "kind": "web"\n  }\n}'


@pytest.fixture
def journey(live: Installation, tmp_path: Path) -> Iterator[Journey]:
    """A browser in which the first operator has signed in."""
    sign_in = read_assignments(live.platform.folder / "demo.env")
    with travelling(f"http://localhost:{live.platform.port}", tmp_path) as begun:
        begun.sign_in(sign_in["ADMIN_USERNAME"], sign_in["ADMIN_PASSWORD"])
        yield begun


def open_policy(journey: Journey) -> None:
    journey.open("/admin/tenants/accesspolicy/?q=everybody")
    journey.page.click("#result_list >> text=everybody")
    journey.page.wait_for_url("**/change/**")


def test_an_edited_rule_is_tried_before_it_is_saved(journey: Journey) -> None:
    page = journey.page
    open_policy(journey)
    journey.picture("policy")
    page.select_option("#id_engine", "match")
    page.fill("#id_rule", RULE)
    page.click("text=Test without saving")
    page.wait_for_url("**/test/")
    assert page.input_value("#id_rule") == RULE
    page.fill("#id_trial-client_id", "service")
    page.fill("#id_trial-scope", "read")
    page.get_by_role("button", name="Test", exact=True).click()
    page.wait_for_selector("text=What it changes")
    journey.picture("policy-tried")
    text = page.inner_text("section.console-card")
    assert "refused" in text
    assert "no_policy_allows" in text
    page.click("text=Back to the policy")
    page.wait_for_url("**/change/")
    assert page.input_value("#id_rule") == ""
    assert journey.complaints == []
