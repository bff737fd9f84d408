"""Support ends all that was issued in the name of an application's subject, from one row of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tenants.models import CutOff, Membership
from tests.admin.operators import sign_in
from tests.factories.tenants import make_tenant
from tests.seeds.spaceblocks.test_impersonation import make_backend
from tokens.models import AccessToken, Session

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.seeds.spaceblocks.test_impersonation import Backend

pytestmark = pytest.mark.django_db


@pytest.fixture
def backend() -> Backend:
    return make_backend()


@pytest.fixture
def support(backend: Backend) -> OperatorBrowser:
    return sign_in("support", (backend.tenant, Membership.Role.SUPPORT))


def page_of(name: str, row: AccessToken | Session) -> str:
    kind = "session" if isinstance(row, Session) else "token"
    return reverse(f"admin:{kind}_{name}", args=[row.pk])


def token_of(text: str, backend: Backend) -> AccessToken:
    jti = backend.oauth.introspect(backend.gateway, text).json()["jti"]
    return AccessToken.objects.get(pk=jti)


def test_everything_in_the_name_ends_and_nothing_else(
    backend: Backend, support: OperatorBrowser
) -> None:
    first, second = backend.get_token(), backend.get_token()
    other, elsewhere = (
        backend.get_token(app_subject_id="user-4"),
        backend.get_token(app_tenant_id="tenant-9"),
    )
    own = str(backend.ask().json()["access_token"])
    row = token_of(first, backend)
    address = page_of("end_named", row)
    assert address in support.get(page_of("detail", row)).content.decode()
    asked = support.get(address).content.decode()
    assert "user-123" in asked
    assert "tenant-123" in asked
    done = support.post(address, {"reason": "T-1"})
    assert done["Location"] == page_of("detail", row)
    lives = [backend.is_active(text) for text in (first, second, other, elsewhere, own)]
    assert lives == [False, False, True, True, True]
    assert (CutOff.objects.get().app_tenant_id, CutOff.objects.get().client_id) == (
        "tenant-123",
        None,
    )


def test_it_ends_in_every_tenant_of_the_application_where_that_is_chosen(
    backend: Backend, support: OperatorBrowser
) -> None:
    here, elsewhere = backend.get_token(), backend.get_token(app_tenant_id="tenant-9")
    address = page_of("end_named", token_of(here, backend))
    support.post(address, {"reason": "T-2", "in_every_tenant": "on"})
    assert [backend.is_active(text) for text in (here, elsewhere)] == [False, False]


def test_session_leads_there_too_even_after_its_end() -> None:
    backend = make_backend(refresh_token_enabled=True)
    support = sign_in("support", (backend.tenant, Membership.Role.SUPPORT))
    backend.oauth.end_session(backend.get_token())
    row = Session.objects.get()
    address = page_of("end_named", row)
    assert address in support.get(page_of("detail", row)).content.decode()
    again = backend.get_token()
    support.post(address, {"reason": "T-3"})
    assert not backend.is_active(again)


def test_operator_of_another_tenant_finds_no_such_page(backend: Backend) -> None:
    token = backend.get_token()
    address = page_of("end_named", token_of(token, backend))
    stranger = sign_in("stranger", (make_tenant("initech"), Membership.Role.OWNER))
    assert stranger.get(address).status_code == 404
    assert stranger.post(address, {"reason": "T-4"}).status_code == 404
    assert backend.is_active(token)


def test_reason_is_demanded(backend: Backend, support: OperatorBrowser) -> None:
    token = backend.get_token()
    page = support.post(page_of("end_named", token_of(token, backend)), {"reason": ""})
    assert page.status_code == 200
    assert backend.is_active(token)


@pytest.mark.parametrize(
    ("role", "status"),
    [("owner", 200), ("support", 200), ("auditor", 403), ("client_manager", 403)],
)
def test_role_decides_who_may(backend: Backend, role: str, status: int) -> None:
    row = token_of(backend.get_token(), backend)
    operator = sign_in(role, (backend.tenant, Membership.Role(role)))
    assert operator.get(page_of("end_named", row)).status_code == status


def test_token_in_nobodys_name_has_no_such_page(backend: Backend, support: OperatorBrowser) -> None:
    row = token_of(str(backend.ask().json()["access_token"]), backend)
    assert support.get(page_of("end_named", row)).status_code == 404
    assert "end-named" not in support.get(page_of("detail", row)).content.decode()


def test_name_stands_in_no_address(backend: Backend, support: OperatorBrowser) -> None:
    row = token_of(backend.get_token(), backend)
    page = support.get(page_of("detail", row)).content.decode()
    assert "user-123" not in "".join(part.split('"')[0] for part in page.split('href="')[1:])
