"""The management API refuses tokens of others, foreign ids, escalation and hostile inputs."""

import base64
import json
import time
import uuid

import pytest
from django.db import connection, connections
from django.test import Client as HttpClient

from tenants import snapshot
from tenants.errors import NotFound
from tenants.models import Api, Client, ClientSecret, Membership, Tenant, User
from tenants.queries.console import console_role
from tenants.queries.managed_clients import get_client
from tenants.queries.operators import ConsoleReach
from tenants.records import SYSTEM, AccessRequest, Actor
from tenants.services import changes
from tenants.services.clients import save_client
from tenants.services.tenants import update_tenant
from tests.factories.tenants import MadeClient, find_scopes, make_api, make_client, make_tenant
from tests.factories.tokens import Issuer, make_subject, subject_record
from tests.management_client import READ, WRITE, ManagementClient, read_problem
from tests.oauth_client import OAuthClient, basic

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def api(tenant: Tenant) -> ManagementClient:
    return ManagementClient(tenant)


def management_api(tenant: Tenant) -> Api:
    return Api.objects.get(tenant=tenant, built_in="management")


def assert_token_refused(api: ManagementClient, token: str) -> None:
    api.token = token
    response = api.get("")
    assert read_problem(response)["code"] == "invalid_token"
    challenge = response["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="http')
    assert 'error="invalid_token"' in challenge


# Tokens.


@pytest.mark.requirement("RFC 6750", "3.1", "Without credentials the challenge names no error.")
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer a b", "Bearer ä", "Bearer =", "Token x", basic("a", "b")],
)
def test_without_a_bearer_token_the_challenge_names_no_error(tenant: Tenant, header: str) -> None:
    response = HttpClient().get(
        f"/api/v1/tenants/{tenant.path}/clients", headers={"Authorization": header}
    )
    assert read_problem(response)["code"] == "authentication_required"
    realm = response["WWW-Authenticate"]
    assert realm.startswith('Bearer realm="http')
    assert realm.endswith(f'/t/{tenant.path}"')


def test_a_token_in_the_query_is_not_looked_at(api: ManagementClient) -> None:
    response = HttpClient().get(f"{api.base}?access_token={api.token}")
    assert read_problem(response)["code"] == "authentication_required"


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "0" * 64, "A" * 64, "a" * 20_000, "eyJhbGciOiJub25lIn0.e30.", "acs_" + "A" * 64],
)
def test_a_token_of_nobody_is_refused(api: ManagementClient, token: str) -> None:
    assert_token_refused(api, token)


def test_an_altered_token_is_refused(api: ManagementClient) -> None:
    header, payload, signature = api.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["scope"] = f"{READ} {WRITE}"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert_token_refused(api, f"{header}.{forged}.{signature}")


def test_a_token_of_another_tenant_is_refused(api: ManagementClient) -> None:
    assert_token_refused(api, ManagementClient(make_tenant("initech")).token)


def test_a_token_for_another_api_is_refused(tenant: Tenant, api: ManagementClient) -> None:
    worker = make_client(tenant, "worker", scopes=["read"])
    assert_token_refused(api, OAuthClient(tenant).token(worker).json()["access_token"])


def test_a_token_that_other_apis_receive_as_well_is_refused(
    tenant: Tenant, api: ManagementClient
) -> None:
    both = make_client(tenant, "both", scopes=["read", READ])
    answer = OAuthClient(tenant).token(both)
    assert set(answer.json()["scope"].split()) == {"read", READ}
    assert_token_refused(api, answer.json()["access_token"])


def test_a_symmetrically_signed_token_is_refused(tenant: Tenant, api: ManagementClient) -> None:
    built_in = management_api(tenant)
    built_in.signing_algorithm = "HS256"
    changes.save(built_in, actor=SYSTEM)
    answer = OAuthClient(tenant).token(api.made)
    header = json.loads(
        base64.urlsafe_b64decode(answer.json()["access_token"].split(".")[0] + "==")
    )
    assert header["alg"] == "HS256"
    assert_token_refused(api, answer.json()["access_token"])


def test_an_opaque_token_is_as_good_as_a_jwt(tenant: Tenant, api: ManagementClient) -> None:
    client = make_client(tenant, "opaque", scopes=[READ], access_token_format="opaque")
    api.token = OAuthClient(tenant).token(client).json()["access_token"]
    assert len(api.token) == 64
    assert api.get("").status_code == 200


def test_a_token_of_an_end_user_is_refused(tenant: Tenant, api: ManagementClient) -> None:
    issuer = Issuer(tenant, management_api(tenant), api.made.client_id)
    subject = subject_record(make_subject(tenant).pk)
    asked = AccessRequest("client_credentials", issuer.client, subject)
    answer = issuer.answer(asked, now=time.time())
    assert_token_refused(api, str(answer["access_token"]))


def test_a_revoked_token_is_refused_at_once(tenant: Tenant, api: ManagementClient) -> None:
    assert api.get("").status_code == 200
    OAuthClient(tenant).revoke(api.made, api.token)
    assert_token_refused(api, api.token)


def test_an_expired_token_is_refused(tenant: Tenant, api: ManagementClient) -> None:
    issuer = Issuer(tenant, management_api(tenant), api.made.client_id)
    assert_token_refused(api, str(issuer.issue(now=time.time() - 3_601)["access_token"]))


def test_a_token_of_a_disabled_client_is_refused(api: ManagementClient) -> None:
    client = Client.objects.get(pk=api.made.client.pk)
    client.is_enabled = False
    save_client(client, actor=SYSTEM)
    assert_token_refused(api, api.token)


def test_a_scope_that_was_taken_away_is_gone_at_once(tenant: Tenant, api: ManagementClient) -> None:
    links = {name: find_scopes(tenant, [READ]) for name in ("scopes", "default_scopes")}
    save_client(Client.objects.get(pk=api.made.client.pk), actor=SYSTEM, links=links)
    response = api.post("", {"client_id": "x"})
    assert read_problem(response)["code"] == "insufficient_scope"
    assert f'scope="{WRITE}"' in response["WWW-Authenticate"]
    assert api.get("").status_code == 200


def test_a_disabled_management_api_lets_nobody_in(tenant: Tenant, api: ManagementClient) -> None:
    built_in = management_api(tenant)
    built_in.is_enabled = False
    changes.save(built_in, actor=SYSTEM)
    assert_token_refused(api, api.token)


@pytest.mark.parametrize("path", ["acme/production/nobody", "acme/staging/globex", "a/b/c"])
def test_an_unknown_tenant_is_not_found(api: ManagementClient, path: str) -> None:
    response = api.get(f"/api/v1/tenants/{path}/clients")
    assert read_problem(response)["code"] == "not_found"


def test_a_disabled_tenant_is_not_found(tenant: Tenant, api: ManagementClient) -> None:
    tenant.refresh_from_db()
    tenant.is_enabled = False
    update_tenant(tenant, actor=SYSTEM)
    assert read_problem(api.get(""))["code"] == "not_found"


def test_a_process_without_confirmed_configuration_does_not_answer(
    api: ManagementClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = snapshot.Snapshot()
    deaf.renew()
    deaf.listen()
    monkeypatch.setattr(snapshot, "CURRENT", deaf)
    monkeypatch.setattr(snapshot, "UNCONFIRMED_LIMIT_SECONDS", -1)
    response = api.get("")
    assert read_problem(response)["code"] == "temporarily_unavailable"
    assert response["Retry-After"] == "1"


committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@committed
def test_the_role_ends_with_the_request() -> None:
    api = ManagementClient(make_tenant())
    assert api.get("").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user = session_user, current_setting('app.tenant_ids', true)"
        )
        assert cursor.fetchone() == (True, "")


@committed
def test_a_lost_database_is_a_matter_of_trying_again() -> None:
    api = ManagementClient(make_tenant())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connections["default"].copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    response = HttpClient().get(api.base, headers={"Authorization": f"Bearer {api.token}"})
    connection.close()
    assert read_problem(response)["code"] == "temporarily_unavailable"
    assert response["Retry-After"] == "1"
    assert api.get("").status_code == 200


# Other tenants.


@pytest.fixture
def foreign() -> MadeClient:
    initech = make_tenant("initech")
    make_api(initech, scopes=["foreign:read"])
    return make_client(initech, "foreign", scopes=["foreign:read"])


def test_a_foreign_client_is_not_found(api: ManagementClient, foreign: MadeClient) -> None:
    path = f"/{foreign.client.pk}"
    secret = ClientSecret.objects.get(client=foreign.client)
    for response in (
        api.get(path),
        api.patch(path, {"client_name": "mine"}, "*"),
        api.delete(path),
        api.get(f"{path}/secrets"),
        api.post(f"{path}/secrets", {"label": "mine"}),
        api.delete(f"{path}/secrets/{secret.pk}"),
        api.delete(f"/{api.made.client.pk}/secrets/{secret.pk}"),
    ):
        assert read_problem(response)["code"] == "not_found"
    assert Client.objects.get(pk=foreign.client.pk).name == ""
    assert ClientSecret.objects.filter(client=foreign.client).count() == 1


@pytest.mark.usefixtures("foreign")
def test_a_list_hides_foreign_clients(api: ManagementClient) -> None:
    shown = [item["client_id"] for item in api.get("").json()["items"]]
    assert shown == [api.made.client_id]
    assert api.get("?client_id_prefix=foreign").json()["items"] == []


@pytest.mark.usefixtures("foreign")
def test_a_foreign_scope_is_unknown(api: ManagementClient) -> None:
    refused = read_problem(api.post("", {"client_id": "x", "scope": "foreign:read"}))
    assert refused["errors"] == {"scope": ["This tenant has no scope foreign:read."]}


@pytest.mark.usefixtures("foreign")
def test_another_tenant_may_have_the_same_client_id(api: ManagementClient) -> None:
    assert api.post("", {"client_id": "foreign"}).status_code == 201


def test_the_database_alone_hides_foreign_rows(tenant: Tenant, foreign: MadeClient) -> None:
    """The condition on the tenant is given the foreign one, so row-level security must hold."""
    foreign_id = foreign.client.tenant_id
    assert get_client(foreign_id, foreign.client.pk).pk == foreign.client.pk
    reach = ConsoleReach(roles={tenant.pk: frozenset()})
    with pytest.raises(NotFound), console_role(reach):
        get_client(foreign_id, foreign.client.pk)


# Escalation.


def test_a_client_can_give_management_scopes_to_nobody(
    tenant: Tenant, api: ManagementClient
) -> None:
    created = api.create()
    for scope in (READ, WRITE, f"{READ} {WRITE}"):
        response = api.post("", {"client_id": "new", "scope": scope, "grant_types": []})
        assert read_problem(response)["code"] == "forbidden"
        response = api.patch(f"/{created['id']}", {"scope": scope}, created["version"])
        assert read_problem(response)["code"] == "forbidden"
    assert not Client.objects.filter(tenant=tenant, client_id="new").exists()


def test_a_client_can_not_widen_its_own_rights(tenant: Tenant) -> None:
    writer = ManagementClient(tenant, [WRITE])
    own = writer.made.client
    response = writer.patch(f"/{own.pk}", {"scope": f"{READ} {WRITE}"}, "*")
    assert read_problem(response)["code"] == "forbidden"
    assert [scope.name for scope in own.scopes.all()] == [WRITE]


def test_a_client_can_not_take_over_one_with_more_rights(tenant: Tenant) -> None:
    writer = ManagementClient(tenant, [WRITE])
    stronger = make_client(tenant, "stronger", scopes=[READ, WRITE]).client
    path = f"/{stronger.pk}"
    secret = ClientSecret.objects.get(client=stronger)
    for response in (
        writer.post(f"{path}/secrets", {"label": "mine"}),
        writer.patch(path, {"jwks_uri": "https://attacker.example/jwks"}, "*"),
        writer.patch(path, {"scope": ""}, "*"),
        writer.delete(path),
        writer.delete(f"{path}/secrets/{secret.pk}"),
    ):
        assert read_problem(response)["code"] == "forbidden"
    assert [held.pk for held in ClientSecret.objects.filter(client=stronger)] == [secret.pk]
    assert Client.objects.get(pk=stronger.pk).jwks_uri == ""


def test_a_client_keeps_its_management_scopes_when_others_change(api: ManagementClient) -> None:
    path = f"/{api.made.client.pk}"
    version = api.get(path).json()["version"]
    answer = api.patch(path, {"scope": f"{READ} {WRITE} read"}, version)
    assert answer.json()["scope"] == f"{READ} {WRITE} read"


def test_an_owner_may_give_what_a_client_may_not(tenant: Tenant, api: ManagementClient) -> None:
    """The rule is about who acts: the same write passes for an owner."""
    user = User.objects.create_user("owner")
    Membership.objects.create(tenant=tenant, user=user, role=Membership.Role.OWNER)
    client = Client.objects.get(pk=api.create()["id"])
    links = {"scopes": find_scopes(tenant, [READ])}
    save_client(client, actor=Actor("operator", str(user.pk)), links=links)
    assert [scope.name for scope in client.scopes.all()] == [READ]


# Hostile inputs: whatever a caller sends, the answer is a problem and never a 5xx.

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "NUL byte": b"\x00",
    "NUL in a name": b'{"client_id": "a", "client_name": "a\\u0000"}',
    "bad UTF-8": b'{"client_id": "\xff\xfe"}',
    "half a surrogate pair": b'{"client_id": "a", "client_name": "\\udc00"}',
    "array": b"[]",
    "deep array": b"[" * 50_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep jwks": b'{"client_id": "a", "jwks": {"keys": ' + b"[" * 100 + b"]" * 100 + b"}}",
    "jwks of numbers": b'{"client_id": "a", "jwks": {"keys": [1, 2]}}',
    "jwks of null": b'{"client_id": "a", "jwks": {"keys": null}}',
    "jwks with a private key": b'{"client_id": "a", "jwks": {"keys": [{"kty": "oct", "k": "a"}]}}',
    "too many keys": json.dumps(
        {"client_id": "a", "jwks": {"keys": [{"kty": "EC"}] * 21}}
    ).encode(),
    "repeated member": b'{"client_id": "a", "client_id": "b"}',
    "huge": b'{"client_id": "' + b"a" * 70_000 + b'"}',
    "long client_id": b'{"client_id": "' + b"a" * 60_000 + b'"}',
    "huge integer": b'{"client_id": "a", "access_token_lifetime_seconds": ' + b"9" * 4_000 + b"}",
    "infinity": b'{"client_id": "a", "access_token_lifetime_seconds": 1e400}',
    "NaN": b'{"client_id": "a", "access_token_lifetime_seconds": NaN}',
    "object as client_id": b'{"client_id": {"a": 1}}',
    "emoji as client_id": '{"client_id": "🎉"}'.encode(),
    "SQL as client_id": b'{"client_id": "a\' OR 1=1 --"}',
    "1 000 grants": json.dumps({"client_id": "a", "grant_types": ["x"] * 1_000}).encode(),
    "1 000 scopes": json.dumps(
        {"client_id": "a", "scope": " ".join(f"s{n}" for n in range(1_000))}
    ).encode(),
    "script as redirect URI": b'{"client_id": "a", "redirect_uris": ["javascript:alert(1)"]}',
    "local jwks_uri": b'{"client_id": "a", "jwks_uri": "file:///etc/passwd"}',
    "foreign tenant": b'{"client_id": "a", "tenant_id": "00000000-0000-0000-0000-000000000000"}',
    "chosen id": b'{"client_id": "a", "id": "00000000-0000-0000-0000-000000000000"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_hostile_body_is_a_problem(api: ManagementClient, body: bytes) -> None:
    existing = f"/{api.made.client.pk}"
    for method, path in (("POST", ""), ("PATCH", existing), ("POST", f"{existing}/secrets")):
        response = api.send(method, path, body, **{"If-Match": "*"})
        if body or method == "POST":
            assert 400 <= response.status_code < 500, response.content
            read_problem(response)
    assert Client.objects.filter(tenant=api.made.client.tenant_id).count() == 1
    assert ClientSecret.objects.filter(client=api.made.client).count() == 1


CONTENT_TYPES = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json-patch+json",
    "application/xml",
    "/",
    ";",
    "application/json/json",
    "a" * 5_000,
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES, ids=[t[:30] for t in CONTENT_TYPES])
def test_a_body_of_another_type_is_refused(api: ManagementClient, content_type: str) -> None:
    response = api.send("POST", "", b'{"client_id": "a"}', content_type=content_type)
    assert read_problem(response)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "bz2_codec", "nothing", '"'])
def test_the_charset_is_utf_8_whatever_the_header_says(api: ManagementClient, charset: str) -> None:
    body = '{"client_id": "a", "client_name": "ä"}'.encode()
    response = api.send("POST", "", body, content_type=f"application/json; charset={charset}")
    assert response.json()["client_name"] == "ä"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Accept": "application/json;version=2"},
        {"Accept": ",;,"},
        {"Accept": "a" * 5_000},
        {"Accept": "*"},
        {"If-Match": "\x00"},
        {"If-Match": '"' * 1_000},
        {"Content-Length": "-1"},
        {"Content-Length": "many"},
        {"X-Http-Method-Override": "DELETE"},
        {"Authorization": "Bearer " + "." * 20_000},
    ],
    ids=lambda headers: " ".join(headers) + str(headers)[-12:],
)
def test_a_hostile_header_is_no_fault_of_ours(
    api: ManagementClient, headers: dict[str, str]
) -> None:
    for method, path in (("GET", ""), ("PATCH", f"/{uuid.uuid4()}"), ("POST", "")):
        response = api.send(method, path, b"{}", **headers)
        assert response.status_code < 500, response.content
        if response.status_code >= 400:
            read_problem(response)


def test_a_thousand_and_more_parameters_are_refused(api: ManagementClient) -> None:
    query = "&".join(f"p{n}=1" for n in range(1_001))
    assert read_problem(api.get(f"?{query}"))["code"] == "malformed_request"


def test_a_member_with_a_long_name_is_not_repeated_whole(api: ManagementClient) -> None:
    refused = read_problem(api.post("", {"client_id": "a", "x" * 50_000: 1}))
    assert len(json.dumps(refused)) < 1_000
