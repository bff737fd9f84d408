"""RFC 9068 section 2.2.3: what a tenant adds to its tokens, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import ClaimProfile, ClaimRule, Group, Subject
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.groups import save_group
from tenants.services.tenants import update_tenant
from tests.factories.tenants import make_client
from tests.rfc.verification import verify
from tests.seeds.wire import JWT_BEARER, Application, trust_application
from tests.unit.tokens import hooks
from tokens import claim_hook, refusals
from tokens.explain import DIGESTED, GROUPS_OF_TODAY, explain_token
from tokens.models import AccessToken, Refusal

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PREFIX = "https://claims.example/"


@dataclass(frozen=True, slots=True)
class Portal:
    """A web application whose users come with tokens of their company's directory."""

    tenant: Tenant
    oauth: OAuthClient
    client: MadeClient
    directory: Application

    def ask(self, **claims: object) -> Response:
        assertion = self.directory.sign("user-1", **claims)
        return self.oauth.token(self.client, grant_type=JWT_BEARER, assertion=assertion)

    def read(self, answer: Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.content
        claims = verify(self.oauth, answer.json()["access_token"])
        return {
            name.removeprefix(PREFIX): value
            for name, value in claims.items()
            if name.startswith(PREFIX)
        }

    def refresh(self, answer: Response) -> Response:
        text = answer.json()["refresh_token"]
        return self.oauth.token(self.client, grant_type="refresh_token", refresh_token=text)

    def describe_user(self, **attributes: object) -> None:
        subject = Subject.objects.get(tenant=self.tenant)
        subject.attributes = attributes
        changes.save(subject, actor=SYSTEM)


@pytest.fixture
def portal(tenant: Tenant, api: Api, oauth: OAuthClient) -> Portal:
    refusals.LIMITS.forget()
    client = make_client(
        api.tenant,
        "portal",
        scopes=["read"],
        grant_types=[JWT_BEARER, "refresh_token", EXCHANGE, "client_credentials"],
        refresh_token_enabled=True,
    )
    directory = trust_application(
        tenant,
        "https://directory.example",
        audience="https://tokens.example",
        maximum=["read"],
        provisioning="create",
    )
    made = Portal(tenant, oauth, client, directory)
    made.ask()
    made.describe_user(department="sales", level=3)
    return made


def add_rule(tenant: Tenant, name: str, **fields: Any) -> ClaimRule:  # noqa: ANN401 - a rule's fields.
    rule = ClaimRule(tenant=tenant, slug=name, claim=f"{PREFIX}{name}", **fields)
    changes.save(rule, actor=SYSTEM)
    return rule


def add_one_of_each(tenant: Tenant) -> None:
    add_rule(tenant, "constant", value={"tier": 1})
    add_rule(tenant, "template", source="template", value="${client_id}@${foreign.company}")
    add_rule(tenant, "record", source="record", value="scopes")
    add_rule(tenant, "attribute", source="subject_attribute", value="department")
    add_rule(tenant, "foreign", source="foreign_claim", value="realm.roles")
    add_rule(tenant, "condition", value=True, condition={"subject": {"attributes": {"level": 3}}})


EACH = {
    "constant": {"tier": 1},
    "template": "portal@acme",
    "record": ["read"],
    "attribute": "sales",
    "foreign": ["buyer"],
    "condition": True,
}
FOREIGN: dict[str, Any] = {"company": "acme", "realm": {"roles": ["buyer"]}}


@pytest.mark.requirement("RFC 9068", "2.2.3", "A token carries further claims.")
def test_token_and_introspection_tell_what_the_rules_of_every_source_say(portal: Portal) -> None:
    add_one_of_each(portal.tenant)
    answer = portal.ask(**FOREIGN)
    assert portal.read(answer) == EACH
    # What the user is today, or other claims, don't change what the token was made of.
    portal.describe_user(department="purchase")
    told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    assert {name: told[f"{PREFIX}{name}"] for name in EACH} == EACH


def test_explanation_comes_to_the_same_claims_and_names_the_rules(portal: Portal) -> None:
    add_one_of_each(portal.tenant)
    claims = verify(portal.oauth, portal.ask(**FOREIGN).json()["access_token"])
    portal.describe_user(department="purchase")
    token = AccessToken.objects.get(pk=claims["jti"])
    found = explain_token(portal.tenant.pk, token.pk)
    assert found is not None
    assert found.notes == ()
    assert {claim.name: claim.value for claim in found.claims} == claims
    sources = {claim.name: claim.source for claim in found.claims}
    assert sources[f"{PREFIX}attribute"] == "Added by the claim rule attribute."


def test_opaque_token_is_told_with_the_same_claims(portal: Portal) -> None:
    add_one_of_each(portal.tenant)
    portal.tenant.access_token_format = "opaque"
    update_tenant(portal.tenant, actor=SYSTEM)
    text = portal.ask(**FOREIGN).json()["access_token"]
    told = portal.oauth.introspect(portal.client, text).json()
    assert {name: told[f"{PREFIX}{name}"] for name in EACH} == EACH


def test_refreshed_token_has_the_attributes_of_today_and_no_foreign_claims(portal: Portal) -> None:
    add_one_of_each(portal.tenant)
    first = portal.ask(**FOREIGN)
    portal.describe_user(department="purchase", level=3)
    refreshed = portal.refresh(first)
    left = {name: EACH[name] for name in ("constant", "record", "condition")}
    assert portal.read(refreshed) == {**left, "attribute": "purchase"}
    told = portal.oauth.introspect(portal.client, refreshed.json()["access_token"]).json()
    assert told[f"{PREFIX}attribute"] == "purchase"
    assert f"{PREFIX}foreign" not in told


def test_rule_of_the_grant_that_began_a_session_holds_for_it_all(portal: Portal) -> None:
    add_rule(portal.tenant, "outside", value=True, grant_type=JWT_BEARER)
    first = portal.ask()
    for answer in (first, portal.refresh(first)):
        assert portal.read(answer) == {"outside": True}
        told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
        assert told[f"{PREFIX}outside"] is True
    own = portal.oauth.token(portal.client, grant_type="client_credentials")
    assert portal.read(own) == {}


def test_exchanged_token_has_the_users_attributes_and_no_foreign_claims(portal: Portal) -> None:
    add_one_of_each(portal.tenant)
    first = portal.ask(**FOREIGN).json()["access_token"]
    exchanged = portal.oauth.token(
        portal.client, grant_type=EXCHANGE, subject_token=first, subject_token_type=ACCESS_TOKEN
    )
    claims = portal.read(exchanged)
    assert claims["attribute"] == "sales"
    assert {"foreign", "template"}.isdisjoint(claims)


def test_required_claim_that_is_absent_refuses_the_token_with_its_reason(portal: Portal) -> None:
    required = {"source": "foreign_claim", "value": "company", "is_required": True}
    add_rule(portal.tenant, "company", **required)
    assert portal.read(portal.ask(company="acme")) == {"company": "acme"}
    before = AccessToken.objects.count()
    refused = portal.ask()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert "claim rules" in refused.json()["error_description"]
    assert AccessToken.objects.count() == before
    trace = Refusal.objects.get(reason="claim_missing").trace
    assert trace["checks"][-1]["name"] == "claims_made"
    assert trace["checks"][-1]["detail"] == "company"
    own = portal.oauth.token(portal.client, grant_type="client_credentials")
    assert own.json()["error"] == "unauthorized_client"


def test_same_refusal_is_traced_with_the_same_inputs_however_often(portal: Portal) -> None:
    required = {"source": "foreign_claim", "value": "company", "is_required": True}
    add_rule(portal.tenant, "company", **required)
    for _ in range(3):
        portal.oauth.token(portal.client, grant_type="client_credentials")
    traces = [refusal.trace for refusal in Refusal.objects.filter(reason="claim_missing")]
    inputs = [trace["checks"][-1]["inputs"] for trace in traces]
    assert len(inputs) == 3
    assert inputs[0]["client"]["client_id"] == portal.client.client_id
    assert inputs == inputs[:1] * 3


def test_required_foreign_claim_ends_refreshing_unless_a_condition_keeps_it(
    portal: Portal,
) -> None:
    required = {"source": "foreign_claim", "value": "company", "is_required": True}
    rule = add_rule(portal.tenant, "company", **required)
    refused = portal.refresh(portal.ask(company="acme"))
    assert refused.json()["error"] == "invalid_grant"
    rule.condition = {"grant_type": JWT_BEARER}
    changes.save(rule, actor=SYSTEM)
    assert portal.read(portal.refresh(portal.ask(company="acme"))) == {}


def test_large_foreign_claim_refuses_the_token_and_is_no_fault_of_ours(portal: Portal) -> None:
    add_rule(portal.tenant, "note", source="foreign_claim", value="note")
    refused = portal.ask(note="x" * 5_000)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert Refusal.objects.get(reason="claims_out_of_bounds").trace


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"__proto__": {"isAdmin": True}}, id="prototype"),
        pytest.param([[[[[[[[[[1]]]]]]]]]], id="deep"),
        pytest.param(10**30, id="beyond-64-bits"),
        pytest.param("\u0000\u202e\ud83d\ude00", id="unicode"),
        pytest.param({"a": None, "b": ""}, id="null-and-empty"),
        pytest.param([{"x" * 30: 1}] * 100, id="many"),
    ],
)
def test_no_foreign_claim_makes_a_fault_of_ours(portal: Portal, value: object) -> None:
    add_rule(portal.tenant, "note", source="foreign_claim", value="note")
    add_rule(portal.tenant, "text", source="template", value="<${foreign.note}>")
    assert portal.ask(note=value).status_code in {200, 400}


def test_rules_cost_no_statement(portal: Portal) -> None:
    def count(answer: list[Response]) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer.append(portal.ask(**FOREIGN))
        return len(captured)

    count([])
    without = count([])
    add_one_of_each(portal.tenant)
    portal.ask(**FOREIGN)
    answers: list[Response] = []
    assert count(answers) == without
    assert portal.read(answers[0]) == EACH


def test_inputs_too_long_for_the_row_are_missing_from_introspection_alone(portal: Portal) -> None:
    add_rule(portal.tenant, "note", source="foreign_claim", value="note")
    add_rule(portal.tenant, "constant", value=1)
    answer = portal.ask(note="x" * 2_000)
    assert portal.read(answer) == {"note": "x" * 2_000, "constant": 1}
    told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    assert (told["active"], told[f"{PREFIX}constant"]) == (True, 1)
    assert f"{PREFIX}note" not in told
    found = explain_token(portal.tenant.pk, AccessToken.objects.get(pk=told["jti"]).pk)
    assert found is not None
    assert DIGESTED in found.notes


def test_outside_token_accepted_directly_is_told_with_the_claims_of_rules(
    portal: Portal, api: Api, gateway: MadeClient
) -> None:
    add_one_of_each(portal.tenant)
    add_rule(portal.tenant, "own", value=1, client=portal.client.client)
    outside = trust_application(
        portal.tenant,
        "https://outside.example",
        audience="https://outside.example/api",
        maximum=["read"],
        provisioning="create",
        direct_apis=[api],
    )
    told = portal.oauth.introspect(gateway, outside.sign("u", scope="read", **FOREIGN)).json()
    assert told["active"] is True
    names = {name.removeprefix(PREFIX) for name in told if name.startswith(PREFIX)}
    assert names == {"constant", "record", "foreign"}
    assert told[f"{PREFIX}foreign"] == ["buyer"]
    assert told["sub"] != "u"


def accept_directly(portal: Portal, api: Api) -> Application:
    return trust_application(
        portal.tenant,
        "https://outside.example",
        audience="https://outside.example/api",
        maximum=["read"],
        provisioning="create",
        direct_apis=[api],
    )


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({}, "claim_missing", id="missing"),
        pytest.param({"note": "x" * 5_000}, "claims_out_of_bounds", id="large"),
    ],
)
def test_outside_token_whose_claims_can_not_be_made_is_refused_with_its_reason(
    portal: Portal, api: Api, gateway: MadeClient, claims: dict[str, str], reason: str
) -> None:
    add_rule(portal.tenant, "restricted", value=True)
    add_rule(portal.tenant, "note", source="foreign_claim", value="note", is_required=True)
    outside = accept_directly(portal, api)
    told = portal.oauth.introspect(gateway, outside.sign("u", scope="read", **claims)).json()
    assert told == {"active": False}
    assert Refusal.objects.get(reason=reason).trace["checks"][-1]["name"] == "claims_made"
    fine = portal.oauth.introspect(gateway, outside.sign("u", scope="read", note="n")).json()
    assert (fine[f"{PREFIX}restricted"], fine[f"{PREFIX}note"]) == (True, "n")


# What the row has lost.


def add_trust(tenant: Tenant, **condition: object) -> None:
    add_rule(tenant, "trusted", value=True, condition=condition)


UNSUSPENDED = {"attributes": {"suspended": {"$absent": True}}}


@pytest.mark.parametrize(
    "suspended",
    [
        pytest.param(None, id="absent"),
        pytest.param(True, id="kept"),
        pytest.param("x" * 2_000, id="too-long-to-keep"),
    ],
)
@pytest.mark.parametrize(
    "agent", [pytest.param("a", id="short-agent"), pytest.param("a" * 2_000, id="long-agent")]
)
def test_no_absence_is_read_from_what_was_too_long_for_the_row(
    portal: Portal, agent: str, suspended: object
) -> None:
    add_trust(portal.tenant, subject=UNSUSPENDED)
    portal.describe_user(**({"suspended": suspended} if suspended else {}))
    portal.oauth.http.defaults["HTTP_USER_AGENT"] = agent
    answer = portal.ask()
    assert portal.read(answer) == ({} if suspended else {"trusted": True})
    told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    assert told["active"] is True
    assert (f"{PREFIX}trusted" in told) is (suspended is None)


@pytest.mark.parametrize(
    "risk", [pytest.param("high", id="risk"), pytest.param(None, id="no-risk")]
)
@pytest.mark.parametrize(
    "note", [pytest.param("n", id="kept"), pytest.param("x" * 2_000, id="too-long")]
)
def test_no_absence_is_read_from_claims_that_were_too_long_for_the_row(
    portal: Portal, note: str, risk: str | None
) -> None:
    add_trust(portal.tenant, foreign={"risk": {"$absent": True}})
    answer = portal.ask(note=note, **({"risk": risk} if risk else {}))
    assert portal.read(answer) == ({} if risk else {"trusted": True})
    told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    assert (f"{PREFIX}trusted" in told) is (risk is None)


def test_rule_of_today_reads_no_absence_from_what_nobody_had_asked_for(portal: Portal) -> None:
    portal.describe_user(suspended=True)
    answer = portal.ask()
    add_trust(portal.tenant, subject=UNSUSPENDED)
    told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    assert told["active"] is True
    assert f"{PREFIX}trusted" not in told
    portal.describe_user()
    assert portal.read(portal.refresh(answer)) == {"trusted": True}


def test_client_alone_is_known_to_have_no_attributes(portal: Portal) -> None:
    answer = portal.oauth.token(portal.client, grant_type="client_credentials")
    add_trust(portal.tenant, subject=UNSUSPENDED)
    told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    assert told[f"{PREFIX}trusted"] is True


# The hook.


def test_hook_adds_its_claim_to_tokens_and_introspection(portal: Portal) -> None:
    with claim_hook.installed(hooks.RegionHook()):
        answer = portal.ask()
        assert portal.read(answer) == {"region": "eu:portal"}
        told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    assert told[f"{PREFIX}region"] == "eu:portal"


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        pytest.param(hooks.RaisingHook(), "claims_hook_failed", id="raises"),
        pytest.param(hooks.AnsweringHook({"exp": 1}), "claims_hook_failed", id="reserved"),
        pytest.param(hooks.AnsweringHook(7), "claims_hook_failed", id="wrong-type"),
        pytest.param(
            hooks.AnsweringHook(claim_hook.ClaimsDenial("embargo")), "claims_hook_denied", id="no"
        ),
    ],
)
def test_hook_that_refuses_or_breaks_refuses_the_token(
    portal: Portal, hook: claim_hook.ClaimsHook, reason: str
) -> None:
    text = portal.ask().json()["access_token"]
    with claim_hook.installed(hook):
        refused = portal.ask()
        assert portal.oauth.introspect(portal.client, text).json()["active"] is True
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert Refusal.objects.get(reason=reason).trace["checks"][-1]["name"] == "claims_made"


# Groups.


@pytest.mark.requirement("RFC 9068", "2.2.3.1", "groups, roles and entitlements are arrays.")
def test_groups_roles_and_entitlements_are_told(portal: Portal) -> None:
    group = Group(
        tenant=portal.tenant, slug="staff", permissions=["order"], roles=["buyer", "clerk"]
    )
    save_group(group, actor=SYSTEM, links={"subjects": [Subject.objects.get()]})
    answer = portal.ask()
    claims = verify(portal.oauth, answer.json()["access_token"])
    told = portal.oauth.introspect(portal.client, answer.json()["access_token"]).json()
    explained = explain_token(portal.tenant.pk, AccessToken.objects.get(pk=claims["jti"]).pk)
    assert explained is not None
    assert explained.notes == (GROUPS_OF_TODAY,)
    recalled = {claim.name: claim.value for claim in explained.claims}
    for found in (claims, told, recalled):
        assert found["groups"] == ["staff"]
        assert found["roles"] == ["buyer", "clerk"]
        assert found["entitlements"] == ["order"]


def test_budget_of_the_tenants_own_profile_bounds_the_groups(portal: Portal) -> None:
    roles = [f"role-{number}" for number in range(100)]
    group = Group(tenant=portal.tenant, slug="staff", roles=roles)
    save_group(group, actor=SYSTEM, links={"subjects": [Subject.objects.get()]})
    assert verify(portal.oauth, portal.ask().json()["access_token"])["roles"] == roles
    profile = ClaimProfile(
        tenant=portal.tenant, slug="short", base="rfc9068", group_claims_budget_bytes=500
    )
    changes.save(profile, actor=SYSTEM)
    portal.tenant.claim_profile = "short"
    update_tenant(portal.tenant, actor=SYSTEM)
    text = portal.ask().json()["access_token"]
    claims = verify(portal.oauth, text)
    assert "roles" not in claims
    assert claims["_claim_names"] == {"groups": "introspection", "roles": "introspection"}
    assert portal.oauth.introspect(portal.client, text).json()["roles"] == roles
