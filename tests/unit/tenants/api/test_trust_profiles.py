"""The management API's trust profiles: documents, secrets, versions, and no way to escalate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import AuditEvent, TrustProfile
from tenants.queries.managed_trust_profiles import TRUST_PROFILES
from tenants.records import SYSTEM
from tenants.services.clients import save_client
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import find_scopes, make_api, make_client, make_tenant
from tests.management_client import ManagementClient, read_problem
from tests.oauth_client import OAuthClient
from tests.rfc.signers import GRANT, assertion_claims, make_signer
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
SCOPES = ("management:trust-profiles:read", "management:trust-profiles:write")
ISSUER = "https://partner.example"
SIGNER = make_signer()
GOOD: dict[str, Any] = {
    "slug": "partner",
    "issuer": ISSUER,
    "algorithms": ["ES256"],
    "jwks": {"keys": [SIGNER.jwk]},
}
OPAQUE: dict[str, Any] = {
    "slug": "opaque",
    "issuer": ISSUER,
    "kind": "opaque",
    "introspection_endpoint": "https://partner.example/introspect",
    "introspection_client_id": "us",
    "introspection_secret": "a canary",
    "token_prefix": "pat_",
}
NOTHING_SAID: dict[str, Any] = {
    "name": "",
    "is_enabled": True,
    "kind": "jwt",
    "audience": "",
    "jwks_uri": "",
    "has_shared_secret": False,
    "introspection_endpoint": "",
    "introspection_client_id": "",
    "has_introspection_secret": False,
    "token_prefix": "",
    "maximum_scopes": [],
    "scope_claim": "scope",
    "scope_mapping": {},
    "required_claims": {},
    "subject_claim": "sub",
    "maximum_age_seconds": 3600,
    "maximum_lifetime_seconds": None,
    "clock_skew_seconds": 30,
    "provisioning": "refuse",
    "max_subjects_per_day": 10_000,
    "linking_claim": "",
    "linking_verified_claim": "",
    "is_accepted_directly": False,
    "direct_apis": [],
    "is_sign_in_offered": False,
    "sign_in_label": "",
    "authorization_endpoint": "",
    "token_endpoint": "",
    "sign_in_client_id": "",
    "has_sign_in_secret": False,
    "sign_in_scopes": [],
}
SIGN_IN: dict[str, Any] = {
    "audience": "us",
    "jwks": {"keys": []},
    "jwks_uri": "https://partner.example/jwks",
    "is_sign_in_offered": True,
    "sign_in_label": "Partner",
    "authorization_endpoint": "https://partner.example/authorize",
    "token_endpoint": "https://partner.example/token",
    "sign_in_client_id": "us",
    "sign_in_scopes": ["email", "profile"],
}


class TrustClient(ManagementClient):
    """Speaks to the trust profiles of one tenant."""

    def __init__(self, tenant: Tenant, scopes: tuple[str, ...] = SCOPES) -> None:
        super().__init__(tenant, scopes)
        self.base = f"/api/v1/tenants/{tenant.path}/trust-profiles"

    def make(self, **members: object) -> dict[str, Any]:
        answer = self.post("", {**GOOD, **members})
        assert answer.status_code == 201, answer.content
        document: dict[str, Any] = answer.json()
        return document


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def api(tenant: Tenant) -> TrustClient:
    return TrustClient(tenant)


def errors_of(answer: Any) -> dict[str, list[str]]:  # noqa: ANN401 - Django's test response.
    problem = read_problem(answer)
    assert problem["code"] == "invalid_entity", problem
    errors: dict[str, list[str]] = problem["errors"]
    return errors


def test_a_profile_has_its_defaults(api: TrustClient) -> None:
    made = api.make()
    assert made == {"id": made["id"], **GOOD, **NOTHING_SAID}
    answer = api.get(f"/{made['id']}")
    assert answer.json() == made
    assert answer["ETag"].startswith('"')


def test_a_profile_says_everything(api: TrustClient) -> None:
    said: dict[str, Any] = {
        "name": "The partner",
        "is_enabled": False,
        "audience": "https://us.example",
        "maximum_scopes": ["read", "write"],
        "scope_claim": "scp",
        "scope_mapping": {"plan": ["read"]},
        "required_claims": {"org": "globex", "amr": {"$contains": "otp"}},
        "subject_claim": "oid",
        "maximum_age_seconds": 60,
        "maximum_lifetime_seconds": 600,
        "clock_skew_seconds": 0,
        "provisioning": "create",
        "max_subjects_per_day": 5,
        "linking_claim": "email",
        "linking_verified_claim": "email_verified",
        "is_accepted_directly": True,
        "direct_apis": ["orders"],
    }
    made = api.make(**said)
    assert made == {"id": made["id"], **GOOD, **NOTHING_SAID, **said}
    event = AuditEvent.objects.get(entity_id=made["id"])
    assert (event.event, event.actor_kind) == ("trust_profile.created", "client")


def test_secrets_are_written_and_never_read(api: TrustClient) -> None:
    answer = api.post("", OPAQUE)
    assert answer.status_code == 201, answer.content
    path = f"/{answer.json()['id']}"
    for shown in (answer, api.get(path), api.get("")):
        assert "canary" not in shown.content.decode()
    document = api.get(path).json()
    assert document["has_introspection_secret"] is True
    assert "introspection_secret" not in document


ELSEWHERE = {"introspection_endpoint": "https://evil.example/introspect"}


def test_a_secret_is_not_sent_to_another_address_by_who_does_not_know_it(api: TrustClient) -> None:
    """Else whoever writes profiles could read the secret at a server of their own."""
    path = f"/{api.post('', OPAQUE).json()['id']}"
    tag = api.get(path)["ETag"]
    assert set(errors_of(api.patch(path, ELSEWHERE, tag))) == {"introspection_secret"}
    empty = {**ELSEWHERE, "introspection_secret": ""}
    assert errors_of(api.patch(path, empty, tag))
    assert api.patch(path, {"name": "kept"}, tag).status_code == 200
    known = {**ELSEWHERE, "introspection_secret": OPAQUE["introspection_secret"]}
    assert api.patch(path, known, api.get(path)["ETag"]).status_code == 200


def test_people_sign_in_with_the_issuer(api: TrustClient) -> None:
    answer = api.post("", {**GOOD, **SIGN_IN, "sign_in_secret": "theirs"})
    made = answer.json()
    assert answer.status_code == 201, made
    assert made == {"id": made["id"], **GOOD, **NOTHING_SAID, **SIGN_IN, "has_sign_in_secret": True}
    path = f"/{made['id']}"
    tag = api.get(path)["ETag"]
    elsewhere = {"token_endpoint": "https://elsewhere.example/token"}
    assert set(errors_of(api.patch(path, elsewhere, tag))) == {"sign_in_secret"}
    for mistake, name in (
        ({"audience": "them"}, "audience"),
        ({"token_endpoint": "http://partner.example/token"}, "token_endpoint"),
        ({"sign_in_scopes": ["openid"]}, "sign_in_scopes"),
        ({"sign_in_scopes": "email"}, "sign_in_scopes"),
    ):
        wrong = {"sign_in_secret": "theirs", **mistake}
        assert set(errors_of(api.patch(path, wrong, tag))) == {name}
    removed = api.patch(path, {**elsewhere, "sign_in_secret": None}, tag).json()
    assert removed["has_sign_in_secret"] is False


def test_another_secret_is_another_version(api: TrustClient) -> None:
    path = f"/{api.post('', OPAQUE).json()['id']}"
    first = api.get(path)["ETag"]
    changed = api.patch(path, {"introspection_secret": "another"}, first)
    assert changed.status_code == 200
    assert changed["ETag"] != first
    late = api.patch(path, {"introspection_secret": "a third"}, first)
    assert read_problem(late)["code"] == "precondition_failed"


def test_a_profile_changes_its_kind_at_once(api: TrustClient) -> None:
    path = f"/{api.post('', OPAQUE).json()['id']}"
    tag = api.get(path)["ETag"]
    changes: dict[str, Any] = {
        "kind": "jwt",
        "algorithms": ["HS256"],
        "shared_secret": "a shared secret of thirty-two by",
    }
    assert set(errors_of(api.patch(path, changes, tag))) == {
        *("introspection_endpoint", "introspection_client_id", "introspection_secret"),
        "token_prefix",
    }
    gone = dict.fromkeys(("introspection_endpoint", "introspection_client_id", "token_prefix"), "")
    answer = api.patch(path, {**changes, **gone, "introspection_secret": None}, tag)
    assert answer.status_code == 200, answer.content
    document = answer.json()
    assert (document["has_shared_secret"], document["has_introspection_secret"]) == (True, False)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "slug": ({"slug": "No"}, "slug"),
    "no issuer": ({"issuer": ""}, "issuer"),
    "issuer is a number": ({"issuer": 7}, "issuer"),
    "kind": ({"kind": "jws"}, "kind"),
    "algorithm": ({"algorithms": ["none"]}, "algorithms"),
    "long algorithm": ({"algorithms": ["x" * 9]}, "algorithms.0"),
    "keys as a list": ({"jwks": [SIGNER.jwk]}, "jwks"),
    "a private key": ({"jwks": {"keys": [SIGNER.jwk | {"d": "x"}]}}, "jwks"),
    "no keys": ({"jwks": {"keys": []}}, "jwks_uri"),
    "a short secret": ({"jwks": {"keys": []}, "shared_secret": "short"}, "shared_secret"),
    "a huge secret": ({"shared_secret": "x" * 5_000}, "shared_secret"),
    "an unknown scope": ({"maximum_scopes": ["raed"]}, "maximum_scopes"),
    "a management scope": ({"maximum_scopes": [SCOPES[1]]}, "maximum_scopes"),
    "a mapping to it": ({"scope_mapping": {"a": [SCOPES[1]]}}, "scope_mapping"),
    "a mapping that is a list": ({"scope_mapping": ["read"]}, "scope_mapping"),
    "no mapping": ({"scope_mapping": None}, "scope_mapping"),
    "a bad pattern": ({"required_claims": {"a": {"$regex": "("}}}, "required_claims"),
    "a pattern that is a text": ({"required_claims": "a"}, "required_claims"),
    "too old": ({"maximum_age_seconds": 86_401}, "maximum_age_seconds"),
    "age as a text": ({"maximum_age_seconds": "60"}, "maximum_age_seconds"),
    "no quota": ({"max_subjects_per_day": 0}, "max_subjects_per_day"),
    "linking by what nobody verified": ({"linking_claim": "email"}, "linking_verified_claim"),
    "directly nowhere": ({"is_accepted_directly": True}, "direct_apis"),
    "directly at an unknown Api": ({"direct_apis": ["order"]}, "direct_apis"),
    "directly at a built-in Api": ({"direct_apis": ["management"]}, "direct_apis"),
    "an unknown member": ({"jwks_url": "https://x.example"}, "jwks_url"),
    "what can't be set": ({"has_shared_secret": True}, "has_shared_secret"),
}


@pytest.mark.parametrize(("members", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_member_is_named(api: TrustClient, members: dict[str, Any], named: str) -> None:
    errors = errors_of(api.post("", {**GOOD, **members}))
    assert named in errors
    assert not TrustProfile.objects.exists()


def test_issuer_and_audience_are_given_once(api: TrustClient) -> None:
    api.make()
    problem = read_problem(api.post("", {**GOOD, "slug": "other"}))
    assert problem["errors"].keys() == {"audience"}
    api.make(slug="other", audience="https://other.example")


def test_a_change_names_the_version_that_it_changes(api: TrustClient) -> None:
    path = f"/{api.make()['id']}"
    assert read_problem(api.patch(path, {"name": "a"}))["code"] == "precondition_required"
    first = api.get(path)["ETag"]
    changed = api.patch(path, {"name": "a"}, first)
    assert (changed.status_code, changed.json()["name"]) == (200, "a")
    assert read_problem(api.patch(path, {"name": "b"}, first))["code"] == "precondition_failed"
    assert api.patch(path, {}, changed["ETag"])["ETag"] == changed["ETag"]
    assert read_problem(api.delete(path, **{"If-Match": first}))["code"] == "precondition_failed"
    assert api.delete(path, **{"If-Match": changed["ETag"]}).status_code == 204
    assert read_problem(api.get(path))["code"] == "not_found"


def test_a_written_profile_decides_the_next_request(api: TrustClient, tenant: Tenant) -> None:
    app = make_client(tenant, "app", scopes=["read"], grant_types=[GRANT])
    oauth = OAuthClient(tenant)

    def swap() -> int:
        claims = assertion_claims(ISSUER, "alice", issuer_of(tenant))
        return oauth.token(app, grant_type=GRANT, assertion=SIGNER.sign(claims)).status_code

    assert swap() == 400
    made = api.make(provisioning="create", maximum_scopes=["read"])
    assert swap() == 200
    api.patch(f"/{made['id']}", {"is_enabled": False}, api.get(f"/{made['id']}")["ETag"])
    assert swap() == 400


def test_lists_come_in_pages(api: TrustClient) -> None:
    for number in range(3):
        api.make(slug=f"p{number}", audience=f"https://{number}.example")
    assert [item["slug"] for item in api.get("").json()["items"]] == ["p0", "p1", "p2"]
    page = api.get("?page_size=2")
    cursor = page.json()["next_cursor"]
    assert f"cursor={cursor}" in page["Link"]
    rest = api.get(f"?page_size=2&cursor={cursor}").json()
    assert [item["slug"] for item in rest["items"]] == ["p2"]
    assert rest["next_cursor"] is None
    for query in ("cursor=x", "page_size=0", "kind=opaque"):
        assert read_problem(api.get(f"?{query}"))["code"] == "invalid_parameter"


def test_a_list_costs_three_statements_however_long(api: TrustClient, tenant: Tenant) -> None:
    for number in range(3):
        api.make(slug=f"p{number}", audience=f"https://{number}.example", maximum_scopes=["read"])
    with CaptureQueriesContext(connection) as statements:
        assert len(TRUST_PROFILES.page(tenant.pk, after="", limit=10)) == 3
    assert len(statements) == 3


@pytest.mark.parametrize("scopes", [("management:clients:read",), SCOPES[:1], SCOPES[1:]])
def test_each_right_needs_its_scope(tenant: Tenant, scopes: tuple[str, ...]) -> None:
    api = TrustClient(tenant, scopes)
    profile = TrustProfile(
        tenant=tenant, slug="p", issuer=ISSUER, algorithms=["ES256"], jwks=[SIGNER.jwk]
    )
    save_trust_profile(profile, actor=SYSTEM)
    reads = [api.get(""), api.get(f"/{profile.pk}")]
    writes = [api.post("", GOOD), api.delete(f"/{profile.pk}")]
    for answers, scope in ((reads, SCOPES[0]), (writes, SCOPES[1])):
        assert {answer.status_code == 403 for answer in answers} == {scope not in scopes}


def test_profiles_of_another_tenant_are_not_found(api: TrustClient) -> None:
    there = make_tenant("initech")
    make_api(there, "theirs", scopes=["their-scope"])
    foreign = TrustProfile(
        tenant=there, slug="theirs", issuer=ISSUER, algorithms=["ES256"], jwks=[SIGNER.jwk]
    )
    save_trust_profile(foreign, actor=SYSTEM)
    assert api.get("").json()["items"] == []
    for answer in (
        api.get(f"/{foreign.pk}"),
        api.patch(f"/{foreign.pk}", {"name": "mine"}, '"x"'),
        api.delete(f"/{foreign.pk}"),
    ):
        assert read_problem(answer)["code"] == "not_found"
    assert "maximum_scopes" in errors_of(api.post("", {**GOOD, "maximum_scopes": ["their-scope"]}))
    assert "direct_apis" in errors_of(api.post("", {**GOOD, "direct_apis": ["theirs"]}))


def test_nobody_becomes_a_client_that_may_do_more(api: TrustClient, tenant: Tenant) -> None:
    """By keys of one's own, the profile of a workload would be the way to its scopes."""
    made = api.make()
    workload = make_client(
        tenant,
        "operator",
        kind="workload",
        token_endpoint_auth_method="workload_identity",
        workload_trust_profile=TrustProfile.objects.get(),
        workload_subject="system:operator",
    ).client
    scopes = find_scopes(tenant, ["management:clients:write"])
    save_client(workload, actor=SYSTEM, links={"scopes": scopes})
    path = f"/{made['id']}"
    tag = api.get(path)["ETag"]
    mine = {"keys": [make_signer(kid="mine").jwk]}
    for answer in (api.patch(path, {"jwks": mine}, tag), api.delete(path)):
        assert read_problem(answer)["code"] == "forbidden"
    save_client(workload, actor=SYSTEM, links={"scopes": find_scopes(tenant, [SCOPES[1]])})
    assert api.patch(path, {"jwks": mine}, tag).status_code == 200
