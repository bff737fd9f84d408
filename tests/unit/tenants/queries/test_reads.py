"""Tests of the reads: one statement each, and nothing of another tenant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import ClaimProfile, ClaimRule, ClientGrantSettings, Subject, SubjectIdentity
from tenants.queries.client_core import read_client
from tenants.queries.clients import is_allowed_origin
from tenants.queries.subjects import find_subject
from tenants.queries.tenant_core import read_core
from tenants.records import SYSTEM, TrustMatch
from tenants.services import changes, cut_offs
from tenants.services.client_secrets import add_secret
from tests.factories.tenants import allow, make_api, make_client, make_tenant
from tests.rfc.rfc7523_jwt_bearer.test_grant import trust

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db

BASE = "https://a.example"


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


def test_a_tenant_s_core_is_one_statement_and_whole(tenant: Tenant) -> None:
    client = make_client(tenant, scopes=["read"])
    bills = make_api(tenant, "bills", scopes=["pay"], signing_algorithm="HS256")
    changes.save(bills, actor=SYSTEM, links={"resource_server_clients": [client.client]})
    profile = trust(tenant)
    changes.save(ClaimProfile(tenant=tenant, slug="ours", base="aidbox"), actor=SYSTEM)
    rule = ClaimRule(tenant=tenant, slug="r", claim="https://x.example", value={"a": [1]})
    changes.save(rule, actor=SYSTEM)
    with CaptureQueriesContext(connection) as statements:
        core = read_core(tenant.path, base_url=BASE)
    assert len(statements) == 1
    assert core is not None
    assert core.issuer == f"{BASE}/t/acme/production/globex"
    assert core.apis_by_slug.keys() == {"openid", "management", "orders", "bills"}
    assert core.apis_by_audience["https://bills.example/"].resource_server_ids == {client.client.pk}
    assert core.scopes["pay"].api_id == bills.pk
    assert [policy.slug for policy in core.policies] == ["api-client"]
    assert core.trust_profiles[0].id == profile.pk
    assert core.trust_profiles[0].maximum_scope == {"read"}
    assert core.trust_profiles[0].audience == core.issuer
    assert core.claim_profiles["ours"].base == "aidbox"
    assert core.claim_rules[0].value == {"a": [1]}
    assert [len(core.levels), core.levels[0].access_token_lifetime_seconds] == [3, 3600]


def test_what_is_switched_off_is_not_in_the_core(tenant: Tenant) -> None:
    policy = allow(tenant)
    policy.is_enabled = False
    changes.save(policy, actor=SYSTEM)
    profile = trust(tenant)
    profile.is_enabled = False
    changes.save(profile, actor=SYSTEM)
    core = read_core(tenant.path, base_url=BASE)
    assert core is not None
    assert (core.policies, core.trust_profiles) == ((), ())


def test_nothing_of_another_tenant_is_in_the_core(tenant: Tenant) -> None:
    before = read_core(tenant.path, base_url=BASE)
    neighbour = make_tenant("initech")
    make_api(neighbour, "vault", scopes=["open"])
    make_client(neighbour)
    after = read_core(tenant.path, base_url=BASE)
    assert before == after


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("path", ["", "a/b/c", "acme/production/GLOBEX", "' OR 1=1 --"])
def test_an_unknown_path_has_no_core(path: str) -> None:
    assert read_core(path, base_url=BASE) is None


def test_a_client_is_one_statement_and_whole(tenant: Tenant) -> None:
    made = make_client(
        tenant,
        scopes=["read", "write"],
        default_scopes=["read"],
        cors_allowed_origins=["https://app.example"],
        access_token_lifetime_seconds=60,
    )
    end = timezone.now() + timedelta(days=1)
    add_secret(made.client, label="second", actor=SYSTEM, expires_at=end)
    grant = ClientGrantSettings(
        tenant=tenant,
        client=made.client,
        grant_type="client_credentials",
        access_token_format="jwt",
    )
    changes.save(grant, actor=SYSTEM)
    with CaptureQueriesContext(connection) as statements:
        client = read_client(tenant.pk, made.client_id)
    assert len(statements) == 1
    assert client is not None
    assert (len(client.scope_ids), len(client.default_scope_ids)) == (2, 1)
    assert client.allowed_origins == {"https://app.example"}
    assert client.settings.access_token_lifetime_seconds == 60
    assert client.settings.access_token_format is None
    assert client.grant_settings["client_credentials"].access_token_format == "jwt"
    expiries = [secret.expires_at for secret in client.secrets]
    assert expiries == [pytest.approx(end.timestamp()), None]
    assert all(secret.keyed_hash for secret in client.secrets)


def test_a_client_of_another_tenant_is_not_found(tenant: Tenant) -> None:
    made = make_client(make_tenant("initech"), "elsewhere")
    assert read_client(tenant.pk, made.client_id) is None
    assert read_client(tenant.pk, "") is None


def test_a_subject_comes_with_the_number_of_the_same_moment(tenant: Tenant) -> None:
    profile = trust(tenant)
    subject = Subject.objects.create(tenant=tenant)
    SubjectIdentity.objects.create(
        tenant=tenant, subject=subject, trust_profile=profile, sub="alice"
    )
    number = cut_offs.end(tenant.pk, actor=SYSTEM).number
    match = TrustMatch(profile.pk, profile.issuer, "alice", None, "create")
    with CaptureQueriesContext(connection) as statements:
        found = find_subject(tenant.pk, match)
    assert len(statements) == 1
    assert found is not None
    assert (found.id, found.is_enabled, found.cut_off_number) == (subject.pk, True, number)
    assert find_subject(make_tenant("initech").pk, match) is None


def test_an_origin_is_one_of_an_enabled_client(tenant: Tenant) -> None:
    make_client(tenant, cors_allowed_origins=["https://app.example"])
    with CaptureQueriesContext(connection) as statements:
        assert is_allowed_origin(tenant.pk, "https://app.example")
    assert len(statements) == 1
    assert not is_allowed_origin(tenant.pk, "https://app")
    assert not is_allowed_origin(make_tenant("initech").pk, "https://app.example")
