"""A page speaks what the application asked for, else the browser, else the tenant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tenants import snapshot
from tests.browser_person import Person
from tests.factories.tenants import make_tenant
from tokens.front_channel import continuations
from tokens.front_channel.continuations import Continuation

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    """A tenant that speaks English to whom nothing else was asked for."""
    return make_tenant()


def language_of(tenant: Tenant, address: str, accepted: str = "fr") -> str:
    page = Person(tenant, language=accepted).open(address)
    assert f'<html lang="{page.headers["Content-Language"]}">' in page.content.decode()
    return page.headers["Content-Language"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-CH", "de"),
        ("fr, de;q=0.5, en;q=0.1", "de"),
        ("en, de", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("", "en"),
        ("x" * 5_000, "en"),
        ("\x00;q=zz,,;", "en"),
    ],
    ids=["de", "region", "second", "order", "refused", "any", "none", "long", "odd"],
)
def test_the_browser_says_what_it_speaks(tenant: Tenant, accepted: str, language: str) -> None:
    assert language_of(tenant, "/sign-in", accepted) == language


@pytest.mark.parametrize(
    ("asked", "language"),
    [("de", "de"), ("fr-CA%20de-AT%20en", "de"), ("fr", "en"), ("%ff", "en"), ("", "en")],
)
def test_the_address_wins(tenant: Tenant, asked: str, language: str) -> None:
    assert language_of(tenant, f"/sign-in?ui_locales={asked}", "en") == language


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("ui_locales=de&client_id=a", "de"),
        ("client_id=a", "en"),
        ("&".join(["a=b"] * 200), "en"),
    ],
    ids=["asked", "not asked", "too much"],
)
def test_what_the_application_asked_for_is_kept(tenant: Tenant, query: str, language: str) -> None:
    core = snapshot.CURRENT.tenant(tenant.path)
    assert core is not None
    sealed = continuations.seal(core, Continuation("device", query, int(time.time())))
    assert language_of(tenant, f"/sign-in?request={sealed}", "en") == language


def test_an_error_speaks_as_well(tenant: Tenant) -> None:
    person = Person(tenant, language="de")
    assert (
        "Hier ist nichts"
        in person.http.get("/t/no/such/tenant/sign-in", headers=person.headers).content.decode()
    )
