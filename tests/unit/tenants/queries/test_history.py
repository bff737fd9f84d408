"""The configuration at a version is what the snapshot held then, secrets apart."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from tenants.models import (
    AccessPolicy,
    Api,
    ClaimProfile,
    ClaimRule,
    Client,
    ClientGrantSettings,
    ConfigurationChange,
    Environment,
    Group,
    Platform,
    Project,
    Scope,
    Tenant,
    TrustProfile,
)
from tenants.queries import history
from tenants.queries.client_core import read_client
from tenants.queries.tenant_core import read_core
from tenants.records import SYSTEM, Ciphertext
from tenants.services import changes, clients, trust_profiles
from tests.factories.tenants import allow, find_scopes, make_api, make_client, make_tenant
from tokens import keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.db.models import Model
    from pytest_django import DjangoAssertNumQueries

    from tenants.records import ClientRecord, TenantSnapshot, TrustProfileRecord

pytestmark = pytest.mark.django_db
NO_SECRET = Ciphertext("", b"")
STEPS = 30


def stripped(core: TenantSnapshot | None) -> TenantSnapshot:
    """Answer a core without what the history never keeps, in an order of its own."""
    assert core is not None
    return replace(
        core,
        keys=tuple(replace(key, private=NO_SECRET) for key in core.keys),
        policies=tuple(sorted(core.policies, key=lambda policy: policy.slug)),
        trust_profiles=tuple(
            unsealed(profile)
            for profile in sorted(core.trust_profiles, key=lambda profile: profile.slug)
        ),
    )


def unsealed(profile: TrustProfileRecord) -> TrustProfileRecord:
    upstream = replace(profile.upstream, secret=None) if profile.upstream else None
    return replace(profile, shared_secret=None, introspection_secret=None, upstream=upstream)


def live_core(tenant: Tenant) -> TenantSnapshot:
    return stripped(read_core(tenant.path, base_url=settings.TENANTS_BASE_URL))


def versions_of(core: TenantSnapshot) -> tuple[int, int, int]:
    return core.platform_version, core.environment_version, core.version


def past_core(
    tenant: Tenant, versions: tuple[int, int, int], client: UUID | None = None
) -> TenantSnapshot:
    core = history.read_core_at(
        tenant.pk, versions, base_url=settings.TENANTS_BASE_URL, client=client
    )
    return stripped(core)


@dataclass
class World:
    """A tenant that is changed at random, and all that its snapshots once were."""

    tenant: Tenant
    chance: random.Random
    cores: dict[tuple[int, int, int], TenantSnapshot] = field(default_factory=dict)
    clients: dict[tuple[UUID, int, int], ClientRecord] = field(default_factory=dict)
    number: int = 0

    def name(self, kind: str) -> str:
        self.number += 1
        return f"{kind}-{self.number}"

    def pick(self, model: type[Model]) -> Any:  # noqa: ANN401 - of the model.
        found = list(model._default_manager.filter(tenant=self.tenant).order_by("pk"))  # noqa: SLF001
        return self.chance.choice(found) if found else None

    def some(self, model: type[Model]) -> list[Model]:
        found = list(model._default_manager.filter(tenant=self.tenant).order_by("pk"))  # noqa: SLF001
        return self.chance.sample(found, self.chance.randint(0, min(3, len(found))))

    def scopes(self) -> list[Scope]:
        rows = Scope.objects.filter(tenant=self.tenant).exclude(api__built_in="management")
        found = list(rows.order_by("pk"))
        return self.chance.sample(found, self.chance.randint(0, min(3, len(found))))

    def remember(self) -> None:
        core = live_core(self.tenant)
        self.cores[versions_of(core)] = core
        for client in Client.objects.filter(tenant=self.tenant):
            record = read_client(self.tenant.pk, client.client_id)
            assert record is not None
            self.clients[record.id, record.version, core.version] = replace(record, secrets=())


def change_platform(world: World) -> None:
    platform = Platform.objects.get()
    platform.access_token_lifetime_seconds = world.chance.randint(60, 3600)
    changes.save(platform, actor=SYSTEM)


def change_environment(world: World) -> None:
    environment = Environment.objects.get(pk=world.tenant.environment_id)
    environment.allowed_grant_types = world.chance.choice([[], ["client_credentials"]])
    changes.save(environment, actor=SYSTEM)


def change_tenant(world: World) -> None:
    tenant = Tenant.objects.get(pk=world.tenant.pk)
    tenant.scope_excess = world.chance.choice(["reject", "narrow"])
    tenant.access_token_format = world.chance.choice(["", "jwt", "opaque"])
    changes.save(tenant, actor=SYSTEM)


def add_api(world: World) -> None:
    name = world.name("api")
    api = make_api(world.tenant, name, scopes=[f"{name}:read", f"{name}:write"])
    if world.chance.random() < 0.3:
        api.signing_algorithm = "HS256"
        changes.save(api, actor=SYSTEM)


def link_api(world: World) -> None:
    links = {"resource_server_clients": world.some(Client)}
    changes.save(world.pick(Api), actor=SYSTEM, links=links)


def delete_api(world: World) -> None:
    api = Api.objects.filter(tenant=world.tenant, built_in="").order_by("pk").first()
    if api is not None and not api.signing_keys.exists():
        changes.delete(api, actor=SYSTEM)


def change_scope(world: World) -> None:
    scope = world.pick(Scope)
    scope.usage_limit = world.chance.randint(0, 9)
    changes.save(scope, actor=SYSTEM)


def delete_scope(world: World) -> None:
    scope = Scope.objects.filter(tenant=world.tenant, api__built_in="").order_by("pk").first()
    if scope is not None:
        changes.delete(scope, actor=SYSTEM)


def add_client(world: World) -> None:
    names = [scope.name for scope in world.scopes()]
    make_client(
        world.tenant,
        world.name("client"),
        scopes=names,
        impersonation_scopes=names[:1],
        may_impersonate=world.chance.random() < 0.5,
        impersonated_subjects=["u-.*"],
    )


def change_client(world: World) -> None:
    client = world.pick(Client)
    if client is None:
        return
    client.refresh_token_enabled = world.chance.choice([None, True, False])
    names = [scope.name for scope in world.scopes()]
    scopes = find_scopes(world.tenant, names)
    links = {"scopes": scopes, "default_scopes": scopes[:1]}
    clients.save_client(client, actor=SYSTEM, links=links)


def change_grant_settings(world: World) -> None:
    client = world.pick(Client)
    if client is None:
        return
    row = ClientGrantSettings.objects.filter(client=client).first()
    if row is not None:
        changes.delete(row, actor=SYSTEM)
        return
    row = ClientGrantSettings(tenant=world.tenant, client=client, grant_type="client_credentials")
    row.access_token_lifetime_seconds = world.chance.randint(10, 60)
    changes.save(row, actor=SYSTEM)


def delete_client(world: World) -> None:
    client = world.pick(Client)
    if client is not None:
        clients.delete_client(client, actor=SYSTEM)


def add_policy(world: World) -> None:
    policy = AccessPolicy(tenant=world.tenant, slug=world.name("policy"))
    policy.effect = world.chance.choice(["allow", "deny", "limit"])
    if policy.effect == "limit":
        policy.limit_lifetime_seconds = world.chance.randint(60, 600)
    if world.chance.random() < 0.5:
        policy.engine, policy.rule = "match", {"client": {"kind": "service"}}
    kinds = [("clients", Client), ("trust_profiles", TrustProfile), ("groups", Group)]
    links = {name: world.some(model) for name, model in kinds}
    changes.save(policy, actor=SYSTEM, links={**links, "scopes": world.scopes()})


def change_policy(world: World) -> None:
    policy = world.pick(AccessPolicy)
    if policy is None:
        return
    policy.is_enabled = world.chance.random() < 0.7
    changes.save(policy, actor=SYSTEM, links={"apis": world.some(Api)})


def add_trust_profile(world: World) -> None:
    name = world.name("trust")
    profile = TrustProfile(
        tenant=world.tenant,
        slug=name,
        issuer=f"https://{name}.example",
        algorithms=["HS256"],
        is_enabled=world.chance.random() < 0.8,
        required_claims=world.chance.choice([{}, {"org": "acme"}]),
        max_subjects_per_day=world.chance.randint(1, 9),
    )
    scopes = world.scopes()
    profile.scope_mapping = {"plan": [scope.name for scope in scopes]}
    apis = [api for api in world.some(Api) if not api.built_in]  # type: ignore[attr-defined]  # an Api.
    profile.is_accepted_directly = bool(apis)
    trust_profiles.save_trust_profile(
        profile,
        actor=SYSTEM,
        shared_secret="s" * 40,
        links={"maximum_scopes": scopes, "direct_apis": apis},
    )


def add_upstream(world: World) -> None:
    name = world.name("upstream")
    profile = TrustProfile(
        tenant=world.tenant,
        slug=name,
        issuer=f"https://{name}.example",
        algorithms=["ES256"],
        jwks_uri=f"https://{name}.example/jwks",
        audience="us",
        is_sign_in_offered=True,
        authorization_endpoint=f"https://{name}.example/authorize",
        token_endpoint=f"https://{name}.example/token",
        sign_in_client_id="us",
    )
    trust_profiles.save_trust_profile(profile, actor=SYSTEM, sign_in_secret="s")


def add_opaque_profile(world: World) -> None:
    name = world.name("opaque")
    profile = TrustProfile(
        tenant=world.tenant,
        slug=name,
        kind="opaque",
        issuer=f"https://{name}.example",
        introspection_endpoint=f"https://{name}.example/introspect",
        introspection_client_id="us",
        token_prefix=f"{name}_",
    )
    trust_profiles.save_trust_profile(profile, actor=SYSTEM, introspection_secret="s")


def add_claim_rule(world: World) -> None:
    rule = ClaimRule(tenant=world.tenant, slug=world.name("rule"), claim="region", value={"a": [1]})
    rule.api, rule.client = world.pick(Api), world.pick(Client)
    if world.chance.random() < 0.5:
        rule.source, rule.value = ClaimRule.Source.TEMPLATE, "${client_id}:${foreign.org}"
        rule.condition = {"subject": {"attributes": {"level": world.chance.randint(1, 9)}}}
        rule.is_required = True
    changes.save(rule, actor=SYSTEM)


def add_claim_profile(world: World) -> None:
    profile = ClaimProfile(tenant=world.tenant, slug=world.name("profile"), base="aidbox")
    profile.group_claims_budget_bytes = world.chance.choice([None, 0, 100])
    changes.save(profile, actor=SYSTEM)


def rotate_key(world: World) -> None:
    core = read_core(world.tenant.path, base_url=settings.TENANTS_BASE_URL)
    assert core is not None
    keys.ensure_ring(core, "ES256", None)


STEPS_TO_TAKE: list[Callable[[World], None]] = [
    *(change_platform, change_environment, change_tenant, add_api, add_api, link_api, delete_api),
    *(change_scope, delete_scope, add_client, add_client, change_client, change_client),
    *(change_grant_settings, delete_client, add_policy, add_policy, change_policy),
    *(
        add_trust_profile,
        add_opaque_profile,
        add_upstream,
        add_claim_rule,
        add_claim_profile,
        rotate_key,
    ),
]


@pytest.mark.parametrize("seed", range(8))
def test_configuration_at_each_version_is_what_was_live_then(seed: int) -> None:
    world = World(make_tenant(), random.Random(seed))  # noqa: S311 - repeatable on purpose.
    add_client(world)
    changes.save(Group(tenant=world.tenant, slug="staff"), actor=SYSTEM)
    world.remember()
    for _ in range(STEPS):
        world.chance.choice(STEPS_TO_TAKE)(world)
        world.remember()
    assert len(world.cores) > STEPS / 3
    for versions, core in world.cores.items():
        assert past_core(world.tenant, versions) == core
    assert world.clients
    for (client, version, tenant_version), record in world.clients.items():
        found = history.read_client_at(
            world.tenant.pk, client, version, tenant_version=tenant_version
        )
        assert found == record


def test_claim_rule_of_before_there_were_sources_is_a_constant() -> None:
    tenant = make_tenant()
    changes.save(ClaimRule(tenant=tenant, slug="r", claim="region", value="eu"), actor=SYSTEM)
    changes.save(ClaimProfile(tenant=tenant, slug="p", base="aidbox"), actor=SYSTEM)
    now = live_core(tenant)
    for change in ConfigurationChange.objects.filter(entity_kind__startswith="claim_"):
        new = ("source", "condition", "is_required", "group_claims_budget_bytes")
        older = {name: value for name, value in (change.state or {}).items() if name not in new}
        ConfigurationChange.objects.filter(pk=change.pk).update(state=older)
    past = past_core(tenant, versions_of(now))
    assert (past.claim_rules, past.claim_profiles) == (now.claim_rules, now.claim_profiles)


def test_deleted_client_still_had_its_policy() -> None:
    tenant = make_tenant()
    make_api(tenant)
    first, second = make_client(tenant, "first", is_allowed=False), make_client(tenant, "second")
    allow(tenant, first.client, second.client, slug="both")
    versions, client = versions_of(live_core(tenant)), first.client.pk
    clients.delete_client(first.client, actor=SYSTEM)
    links = {p.slug: p.clients for p in past_core(tenant, versions, client=client).policies}
    assert client in links["both"]
    links = {p.slug: p.clients for p in past_core(tenant, versions).policies}
    assert client not in links["both"]


def test_first_platform_is_as_the_migration_made_it() -> None:
    row = Platform.objects.get()
    assert {name: getattr(row, name) for name in history.FIRST_PLATFORM} == history.FIRST_PLATFORM
    tenant = make_tenant()
    before = live_core(tenant)
    row.access_token_lifetime_seconds = 77
    changes.save(row, actor=SYSTEM)
    assert past_core(tenant, versions_of(before)) == before
    assert live_core(tenant).levels[0].access_token_lifetime_seconds == 77


def test_what_has_no_history_is_taken_as_it_is() -> None:
    Project.objects.create(slug="acme")
    tenant = make_tenant()
    assert past_core(tenant, versions_of(live_core(tenant))).project_slug == "acme"


def test_tenant_before_its_time_is_none() -> None:
    tenant = make_tenant()
    base_url = settings.TENANTS_BASE_URL
    assert history.read_core_at(tenant.pk, (1, 1, 0), base_url=base_url) is None
    assert history.read_client_at(tenant.pk, tenant.pk, 5, tenant_version=5) is None


def test_core_of_any_length_of_history_takes_few_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    tenant = make_tenant()
    for number in range(20):
        make_client(tenant, f"client-{number}")
    versions = versions_of(live_core(tenant))
    with django_assert_max_num_queries(9):  # One of them for the salt, which no history keeps.
        past_core(tenant, versions)
