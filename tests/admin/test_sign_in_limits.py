"""Nobody can guess the password of an operator, and guessing tells nothing."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client as Browser

from tests.admin.operators import PASSWORD, make_operator
from tests.browser_person import Person
from tests.oauth_client import FORM
from tokens.models import LimitState

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response
    from pytest_django.fixtures import Settings

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
HERE, ELSEWHERE = "198.51.100.1", "198.51.100.2"
WRONG = "a wrong pass phrase"


def sign_in(name: str, password: str, address: str = HERE) -> Response:
    return Browser().post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def fail(name: str, times: int, address: str = HERE) -> list[int]:
    return [sign_in(name, WRONG, address).status_code for _ in range(times)]


def text_of(answer: Response) -> str:
    """Answer what the page says, without what differs between any two pages."""
    page = re.sub(r'(value|nonce)="[^"]*"', "", answer.content.decode())
    return html.unescape(page)


@pytest.fixture(autouse=True)
def anna() -> None:
    make_operator("anna")


def test_the_right_password_signs_in() -> None:
    assert sign_in("anna", PASSWORD).status_code == 302


def test_after_five_failures_even_the_right_password_waits() -> None:
    assert fail("anna", 5) == [200] * 5
    answer = sign_in("anna", PASSWORD)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "1"
    assert "Too many attempts to sign in; try again in 1 seconds." in text_of(answer)


def test_a_name_that_does_not_exist_is_treated_alike() -> None:
    known, unknown = ([sign_in(name, WRONG) for _ in range(6)] for name in ("anna", "nobody"))
    assert [answer.status_code for answer in known] == [200] * 5 + [429]
    assert [answer.status_code for answer in unknown] == [200] * 5 + [429]
    assert [*map(text_of, known)] == [*map(text_of, unknown)]


def test_the_operator_signs_in_from_elsewhere_meanwhile() -> None:
    fail("anna", 6)
    assert sign_in("anna", PASSWORD, ELSEWHERE).status_code == 302


def test_another_spelling_of_the_name_is_the_same_name() -> None:
    fail("Anna", 3)
    fail("ANNA", 2)
    assert sign_in("anna", PASSWORD).status_code == 429


def test_signing_in_forgets_the_failures() -> None:
    fail("anna", 4)
    assert sign_in("anna", PASSWORD).status_code == 302
    assert fail("anna", 5) == [200] * 5


def test_an_empty_password_is_no_attempt_and_forgets_nothing() -> None:
    fail("anna", 4)
    assert sign_in("anna", "").status_code == 200
    assert fail("anna", 2) == [200, 429]


def test_one_address_can_not_try_many_names(settings: Settings) -> None:
    settings.TOKENS_SIGN_INS_PER_MINUTE = 4
    statuses = [sign_in(f"name-{number}", WRONG).status_code for number in range(8)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert sign_in("anna", PASSWORD, ELSEWHERE).status_code == 302


def test_what_was_typed_as_a_name_is_not_kept() -> None:
    fail("my-password-in-the-wrong-field", 3)
    rows = list(LimitState.objects.all())
    assert rows
    assert not any("my-password" in row.name for row in rows)


def test_an_operator_without_the_right_to_the_admin_is_delayed_as_well() -> None:
    make_operator("visitor", is_active=True)
    assert fail("visitor", 6)[-1] == 429


def limited_page(browser: OperatorBrowser, **query: str) -> str:
    answer = browser.get("/admin/limits/", query)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_platforms_operator_sees_who_may_not_sign_in(
    platform_operator: OperatorBrowser,
) -> None:
    fail("anna", 7)
    page = limited_page(platform_operator)
    assert "failed sign-ins of an operator" in page
    assert HERE in page


def test_an_owner_sees_who_is_limited_in_the_own_tenant_only(
    owner: OperatorBrowser, globex: TenantWorld, initech: TenantWorld
) -> None:
    fail("anna", 7)
    for world, address in ((globex, "203.0.113.1"), (initech, "203.0.113.2")):
        for _ in range(7):
            Browser().post(
                f"/t/{world.tenant.path}/oauth/token",
                "grant_type=client_credentials&client_id=guessed&client_secret=x",
                content_type=FORM,
                REMOTE_ADDR=address,
            )
    page = limited_page(owner, tenant=str(globex.tenant.pk))
    assert "guessed" in page
    assert "203.0.113.1" in page
    for foreign in (page, limited_page(owner, tenant=str(initech.tenant.pk))):
        assert "203.0.113.2" not in foreign
        assert HERE not in foreign


def test_an_owner_sees_that_a_user_waits_but_not_what_was_typed(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    person = Person(globex.tenant, REMOTE_ADDR="203.0.113.3")
    for _ in range(7):
        person.sign_in("my-password-in-the-wrong-field", WRONG)
    page = limited_page(owner, tenant=str(globex.tenant.pk))
    assert "failed sign-ins of a user" in page
    assert "203.0.113.3" in page
    assert "an operator" not in page
    assert "my-password" not in page
