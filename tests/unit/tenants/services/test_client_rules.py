"""Tests of the rules of a client as a whole: what proves a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenants import models
from tenants.errors import Conflict, InvalidEntity
from tenants.queries.client_core import read_client
from tenants.queries.history import read_client_at
from tenants.records import SYSTEM, Verdict
from tenants.services import changes
from tenants.services.clients import delete_client, save_client
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import make_client, make_tenant
from tests.rfc.signers import make_signer

if TYPE_CHECKING:
    from tenants.models import Client, Tenant, TrustProfile

pytestmark = pytest.mark.django_db
SIGNER = make_signer()


def _make_profile(tenant: Tenant) -> TrustProfile:
    profile = models.TrustProfile(
        tenant=tenant,
        slug="github",
        issuer="https://issuer.example",
        algorithms=["ES256"],
        jwks=[SIGNER.jwk],
    )
    return save_trust_profile(profile, actor=SYSTEM)


@pytest.fixture
def profile() -> TrustProfile:
    """An outside issuer."""
    return _make_profile(make_tenant())


def _workload(profile: TrustProfile | None, tenant: Tenant, **fields: Any) -> Client:  # noqa: ANN401 - of a client.
    values = {
        "kind": "workload",
        "token_endpoint_auth_method": "workload_identity",
        "workload_trust_profile": profile,
        "workload_subject": "repo:a/b",
        **fields,
    }
    return models.Client(tenant=tenant, client_id="deploy", **values)


def _refused(client: Client) -> set[str]:
    with pytest.raises(InvalidEntity) as refused:
        save_client(client, actor=SYSTEM)
    return set(refused.value.messages)


def test_a_workload_is_kept_as_the_token_path_needs_it(profile: TrustProfile) -> None:
    pattern = {"ref": "refs/heads/main"}
    client = _workload(profile, profile.tenant, workload_claims=pattern)
    save_client(client, actor=SYSTEM)
    record = read_client(profile.tenant_id, "deploy")
    assert record is not None
    assert record.workload is not None
    assert (record.workload.trust_profile_id, record.workload.subject) == (profile.pk, "repo:a/b")
    assert record.workload.claims_hold({"ref": "refs/heads/main"}) is Verdict.TRUE
    assert record.workload.claims_hold({"ref": "x"}) is Verdict.FALSE
    assert record.workload.claims_hold({}) is Verdict.INDETERMINATE


@pytest.mark.parametrize("scheme", ["https://us:secret@", "ftp://"])
def test_the_address_of_keys_is_one_that_can_be_asked_and_logged(scheme: str) -> None:
    client = models.Client(
        tenant=make_tenant(),
        client_id="keyed",
        token_endpoint_auth_method="private_key_jwt",
        jwks_uri=f"{scheme}a.example/jwks",
    )
    assert "jwks_uri" in _refused(client)


def test_other_clients_have_no_outside_identity(profile: TrustProfile) -> None:
    made = make_client(profile.tenant)
    record = read_client(profile.tenant_id, made.client_id)
    assert record is not None
    assert record.workload is None


WRONG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "no profile": ({"workload_trust_profile": None}, {"workload_trust_profile"}),
    "no subject": ({"workload_subject": ""}, {"workload_subject"}),
    "another kind": ({"kind": "service"}, {"kind"}),
    "a list as pattern": ({"workload_claims": ["ref"]}, {"workload_claims"}),
    "no pattern at all": ({"workload_claims": None}, {"workload_claims"}),
    "an unknown operator": ({"workload_claims": {"ref": {"$like": "x"}}}, {"workload_claims"}),
    "an exponential pattern": (
        {"workload_claims": {"ref": {"$regex": r"(a)\1"}}},
        {"workload_claims"},
    ),
    "everything": (
        {"kind": "web", "workload_trust_profile": None, "workload_subject": ""},
        {"kind", "workload_trust_profile", "workload_subject"},
    ),
}


@pytest.mark.parametrize(("fields", "names"), WRONG.values(), ids=WRONG)
def test_half_an_outside_identity_is_refused(
    profile: TrustProfile, fields: dict[str, Any], names: set[str]
) -> None:
    assert _refused(_workload(profile, profile.tenant, **fields)) == names


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
def test_what_would_prove_nothing_is_refused(profile: TrustProfile, method: str) -> None:
    client = _workload(
        profile,
        profile.tenant,
        token_endpoint_auth_method=method,
        workload_claims={"ref": "main"},
    )
    assert _refused(client) == {"workload_trust_profile", "workload_subject", "workload_claims"}


def test_a_neighbours_profile_is_not_found(profile: TrustProfile) -> None:
    neighbour = make_tenant("initech")
    assert _refused(_workload(profile, neighbour)) == {"workload_trust_profile"}


def test_an_opaque_issuer_proves_no_workload(profile: TrustProfile) -> None:
    models.TrustProfile.objects.filter(pk=profile.pk).update(kind="opaque")
    profile.refresh_from_db()
    assert _refused(_workload(profile, profile.tenant)) == {"workload_trust_profile"}


def test_a_profile_that_proves_somebody_stays(profile: TrustProfile) -> None:
    client = save_client(_workload(profile, profile.tenant), actor=SYSTEM)
    with pytest.raises(Conflict):
        changes.delete(profile, actor=SYSTEM)
    delete_client(client, actor=SYSTEM)
    changes.delete(profile, actor=SYSTEM)


def test_the_history_knows_how_a_workload_was_proven(profile: TrustProfile) -> None:
    tenant = profile.tenant
    client = save_client(_workload(profile, tenant), actor=SYSTEM)
    first = client.version
    client.workload_subject = "repo:a/c"
    save_client(client, actor=SYSTEM)
    tenant.refresh_from_db()
    for version, subject in ((first, "repo:a/b"), (client.version, "repo:a/c")):
        past = read_client_at(tenant.pk, client.pk, version, tenant_version=tenant.version)
        assert past is not None
        assert past.workload is not None
        assert past.workload.subject == subject


def test_a_version_from_before_workloads_can_be_read(profile: TrustProfile) -> None:
    made = make_client(profile.tenant)
    for change in models.ConfigurationChange.objects.filter(entity_kind="client"):
        state = change.state or {}
        kept = {name: v for name, v in state.items() if not name.startswith("workload_")}
        models.ConfigurationChange.objects.filter(pk=change.pk).update(state=kept)
    past = read_client_at(
        profile.tenant_id,
        made.client.pk,
        made.client.version,
        tenant_version=profile.tenant.version,
    )
    assert past is not None
    assert past.workload is None
