"""Whoever sends too much, or guesses, is told to wait. Source: RFC 6585 section 4."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import Client, Tenant
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.master_tokens import make_application
from tests.factories.tenants import MadeClient, make_api, make_tenant
from tests.management_client import ManagementClient, read_problem
from tests.oauth_client import FORM, OAuthClient, basic
from tokens import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as Response
    from pytest_django.fixtures import Settings

    from tests.factories.master_tokens import Application

pytestmark = pytest.mark.django_db
ONE: dict[str, Any] = {"address_requests_per_minute": 1, "address_request_burst": 1}
SPARE = MadeClient(Client(client_id="nobody"), "a wrong secret")
JSON_TYPE = "application/json"
# However small a limit is, the lease that it is counted in is one request.
ENOUGH = 4


def limit(entity: Tenant | Client, **numbers: int) -> None:
    for name, number in numbers.items():
        setattr(entity, name, number)
    changes.save(entity, actor=SYSTEM)
    limits.forget()


def with_token(oauth: OAuthClient, method: str, path: str) -> Response:
    """Send a token that is none, as JSON where the method has a body."""
    headers = {"Authorization": "Bearer not-a-token"}
    return oauth.http.generic(
        method, f"{oauth.base}{path}", b"{}", content_type=JSON_TYPE, headers=headers
    )


ENDPOINTS: dict[str, Callable[[OAuthClient], Response]] = {
    "token": lambda oauth: oauth.token(SPARE),
    "token of an Api": lambda oauth: oauth.post(
        "/apis/orders/oauth/token", SPARE, grant_type="client_credentials"
    ),
    "introspection": lambda oauth: oauth.introspect(SPARE, "x"),
    "revocation": lambda oauth: oauth.revoke(SPARE, "x"),
    "session": lambda oauth: oauth.end_session("x"),
    "users": lambda oauth: with_token(oauth, "POST", "/users"),
    "me": lambda oauth: with_token(oauth, "GET", "/me"),
    "graphql": lambda oauth: with_token(oauth, "POST", "/graphql"),
    "evaluation": lambda oauth: with_token(oauth, "POST", "/access/v1/evaluation"),
    "evaluations": lambda oauth: with_token(oauth, "POST", "/access/v1/evaluations"),
    "Space Blocks": lambda oauth: oauth.post("/token-manager/token", SPARE),
    "Aidbox": lambda oauth: oauth.post("/auth/token", SPARE, grant_type="client_credentials"),
    "Aidbox session": lambda oauth: oauth.http.delete(f"{oauth.base}/Session"),
}


def error_of(answer: Response) -> dict[str, Any]:
    """Answer the error, in the form of every endpoint or of GraphQL."""
    document: dict[str, Any] = json.loads(answer.content)
    return document["errors"][0] if "errors" in document else document


def repeat(send: Callable[[], Response], times: int = ENOUGH) -> Response:
    """Send the same until it is told to wait, and answer what came last."""
    answers = [send() for _ in range(times)]
    return next((answer for answer in answers if answer.status_code == 429), answers[-1])


@pytest.mark.requirement("RFC 6585", "4", "Retry-After says how long to wait")
@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_address_that_sends_too_much_is_told_to_wait_everywhere(name: str) -> None:
    tenant = make_tenant(allow_spaceblocks_alias=True, allow_aidbox_alias=True, **ONE)
    make_api(tenant)
    oauth = OAuthClient(tenant)
    answer = repeat(lambda: ENDPOINTS[name](oauth))
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert answer["Cache-Control"] == "no-store"
    assert len(answer["X-Request-Id"]) == 32
    error = error_of(answer)
    said = error.get("error") or error["extensions"]["code"].lower()
    assert said == "temporarily_unavailable"
    assert limits.TOO_MANY in answer.content.decode()


def test_the_management_api_answers_a_problem_document() -> None:
    tenant = make_tenant()
    api = ManagementClient(tenant)
    assert api.get().status_code == 200
    limit(tenant, **ONE)
    problem = read_problem(answer := repeat(api.get))
    assert problem["code"] == "rate_limited"
    assert int(answer["Retry-After"]) >= 1


def test_metadata_and_keys_are_not_limited() -> None:
    oauth = OAuthClient(make_tenant(**ONE))
    for _ in range(ENOUGH):
        assert oauth.get("/jwks").status_code == 200
        assert oauth.get("/.well-known/oauth-authorization-server").status_code == 200


def test_a_client_that_sends_too_much_is_told_to_wait(
    oauth: OAuthClient, service: MadeClient
) -> None:
    limit(service.client, client_requests_per_minute=1, client_request_burst=1)
    assert oauth.token(service).status_code == 200
    answer = repeat(lambda: oauth.token(service))
    assert answer.status_code == 429
    assert answer.json()["error"] == "temporarily_unavailable"
    assert "WWW-Authenticate" not in answer


def test_a_client_is_limited_wherever_it_comes_from(
    oauth: OAuthClient, service: MadeClient
) -> None:
    limit(service.client, client_requests_per_minute=1, client_request_burst=1)
    repeat(lambda: oauth.token(service))
    assert send_from(oauth, "198.51.100.9", service).status_code == 429


def test_another_client_is_not_limited_with_it(
    oauth: OAuthClient, service: MadeClient, refresher: MadeClient
) -> None:
    limit(service.client, client_requests_per_minute=1, client_request_burst=1)
    assert repeat(lambda: oauth.token(service)).status_code == 429
    assert oauth.token(refresher).status_code == 200


def test_introspection_counts_for_the_client_that_asks(
    oauth: OAuthClient, service: MadeClient, gateway: MadeClient
) -> None:
    token = oauth.token(service).json()["access_token"]
    limit(gateway.client, client_requests_per_minute=1, client_request_burst=1)
    assert repeat(lambda: oauth.introspect(gateway, token)).status_code == 429
    assert oauth.token(service).status_code == 200


@pytest.mark.parametrize("kind", ["public", "private"])
def test_a_master_token_counts_for_its_client(kind: str) -> None:
    app: Application = make_application()
    limit(app.client, client_requests_per_minute=1, client_request_burst=1)
    text = app.public if kind == "public" else app.private
    assert repeat(lambda: app.send("POST", "/users", text, {})).status_code == 429


def test_one_users_requests_do_not_use_up_what_the_others_have() -> None:
    app = make_application()
    token = app.add_user()["access_token"]
    other = app.add_user()["access_token"]
    limit(app.client, client_requests_per_minute=1, client_request_burst=1)
    assert repeat(lambda: app.send("GET", "/me", token)).status_code == 429
    answer = app.oauth.http.get(
        f"/t/{app.tenant.path}/me",
        headers={"Authorization": f"Bearer {other}"},
        REMOTE_ADDR="198.51.100.9",
    )
    assert answer.status_code == 200


def send_from(
    oauth: OAuthClient, address: str, client: MadeClient, *, forwarded_for: str = ""
) -> Response:
    """Ask for a token from an address, perhaps with what a proxy would say."""
    headers = {"Authorization": basic(client.client_id, client.secret)}
    if forwarded_for:
        headers["X-Forwarded-For"] = forwarded_for
    return oauth.http.generic(
        "POST",
        f"{oauth.base}/oauth/token",
        "grant_type=client_credentials",
        content_type=FORM,
        headers=headers,
        REMOTE_ADDR=address,
    )


def wrong(client: MadeClient) -> MadeClient:
    return MadeClient(client.client, "a wrong secret")


def guess(oauth: OAuthClient, client: MadeClient, address: str, times: int = 5) -> None:
    for _ in range(times):
        assert send_from(oauth, address, wrong(client)).status_code == 401


@pytest.mark.requirement("RFC 9700", "2.1", "guessing of client secrets is made slow")
def test_failures_are_delayed_even_for_the_right_secret(
    oauth: OAuthClient, service: MadeClient
) -> None:
    guess(oauth, service, "192.0.2.1")
    answer = send_from(oauth, "192.0.2.1", service)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "1"
    assert answer.json()["error_description"] == limits.TOO_MANY_FAILURES


def test_an_attacker_elsewhere_does_not_stop_the_client(
    oauth: OAuthClient, service: MadeClient
) -> None:
    guess(oauth, service, "192.0.2.1")
    assert send_from(oauth, "192.0.2.1", wrong(service)).status_code == 429
    assert send_from(oauth, "192.0.2.2", service).status_code == 200


def test_an_attacker_does_not_stop_another_client_of_its_address(
    oauth: OAuthClient, service: MadeClient, refresher: MadeClient
) -> None:
    guess(oauth, service, "192.0.2.1")
    assert send_from(oauth, "192.0.2.1", refresher).status_code == 200


def test_success_forgets_the_failures(oauth: OAuthClient, service: MadeClient) -> None:
    guess(oauth, service, "192.0.2.1", 4)
    assert send_from(oauth, "192.0.2.1", service).status_code == 200
    guess(oauth, service, "192.0.2.1", 4)
    assert send_from(oauth, "192.0.2.1", service).status_code == 200


def test_an_unknown_client_is_delayed_like_a_known_one(
    oauth: OAuthClient, service: MadeClient
) -> None:
    unknown = MadeClient(Client(client_id="not-there"), "secret")
    answers = []
    for client in (wrong(service), unknown):
        statuses = [send_from(oauth, "192.0.2.1", client).status_code for _ in range(7)]
        answers.append(statuses)
    assert answers[0] == answers[1] == [401, 401, 401, 401, 401, 429, 429]


@pytest.mark.parametrize(
    ("other", "status"),
    [
        pytest.param("2001:db8:1:2:ffff::1", 429, id="the same /64"),
        pytest.param("2001:db8:1:3::1", 200, id="another /64"),
    ],
)
def test_ipv6_is_counted_by_network(
    other: str, status: int, oauth: OAuthClient, service: MadeClient
) -> None:
    guess(oauth, service, "2001:db8:1:2::1")
    assert send_from(oauth, other, service).status_code == status


def test_a_mapped_address_is_the_ipv4_address(oauth: OAuthClient, service: MadeClient) -> None:
    guess(oauth, service, "::ffff:192.0.2.1")
    assert send_from(oauth, "192.0.2.1", service).status_code == 429


def test_a_header_of_the_attacker_changes_nothing(oauth: OAuthClient, service: MadeClient) -> None:
    for number in range(5):
        made_up = f"198.51.100.{number}"
        answer = send_from(oauth, "192.0.2.1", wrong(service), forwarded_for=made_up)
        assert answer.status_code == 401
    answer = send_from(oauth, "192.0.2.1", service, forwarded_for="198.51.100.99")
    assert answer.status_code == 429


def test_behind_a_trusted_proxy_the_callers_address_counts(
    oauth: OAuthClient, service: MadeClient, settings: Settings
) -> None:
    settings.AUTHPLATFORM_TRUSTED_PROXIES = ["10.0.0.0/8"]
    for _ in range(5):
        answer = send_from(oauth, "10.0.0.1", wrong(service), forwarded_for="192.0.2.1")
        assert answer.status_code == 401
    answer = send_from(oauth, "10.0.0.2", service, forwarded_for="192.0.2.1")
    assert answer.status_code == 429
    answer = send_from(oauth, "10.0.0.1", service, forwarded_for="192.0.2.2")
    assert answer.status_code == 200


def test_the_same_bad_token_again_and_again_is_delayed(
    oauth: OAuthClient, service: MadeClient
) -> None:
    token = oauth.token(service).json()["access_token"]
    for _ in range(5):
        assert oauth.end_session("bad").status_code == 401
    assert oauth.end_session("bad").status_code == 429
    assert oauth.end_session(token).status_code == 204


def test_a_flood_of_refused_requests_costs_few_statements(
    oauth: OAuthClient, service: MadeClient, settings: Settings
) -> None:
    limit(service.client.tenant, **ONE)
    repeat(lambda: oauth.token(service))
    settings.TENANTS_SNAPSHOT_MAX_AGE_SECONDS = 60
    with CaptureQueriesContext(connection) as statements:
        assert {oauth.token(service).status_code for _ in range(50)} == {429}
    # Each trace is one statement within its savepoint.
    assert len(statements) <= 3 * settings.TOKENS_REFUSAL_TRACES_PER_MINUTE


def test_a_ceiling_of_the_environment_cuts_what_the_client_says(
    oauth: OAuthClient, service: MadeClient
) -> None:
    limit(service.client, client_requests_per_minute=600, client_request_burst=600)
    environment = service.client.tenant.environment
    environment.max_client_requests_per_minute = 1
    environment.max_client_request_burst = 1
    changes.save(environment, actor=SYSTEM)
    assert repeat(lambda: oauth.token(service)).status_code == 429


def test_a_refusal_is_counted_as_rate_limited(oauth: OAuthClient, service: MadeClient) -> None:
    limit(service.client, client_requests_per_minute=1, client_request_burst=1)
    repeat(lambda: oauth.token(service))
    exposition = oauth.http.get("/metrics").content.decode()
    assert 'authplatform_limited_total{kind="client"}' in exposition
    assert 'reason="rate_limited"' in exposition
