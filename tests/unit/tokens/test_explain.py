"""A token explains itself from its row, and a preview is what issuance would answer."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants import snapshot
from tenants.models import (
    AccessPolicy,
    Api,
    ClaimRule,
    Client,
    Group,
    Platform,
    Scope,
    SubjectIdentity,
    Tenant,
    TrustProfile,
)
from tenants.policy import decide
from tenants.records import SYSTEM, AccessRequest, GrantType, SubjectRecord
from tenants.services import changes
from tests.factories.outside import make_partner
from tests.factories.tenants import allow, make_api, make_client, make_tenant
from tests.factories.tokens import make_issuer, make_subject
from tests.oauth_client import OAuthClient
from tests.rfc.signers import make_signer
from tests.unit.tokens import hooks
from tokens import claim_hook, group_claims, refusals
from tokens.claim_profiles import PROFILES
from tokens.claim_sources import SOURCES, source_of
from tokens.claims import _LINES
from tokens.errors import OAuthError
from tokens.explain import (
    GROUPS_OF_TODAY,
    explain_request_id,
    explain_token,
    read_subject,
    request_of,
)
from tokens.explained_text import write_text
from tokens.explanations import describe_preview, describe_refusal, describe_token
from tokens.grants import jwt_bearer
from tokens.issuance import issue
from tokens.models import AccessToken, Session
from tokens.parameters import EndpointRequest, Parameters
from tokens.preview import KID_TO_COME, OPAQUE_TEXT, REFRESH_TEXT, preview
from tokens.stated_tokens import state_token

if TYPE_CHECKING:
    from pathlib import Path

    from tenants.records import JSON, TenantSnapshot
    from tests.factories.tokens import Issuer
    from tokens.explain import TokenExplanation

NOW = time.time()


@pytest.fixture(autouse=True)
def _limits_as_new() -> None:
    refusals.LIMITS.forget()


def last_token() -> AccessToken:
    return AccessToken.objects.order_by("-issued_at", "-id")[0]


def explained(issuer: Issuer, token: AccessToken | None = None) -> TokenExplanation:
    found = explain_token(issuer.tenant.pk, (token or last_token()).pk)
    assert found is not None
    return found


def outcomes(found: TokenExplanation) -> set[bool]:
    return {check.passed for check in found.checks}


# Issued tokens.


@pytest.mark.django_db
def test_token_is_explained_by_the_checks_it_passed_and_the_claims_it_has() -> None:
    issuer = make_issuer()
    answer = issuer.issue(requested_scopes=("read",), address="192.0.2.1")
    found = explained(issuer)
    assert outcomes(found) == {True}
    assert found.notes == ()
    assert found.client_id == "api-client"
    assert found.facts["scope"] == "read"
    claims = {claim.name: claim.value for claim in found.claims}
    payload = str(answer["access_token"]).split(".")[1]
    assert claims == json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert {claim.name: claim.source for claim in found.claims}["scope"] == SOURCES["scope"]


@pytest.mark.django_db
def test_explanation_is_that_of_the_configuration_then() -> None:
    issuer = make_issuer()
    issuer.issue(requested_scopes=("read",))
    token = last_token()
    changes.save(AccessPolicy(tenant=issuer.tenant, slug="no", effect="deny"), actor=SYSTEM)
    client = Client.objects.get(client_id=issuer.client_id)
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    found = explained(issuer, token)
    assert outcomes(found) == {True}
    assert found.notes == ()
    assert "no" not in {policy.slug for policy in found.policies}


@pytest.mark.django_db
def test_narrowed_scope_is_explained_one_by_one() -> None:
    issuer = make_issuer()
    tenant = Tenant.objects.get(pk=issuer.tenant.pk)
    tenant.scope_excess = "narrow"
    changes.save(tenant, actor=SYSTEM)
    changes.save(Scope(tenant=tenant, api=issuer.api, name="admin"), actor=SYSTEM)
    issuer.issue(requested_scopes=("read", "admin", "nonsense"))
    dropped = {scope.name: scope.reason for scope in explained(issuer).dropped_scopes}
    assert dropped == {"admin": "scope_not_of_client", "nonsense": "scope_unknown"}


@pytest.mark.django_db
def test_claim_of_a_rule_names_the_rule() -> None:
    issuer = make_issuer()
    rule = ClaimRule(tenant=issuer.tenant, slug="in-europe", claim="region", value="eu")
    changes.save(rule, actor=SYSTEM)
    issuer.issue(requested_scopes=("read",))
    sources = {claim.name: claim.source for claim in explained(issuer).claims}
    assert "in-europe" in sources["region"]


@pytest.mark.django_db
def test_refresh_is_explained_with_its_session() -> None:
    issuer = make_issuer(refresh_token_enabled=True)
    first = issuer.issue(requested_scopes=("read", "write"))
    session = Session.objects.get()
    assert explained(issuer).notes == ()
    issuer.refresh(str(first["refresh_token"]))
    refreshed = AccessToken.objects.get(grant_type="refresh_token")
    found = explained(issuer, refreshed)
    assert (outcomes(found), found.notes) == ({True}, ())
    session.delete()
    assert "purged" in explained(issuer, refreshed).notes[0]


@pytest.mark.django_db
def test_facts_of_the_grant_are_kept_and_used_again() -> None:
    issuer = make_issuer(grant_types=[GrantType.JWT_BEARER.value])
    subject = make_subject(issuer.tenant)
    issuer.issue(
        grant_type=GrantType.JWT_BEARER.value,
        subject=SubjectRecord(subject.pk, is_enabled=True, cut_off_number=0),
        requested_scopes=("read",),
        scope_ceiling=frozenset({"read"}),
        groups=("staff",),
        claims={"amr": ["mfa"]},
        method="POST",
    )
    token = last_token()
    assert token.facts["groups"] == ["staff"]
    assert token.facts["claims"] == {"amr": ["mfa"]}
    assert token.facts["scope_ceiling"] == ["read"]
    assert "method" not in token.facts
    found = explained(issuer, token)
    assert (outcomes(found), found.notes) == ({True}, (GROUPS_OF_TODAY,))


@pytest.mark.django_db
@pytest.mark.parametrize("claims", [{"x": "y" * 2_000}, {"x": "\x00"}, {"x": "\ud800"}])
def test_findings_that_cannot_be_kept_are_digested_and_said_to_be(claims: dict[str, JSON]) -> None:
    issuer = make_issuer()
    issuer.issue(requested_scopes=("read",), claims=claims)
    token = last_token()
    assert len(str(token.facts["digest"])) == 64
    assert len(orjson.dumps(token.facts)) < 1_024
    assert token.facts["scope"] == "read"
    assert any("digests" in note for note in explained(issuer, token).notes)


@pytest.mark.django_db
def test_digested_request_is_explained_as_far_as_it_goes() -> None:
    issuer = make_issuer(default_scopes=["read"])
    issuer.issue(requested_scopes=("read",), user_agent="a" * 2_000)
    found = explained(issuer)
    assert any("digests" in note for note in found.notes)
    assert found.checks


@pytest.mark.django_db
def test_decision_that_comes_out_otherwise_is_not_passed_off_as_the_tokens() -> None:
    issuer = make_issuer()
    issuer.issue(requested_scopes=("read",))
    token = last_token()
    token.facts = {**token.facts, "scope": "nonsense"}
    token.save()
    found = explained(issuer, token)
    assert "differs" in found.notes[-1]
    assert found.claims == ()


@pytest.mark.django_db
def test_token_without_history_says_so() -> None:
    issuer = make_issuer()
    issuer.issue(requested_scopes=("read",))
    token = last_token()
    token.configuration_versions = [1, 1, 0, 1]
    token.save()
    found = explained(issuer, token)
    assert (found.checks, found.client_id) == ((), "api-client")
    assert "not kept" in found.notes[-1]


@pytest.mark.django_db
def test_foreign_token_is_not_found() -> None:
    issuer = make_issuer()
    issuer.issue(requested_scopes=("read",))
    other = make_tenant("other")
    assert explain_token(other.pk, last_token().pk) is None
    assert explain_request_id(other.pk, "0" * 32) is None


# Refusals.


@pytest.mark.django_db
def test_refusal_is_found_by_its_request_id_and_asked_again() -> None:
    issuer = make_issuer()
    made = Client.objects.get(client_id=issuer.client_id)
    oauth = OAuthClient(issuer.tenant)
    response = oauth.post(
        "/oauth/token",
        grant_type="client_credentials",
        client_id=made.client_id,
        client_secret="wrong-secret",
        scope="read",
        audience=issuer.api.audience,
    )
    refusal = explain_request_id(issuer.tenant.pk, response["X-Request-Id"])
    assert refusal is not None
    asked = request_of(refusal, issuer.client)
    assert asked.requested_scopes == ("read",)
    assert asked.requested_audiences == (issuer.api.audience,)
    described = describe_refusal(refusal)
    assert "FAILED  client_authenticated" in write_text(described)
    assert "wrong-secret" not in json.dumps(described)


# Previews.


def test_every_claim_of_every_profile_has_a_source() -> None:
    names = {name for lines in _LINES.values() for name, _ in lines}
    assert set(_LINES) == set(PROFILES)
    assert names | group_claims.NAMES == set(SOURCES)
    assert source_of("made-up") == source_of("other")


@pytest.mark.django_db
def test_preview_names_what_only_issuance_makes() -> None:
    issuer = make_issuer(refresh_token_enabled=True)
    asked = AccessRequest(grant_type="client_credentials", client=issuer.client)
    previewed = preview(replace(asked, requested_scopes=("read",)), issuer.core, now=NOW)
    assert previewed.plan is not None
    assert previewed.plan.header is not None
    assert previewed.plan.header["kid"] == KID_TO_COME
    assert previewed.response["refresh_token"] == REFRESH_TEXT
    assert str(previewed.response["access_token"]).endswith(".")
    assert AccessToken.objects.count() == 0
    assert issuer.core.keys == ()


@pytest.mark.django_db
def test_preview_of_a_refusal_has_the_decision_and_no_token() -> None:
    issuer = make_issuer()
    asked = AccessRequest("client_credentials", issuer.client, requested_scopes=("nonsense",))
    previewed = preview(asked, issuer.core, now=NOW)
    assert (previewed.plan, previewed.decision.is_allowed) == (None, False)
    assert [scope.name for scope in previewed.dropped_scopes] == ["nonsense"]
    described = describe_preview(previewed)
    assert described["is_allowed"] is False
    assert "scope_unknown" in write_text(described)


@pytest.mark.django_db
def test_preview_of_a_refresh_is_that_of_a_session_which_begins_now() -> None:
    issuer = make_issuer(refresh_token_enabled=True)
    asked = AccessRequest(GrantType.REFRESH_TOKEN.value, issuer.client, requested_scopes=("read",))
    previewed = preview(asked, issuer.core, now=NOW)
    assert previewed.plan is not None
    assert previewed.plan.refresh is not None


# Claim rules of every source, by their slugs.
RULES: dict[str, dict[str, Any]] = {
    "template": {"value": "${tenant_slug}:${subject.attributes.level}:${foreign.tier}"},
    "record": {"value": "scopes"},
    "subject_attribute": {"value": "manager.name"},
    "foreign_claim": {"value": "realm.roles"},
    "conditional": {
        "source": "constant",
        "value": "senior",
        "condition": {"subject": {"attributes": {"level": 3}}, "foreign": {"tier": "gold"}},
    },
    "required": {"source": "subject_attribute", "value": "level", "is_required": True},
}
ATTRIBUTES = '{"level": 3, "manager": {"name": "b\u00fcb"}, "unread": "x"}'
FOREIGN: dict[str, JSON] = {"tier": "gold", "realm": {"roles": ["a", 1.5, None]}, "other": 1}
CONFIGURATIONS = st.fixed_dictionaries(
    {
        "profile": st.sampled_from([*PROFILES]),
        "token_format": st.sampled_from(["jwt", "opaque"]),
        "lifetime": st.integers(60, 7_200),
        "api_algorithm": st.sampled_from(["", "ES256", "EdDSA", "HS256"]),
        "scope_excess": st.sampled_from(["reject", "narrow"]),
        "refreshes": st.booleans(),
        "usage_limit": st.integers(0, 3),
        "rule": st.none() | st.sampled_from(["api", "client", "tenant"]),
        "sources": st.lists(st.sampled_from([*RULES]), unique=True),
        "has_hook": st.booleans(),
        "scopes": st.lists(
            st.sampled_from(["read", "write", "openid", "nonsense"]), unique=True, max_size=4
        ),
        "has_subject": st.booleans(),
        "outside": st.sampled_from(["", "no scope", "read", "read write"]),
        "names_audience": st.booleans(),
        "policy": st.sampled_from(["allow", "allow", "limit", "deny", "none"]),
    }
)


def make_random_issuer(chosen: dict[str, Any]) -> tuple[Tenant, Client]:
    """Make a tenant as chosen, through the services that everybody uses."""
    tenant = make_tenant(
        f"t{uuid4().hex[:12]}",
        claim_profile=chosen["profile"],
        access_token_format=chosen["token_format"],
        scope_excess=chosen["scope_excess"],
        access_token_lifetime_seconds=chosen["lifetime"],
    )
    api = make_api(tenant, signing_algorithm=chosen["api_algorithm"])
    scope = Scope.objects.get(tenant=tenant, name="read")
    scope.usage_limit = chosen["usage_limit"]
    changes.save(scope, actor=SYSTEM)
    client = make_client(
        tenant,
        scopes=["read", "write", "openid"],
        default_scopes=["read"],
        is_allowed=False,
        grant_types=[GrantType.CLIENT_CREDENTIALS.value, GrantType.JWT_BEARER.value],
        refresh_token_enabled=chosen["refreshes"],
        may_impersonate=True,
        impersonated_tenants=["customer"],
        impersonated_subjects=[".+"],
        impersonation_scopes=["read", "write"],
        max_impersonated_token_lifetime_seconds=120,
    ).client
    if chosen["policy"] != "none":
        effect = "deny" if chosen["policy"] == "deny" else "allow"
        allow(tenant, client, effect=effect)
    if chosen["policy"] == "limit":
        policy = AccessPolicy(tenant=tenant, slug="limit", effect="limit")
        policy.limit_scopes, policy.limit_lifetime_seconds = ["read"], 61
        changes.save(policy, actor=SYSTEM)
    if chosen["rule"]:
        rule = ClaimRule(tenant=tenant, slug="rule", claim="region", value=["eu", 1])
        rule.api = api if chosen["rule"] == "api" else None
        rule.client = client if chosen["rule"] == "client" else None
        changes.save(rule, actor=SYSTEM)
    for slug in chosen["sources"]:
        fields = {"source": slug, **RULES[slug]}
        made = ClaimRule(tenant=tenant, slug=slug.replace("_", "-"), claim=slug, **fields)
        changes.save(made, actor=SYSTEM)
    if chosen["outside"]:
        make_partner(tenant, [api], ["read"])
    return tenant, client


def make_outside_requests(
    chosen: dict[str, Any], tenant: Tenant, core: TenantSnapshot, number: int
) -> tuple[AccessRequest, AccessRequest]:
    """Ask by an outside token that is verified, and state the same claims for a preview."""
    profile, signer = TrustProfile.objects.get(tenant=tenant), make_signer()
    profile.jwks = [signer.jwk]
    changes.save(profile, actor=SYSTEM)
    snapshot.CURRENT.renew()
    renewed = read_snapshot(tenant)
    user = make_subject(tenant, attributes=orjson.loads(ATTRIBUTES))
    SubjectIdentity.objects.create(tenant=tenant, subject=user, trust_profile=profile, sub="alice")
    client = snapshot.CURRENT.client(renewed, "api-client")
    assert client is not None
    stated = {**FOREIGN, "sub": "alice"}
    if chosen["outside"] != "no scope":
        stated["scope"] = chosen["outside"]
    registered = {"iss": profile.issuer, "aud": core.issuer, "jti": uuid4().hex}
    times = {"iat": int(NOW), "exp": int(NOW) + 300}
    audience = Api.objects.get(tenant=tenant, slug="orders").audience
    asked = {
        "scope": (" ".join(chosen["scopes"]),),
        "audience": (audience,) if chosen["names_audience"] else (),
        "assertion": (signer.sign({**registered, **times, **stated}),),
    }
    parameters = Parameters({name: values for name, values in asked.items() if values})
    request = EndpointRequest(renewed, parameters, now=NOW, cut_off_number=number)
    found = read_subject(tenant.pk, user.pk)
    assert found is not None
    plain = AccessRequest(
        grant_type=GrantType.JWT_BEARER.value,
        client=client,
        subject=found[0],
        groups=found[1],
        requested_scopes=tuple(chosen["scopes"]) or None,
        requested_audiences=asked["audience"],
        method="POST",
        now=NOW,
    )
    text = json.dumps(stated)
    return jwt_bearer.request_access(request, client), state_token(
        plain, renewed, trust_profile=profile.slug, text=text, now=NOW
    )


def make_random_request(
    chosen: dict[str, Any], tenant: Tenant, core: TenantSnapshot
) -> AccessRequest:
    client = snapshot.CURRENT.client(core, "api-client")
    assert client is not None
    subject = make_subject(tenant) if chosen["has_subject"] else None
    audience = Api.objects.get(tenant=tenant, slug="orders").audience
    return AccessRequest(
        grant_type=(GrantType.JWT_BEARER if subject else GrantType.CLIENT_CREDENTIALS).value,
        client=client,
        subject=SubjectRecord(subject.pk, is_enabled=True, cut_off_number=0, attributes=ATTRIBUTES)
        if subject
        else None,
        claims=FOREIGN if subject else None,
        requested_scopes=tuple(chosen["scopes"]) or None,
        requested_audiences=(audience,) if chosen["names_audience"] else (),
        app_tenant_id="customer" if chosen["usage_limit"] else "",
        app_subject_id="somebody" if chosen["usage_limit"] else "",
    )


def decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


@pytest.mark.django_db
@given(chosen=CONFIGURATIONS)
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_preview_is_byte_for_byte_what_is_issued(chosen: dict[str, Any]) -> None:
    with claim_hook.installed(hooks.RegionHook() if chosen["has_hook"] else None):
        compare_what_is_issued(chosen)


def read_snapshot(tenant: Tenant) -> TenantSnapshot:
    core = snapshot.CURRENT.tenant(tenant.path)
    assert core is not None
    return core


def make_random_requests(
    chosen: dict[str, Any], tenant: Tenant, number: int
) -> tuple[AccessRequest, AccessRequest]:
    """Ask for a token, and for its preview; they differ where an outside token is only stated."""
    core = read_snapshot(tenant)
    if chosen["outside"] and chosen["has_subject"]:
        return make_outside_requests(chosen, tenant, core, number)
    asked = make_random_request(chosen, tenant, core)
    return asked, asked


def compare_what_is_issued(chosen: dict[str, Any]) -> None:
    tenant, _ = make_random_issuer(chosen)
    snapshot.CURRENT.forget()
    number = snapshot.CURRENT.renew()
    asked, stated = make_random_requests(chosen, tenant, number)
    core = read_snapshot(tenant)
    decision = decide(asked, core)
    if not decision.is_allowed:
        refused = preview(stated, core, now=NOW)
        assert (refused.plan, refused.decision.checks) == (None, decision.checks)
        return
    request = EndpointRequest(core, Parameters(), now=NOW, cut_off_number=number)
    if "required" in chosen["sources"] and asked.subject is None:
        refused = preview(asked, core, now=NOW)
        assert (refused.plan, refused.decision.refusal.reason) == (None, "claim_missing")
        with pytest.raises(OAuthError):
            issue(asked, decision, request)
        return
    answer = issue(asked, decision, request)
    token = AccessToken.objects.get(tenant=tenant)
    entropy = (token.pk.int & ((1 << 80) - 1)).to_bytes(10, "big")
    snapshot.CURRENT.forget()
    previewed = preview(stated, read_snapshot(tenant), now=NOW, entropy=entropy)
    assert_same_answer(answer, dict(previewed.response))
    # And the token's own explanation comes to the same.
    found = explain_token(tenant.pk, token.pk)
    assert found is not None
    assert found.notes == ()
    assert found.claims == previewed.claims
    assert found.dropped_scopes == previewed.dropped_scopes


def assert_same_answer(answer: dict[str, JSON], previewed: dict[str, JSON]) -> None:
    """Compare members, order and bytes, apart from the texts that only issuance makes."""
    issued_text, shown_text = str(answer.pop("access_token")), str(previewed.pop("access_token"))
    if "refresh_token" in answer:
        answer["refresh_token"] = REFRESH_TEXT
    assert orjson.dumps(answer) == orjson.dumps(previewed)
    if shown_text == OPAQUE_TEXT:
        assert len(issued_text) == 64
        return
    issued, shown = issued_text.split("."), shown_text.split(".")
    assert decode(issued[0]) == decode(shown[0])
    assert decode(issued[1]) == decode(shown[1])
    assert (bool(issued[2]), shown[2]) == (True, "")


@pytest.mark.django_db
def test_rule_that_requires_an_outside_claim_is_previewed_with_the_claim_that_is_stated() -> None:
    issuer = make_issuer(grant_types=[GrantType.JWT_BEARER.value])
    rule = ClaimRule(tenant=issuer.tenant, slug="tier", claim="tier", source="foreign_claim")
    rule.value, rule.is_required = "tier", True
    changes.save(rule, actor=SYSTEM)
    make_partner(issuer.tenant, [issuer.api], ["read"])
    subject = make_subject(issuer.tenant)
    arguments = ["--tenant", issuer.tenant.path, "--client", issuer.client_id, "--json"]
    arguments += ["--grant", GrantType.JWT_BEARER.value, "--subject", str(subject.pk)]
    assert json.loads(run(*arguments, "--scope", "read"))["is_allowed"] is False
    arguments += ["--trust-profile", "partner"]
    stated = json.loads(run(*arguments, "--claims", '{"tier": "gold", "scope": "read"}'))
    claims = {claim["name"]: claim["value"] for claim in stated["claims"]}
    assert (claims["tier"], claims["scope"], claims["sub"]) == ("gold", "read", str(subject.pk))


@pytest.mark.django_db
def test_preview_at_another_time_differs_in_times_and_id_only() -> None:
    issuer = make_issuer()
    asked = AccessRequest("client_credentials", issuer.client, requested_scopes=("read",))
    early, late = (preview(asked, issuer.core, now=now) for now in (NOW, NOW + 7))
    assert early.plan is not None
    assert late.plan is not None
    differing = {n for n, value in early.plan.claims.items() if value != late.plan.claims[n]}
    assert differing <= {"iat", "nbf", "exp", "jti"}


@pytest.mark.django_db
def test_platforms_change_reaches_the_preview_as_it_reaches_issuance() -> None:
    issuer = make_issuer()
    platform = Platform.objects.get()
    platform.max_access_token_lifetime_seconds = 77
    platform.access_token_lifetime_seconds = 77
    changes.save(platform, actor=SYSTEM)
    asked = AccessRequest("client_credentials", issuer.client, requested_scopes=("read",))
    assert preview(asked, issuer.core, now=NOW).response["expires_in"] == 77


# The command.


def run(*arguments: str) -> str:
    written = StringIO()
    call_command("explain", *arguments, stdout=written)
    return written.getvalue()


@pytest.mark.django_db
def test_command_explains_a_token_for_people_and_programs() -> None:
    issuer = make_issuer()
    issuer.issue(requested_scopes=("read",))
    jti, path = str(last_token().pk), issuer.tenant.path
    text = run("--tenant", path, "--jti", jti)
    assert "passed  tenant_enabled" in text
    assert "RFC 7519 section 4.1.1" in text
    described = json.loads(run("--tenant", path, "--jti", jti, "--json"))
    assert described["token"]["jti"] == jti
    assert described == describe_token(explained(issuer))


@pytest.mark.django_db
def test_command_explains_a_refusal() -> None:
    issuer = make_issuer()
    oauth = OAuthClient(issuer.tenant)
    response = oauth.post("/oauth/token", grant_type="client_credentials", client_id="nobody")
    found = run("--tenant", issuer.tenant.path, "--request-id", response["X-Request-Id"])
    assert "client_authenticated" in found
    assert "docs/decisions.md#invalid_client" in found


@pytest.mark.django_db
def test_command_previews_for_an_end_user_with_groups() -> None:
    issuer = make_issuer(grant_types=[GrantType.JWT_BEARER.value])
    subject = make_subject(issuer.tenant)
    group = Group(tenant=issuer.tenant, slug="staff")
    changes.save(group, actor=SYSTEM, links={"subjects": [subject]})
    record, groups = read_subject(issuer.tenant.pk, subject.pk) or (None, ())
    assert record is not None
    assert (record.id, groups) == (subject.pk, ("staff",))
    arguments = ["--tenant", issuer.tenant.path, "--client", issuer.client_id]
    arguments += ["--grant", GrantType.JWT_BEARER.value, "--subject", str(subject.pk)]
    described = json.loads(run(*arguments, "--scope", "read write", "--json"))
    assert described["is_allowed"] is True
    claims = {claim["name"]: claim["value"] for claim in described["claims"]}
    assert (claims["sub"], claims["scope"]) == (str(subject.pk), "read write")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--jti", str(uuid4())], id="token"),
        pytest.param(["--request-id", "0" * 32], id="request"),
        pytest.param(["--client", "nobody"], id="client"),
        pytest.param(["--client", "api-client", "--subject", str(uuid4())], id="subject"),
    ],
)
def test_command_says_what_there_is_not(arguments: list[str]) -> None:
    issuer = make_issuer()
    with pytest.raises(CommandError, match=r"no |No "):
        run("--tenant", issuer.tenant.path, *arguments)
    with pytest.raises(CommandError, match="no tenant"):
        run("--tenant", "a/b/c", *arguments)


@pytest.mark.django_db
@pytest.mark.parametrize("effect", ["deny", "allow"])
def test_the_command_tries_a_policy_that_is_not_saved(tmp_path: Path, effect: str) -> None:
    tenant = make_tenant()
    make_api(tenant)
    make_client(tenant, scopes=["read"], is_allowed=effect == "deny")
    edited = tmp_path / "edited.yaml"
    edited.write_text(f"{{slug: night, effect: {effect}, engine: allow, clients: [api-client]}}")
    arguments = ["--tenant", tenant.path, "--client", "api-client", "--policy", str(edited)]
    answer = json.loads(run(*arguments, "--json"))
    assert answer["live"]["is_allowed"] is (effect == "deny")
    assert answer["edited"]["is_allowed"] is (effect == "allow")
    assert answer["differences"]
    before, after = ("allowed", "refused") if effect == "deny" else ("refused", "allowed")
    text = run(*arguments)
    assert f"decision: {before} -> {after}" in text
    assert f"night: {effect}, true, had its effect" in text
    assert not AccessPolicy.objects.filter(slug="night").exists()


@pytest.mark.django_db
def test_the_command_tries_a_policy_on_a_real_refusal(tmp_path: Path) -> None:
    refusals.LIMITS.forget()
    tenant = make_tenant()
    make_api(tenant)
    made = make_client(tenant, scopes=["read"], is_allowed=False)
    refused = OAuthClient(tenant).token(made, scope="read")
    edited = tmp_path / "edited.yaml"
    edited.write_text("{slug: yes, engine: match, rule: {scopes: {$contains: read}}}")
    arguments = ["--tenant", tenant.path, "--policy", str(edited)]
    text = run(*arguments, "--request-id", refused["X-Request-Id"])
    assert "reason: no_policy_allows -> -" in text
    assert "decision: refused -> allowed" in text
    edited.write_text("{slug: yes, engine: match, rule: {resource: {type: record}}}")
    entities = {
        "subject": {"type": "user", "id": "bob"},
        "action": {"name": "read"},
        "resource": {"type": "record", "id": "1"},
    }
    arguments += ["--client", made.client_id, "--grant", "access", "--access"]
    assert "decision: refused -> allowed" in run(*arguments, json.dumps(entities))
    with pytest.raises(CommandError, match="subject is missing"):
        run(*arguments, '{"action": {"name": "read"}}')


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--grant", "access"], id="operation"),
        pytest.param(["--access", '{"action": {}}'], id="entities"),
        pytest.param(["--access", "[]"], id="no-object"),
        pytest.param(["--access", "{"], id="no-json"),
    ],
)
def test_the_command_previews_tokens_only(arguments: list[str]) -> None:
    issuer = make_issuer()
    with pytest.raises(CommandError):
        run("--tenant", issuer.tenant.path, "--client", issuer.client_id, *arguments)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{effect: maybe}", "{clients: [nobody]}", "{", "{}\n---\n{}", "&a [*a]"),
        *("!!python/name:os {}", "{slug: a, slug: b}", "{description: \x00}"),
        "{description: " + "a" * 70_000 + "}",
    ],
    ids=lambda text: text[:30].encode("unicode_escape").decode(),
)
def test_the_command_says_what_is_wrong_with_a_policy_file(tmp_path: Path, text: str) -> None:
    tenant = make_tenant()
    make_api(tenant)
    make_client(tenant, scopes=["read"])
    edited = tmp_path / "edited.yaml"
    edited.write_text(text)
    with pytest.raises(CommandError):
        call_command("explain", tenant=tenant.path, client="api-client", policy=edited)
