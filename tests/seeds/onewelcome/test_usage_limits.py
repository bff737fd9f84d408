"""OneWelcome: a token for one payment or a few uses, which the API counts by asking about it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import Scope
from tenants.records import SYSTEM, GrantType
from tenants.services import changes
from tests.factories.tenants import MadeClient, find_scopes, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tokens.models import AccessToken, UsageCounter
from tokens.purge import purge_expired

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
OPAQUE = re.compile(r"[0-9A-F]{64}")
INACTIVE = {"active": False}
LIMITS = {"profile": 0, "pay": 1, "sign": 3, "vote": 10}
ASKING = 100
THREADS = 8


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant whose API takes tokens of limited use."""

    tenant: Tenant
    oauth: OAuthClient
    web: MadeClient
    gateway: MadeClient

    def ask(self, scope: str, **more: Any) -> Response:  # noqa: ANN401 - as sent.
        return self.oauth.token(self.web, scope=scope, **more)

    def get_token(self, scope: str, **more: Any) -> str:  # noqa: ANN401 - as sent.
        response = self.ask(scope, **more)
        assert response.status_code == 200, response.content
        return str(response.json()["access_token"])

    def use(self, token: str) -> dict[str, Any]:
        return dict(self.oauth.introspect(self.gateway, token).json())


def make_shop(claim_profile: str = "onewelcome", **fields: Any) -> Shop:  # noqa: ANN401 - an Api's.
    tenant = make_tenant(claim_profile=claim_profile, signing_algorithm="RS256")
    api = make_api(tenant, "shop", audience="shop-api", scopes=[], **fields)
    for name, limit in LIMITS.items():
        changes.save(Scope(tenant=tenant, api=api, name=name, usage_limit=limit), actor=SYSTEM)
    grants = ["client_credentials", "refresh_token", GrantType.TOKEN_EXCHANGE.value]
    web = make_client(
        tenant, "web", scopes=list(LIMITS), grant_types=grants, refresh_token_enabled=True
    )
    gateway = make_client(tenant, "gateway", scopes=list(LIMITS), grant_types=grants)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    return Shop(tenant, OAuthClient(tenant), web, gateway)


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def test_token_for_one_payment_works_once(shop: Shop) -> None:
    token = shop.get_token("pay")
    first = shop.use(token)
    assert (first["active"], first["usl"], first["usage_limit"], first["usage_count"]) == (
        True,
        1,
        1,
        1,
    )
    assert shop.use(token) == INACTIVE
    assert shop.oauth.introspect(shop.web, token).json() == INACTIVE


def test_limited_token_is_opaque_and_has_no_refresh_token(shop: Shop) -> None:
    limited, unlimited = shop.ask("sign").json(), shop.ask("profile").json()
    assert OPAQUE.fullmatch(limited["access_token"])
    assert "refresh_token" not in limited
    assert unlimited["access_token"].count(".") == 2
    assert "refresh_token" in unlimited


@pytest.mark.parametrize(
    ("scope", "more", "limit"),
    [
        ("profile", {}, None),
        ("sign", {}, 3),
        ("profile sign", {}, 3),
        ("sign vote", {}, 3),
        ("sign", {"usage_limit": "2"}, 2),
        ("sign", {"usage_limit": "99"}, 3),
        ("profile", {"usage_limit": "5"}, 5),
    ],
)
def test_smallest_limit_of_scopes_and_request_holds(
    shop: Shop, scope: str, more: dict[str, str], limit: int | None
) -> None:
    token = shop.get_token(scope, **more)
    assert AccessToken.objects.get().usage_limit == limit
    answers = [shop.use(token) for _ in range((limit or 4) + 1)]
    assert sum(answer["active"] for answer in answers) == (limit or 5)


@pytest.mark.parametrize(
    "text", ["0", "-1", "1.5", "x", "\u0661", "1000001", "1e3", " 1", "9" * 99]
)
def test_what_is_no_limit_is_refused(shop: Shop, text: str) -> None:
    refused = shop.ask("profile", usage_limit=text)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_only_resource_servers_use_a_token_up(shop: Shop) -> None:
    token = shop.get_token("pay")
    for _ in range(3):
        own = shop.oauth.introspect(shop.web, token).json()
        assert (own["active"], own["usage_count"]) == (True, 0)
    stranger = make_client(shop.tenant, "stranger")
    assert shop.oauth.introspect(stranger, token).json() == INACTIVE
    assert shop.use(token)["active"]


def test_limit_of_an_issued_token_stays_what_it_was(shop: Shop) -> None:
    token = shop.get_token("pay")
    (scope,) = find_scopes(shop.tenant, ["pay"])
    scope.usage_limit = 0
    changes.save(scope, actor=SYSTEM)
    assert shop.use(token)["active"]
    assert shop.use(token) == INACTIVE


def test_limited_token_opens_nothing_that_does_not_count(shop: Shop) -> None:
    token = shop.get_token("sign")
    sent = {
        "grant_type": GrantType.TOKEN_EXCHANGE.value,
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    for client in (shop.web, shop.gateway):
        refused = shop.oauth.post("/oauth/token", client, **sent)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    headers = {"Authorization": f"Bearer {token}"}
    asked = shop.oauth.http.post(
        f"{shop.oauth.base}/access/v1/evaluation", "{}", "application/json", headers=headers
    )
    assert asked.status_code == 401
    assert shop.use(token)["usage_count"] == 1


def test_session_can_not_be_refreshed_into_a_limited_token(shop: Shop) -> None:
    refresh = shop.ask("profile").json()["refresh_token"]
    sent = {"grant_type": "refresh_token", "refresh_token": refresh}
    limited = shop.oauth.token(shop.web, **sent, usage_limit="1")
    assert (limited.status_code, limited.json()["error"]) == (400, "invalid_scope")
    (scope,) = find_scopes(shop.tenant, ["profile"])
    scope.usage_limit = 2
    changes.save(scope, actor=SYSTEM)
    refused = shop.oauth.token(shop.web, **sent)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_revoked_and_ended_tokens_have_no_uses_left(shop: Shop) -> None:
    revoked, ended = shop.get_token("sign"), shop.get_token("sign")
    shop.oauth.revoke(shop.web, revoked)
    assert shop.oauth.end_session(ended).status_code == 204
    assert (shop.use(revoked), shop.use(ended)) == (INACTIVE, INACTIVE)
    assert not UsageCounter.objects.exists()


def test_limited_jwt_is_counted_where_its_api_asks() -> None:
    shop = make_shop(allow_limited_jwt=True)
    answer = shop.ask("pay").json()
    assert answer["access_token"].count(".") == 2
    assert "refresh_token" not in answer
    assert shop.use(answer["access_token"])["usl"] == 1
    assert shop.use(answer["access_token"]) == INACTIVE


def test_other_profiles_count_without_saying_so() -> None:
    shop = make_shop("rfc9068")
    token = shop.get_token("pay")
    assert not {"usl", "usage_limit", "usage_count"} & set(shop.use(token))
    assert shop.use(token) == INACTIVE


def test_introspection_of_an_unlimited_token_stays_one_statement(shop: Shop) -> None:
    counts = []
    for scope in ("profile", "vote"):
        token = shop.get_token(scope)
        shop.use(token)
        with CaptureQueriesContext(connection) as captured:
            shop.use(token)
        counts.append(sum("tokens_accesstoken" in query["sql"] for query in captured))
    assert counts == [1, 2]


def test_counters_are_purged_with_their_tokens(shop: Shop) -> None:
    shop.use(shop.get_token("sign"))
    now = timezone.now()
    purge_expired(now + timedelta(days=1), max_batches=1)
    assert UsageCounter.objects.count() == 1
    purge_expired(now + timedelta(days=9), max_batches=1)
    assert UsageCounter.objects.count() == 0


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_hundred_who_ask_at_once_hear_active_exactly_ten_times() -> None:
    shop = make_shop()
    token = shop.get_token("vote")

    def use(_number: int) -> bool:
        try:
            return bool(shop.use(token)["active"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        heard = list(pool.map(use, range(ASKING)))
    assert (len(heard), sum(heard)) == (ASKING, LIMITS["vote"])
    assert UsageCounter.objects.get().count == LIMITS["vote"]
