"""Logout deliveries in the admin: listed by tenant, narrowed, tried again by who may."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tenants.models import Membership
from tenants.records import SYSTEM
from tenants.services import changes
from tests.admin.operators import sign_in
from tests.factories.tenants import make_client
from tests.factories.tokens import make_subject
from tokens import tasks
from tokens.admin import delivery_rows
from tokens.models import LogoutDelivery

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import DjangoCaptureOnCommitCallbacks

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

LIST = "admin:logout_deliveries"
Role, Status = Membership.Role, LogoutDelivery.Status


@pytest.fixture
def support(globex: TenantWorld) -> OperatorBrowser:
    """A support engineer of globex."""
    return sign_in("support", (globex.tenant, Role.SUPPORT))


def make_delivery(world: TenantWorld, **fields: Any) -> LogoutDelivery:  # noqa: ANN401 - its own.
    now = timezone.now()
    values = {
        "tenant": world.tenant,
        "client": world.client,
        "sign_in_id": uuid.uuid4(),
        "status": Status.GIVEN_UP,
        "attempts": 5,
        "created_at": now,
        "next_attempt_at": now,
        "expires_at": now + timedelta(days=7),
        "last_error": "status 503",
    }
    fields.setdefault("subject", make_subject(world.tenant, name="Ada Lovelace"))
    return LogoutDelivery.objects.create(**(values | fields))


def again(row: LogoutDelivery) -> str:
    return reverse("admin:logout_delivery_again", args=[row.pk])


def text_of(page: HttpResponse) -> str:
    assert page.status_code == 200
    return page.content.decode()


def test_support_sees_who_was_not_told_and_why(
    globex: TenantWorld, support: OperatorBrowser
) -> None:
    row = make_delivery(globex)
    text = text_of(support.get(reverse(LIST)))
    for part in ("globex-client", "Ada Lovelace", "given up", "status 503", again(row)):
        assert part in text


def test_foreign_deliveries_are_neither_seen_nor_tried_again(
    globex: TenantWorld, initech: TenantWorld, support: OperatorBrowser
) -> None:
    foreign = make_delivery(initech)
    assert "initech" not in text_of(support.get(reverse(LIST)))
    for query in ({"tenant": str(initech.tenant.pk)}, {"client": str(initech.client.pk)}):
        page = text_of(support.get(reverse(LIST), query))
        assert again(foreign) not in page
    assert support.post(again(foreign)).status_code == 404
    foreign.refresh_from_db()
    assert foreign.status == Status.GIVEN_UP
    assert globex.tenant.pk != foreign.tenant_id


def test_list_is_narrowed_by_client_and_state(
    globex: TenantWorld, support: OperatorBrowser
) -> None:
    other = make_client(globex.tenant, "other").client
    rows = [make_delivery(globex), make_delivery(globex, client=other, status=Status.PENDING)]
    for query, shown in (
        ({"client_id": "other"}, [False, True]),
        ({"client": str(globex.client.pk)}, [True, False]),
        ({"status": "pending"}, [False, True]),
        ({"status": "given_up", "client_id": "other"}, [False, False]),
        ({"status": "nonsense", "client_id": "\x01"}, [False, False]),
    ):
        page = text_of(support.get(reverse(LIST), query))
        assert [again(row) in page for row in rows] == shown, query


def test_it_is_sent_again_at_once_and_recorded(
    globex: TenantWorld,
    support: OperatorBrowser,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[list[str]] = []
    monkeypatch.setattr(tasks.deliver_logouts, "delay", sent.append)
    row = make_delivery(globex)
    with django_capture_on_commit_callbacks(execute=True):
        answer = support.post(again(row), follow=True)
    assert "It is sent again now." in text_of(answer)
    row.refresh_from_db()
    assert (row.status, row.attempts, row.last_error) == (Status.PENDING, 0, "")
    assert sent == [[str(row.sign_in_id)]]


def test_what_has_arrived_is_not_sent_again(globex: TenantWorld, support: OperatorBrowser) -> None:
    row = make_delivery(globex, status=Status.DELIVERED, delivered_at=timezone.now())
    assert again(row) not in text_of(support.get(reverse(LIST)))
    assert "arrived meanwhile" in text_of(support.post(again(row), follow=True))
    row.refresh_from_db()
    assert row.status == Status.DELIVERED


@pytest.mark.parametrize(
    ("role", "list_status", "again_status"),
    [
        (Role.OWNER, 200, 302),
        (Role.SUPPORT, 200, 302),
        (Role.AUDITOR, 200, 403),
        (Role.CLIENT_MANAGER, 403, 403),
        (Role.KEY_CUSTODIAN, 403, 403),
    ],
)
def test_roles(globex: TenantWorld, role: str, list_status: int, again_status: int) -> None:
    row, browser = make_delivery(globex), sign_in("somebody", (globex.tenant, role))
    assert browser.get(reverse(LIST)).status_code == list_status
    assert browser.post(again(row)).status_code == again_status
    assert browser.get(again(row)).status_code == 405


def test_deleted_client_is_named_as_such(globex: TenantWorld, support: OperatorBrowser) -> None:
    gone = make_client(globex.tenant, "gone", is_allowed=False).client
    make_delivery(globex, client=gone)
    changes.delete(gone, actor=SYSTEM)
    assert "(deleted)" in text_of(support.get(reverse(LIST)))


def test_pages_follow_one_another_with_a_fixed_number_of_statements(
    globex: TenantWorld, support: OperatorBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_rows, "PAGE_ROWS", 2)
    moment, subject = timezone.now(), make_subject(globex.tenant)
    rows = [make_delivery(globex, created_at=moment, subject=subject) for _ in range(5)]
    keep = delivery_rows.DeliveryFilter(globex.tenant.pk)
    seen, after, counts = [], None, []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            page = delivery_rows.read_page(keep, after)
        counts.append(len(queries))
        seen += [row.delivery.pk for row in page.rows]
        after = page.following
    assert sorted(seen) == sorted(row.pk for row in rows)
    assert (after, counts) == (None, [3, 4, 4])
    assert "Older" in text_of(support.get(reverse(LIST)))


def test_client_has_a_tab_that_leads_to_its_deliveries(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    page = text_of(owner.get(reverse("admin:tenants_client_change", args=[globex.client.pk])))
    assert f"{reverse(LIST)}?client={globex.client.pk}" in page
