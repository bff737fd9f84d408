"""What happens when two do the same at once: one of them does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tests.devices import allow, look, make_device, make_person
from tests.factories.tenants import make_api, make_tenant
from tokens.models import AccessToken, DeviceCode, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.devices import Device

THREADS = 6
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def waiting() -> Device:
    """A device that waits."""
    tenant = make_tenant()
    make_api(tenant)
    made = make_device(tenant)
    made.begin(scope="openid read")
    return made


def at_once(call: Callable[[int], int]) -> list[int]:
    """Call from several threads, each with a connection of its own."""

    def run(number: int) -> int:
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return sorted(pool.map(run, range(THREADS)))


@pytest.mark.requirement("RFC 8628", "3.5", "An approved code gives tokens once.")
def test_of_many_polls_one_gets_the_tokens(waiting: Device) -> None:
    allow(make_person(waiting.tenant), waiting)
    assert at_once(lambda _: waiting.poll().status_code) == [200] + [400] * (THREADS - 1)
    assert AccessToken.objects.count() == Session.objects.count() == 1
    assert Session.objects.get().ended_reason == "reuse"


def test_of_many_polls_one_is_in_time(waiting: Device) -> None:
    errors: list[str] = []

    def poll(_: int) -> int:
        page = waiting.poll()
        errors.append(page.json()["error"])
        return page.status_code

    at_once(poll)
    assert sorted(errors) == ["authorization_pending"] + ["slow_down"] * (THREADS - 1)
    assert waiting.row.interval_seconds == 5 + 5 * (THREADS - 1)


def test_of_many_people_one_decides(waiting: Device) -> None:
    people = [
        make_person(waiting.tenant, f"person-{number}@example.org") for number in range(THREADS)
    ]
    pages = [look(person, waiting) for person in people]

    def decide(number: int) -> int:
        decision = "deny" if number % 2 else "allow"
        return people[number].submit(pages[number], decision=decision).status_code

    assert at_once(decide) == [200] + [400] * (THREADS - 1)
    row = DeviceCode.objects.get()
    assert (row.status == "approved") is (row.subject_id is not None)
