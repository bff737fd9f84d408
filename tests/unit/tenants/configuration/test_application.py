"""Applying files writes what differs and nothing else, all of it or nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.configuration.mistakes import InvalidConfiguration
from tenants.models import (
    AccessPolicy,
    Api,
    Client,
    ClientGrantSettings,
    ConfigurationChange,
    CutOff,
    Environment,
    Membership,
    Platform,
    Scope,
    SigningKey,
    Tenant,
    User,
)
from tenants.records import SYSTEM, Actor
from tenants.services import signing_keys
from tests.unit.tenants.configuration.files import apply, count_writes, refuse, tenant

pytestmark = pytest.mark.django_db
LABEL = "acme/production/globex"
FULL = """\
name: Globex
claim_profile: own
signing_algorithm: RS256
access_token_lifetime_seconds: 3600
claim_profiles: [{slug: own, base: onewelcome, is_dual: true}]
apis:
- slug: profile
  audience: https://api.globex.example/
  claim_profile: own
  resource_server_clients: [gateway]
  scopes: [{name: read, title: Read}, {name: write}]
clients:
- client_id: api-client
  grant_types: [client_credentials, refresh_token]
  scopes: [read, write]
  default_scopes: [read]
  access_token_format: opaque
  refresh_token: {enabled: true, lifetime_seconds: 86400, idle_lifetime_seconds: 3600}
  redirect_uris: ["https://b.example/x", "https://a.example/y"]
  cors_allowed_origins: ["https://app.example"]
  secrets: [{label: first, value_from_env: SECRET}]
  grant_settings: [{grant_type: client_credentials, access_token_lifetime_seconds: 60}]
- client_id: gateway
access_policies:
- {slug: api-client, clients: [api-client], apis: [profile]}
- {slug: none, effect: deny, is_enabled: false}
trust_profiles:
- {slug: idp, issuer: "https://idp.example", algorithms: [ES256],
   jwks_uri: "https://idp.example/jwks", maximum_scopes: [read], provisioning: create}
claim_rules:
- {slug: plan, claim: "https://globex.example/plan", value: {tier: 1, trial: true},
   api: profile, client: api-client, grant_type: client_credentials}
- {slug: route, claim: route, source: template, value: "${tenant_slug}/${foreign.org}",
   condition: {grant_type: client_credentials}, is_required: true}
groups:
- slug: staff
  permissions: [enter, leave]
  roles: [clerk]
  attributes: [{name: region, value: north}]
  resources: [{id: "7", name: Shop, resource_type: {id: "1", name: Store}}]
operators: [{username: anna, role: owner}, {username: anna, role: auditor}]
allow_typed_secrets: true
"""
VARIABLES = {"SECRET": "a typed secret"}


@pytest.fixture
def _anna() -> None:
    User.objects.create_user("anna")


def stored() -> Tenant:
    return Tenant.objects.get(path=LABEL)


@pytest.mark.usefixtures("_anna")
def test_a_file_makes_everything_that_it_says() -> None:
    assert apply(tenant(FULL), variables=VARIABLES)[:3] == [
        "+ acme",
        "+ acme/production",
        "+ acme/production/globex",
    ]
    client = Client.objects.get(client_id="api-client")
    assert client.tenant == stored()
    assert client.refresh_token_idle_lifetime_seconds == 3600
    assert client.redirect_uris == "https://b.example/x https://a.example/y"
    assert list(client.default_scopes.values_list("name", flat=True)) == ["read"]
    assert client.grant_settings.get().access_token_lifetime_seconds == 60
    assert Api.objects.get(slug="profile").resource_server_clients.get().client_id == "gateway"
    assert stored().claim_profile == "own"
    assert AccessPolicy.objects.get(slug="api-client").clients.get() == client
    assert stored().claim_rules.get(slug="plan").value == {"tier": 1, "trial": True}
    route = stored().claim_rules.get(slug="route")
    assert (route.source, route.is_required) == ("template", True)
    assert route.condition == {"grant_type": "client_credentials"}
    assert stored().groups.get().resources[0]["resource_type"] == {"id": "1", "name": "Store"}
    assert set(Membership.objects.values_list("role", flat=True)) == {"owner", "auditor"}


@pytest.mark.usefixtures("_anna")
def test_applying_again_changes_nothing() -> None:
    apply(tenant(FULL), variables=VARIABLES)
    before = count_writes()
    assert apply(tenant(FULL), variables=VARIABLES) == []
    assert count_writes() == before


@pytest.mark.usefixtures("_anna")
def test_only_what_differs_is_written() -> None:
    apply(tenant(FULL), variables=VARIABLES)
    changes = ConfigurationChange.objects.count()
    changed = FULL.replace("access_token_format: opaque", "access_token_format: jwt")
    assert apply(tenant(changed), variables=VARIABLES) == [
        f'~ {LABEL} clients[api-client].access_token_format: "opaque" -> "jwt"'
    ]
    assert ConfigurationChange.objects.count() == changes + 1


@pytest.mark.usefixtures("_anna")
def test_the_order_of_a_set_is_no_difference() -> None:
    apply(tenant(FULL), variables=VARIABLES)
    turned = FULL.replace(
        "[client_credentials, refresh_token]", "[refresh_token, client_credentials]"
    ).replace("scopes: [read, write]", "scopes: [write, read]")
    assert turned != FULL
    assert apply(tenant(turned), variables=VARIABLES) == []


def test_the_order_of_redirect_uris_is_a_difference() -> None:
    text = "clients: [{client_id: c, redirect_uris: [%s]}]"
    apply(tenant(text % '"https://a.example/", "https://b.example/"'))
    (difference,) = apply(tenant(text % '"https://b.example/", "https://a.example/"'))
    assert difference.startswith(f"~ {LABEL} clients[c].redirect_uris: ")


def test_true_and_one_differ_in_a_json_value() -> None:
    text = "claim_rules: [{slug: r, claim: c, value: %s}]"
    apply(tenant(text % "1"))
    assert apply(tenant(text % "true")) == [f"~ {LABEL} claim_rules[r].value: 1 -> true"]


@pytest.mark.usefixtures("_anna")
def test_a_dry_run_says_the_same_and_changes_nothing() -> None:
    before = count_writes()
    promised = apply(tenant(FULL), variables=VARIABLES, is_dry_run=True)
    assert count_writes() == before
    assert not Tenant.objects.exists()
    assert apply(tenant(FULL), variables=VARIABLES) == promised


def test_one_mistake_undoes_what_was_right() -> None:
    mistakes = refuse(
        tenant("clients: [{client_id: a}]\ngroups: [{slug: g, name: 'x'}]").replace(
            "slug: g,", "slug: g, permissions: [7],"
        )
    )
    assert len(mistakes) == 1
    refuse(tenant("clients: [{client_id: good}, {client_id: bad, scopes: [missing]}]"))
    assert not Client.objects.exists()
    assert not Tenant.objects.exists()


@pytest.mark.usefixtures("_anna")
def test_a_stated_list_is_the_whole_list() -> None:
    apply(tenant(FULL), variables=VARIABLES)
    assert apply(tenant("clients: [{client_id: gateway}]\naccess_policies: []")) == [
        f"- {LABEL} access_policies[api-client]",
        f"- {LABEL} access_policies[none]",
        f"- {LABEL} claim_rules[plan]",
        f"- {LABEL} clients[api-client]",
    ]
    assert CutOff.objects.filter(client_id__isnull=False).count() == 1


@pytest.mark.usefixtures("_anna")
def test_a_list_that_is_not_stated_stays() -> None:
    apply(tenant(FULL), variables=VARIABLES)
    before = count_writes()
    assert apply(tenant()) == []
    assert apply(tenant("name: Globex")) == []
    assert count_writes() == before


def test_an_entry_without_its_lists_keeps_them() -> None:
    text = "apis: [{slug: a, audience: a%s}]\nclients: [{client_id: c%s}]"
    settings = ", grant_settings: [{grant_type: refresh_token, access_token_format: jwt}]"
    apply(tenant(text % (", scopes: [{name: read}]", settings)))
    assert apply(tenant(text % ("", ""))) == []
    assert apply(tenant(text % (", scopes: []", ", grant_settings: []"))) == [
        f"- {LABEL} apis[a].scopes[read]",
        f"- {LABEL} clients[c].grant_settings[refresh_token]",
    ]
    assert not ClientGrantSettings.objects.exists()


def test_what_an_entry_of_a_list_does_not_say_has_its_default() -> None:
    apply(tenant("clients: [{client_id: c, name: Name, kind: web, is_enabled: false}]"))
    assert apply(tenant("clients: [{client_id: c, kind: null}]")) == [
        f'~ {LABEL} clients[c].name: "Name" -> ""',
        f"~ {LABEL} clients[c].is_enabled: false -> true",
        f'~ {LABEL} clients[c].kind: "web" -> "service"',
    ]


def test_what_is_not_said_of_a_tenant_and_the_levels_above_stays() -> None:
    levels = (
        "platform: {max_access_token_lifetime_seconds: 7200}\n"
        "projects: [{slug: acme, name: Acme, environments: "
        "[{slug: production, max_access_token_lifetime_seconds: 3600, "
        "tenants: [{slug: globex, name: Globex, scope_excess: narrow}]}]}]"
    )
    assert "~ platform.max_access_token_lifetime_seconds: 86400 -> 7200" in apply(levels)
    assert apply(tenant()) == []
    assert Platform.objects.get().max_access_token_lifetime_seconds == 7200
    assert Environment.objects.get().max_access_token_lifetime_seconds == 3600
    assert stored().scope_excess == "narrow"
    assert apply(tenant("scope_excess: null")) == [f'~ {LABEL}.scope_excess: "narrow" -> "reject"']


def test_a_ceiling_above_is_kept() -> None:
    apply("platform: {access_token_lifetime_seconds: 600, max_access_token_lifetime_seconds: 600}")
    (mistake,) = refuse(tenant("access_token_lifetime_seconds: 900"))
    assert mistake.endswith("Choose at most 600: a ceiling above allows no more.")


def test_projects_environments_and_tenants_are_never_removed() -> None:
    apply(tenant())
    assert apply("projects: []") == []
    assert apply("projects: [{slug: acme, environments: [{slug: production, tenants: []}]}]") == []
    assert Tenant.objects.count() == 1


def test_built_in_apis_and_scopes_stay_and_can_be_changed() -> None:
    apply(tenant("apis: []"))
    assert set(Api.objects.values_list("slug", flat=True)) == {"openid", "management"}
    assert apply(tenant("apis: [{slug: openid, name: Sign-in, scopes: [{name: membership}]}]")) == [
        f'~ {LABEL} apis[openid].name: "OpenID Connect" -> "Sign-in"',
        f"+ {LABEL} apis[openid].scopes[membership]",
    ]
    assert Scope.objects.filter(api__slug="openid").count() == 7
    assert apply(tenant("apis: [{slug: openid, scopes: []}]")) == [
        f"- {LABEL} apis[openid].scopes[membership]",
        f'~ {LABEL} apis[openid].name: "Sign-in" -> "OpenID Connect"',
    ]


def test_a_scope_can_move_to_another_api_with_its_client() -> None:
    text = """\
    apis:
    - {slug: one, audience: one, scopes: [%s]}
    - {slug: two, audience: two, scopes: [%s]}
    clients: [{client_id: c, scopes: [read]}]
    """
    apply(tenant(text % ("{name: read}", "")))
    apply(tenant(text % ("", "{name: read}")))
    assert Client.objects.get().scopes.get().api.slug == "two"
    assert apply(tenant(text % ("", "{name: read}"))) == []


def test_an_audience_can_pass_from_a_removed_api_to_a_new_one() -> None:
    apply(tenant("apis: [{slug: old, audience: x}]"))
    assert apply(tenant("apis: [{slug: new, audience: x}]")) == [
        f"- {LABEL} apis[old]",
        f"+ {LABEL} apis[new]",
    ]


def test_a_claim_profile_in_use_is_not_removed() -> None:
    apply(tenant("claim_profile: own\nclaim_profiles: [{slug: own, base: aidbox}]"))
    (mistake,) = refuse(tenant("claim_profiles: []"))
    assert mistake.endswith("'own' is still used in this tenant and can't be removed")
    assert apply(tenant("claim_profile: rfc9068\nclaim_profiles: []")) == [
        f'~ {LABEL}.claim_profile: "own" -> "rfc9068"',
        f"- {LABEL} claim_profiles[own]",
    ]


def test_a_policy_never_widens_because_its_client_is_removed() -> None:
    apply(
        tenant(
            "clients: [{client_id: a}, {client_id: b}]\naccess_policies: [{slug: p, clients: [a]}]"
        )
    )
    assert apply(tenant("clients: [{client_id: b}]")) == [
        f"- {LABEL} access_policies[p]",
        f"- {LABEL} clients[a]",
    ]
    assert not AccessPolicy.objects.exists()


def test_an_id_can_be_chosen_and_stays() -> None:
    chosen = "0190a5d0-ac96-774b-bcce-b302099a8057"
    text = "id: 0190a5d0-0000-774b-bcce-b302099a8057\nclients: [{client_id: c, id: %s}]"
    apply(tenant(text % chosen))
    assert str(Client.objects.get().pk) == chosen
    assert str(stored().pk) == "0190a5d0-0000-774b-bcce-b302099a8057"
    assert apply(tenant(text % chosen)) == []
    (mistake,) = refuse(tenant(text % chosen.replace("a", "b")))
    assert f"this client exists with the id {chosen}, which can't change" in mistake


def test_an_id_of_another_tenant_is_refused() -> None:
    apply(tenant("id: 0190a5d0-0000-774b-bcce-b302099a8057"))
    other = tenant("id: 0190a5d0-0000-774b-bcce-b302099a8057").replace("globex", "initech")
    (mistake,) = refuse(other)
    assert "already exists" in mistake


def test_versions_only_grow() -> None:
    apply(tenant("claim_profile: own\nclaim_profiles: [{slug: own, base: aidbox}]"))
    apply(tenant("name: Globex\napis: [{slug: a, audience: a}]\nclaim_profile: rfc9068"))
    versions = list(
        ConfigurationChange.objects.filter(scope_kind="tenant")
        .order_by("id")
        .values_list("version", flat=True)
    )
    assert versions == sorted(set(versions))
    assert stored().version == versions[-1]


def test_a_built_in_tenant_is_made_as_such() -> None:
    apply(tenant("is_built_in: true"))
    assert stored().is_built_in


def test_an_unchanged_tenant_costs_the_same_whatever_the_number_of_its_clients() -> None:
    text = "clients: [%s]"

    def count(number: int) -> int:
        clients = ", ".join(f"{{client_id: c{n}, scopes: [openid]}}" for n in range(number))
        apply(tenant(text % clients))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert apply(tenant(text % clients)) == []
        return len(queries)

    assert count(1) == count(8)


def test_an_api_whose_keys_are_in_use_is_not_removed() -> None:
    apply(tenant("apis: [{slug: a, audience: a}]"))
    api = Api.objects.get(slug="a")
    key = SigningKey(tenant=api.tenant, api=api, algorithm="HS256", state="current", kid="k")
    signing_keys.create(key, private=b"s" * 32, public_jwk=None, actor=SYSTEM)
    (mistake,) = refuse(tenant("apis: []"))
    assert mistake.endswith("a: This api is still in use and can't be deleted.")


def test_who_may_not_give_management_scopes_can_not_do_it_by_a_file() -> None:
    text = tenant("clients: [{client_id: c, scopes: ['management:clients:read']}]")
    with pytest.raises(InvalidConfiguration, match=r"clients\[0\]: Only an owner of the tenant"):
        apply(text, actor=Actor("operator", str(uuid4())))
    assert not Client.objects.exists()
    apply(text)
    assert Client.objects.get().scopes.count() == 1
