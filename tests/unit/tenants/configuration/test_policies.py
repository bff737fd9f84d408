"""Access policies in configuration files: everything that they may say, and what is refused."""

from __future__ import annotations

import pytest

from tenants.configuration.export import export
from tenants.models import AccessPolicy, Group, Subject, Tenant
from tenants.queries.tenant_core import read_core
from tests.factories.tokens import make_subject
from tests.unit.tenants.configuration.files import FIRST_LINE, PATH, apply, refuse, tenant

pytestmark = pytest.mark.django_db
LABEL = "acme/production/globex"
WORLD = """\
apis: [{slug: orders, audience: "https://orders.example/", scopes: [{name: read}, {name: write}]}]
clients: [{client_id: a}, {client_id: b}]
groups: [{slug: staff}, {slug: guests}]
trust_profiles: [{slug: partner, issuer: "https://p.example", algorithms: [ES256],
  jwks_uri: "https://p.example/jwks"}]
"""
WHOLE = """\
access_policies:
- slug: contractors
  description: Contractors only read, and briefly.
  effect: limit
  mode: shadow
  engine: all
  rule:
  - {engine: match, rule: {client: {kind: web}}}
  - {engine: cedar, rule: 'permit(principal, action, resource) when { context.version == 1 };'}
  operations: [introspection, client_credentials]
  client_kinds: [web, spa]
  clients: [b, a]
  apis: [orders]
  scopes: [write, read]
  groups: [staff]
  trust_profiles: [partner]
  limit_scopes: [read]
  limit_lifetime_seconds: 60
  limit_audiences: ["https://orders.example/"]
"""


def test_a_file_says_everything_of_a_policy() -> None:
    apply(tenant(WORLD + WHOLE))
    made = AccessPolicy.objects.get()
    assert (made.effect, made.mode, made.engine) == ("limit", "shadow", "all")
    assert made.rule is not None
    assert made.rule[0] == {"engine": "match", "rule": {"client": {"kind": "web"}}}
    assert set(made.operations) == {"introspection", "client_credentials"}
    assert {group.slug for group in made.groups.all()} == {"staff"}
    assert {profile.slug for profile in made.trust_profiles.all()} == {"partner"}
    assert made.limit_audiences == ["https://orders.example/"]
    assert apply(tenant(WORLD + WHOLE)) == []


def test_what_is_applied_is_exported_and_applied_again() -> None:
    apply(tenant(WORLD + WHOLE))
    written = export()
    assert apply(written) == []
    assert export() == written
    assert "limit_scopes:" in written
    assert "mode: shadow" in written


def test_what_a_policy_leaves_out_has_its_default() -> None:
    apply(tenant(WORLD + WHOLE))
    differences = apply(tenant(f"{WORLD}access_policies: [{{slug: contractors}}]"))
    assert f'~ {LABEL} access_policies[contractors].effect: "limit" -> "allow"' in differences
    made = AccessPolicy.objects.get()
    assert (made.rule, made.limit_scopes, made.limit_lifetime_seconds) == (None, None, None)
    assert not made.groups.exists()
    assert "access_policies:\n      - slug: contractors\n" in export()


def test_the_core_has_what_the_file_says() -> None:
    apply(tenant(WORLD + WHOLE))
    core = read_core(LABEL, base_url="https://auth.example")
    assert core is not None
    (policy,) = core.policies
    assert (policy.effect, policy.mode, policy.engine) == ("limit", "shadow", "all")
    assert policy.client_kinds == {"web", "spa"}
    assert policy.scopes == {"read", "write"}
    assert policy.groups == {"staff"}
    assert policy.operations == {"introspection", "client_credentials"}
    assert (len(policy.clients), len(policy.apis), len(policy.trust_profiles)) == (2, 1, 1)
    assert policy.limit_scopes == frozenset({"read"})
    assert policy.limit_lifetime_seconds == 60
    assert policy.limit_audiences == frozenset({"https://orders.example/"})
    assert policy.version == core.version


def test_a_subject_is_named_by_its_id() -> None:
    apply(tenant(WORLD))
    globex = Tenant.objects.get(slug="globex")
    person = make_subject(globex)
    policy = f"access_policies: [{{slug: hers, subjects: [{person.pk}]}}]"
    apply(tenant(WORLD + policy))
    assert AccessPolicy.objects.get().subjects.get() == person
    assert apply(tenant(WORLD + policy)) == []
    assert f"- {person.pk}" in export()
    apply(tenant().replace("globex", "initech"))
    foreign = Subject.objects.create(tenant=Tenant.objects.get(slug="initech"))
    (mistake,) = refuse(tenant(WORLD + policy.replace(str(person.pk), str(foreign.pk))))
    assert "there is no subject" in mistake
    (mistake,) = refuse(tenant(WORLD + policy.replace(str(person.pk), "alice")))
    assert "a UUID in lower case" in mistake


@pytest.mark.parametrize(
    ("policy", "line", "message"),
    [
        ("effect: permit", 1, 'effect: "permit" is no effect'),
        ("groups: [stuff]", 1, '"stuff" is no group of this tenant; did you mean "staff"?'),
        ("trust_profiles: [no]", 1, '"no" is no trust profile of this tenant'),
        ("operations: [password]", 1, '"password" is no operation'),
        ("client_kinds: [robot]", 1, '"robot" is no client kind'),
        ("limit_scopes: [read]", 1, "limit_scopes: Only a policy with the effect limit"),
        ("effect: limit", 1, "effect: A limit needs"),
        ("effect: limit\nlimit_scopes: []", 2, "limit_scopes"),
        ("effect: limit\nlimit_lifetime_seconds: 0", 2, "too small"),
        ("engine: match", 0, "Write the rule"),
        ("engine: match\nrule:\n  client:\n    knid: web", 4, "rule.client.knid"),
        ("engine: any\nrule:\n- {engine: allow}\n- {engine: match}", 4, "rule[1]"),
        ("rule: {client: {kind: web}}", 1, "The engine allow has no rule"),
    ],
)
def test_a_mistake_names_its_line(policy: str, line: int, message: str) -> None:
    text = "\n".join(f"  {each}" for each in policy.splitlines())
    before = f"{WORLD}access_policies:\n- slug: p\n"
    mistakes = refuse(tenant(before + text))
    wanted = FIRST_LINE + before.count("\n") + line - 1
    assert any(message in mistake for mistake in mistakes), mistakes
    found = next(mistake for mistake in mistakes if message in mistake)
    assert found.startswith(f"globex.yaml:{wanted}: {PATH}.access_policies[0]"), found


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ("groups: [{slug: guests}]", "groups[staff]"),
        ("trust_profiles: []", "trust_profiles[partner]"),
        (
            'apis: [{slug: orders, audience: "https://orders.example/", scopes: [{name: write}]}]',
            "",
        ),
        ("apis: []", "apis[orders]"),
    ],
)
def test_a_policy_never_widens_because_what_it_names_goes(change: str, gone: str) -> None:
    policy = "{slug: p, clients: [a], groups: [staff], trust_profiles: [partner], scopes: [read]}"
    apply(tenant(f"{WORLD}access_policies: [{policy}]"))
    differences = apply(tenant(change))
    assert f"- {LABEL} access_policies[p]" in differences
    assert not gone or f"- {LABEL} {gone}" in differences
    assert not AccessPolicy.objects.exists()
    assert Group.objects.exists()
