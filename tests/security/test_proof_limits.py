"""Whoever shows who they are, by whatever means, is held to the rate of their address."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tests.browser_person import Person
from tests.factories.tenants import make_tenant
from tests.upstream_provider import SLUG
from tokens import limits
from tokens.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


def use_up(tenant: Tenant) -> None:
    """Try so often from the address of all tests that the next try is one too many."""
    known = snapshot.CURRENT.tenant(tenant.path)
    assert known is not None
    with suppress(RateLimited):
        for _ in range(limits.PERSONS_RATE.burst + 10):
            limits.admit_proof(known, "127.0.0.1")


def answer_of_a_provider(person: Person) -> HttpResponse:
    return person.open(f"/sign-in/callback/{SLUG}?code=made-up&state=made-up")


def answer_of_a_passkey(person: Person) -> HttpResponse:
    page = person.open("/sign-in")
    return person.submit(page, "passkey-form", credential="{}")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(answer_of_a_provider, 400, id="outside-issuer"),
        pytest.param(answer_of_a_passkey, 403, id="passkey"),
    ],
)
def test_one_address_shows_who_it_is_only_so_often(
    answer: Callable[[Person], HttpResponse], status: int
) -> None:
    tenant = make_tenant()
    assert answer(Person(tenant)).status_code == status
    seen = set()
    for _ in range(5):  # The bucket earns two tries a second meanwhile.
        use_up(tenant)
        seen.add(answer(Person(tenant)).status_code)
    assert 429 in seen
