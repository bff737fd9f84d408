import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import AuditEvent, Client, ConfigurationChange, Tenant, TrustProfile
from tenants.records import SYSTEM
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import allow, make_api, make_client, make_tenant
from tests.management_client import READ, ManagementClient, read_problem
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db
# The renewal of the snapshot, the token's row, the console's role.
ENTRANCE = 3


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def api(tenant: Tenant) -> ManagementClient:
    return ManagementClient(tenant)


@contextmanager
def statements(count: int, *, or_fewer: bool = False) -> Iterator[None]:
    """Count what a request asks the database for, besides the borders of transactions."""
    with CaptureQueriesContext(connection) as captured:
        yield
    borders = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "SELECT set_config('role'")
    asked = [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(borders)]
    listed = "\n".join(sql[:160] for sql in asked)
    assert len(asked) <= count if or_fewer else len(asked) == count, listed


def test_a_created_client_gets_a_token_with_the_secret_of_the_answer(
    tenant: Tenant, api: ManagementClient
) -> None:
    answer = api.post(
        "",
        {
            "client_id": "orders-worker",
            "client_name": "Orders worker",
            "grant_types": ["client_credentials"],
            "scope": "read write",
            "default_scope": "read",
        },
    )
    document = answer.json()
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert answer["Location"] == f"{api.base}/{document['id']}"
    assert answer["ETag"] == f'"{document["version"]}"'
    assert document["client_secret_expires_at"] == 0

    client = Client.objects.get(pk=document["id"])
    allow(tenant, client)
    token = OAuthClient(tenant).post(
        "/oauth/token",
        grant_type="client_credentials",
        client_id="orders-worker",
        client_secret=document["client_secret"],
    )
    assert token.json()["scope"] == "read"

    read = api.get(f"/{document['id']}")
    shown_once = {"client_secret", "client_secret_expires_at"}
    assert read["ETag"] == answer["ETag"]
    assert read.json() == {k: v for k, v in document.items() if k not in shown_once}


def test_a_client_without_secret_method_gets_no_secret(api: ManagementClient) -> None:
    document = api.create(token_endpoint_auth_method="none", kind="spa")
    assert "client_secret" not in document
    assert api.get(f"/{document['id']}/secrets").json() == {"items": []}


def test_every_member_is_stored_and_read_back(api: ManagementClient) -> None:
    members: dict[str, Any] = {
        "client_name": "App",
        "kind": "web",
        "is_enabled": False,
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": ["https://app.example/" + "a" * 150, "com.example.app:/callback"],
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "scope": "read write",
        "default_scope": "read",
        "cors_allowed_origins": ["https://app.example"],
        "access_token_format": "opaque",
        "claim_profile": "onewelcome",
        "access_token_lifetime_seconds": 60,
        "max_access_token_lifetime_seconds": 600,
        "refresh_token_enabled": True,
        "refresh_token_lifetime_seconds": 3_600,
        "max_refresh_token_lifetime_seconds": 7_200,
        "refresh_token_idle_lifetime_seconds": 60,
        "max_refresh_token_idle_lifetime_seconds": 120,
        "client_requests_per_minute": 600,
        "client_request_burst": 50,
        "skip_authorization": True,
        "client_uri": "https://app.example/",
        "logo_uri": "https://app.example/logo.png",
        "policy_uri": "https://app.example/#privacy",
        "tos_uri": "https://app.example/terms",
        "initiate_login_uri": "https://app.example/login",
        "requires_offline_access": False,
        "offline_lifetimes_seconds": [3_600, 60],
        "subject_type": "pairwise",
        "sector_identifier": "app.example",
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "RS256",
        "default_max_age": 0,
        "require_auth_time": True,
        "backchannel_logout_uri": "https://app.example/logout",
        "backchannel_logout_session_required": True,
        "max_sessions": 3,
        "on_session_limit": "end_oldest",
    }
    document = api.create(**members)
    assert {name: document[name] for name in members} == members

    keys = {"keys": [{"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"}]}
    changed = {"jwks": keys, "token_endpoint_auth_method": "private_key_jwt"}
    answer = api.patch(f"/{document['id']}", changed, document["version"]).json()
    assert (answer["jwks"], answer["token_endpoint_auth_method"]) == (keys, "private_key_jwt")


def test_a_write_is_versioned_and_audited_as_the_clients_own(api: ManagementClient) -> None:
    document = api.create()
    change = ConfigurationChange.objects.filter(entity_id=document["id"]).latest("version")
    event = AuditEvent.objects.get(entity_id=document["id"], event="client.created")
    for row in (change, event):
        assert (row.actor_kind, row.actor_id) == ("client", str(api.made.client.pk))
    assert document["client_secret"] not in json.dumps(change.state)


def test_a_client_id_is_given_once(api: ManagementClient) -> None:
    api.create()
    refusal = read_problem(api.post("", {"client_id": "orders-worker"}))
    assert refusal["code"] == "invalid_entity"
    assert "exists" in refusal["errors"]["client_id"][0]


def test_what_the_service_refuses_is_named_as_in_the_document(
    tenant: Tenant, api: ManagementClient
) -> None:
    for members, name in (
        ({"scope": "nothing"}, "scope"),
        ({"default_scope": "read"}, "default_scope"),
        ({"jwks": {"keys": [{"d": "x"}]}}, "jwks"),
        ({"cors_allowed_origins": ["https://a.example/path"]}, "cors_allowed_origins"),
        ({"claim_profile": "nothing"}, "claim_profile"),
        ({"access_token_lifetime_seconds": 2_592_000}, "access_token_lifetime_seconds"),
        ({"jwks_uri": "no address"}, "jwks_uri"),
        ({"backchannel_logout_uri": "http://a.example/"}, "backchannel_logout_uri"),
        ({"grant_types": ["authorization_code"]}, "redirect_uris"),
        ({"subject_type": "pairwise"}, "sector_identifier"),
        ({"offline_lifetimes_seconds": [60, 60]}, "offline_lifetimes_seconds"),
        ({"default_max_age": 31_536_001}, "default_max_age"),
        ({"default_max_age": "60"}, "default_max_age"),
        ({"max_sessions": 0}, "max_sessions"),
        ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
        ({"sign_in_profiles": ["nothing"]}, "sign_in_profiles"),
        ({"excluded_sign_in_profiles": "nothing"}, "excluded_sign_in_profiles"),
    ):
        refusal = read_problem(api.post("", {"client_id": "orders-worker", **members}))
        assert (refusal["status"], list(refusal["errors"])) == (422, [name])
    assert not Client.objects.filter(tenant=tenant, client_id="orders-worker").exists()


def test_a_refused_write_leaves_nothing_behind(tenant: Tenant, api: ManagementClient) -> None:
    document = api.create()
    before = ConfigurationChange.objects.count()
    answer = api.patch(
        f"/{document['id']}", {"client_name": "x", "client_id": "other"}, document["version"]
    )
    assert read_problem(answer)["errors"].keys() == {"client_id"}
    assert ConfigurationChange.objects.count() == before
    assert Client.objects.get(tenant=tenant, pk=document["id"]).name == ""


def test_a_change_needs_the_version_that_was_read(api: ManagementClient) -> None:
    document = api.create()
    path, version = f"/{document['id']}", document["version"]
    assert read_problem(api.patch(path, {"client_name": "a"}))["code"] == "precondition_required"
    for stale in (f'"{version - 1}"', f'W/"{version}"', str(version), "", '"', "\x7f", '"a", "b"'):
        refused = api.patch(path, {"client_name": "a"}, stale)
        assert read_problem(refused)["code"] == "precondition_failed", stale

    changed = api.patch(path, {"client_name": "a"}, version)
    assert (changed.status_code, changed["ETag"]) == (200, f'"{version + 1}"')
    assert read_problem(api.patch(path, {"client_name": "b"}, version))["status"] == 412
    assert api.patch(path, {"client_name": "b"}, f'"0", "{version + 1}"').status_code == 200
    assert api.patch(path, {"client_name": "c"}, "*").json()["client_name"] == "c"


def test_an_empty_change_changes_nothing(api: ManagementClient) -> None:
    document = api.create()
    answer = api.patch(f"/{document['id']}", {}, document["version"])
    assert (answer.status_code, answer.json()["version"]) == (200, document["version"])


def test_disabling_a_client_ends_its_tokens(tenant: Tenant, api: ManagementClient) -> None:
    made = make_client(tenant, "worker", scopes=["read"])
    oauth = OAuthClient(tenant)
    token = oauth.token(made).json()["access_token"]
    made.client.refresh_from_db()
    api.patch(f"/{made.client.pk}", {"is_enabled": False}, made.client.version)
    watcher = make_client(tenant, "watcher")
    assert oauth.introspect(watcher, token).json() == {"active": False}


def test_a_deleted_client_is_gone(tenant: Tenant, api: ManagementClient) -> None:
    document = api.create()
    path = f"/{document['id']}"
    stale = {"If-Match": '"1"'}
    assert read_problem(api.delete(path, **stale))["code"] == "precondition_failed"
    assert api.delete(path).status_code == 204
    assert read_problem(api.get(path))["code"] == "not_found"
    assert read_problem(api.delete(path))["code"] == "not_found"
    assert not Client.objects.filter(tenant=tenant, pk=document["id"]).exists()


def test_pages_follow_one_another_without_gap(tenant: Tenant, api: ManagementClient) -> None:
    for number in range(5):
        make_client(tenant, f"client-{number}", is_allowed=False)
    seen: list[str] = []
    path = f"{api.base}?page_size=2&client_id_prefix=client-"
    while path:
        answer = api.get(path)
        seen += [item["client_id"] for item in answer.json()["items"]]
        link = answer.headers.get("Link", "")
        path = link.removeprefix("<").removesuffix('>; rel="next"')
        assert bool(path) == (answer.json()["next_cursor"] is not None)
    assert seen == [f"client-{number}" for number in range(5)]


def test_a_list_is_filtered(tenant: Tenant, api: ManagementClient) -> None:
    make_client(tenant, "a_1", kind="web", is_allowed=False)
    make_client(tenant, "ab1", kind="spa", is_allowed=False, is_enabled=False)

    def found(query: str) -> list[str]:
        return [item["client_id"] for item in api.get(f"?{query}").json()["items"]]

    assert found("kind=web") == ["a_1"]
    assert found("is_enabled=false") == ["ab1"]
    assert found("client_id_prefix=a_") == ["a_1"]
    assert found("client_id_prefix=%25") == []
    assert found("is_enabled=true") == ["a_1", "manager-2"]


WRONG_QUERIES = {
    "page_size=0": "page_size",
    "page_size=101": "page_size",
    "page_size=ten": "page_size",
    "page_size=": "page_size",
    "page_size=1&page_size=2": "page_size",
    "kind=robot": "kind",
    "kind=web%00": "kind",
    "is_enabled=maybe": "is_enabled",
    "client_id_prefix=%00": "client_id_prefix",
    "client_id_prefix=" + "a" * 256: "client_id_prefix",
    "cursor=%00": "cursor",
    "cursor=*": "cursor",
    "cursor=AAAA": "cursor",
    "cursor=%FF": "cursor",
    "cursor=" + "A" * 401: "cursor",
    "access_token=x": "access_token",
    "format=api": "format",
}


@pytest.mark.parametrize(
    ("query", "name"), WRONG_QUERIES.items(), ids=[q[:30] for q in WRONG_QUERIES]
)
def test_a_wrong_parameter_is_named(api: ManagementClient, query: str, name: str) -> None:
    refusal = read_problem(api.get(f"?{query}"))
    assert (refusal["code"], list(refusal["errors"])) == ("invalid_parameter", [name])


def test_the_number_of_statements_does_not_grow(tenant: Tenant, api: ManagementClient) -> None:
    for number in range(3):
        make_client(tenant, f"a-{number}", scopes=["read", "write"], is_allowed=False)
    with statements(ENTRANCE + 6):
        api.get("?page_size=1")
    with statements(ENTRANCE + 6):
        assert len(api.get("?page_size=100").json()["items"]) == 4
    with statements(ENTRANCE + 6):
        api.get(f"/{api.made.client.pk}")


def test_writes_keep_within_their_number_of_statements(api: ManagementClient) -> None:
    """The services' share may shrink; it must not grow with the scopes of a client.

    Each of its five relations is read once by who reads it, and once for the history.
    """
    with statements(52, or_fewer=True):
        document = api.create(scope="read write", default_scope="read write")
    with statements(46, or_fewer=True):
        api.patch(f"/{document['id']}", {"client_name": "x"}, document["version"])
    with statements(44, or_fewer=True):
        api.delete(f"/{document['id']}")


def test_a_program_exempts_no_client_from_pkce(api: ManagementClient) -> None:
    people: dict[str, Any] = {
        "grant_types": ["authorization_code"],
        "redirect_uris": ["https://a.example/"],
    }
    document = api.create(**people)
    exempt = {"is_pkce_exempt": True}
    refused = api.patch(f"/{document['id']}", exempt, document["version"])
    assert read_problem(refused)["code"] == "forbidden"
    refused = api.post("", {"client_id": "another", **people, **exempt})
    assert (refused.status_code, read_problem(refused)["code"]) == (403, "forbidden")
    assert not Client.objects.filter(is_pkce_exempt=True).exists()


def test_the_outside_issuers_of_a_client_are_called_by_their_names(
    tenant: Tenant, api: ManagementClient
) -> None:
    for slug in ("google", "entra"):
        keys = {"algorithms": ["ES256"], "jwks_uri": f"https://{slug}.example/jwks"}
        profile = TrustProfile(tenant=tenant, slug=slug, issuer=f"https://{slug}.example", **keys)
        save_trust_profile(profile, actor=SYSTEM)
    document = api.create(sign_in_profiles=["google"], excluded_sign_in_profiles=["entra"])
    assert document["sign_in_profiles"] == ["google"]
    assert document["excluded_sign_in_profiles"] == ["entra"]
    both = api.patch(
        f"/{document['id']}", {"sign_in_profiles": ["google", "entra"]}, document["version"]
    )
    assert list(read_problem(both)["errors"]) == ["excluded_sign_in_profiles"]
    cleared: dict[str, list[str]] = {"sign_in_profiles": [], "excluded_sign_in_profiles": []}
    answer = api.patch(f"/{document['id']}", cleared, document["version"]).json()
    assert (answer["sign_in_profiles"], answer["excluded_sign_in_profiles"]) == ([], [])


def test_the_role_comes_before_every_row_of_the_tenant(api: ManagementClient) -> None:
    tenant_id = api.made.client.tenant_id
    for path in ("", f"/{api.made.client.pk}", f"/{api.made.client.pk}/secrets"):
        with CaptureQueriesContext(connection) as captured:
            api.get(path)
        asked = [query["sql"] for query in captured.captured_queries]
        role = next(i for i, sql in enumerate(asked) if "authplatform_console" in sql)
        assert f"{{{tenant_id}}}" in asked[role]
        assert not any('FROM "tenants_' in sql for sql in asked[:role])


def test_an_unknown_client_is_not_found(api: ManagementClient) -> None:
    unknown = f"/{uuid.uuid4()}"
    for path in (unknown, f"{unknown}/secrets", f"/{str(uuid.uuid4()).upper()}", "/1", "/%00"):
        assert read_problem(api.get(path))["code"] == "not_found"
    assert read_problem(api.patch(unknown, {}, 1))["code"] == "not_found"


def test_a_method_that_is_not_there_names_those_that_are(api: ManagementClient) -> None:
    for method in ("PUT", "OPTIONS", "TRACE", "BREW"):
        answer = api.send(method, "", None)
        assert read_problem(answer)["code"] == "method_not_allowed"
        assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_head_answers_as_get_without_a_body(api: ManagementClient) -> None:
    answer = api.send("HEAD", f"/{api.made.client.pk}", None)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["ETag"]


def test_reading_alone_does_not_need_the_right_to_write(tenant: Tenant) -> None:
    reader = ManagementClient(tenant, [READ])
    assert reader.get("").status_code == 200
    refused = reader.post("", {"client_id": "x"})
    assert read_problem(refused)["code"] == "insufficient_scope"
    assert 'scope="management:clients:write"' in refused["WWW-Authenticate"]
