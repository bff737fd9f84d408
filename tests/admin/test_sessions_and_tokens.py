"""Support finds a session or token by whatever they have, and ends it with a reason."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tenants.models import AuditEvent, Membership, Subject
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.admin.operators import sign_in
from tokens.admin import grant_pages, grant_rows
from tokens.admin.grant_rows import GrantFilter
from tokens.models import AccessToken, RefreshToken, Session

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

FIND = "admin:find_grant"
LIST = "admin:sessions_and_tokens"


@pytest.fixture
def support(globex: TenantWorld) -> OperatorBrowser:
    """A support engineer of globex."""
    return sign_in("support", (globex.tenant, Membership.Role.SUPPORT))


@pytest.fixture
def session(globex: TenantWorld) -> Session:
    """A session of the tenant's subject."""
    subject = globex.one(Subject)
    moment = timezone.now()
    return Session.objects.create(
        tenant=globex.tenant,
        client=globex.client,
        subject=subject,
        grant_type="authorization_code",
        scopes=["read"],
        audiences=[globex.issuer.api.audience],
        api_ids=[globex.issuer.api.pk],
        cut_off_number=10**6,
        started_at=moment,
        last_used_at=moment,
        expires_at=moment + timedelta(days=1),
    )


def token_of(globex: TenantWorld) -> AccessToken:
    """Answer the tenant's token."""
    return AccessToken.objects.get(tenant=globex.tenant)


def test_one_list_shows_sessions_and_machine_tokens(
    support: OperatorBrowser, globex: TenantWorld, session: Session
) -> None:
    page = support.get(reverse(LIST))
    kinds = {(row.kind, row.id) for row in page.context["rows"]}
    assert kinds == {("session", session.pk), ("token", token_of(globex).pk)}


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_a_pasted_token_is_found(
    token_format: str, support: OperatorBrowser, globex: TenantWorld
) -> None:
    globex.client.access_token_format = token_format
    globex.client.save()
    type(globex.client).objects.filter(pk=globex.client.pk).update(version=99)
    older = token_of(globex).pk
    text = str(globex.issuer.issue()["access_token"])
    assert (text.count(".") == 2) == (token_format == "jwt")
    page = support.post(reverse(FIND), {"pasted": f"  {text}\n"})
    newest = AccessToken.objects.filter(format=token_format).exclude(pk=older).get()
    assert page.status_code == 302
    assert page["Location"] == reverse("admin:token_detail", args=[newest.pk])
    assert text not in str(page.headers)


def test_a_pasted_refresh_token_leads_to_its_session(
    support: OperatorBrowser, globex: TenantWorld, session: Session
) -> None:
    from tenants.credentials import CredentialKind, make_credential  # noqa: PLC0415

    row_id = uuid.uuid4()
    issued = make_credential(CredentialKind.REFRESH_TOKEN, row_id)
    RefreshToken.objects.create(
        id=row_id,
        tenant=globex.tenant,
        session=session,
        pepper_id=issued.keyed_hash.pepper_id,
        secret_hash=issued.keyed_hash.digest,
        created_at=timezone.now(),
        expires_at=session.expires_at,
    )
    page = support.post(reverse(FIND), {"pasted": issued.text})
    assert page["Location"] == reverse("admin:session_detail", args=[session.pk])


def test_ids_and_client_ids_are_found(
    support: OperatorBrowser, globex: TenantWorld, session: Session
) -> None:
    token, subject = token_of(globex), globex.one(Subject)
    expected = {
        str(token.pk): reverse("admin:token_detail", args=[token.pk]),
        f"AT.{token.pk}": reverse("admin:token_detail", args=[token.pk]),
        str(session.pk): reverse("admin:session_detail", args=[session.pk]),
        str(subject.pk): f"{reverse(LIST)}?subject={subject.pk}",
        globex.client.client_id: f"{reverse(LIST)}?client={globex.client.pk}",
    }
    for pasted, location in expected.items():
        assert support.post(reverse(FIND), {"pasted": pasted})["Location"] == location, pasted
        assert support.get(location).status_code == 200


@pytest.mark.parametrize(
    "pasted",
    [
        *("", "nothing", "a.b.c", "é.ü.ß", "x" * 30_000, "NUL\x00", "..", "A" * 64, "{}"),
        *(
            "art_" + "A" * 64,
            "acs_" + "A" * 64,
            "7f3c1e9a-0000-4000-8000-000000000000",
            "%00",
            "\ud7ff",
            "' OR 1=1 --",
        ),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_finds_nothing_and_stands_nowhere(
    pasted: str, support: OperatorBrowser
) -> None:
    page = support.post(reverse(FIND), {"pasted": pasted})
    assert page.status_code == 200
    text = page.content.decode()
    assert "Nothing was found in your tenants" in text
    assert len(pasted) < 10 or pasted not in text


def test_the_search_takes_no_address_parameters(support: OperatorBrowser) -> None:
    assert support.get(f"{reverse(FIND)}?pasted=x").status_code == 405


def test_support_revokes_a_token_with_a_reason(
    support: OperatorBrowser, globex: TenantWorld
) -> None:
    token = token_of(globex)
    url = reverse("admin:token_end", args=[token.pk])
    assert "end" in support.get(reverse("admin:token_detail", args=[token.pk])).content.decode()
    assert support.get(url).status_code == 200
    refused = support.post(url, {"reason": " "})
    assert refused.status_code == 200
    assert token_of(globex).revoked_at is None
    assert support.post(url, {"reason": "ticket 12"}).status_code == 302
    assert token_of(globex).revoked_at is not None
    event = AuditEvent.objects.get(event="access_token.revoked")
    assert (event.actor_id, event.detail.reason) == (str(support.user.pk), "ticket 12")
    detail = support.get(reverse("admin:token_detail", args=[token.pk]))
    assert detail.context["row"].death == "revoked"
    assert "ticket 12" in detail.content.decode()
    assert not detail.context["may_end"]


@pytest.mark.usefixtures("globex")
def test_support_ends_a_session_with_a_reason(support: OperatorBrowser, session: Session) -> None:
    url = reverse("admin:session_end", args=[session.pk])
    assert support.get(url).status_code == 200
    assert support.post(url, {"reason": "left the company"}).status_code == 302
    session.refresh_from_db()
    assert session.ended_at is not None
    assert AuditEvent.objects.filter(event="session.ended").exists()
    again = support.post(url, {"reason": "again"}, follow=True)
    assert "had ended already" in again.content.decode()
    assert AuditEvent.objects.filter(event="session.ended").count() == 1


@pytest.mark.parametrize(
    ("role", "see", "end"),
    [
        ("owner", 200, 200),
        ("support", 200, 200),
        ("auditor", 200, 403),
        ("client_manager", 403, 403),
        ("key_custodian", 403, 403),
    ],
)
def test_roles_decide_who_sees_and_ends(role: str, see: int, end: int, globex: TenantWorld) -> None:
    browser = sign_in("someone", (globex.tenant, role))
    token = token_of(globex)
    assert browser.get(reverse(LIST)).status_code == see
    assert browser.get(reverse("admin:token_detail", args=[token.pk])).status_code == see
    assert browser.get(reverse("admin:token_end", args=[token.pk])).status_code == end


def test_the_list_says_what_is_over_and_why(
    support: OperatorBrowser, globex: TenantWorld, session: Session
) -> None:
    token = token_of(globex)
    cut_offs.end(globex.tenant.pk, actor=SYSTEM, token_id=token.pk)
    Session.objects.filter(pk=session.pk).update(ended_at=timezone.now(), ended_reason="x")
    assert not support.get(reverse(LIST)).context["rows"]
    page = support.get(f"{reverse(LIST)}?state=ended")
    assert {row.id: row.death for row in page.context["rows"]} == {
        token.pk: "cut_off",
        session.pk: "session_ended",
    }
    assert len(support.get(f"{reverse(LIST)}?state=all").context["rows"]) == 2
    assert not support.get(f"{reverse(LIST)}?state=nonsense").context["rows"]


def test_a_clients_page_leads_to_its_sessions_and_tokens(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    page = owner.get(reverse("admin:tenants_client_change", args=[globex.client.pk]))
    assert f"{reverse(LIST)}?client={globex.client.pk}" in page.content.decode()


def make_tokens(globex: TenantWorld, count: int) -> set[uuid.UUID]:
    """Issue tokens, all with one subject but machine tokens nevertheless."""
    for _ in range(count):
        globex.issuer.issue()
    return set(AccessToken.objects.filter(tenant=globex.tenant).values_list("pk", flat=True))


def read_all(keep: GrantFilter) -> tuple[list[Any], int]:
    """Read page after page; answer all rows and the number of pages."""
    rows: list[Any] = []
    position: grant_pages.Position | None = grant_pages.Position()
    pages = 0
    while position is not None:
        page = grant_pages.read_page(keep, position)
        rows += page.rows
        pages += 1
        assert pages < 100
        parameters = grant_pages.write_position(page.following) if page.following else {}
        position = page.following and grant_pages.parse_position(
            parameters.get("after_session", ""), parameters.get("after_token", "")
        )
    return rows, pages


def test_pages_show_each_row_once(
    globex: TenantWorld, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant_rows, "PAGE_ROWS", 3)
    monkeypatch.setattr(grant_pages, "PAGE_ROWS", 3)
    made = make_tokens(globex, 7)
    rows, pages = read_all(GrantFilter(globex.tenant.pk))
    assert sorted(row.id for row in rows) == sorted([*made, session.pk])
    assert pages >= 3


def test_pages_go_on_past_a_window_without_a_match(
    globex: TenantWorld, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant_rows, "TOKEN_WINDOW", 2)
    monkeypatch.setattr(grant_rows, "SESSION_WINDOW", 1)
    make_tokens(globex, 6)
    found = globex.one(Subject)
    first = AccessToken.objects.filter(tenant=globex.tenant).order_by("pk")[0]
    AccessToken.objects.filter(pk=first.pk).update(subject=found)
    rows, pages = read_all(GrantFilter(globex.tenant.pk, subject_id=found.pk))
    assert {row.id for row in rows} == {first.pk, session.pk}
    assert pages > 3


@pytest.mark.parametrize(
    "query",
    [
        *("after_token=x", "after_session=x", "after_session=2020-01-01_x", "tenant=x", "client=x"),
        "after_session=2020-01-01T00:00:00_7f3c1e9a-0000-4000-8000-000000000000",
        "after_session=99999999999_7f3c1e9a-0000-4000-8000-000000000000",
    ],
)
def test_hostile_positions_are_no_errors(query: str, support: OperatorBrowser) -> None:
    assert support.get(f"{reverse(LIST)}?{query}").status_code == 200


def test_a_nul_in_the_address_is_a_bad_request(support: OperatorBrowser) -> None:
    for url in (f"{reverse(LIST)}?state=%00", "/admin/tenants/client/?q=%00", "/admin/x%00/"):
        assert support.get(url).status_code == 400, url


def test_a_sessions_page_lists_its_access_tokens(
    support: OperatorBrowser, globex: TenantWorld, session: Session
) -> None:
    token = token_of(globex)
    AccessToken.objects.filter(pk=token.pk).update(session=session, cut_off_number=10**6)
    page = support.get(reverse("admin:session_detail", args=[session.pk]))
    assert [row.id for row in page.context["tokens"]] == [token.pk]


def test_what_was_issued_in_the_name_of_an_applications_subject_is_found(
    support: OperatorBrowser, globex: TenantWorld, session: Session
) -> None:
    name = "jane@customer.example"
    AccessToken.objects.filter(tenant=globex.tenant).update(app_subject_id=name)
    Session.objects.filter(pk=session.pk).update(app_subject_id=name, app_tenant_id="t-1")
    page = support.post(reverse(FIND), {"pasted": f" {name} "})
    assert {row.kind for row in page.context["rows"]} == {"session", "token"}
    text = page.content.decode()
    assert f"in the name of {name}" in text
    assert f"{reverse('admin:tenants_cutoff_add')}?tenant={globex.tenant.pk}" in text
    detail = support.get(reverse("admin:session_detail", args=[session.pk])).content.decode()
    assert "t-1" in detail
    others = support.post(reverse(FIND), {"pasted": "john@customer.example"})
    assert "Nothing was found" in others.content.decode()


def test_a_name_of_another_tenants_application_is_not_found(
    support: OperatorBrowser, initech: TenantWorld
) -> None:
    AccessToken.objects.filter(tenant=initech.tenant).update(app_subject_id="u-1")
    page = support.post(reverse(FIND), {"pasted": "u-1"})
    assert "Nothing was found" in page.content.decode()
