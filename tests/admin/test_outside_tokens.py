"""Support finds an outside token that was accepted directly, and ends it with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tenants.models import AuditEvent, Membership, Subject
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tests.admin.operators import sign_in
from tests.factories.outside import Partner, make_partner
from tests.factories.tenants import make_client
from tests.oauth_client import OAuthClient
from tokens.admin import foreign_rows, grant_pages, grant_rows
from tokens.admin.grant_rows import GrantFilter
from tokens.models import ForeignToken

if TYPE_CHECKING:
    from uuid import UUID

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld
    from tests.factories.tenants import MadeClient

FIND = "admin:find_grant"
LIST = "admin:sessions_and_tokens"
DETAIL = "admin:foreign_token_detail"
END = "admin:foreign_token_end"


class Outside:
    """A partner of a tenant, and the resource server that asks about its tokens."""

    def __init__(self, world: TenantWorld) -> None:
        self.oauth = OAuthClient(world.tenant)
        self.server: MadeClient = make_client(world.tenant, "gateway")
        api = world.issuer.api
        changes.save(api, actor=SYSTEM, links={"resource_server_clients": [self.server.client]})
        self.partner: Partner = make_partner(
            world.tenant, [api], ["read"], slug="direct", issuer="https://direct.example"
        )

    def accept(self, subject: str = "alice", **claims: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON.
        """Have a token accepted; answer its text and the id of its row."""
        text = self.partner.sign(subject, **claims)
        told = self.oauth.introspect(self.server, text).json()
        assert told["active"] is True
        return text, str(told["jti"])

    def is_active(self, text: str) -> bool:
        return bool(self.oauth.introspect(self.server, text).json()["active"])


@pytest.fixture
def outside(globex: TenantWorld) -> Outside:
    return Outside(globex)


@pytest.fixture
def support(globex: TenantWorld) -> OperatorBrowser:
    """A support engineer of globex."""
    return sign_in("support", (globex.tenant, Membership.Role.SUPPORT))


def _ids(page: object) -> set[str]:
    return {str(row.id) for row in page.context["rows"]}  # type: ignore[attr-defined]  # Django's.


@pytest.mark.parametrize("jti", ["a-name", "019ab000-0000-7000-8000-000000000000", None])
def test_a_pasted_token_or_its_jti_here_is_found(
    support: OperatorBrowser, outside: Outside, jti: str | None
) -> None:
    text, row_id = outside.accept(jti=jti)
    detail = reverse(DETAIL, args=[row_id])
    for pasted in (text, row_id):
        page = support.post(reverse(FIND), {"pasted": pasted})
        assert page.status_code == 302, pasted
        assert page["Location"] == detail
    page = support.get(detail)
    assert page.status_code == 200
    content = page.content.decode()
    assert "direct" in content
    assert "accepted directly" in content
    assert text not in content
    other = support.post(reverse(FIND), {"pasted": outside.partner.sign("bob")})
    assert "Nothing was found" in other.content.decode()


def test_the_one_list_shows_outside_tokens(support: OperatorBrowser, outside: Outside) -> None:
    _, first = outside.accept()
    _, second = outside.accept("bob")
    assert {first, second} <= _ids(support.get(reverse(LIST)))
    bob = ForeignToken.objects.get(pk=second).subject_id
    listed = support.get(f"{reverse(LIST)}?subject={bob}")
    assert _ids(listed) == {second}
    assert reverse(DETAIL, args=[second]) in listed.content.decode()
    gateway = outside.server.client.pk
    assert not _ids(support.get(f"{reverse(LIST)}?client={gateway}"))


def test_support_ends_it_with_a_reason(support: OperatorBrowser, outside: Outside) -> None:
    text, row_id = outside.accept()
    url = reverse(END, args=[row_id])
    assert support.get(url).status_code == 200
    assert support.post(url, {"reason": " "}).status_code == 200
    assert outside.is_active(text)
    assert support.post(url, {"reason": "ticket 12"}).status_code == 302
    assert not outside.is_active(text)
    event = AuditEvent.objects.get(event="foreign_token.revoked")
    assert (event.entity_id, event.detail.reason) == (row_id, "ticket 12")
    page = support.get(reverse(DETAIL, args=[row_id]))
    assert page.context["row"].death == "revoked"
    assert "ticket 12" in page.content.decode()
    again = support.post(url, {"reason": "again"}, follow=True)
    assert "had ended already" in again.content.decode()


def test_the_list_says_what_is_over_and_why(
    support: OperatorBrowser, globex: TenantWorld, outside: Outside
) -> None:
    kept, ended, cut, disabled = (outside.accept(name)[1] for name in ("a", "b", "c", "d"))
    ForeignToken.objects.filter(pk=ended).update(revoked_at=timezone.now())
    cut_offs.end(globex.tenant.pk, actor=SYSTEM, token_id=cut)
    rows = ForeignToken.objects.filter(pk=disabled)
    Subject.objects.filter(pk__in=rows.values("subject")).update(is_enabled=False)
    deaths = {
        str(row.id): row.death
        for row in support.get(f"{reverse(LIST)}?state=ended").context["rows"]
    }
    assert (deaths[ended], deaths[cut]) == ("revoked", "cut_off")
    assert deaths[disabled] == "subject_disabled"
    assert kept not in deaths
    outside.partner.change(is_accepted_directly=False)
    page = support.get(f"{reverse(LIST)}?state=ended")
    assert {str(row.id): row.death for row in page.context["rows"]}[kept] == "switched_off"
    assert "issuer switched off" in page.content.decode()


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
def test_roles_decide_who_sees_and_ends(
    role: str, see: int, end: int, globex: TenantWorld, outside: Outside
) -> None:
    browser = sign_in("someone", (globex.tenant, role))
    _, row_id = outside.accept()
    assert browser.get(reverse(DETAIL, args=[row_id])).status_code == see
    assert browser.get(reverse(END, args=[row_id])).status_code == end


def test_a_neighbours_token_is_not_found(support: OperatorBrowser, initech: TenantWorld) -> None:
    theirs = Outside(initech)
    text, row_id = theirs.accept()
    for pasted in (text, row_id):
        page = support.post(reverse(FIND), {"pasted": pasted})
        assert "Nothing was found" in page.content.decode()
    for name in (DETAIL, END):
        assert support.get(reverse(name, args=[row_id])).status_code == 404
    assert support.post(reverse(END, args=[row_id]), {"reason": "x"}).status_code == 404
    assert theirs.is_active(text)
    operator = sign_in("root", is_superuser=True)
    assert operator.post(reverse(FIND), {"pasted": text})["Location"] == reverse(
        DETAIL, args=[row_id]
    )


def test_pages_show_each_row_once(
    globex: TenantWorld, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (grant_rows, grant_pages, foreign_rows):
        monkeypatch.setattr(module, "PAGE_ROWS", 3)
    monkeypatch.setattr(foreign_rows, "FOREIGN_WINDOW", 4)
    made = {outside.accept(f"user-{number}")[1] for number in range(9)}
    found: list[UUID] = []
    position: grant_pages.Position | None = grant_pages.Position()
    while position is not None:
        page = grant_pages.read_page(GrantFilter(globex.tenant.pk), position)
        found += [row.id for row in page.rows]
        parameters = grant_pages.write_position(page.following) if page.following else {}
        names = ("after_session", "after_token", "after_foreign")
        position = page.following and grant_pages.parse_position(
            *(parameters.get(name, "") for name in names)
        )
    assert len(found) == len(set(found))
    assert made <= {str(row_id) for row_id in found}
