"""Clients without a secret over the management API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import Client, TrustProfile
from tenants.records import SYSTEM
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import make_api, make_tenant
from tests.management_client import ManagementClient, read_problem
from tests.rfc.signers import make_signer

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
SIGNER = make_signer()
DEPLOY: dict[str, Any] = {
    "client_id": "deploy",
    "kind": "workload",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "workload_identity",
    "workload_trust_profile": "github",
    "workload_subject": "repo:a/b",
    "workload_claims": {"ref": "refs/heads/main"},
}


def _trust(tenant: Tenant, slug: str) -> TrustProfile:
    profile = TrustProfile(
        tenant=tenant,
        slug=slug,
        issuer=f"https://{slug}.example",
        algorithms=["ES256"],
        jwks=[SIGNER.jwk],
    )
    return save_trust_profile(profile, actor=SYSTEM)


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    _trust(tenant, "github")
    return tenant


@pytest.fixture
def api(tenant: Tenant) -> ManagementClient:
    return ManagementClient(tenant)


def test_a_workload_is_made_read_and_changed(tenant: Tenant, api: ManagementClient) -> None:
    made = api.post("", DEPLOY)
    assert made.status_code == 201, made.content
    document = made.json()
    assert "client_secret" not in document
    assert {name: document[name] for name in DEPLOY} == DEPLOY
    _trust(tenant, "gitlab")
    url = f"/{document['id']}"
    assert api.get(url).json() == document
    changed = api.patch(url, {"workload_trust_profile": "gitlab"}, version=made["ETag"])
    assert changed.status_code == 200, changed.content
    assert changed.json()["workload_trust_profile"] == "gitlab"
    back: dict[str, Any] = {
        "token_endpoint_auth_method": "client_secret_basic",
        "workload_trust_profile": None,
        "workload_subject": "",
        "workload_claims": {},
    }
    changed = api.patch(url, back, version=changed["ETag"])
    assert changed.status_code == 200, changed.content
    assert Client.objects.get(pk=document["id"]).workload_trust_profile is None


WRONG: dict[str, tuple[str, Any]] = {
    "an unknown profile": ("workload_trust_profile", "nobody"),
    "a profile of a neighbour": ("workload_trust_profile", "theirs"),
    "a number as profile": ("workload_trust_profile", 7),
    "a profile in a list": ("workload_trust_profile", ["github"]),
    "no profile": ("workload_trust_profile", None),
    "a NUL": ("workload_trust_profile", "git\x00hub"),
    "no subject": ("workload_subject", ""),
    "a long subject": ("workload_subject", "a" * 256),
    "a number as subject": ("workload_subject", 1),
    "a list as claims": ("workload_claims", []),
    "null as claims": ("workload_claims", None),
    "an unknown operator": ("workload_claims", {"ref": {"$like": "x"}}),
}


@pytest.mark.parametrize(("member", "value"), WRONG.values(), ids=WRONG)
def test_what_proves_nobody_is_named(api: ManagementClient, member: str, value: object) -> None:
    _trust(make_tenant("initech"), "theirs")
    answer = api.post("", {**DEPLOY, member: value})
    assert answer.status_code in {400, 422}, answer.content
    if "\x00" not in str(value):
        assert member in str(read_problem(answer))
    assert not Client.objects.filter(client_id="deploy").exists()
