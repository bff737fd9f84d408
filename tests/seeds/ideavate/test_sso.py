"""Ideavate: the API takes the customer's own JWT as it is; nobody calls a token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from tenants.models import AuditEvent, Subject, TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tests.factories.master_tokens import Application as Maker
from tests.factories.master_tokens import make_application as make_maker
from tests.factories.tenants import make_client
from tests.seeds.wire import Application, trust_application

if TYPE_CHECKING:
    from tenants.models import Api
    from tests.factories.tenants import MadeClient

pytestmark = pytest.mark.django_db
AUDIENCE = "https://ideavate.example/sso"
MAXIMUM = ("read:accounts", "download:documents")
SCOPE = " ".join(MAXIMUM)


class Hub:
    """Ideavate's tenant: the GraphQL API as resource server, and customers that sign for users."""

    def __init__(self) -> None:
        self.maker: Maker = make_maker()
        self.tenant, self.oauth = self.maker.tenant, self.maker.oauth
        self.api: Api = self.tenant.apis.get(slug="accounts")
        self.graphql: MadeClient = make_client(self.tenant, "graphql", is_allowed=False)
        links = {"resource_server_clients": [self.graphql.client]}
        changes.save(self.api, actor=SYSTEM, links=links)
        self.customer = self.trust("https://app.example")

    def trust(self, issuer: str, **fields: Any) -> Application:  # noqa: ANN401 - of a profile.
        values = {"maximum": MAXIMUM, "provisioning": "create", "direct_apis": [self.api]}
        return trust_application(self.tenant, issuer, audience=AUDIENCE, **{**values, **fields})

    def call(self, text: str) -> dict[str, Any]:
        """Call the API with a bearer token, which asks what it is worth."""
        told: dict[str, Any] = self.oauth.introspect(self.graphql, text).json()
        return told


@pytest.fixture
def hub() -> Hub:
    return Hub()


def test_user_of_the_customer_is_signed_in_by_the_customers_own_jwt(hub: Hub) -> None:
    told = hub.call(hub.customer.sign("user-1", scope=SCOPE))
    assert told["active"] is True
    assert set(told["scope"].split()) == set(MAXIMUM)
    assert told["sub"] == str(Subject.objects.get().pk)
    again = hub.call(hub.customer.sign("user-1", scope="read:accounts"))
    assert (again["sub"], again["scope"]) == (told["sub"], "read:accounts")
    assert hub.call(hub.customer.sign("user-2", scope=SCOPE))["sub"] != told["sub"]


def test_scope_never_exceeds_the_maximum_of_the_profile(hub: Hub) -> None:
    told = hub.call(hub.customer.sign("user-1", scope=f"{SCOPE} write:accounts"))
    assert set(told["scope"].split()) == set(MAXIMUM)
    assert hub.call(hub.customer.sign("user-1", scope="write:accounts")) == {"active": False}
    assert hub.call(hub.customer.sign("user-1")) == {"active": False}


def test_customer_with_a_shared_secret_signs_as_well(hub: Hub) -> None:
    legacy = hub.trust("https://legacy.example", shared_secret="s" * 32)
    theirs = hub.call(legacy.sign("user-1", scope=SCOPE))
    ours = hub.call(hub.customer.sign("user-1", scope=SCOPE))
    assert theirs["active"] is ours["active"] is True
    assert theirs["sub"] != ours["sub"]


def test_customer_without_the_switch_has_to_swap(hub: Hub) -> None:
    swapping = hub.trust("https://swap.example", direct_apis=())
    assert TrustProfile.objects.get(issuer=swapping.issuer).is_accepted_directly is False
    assert hub.call(swapping.sign("user-1", scope=SCOPE)) == {"active": False}
    assert not Subject.objects.exists()


def test_user_asks_what_they_may_do_and_signs_out(hub: Hub) -> None:
    text = hub.customer.sign("user-1", scope="read:accounts")
    told = hub.call(text)
    me = hub.oauth.get("/me", Authorization=f"Bearer {text}").json()
    assert (me["id"], me["scope"]) == (told["sub"], "read:accounts")
    asked = hub.maker.query(text, "{ getAuthorisedUser { scope user { id } } }").json()
    described = asked["data"]["getAuthorisedUser"]
    assert (described["user"]["id"], described["scope"]) == (told["sub"], "read:accounts")
    assert hub.oauth.end_session(text).status_code == 204
    assert hub.call(text) == {"active": False}
    assert hub.call(hub.customer.sign("user-1", scope=SCOPE))["active"] is True


def test_server_sees_and_ends_the_tokens_of_a_user(hub: Hub) -> None:
    first, second = (hub.customer.sign("user-1", scope=SCOPE) for _ in range(2))
    told = hub.call(first)
    hub.call(second)
    path = f"/users/{told['sub']}/tokens"
    private = {"Authorization": f"Bearer {hub.maker.private}"}
    listed = hub.oauth.get(path, **private).json()["items"]
    assert {item["jti"] for item in listed} >= {told["jti"]}
    assert len(listed) == 2
    item = next(item for item in listed if item["jti"] == told["jti"])
    profile = TrustProfile.objects.get(issuer=hub.customer.issuer)
    assert (item["trust_profile"], item["client_id"], item["grant_type"]) == (
        profile.slug,
        None,
        None,
    )
    assert (item["audience"], item["expires_at"]) == ([told["aud"]], told["exp"])
    assert hub.oauth.get(f"{path}/{told['jti']}", **private).json() == item
    page = hub.oauth.get(f"{path}?page_size=1", **private).json()
    following = hub.oauth.get(f"{path}?page_size=1&cursor={page['next_cursor']}", **private).json()
    assert {page["items"][0]["jti"], following["items"][0]["jti"]} == {i["jti"] for i in listed}
    assert following["next_cursor"] is None

    ended = hub.oauth.http.delete(f"{hub.oauth.base}{path}/{told['jti']}", headers=private)
    assert ended.status_code == 204
    assert hub.call(first) == {"active": False}
    assert hub.call(second)["active"] is True
    event = AuditEvent.objects.get(event="foreign_token.revoked")
    assert event.entity_id == told["jti"]
    assert hub.oauth.http.delete(f"{hub.oauth.base}{path}", headers=private).status_code == 204
    assert hub.call(second) == {"active": False}
    assert hub.oauth.get(path, **private).json()["items"] == []


def test_users_list_has_tokens_of_both_kinds(hub: Hub) -> None:
    told = hub.call(hub.customer.sign("user-1", scope=SCOPE))
    path = f"/users/{told['sub']}/tokens"
    made = hub.maker.send("POST", path, hub.maker.private, {"scope": "read:accounts"})
    assert made.status_code == 201, made.content
    private = {"Authorization": f"Bearer {hub.maker.private}"}
    listed = hub.oauth.get(path, **private).json()["items"]
    assert {item["trust_profile"] is None for item in listed} == {True, False}
    assert len(listed) == 2


def test_leaked_key_of_a_customer_is_answered_by_one_cut_off(hub: Hub) -> None:
    before, unseen = (hub.customer.sign("user-1", scope=SCOPE) for _ in range(2))
    assert hub.call(before)["active"] is True
    profile = TrustProfile.objects.get(issuer=hub.customer.issuer)
    cut_offs.end(hub.tenant.pk, actor=SYSTEM, trust_profile_id=profile.pk, reason="key leaked")
    assert hub.call(before) == hub.call(unseen) == {"active": False}
    now = int(timezone.now().timestamp())
    later = hub.customer.sign("user-1", scope=SCOPE, iat=now + 29, exp=now + 300)
    assert hub.call(later) == {"active": False}
