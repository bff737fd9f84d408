"""The form of an access policy, and the panel that tries it before it is saved.

The browser of these tests runs no script: the panel works without.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from tenants.models import AccessPolicy, Group, Membership, Subject
from tenants.records import SYSTEM
from tenants.services import changes
from tests.admin.addresses import address
from tests.admin.filled_forms import fill
from tests.admin.operators import sign_in
from tests.factories.policies import make_policy
from tests.factories.tokens import make_subject
from tests.oauth_client import OAuthClient
from tokens import refusals

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

NEW: dict[str, Any] = {
    "slug": "new",
    "is_enabled": "on",
    "effect": "allow",
    "mode": "enforce",
    "engine": "allow",
}
WEB_ONLY = '{\n  "client": {\n    "kind": "web"\n  }\n}'


@pytest.fixture
def policy(globex: TenantWorld) -> AccessPolicy:
    """The policy that allows the tenant's client."""
    stored = AccessPolicy.objects.get(tenant=globex.tenant)
    stored.description = "Allows it."
    changes.save(stored, actor=SYSTEM)
    return stored


def panel(policy: AccessPolicy | None) -> str:
    if policy is None:
        return reverse("admin:tenants_accesspolicy_test_new")
    return reverse("admin:tenants_accesspolicy_test", args=[policy.pk])


def asked(globex: TenantWorld, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field.
    values = {"client_id": globex.client.client_id, "operation": "client_credentials", **changes}
    return {f"trial-{name}": value for name, value in values.items()}


def errors_of(page: Any) -> dict[str, list[str]]:  # noqa: ANN401 - Django's test response.
    return dict(page.context["adminform"].form.errors) if page.context else {}


# The form.


def test_every_engine_and_link_is_written(owner: OperatorBrowser, globex: TenantWorld) -> None:
    person, group = globex.one(Subject), globex.one(Group)
    form = {
        **NEW,
        "effect": "limit",
        "engine": "match",
        "rule": WEB_ONLY,
        "operations": ["client_credentials", "access"],
        "client_kinds": ["web"],
        "clients": [str(globex.client.pk)],
        "apis": [str(globex.issuer.api.pk)],
        "scopes": [str(globex.tenant.scopes.get(name="read").pk)],
        "subjects": [str(person.pk)],
        "groups": [str(group.pk)],
        "limit_scopes": "read\r\nwrite",
        "limit_lifetime_seconds": "60",
    }
    page = owner.post(address(AccessPolicy, "add"), form)
    assert page.status_code == 302, errors_of(page)
    made = AccessPolicy.objects.get(slug="new")
    assert made.rule == {"client": {"kind": "web"}}
    assert made.operations == ["client_credentials", "access"]
    assert (made.limit_scopes, made.limit_lifetime_seconds) == (["read", "write"], 60)
    assert made.limit_audiences is None
    assert [made.subjects.get(), made.groups.get()] == [person, group]
    again = owner.post(
        address(AccessPolicy, "change", made.pk),
        fill(owner, address(AccessPolicy, "change", made.pk), limit_scopes=""),
    )
    assert again.status_code == 302, errors_of(again)
    made.refresh_from_db()
    assert made.limit_scopes is None
    assert made.rule == {"client": {"kind": "web"}}


def test_cedar_is_written_as_it_is(owner: OperatorBrowser, globex: TenantWorld) -> None:
    text = 'permit(principal, action, resource)\nwhen { context.client.kind == "web" };'
    form = {**NEW, "engine": "cedar", "rule": text.replace("\n", "\r\n")}
    page = owner.post(address(AccessPolicy, "add"), form)
    assert page.status_code == 302, errors_of(page)
    made = AccessPolicy.objects.get(tenant=globex.tenant, slug="new")
    assert made.rule == text
    shown = owner.get(address(AccessPolicy, "change", made.pk)).content.decode()
    assert "context.client.kind == &quot;web&quot;" in shown


@pytest.mark.parametrize(
    ("change", "name", "message"),
    [
        ({"engine": "match", "rule": '{\n "client": {\n  "knid": "web"}\n}'}, "rule", "Line 3: "),
        ({"engine": "match", "rule": '{\n "client": \n'}, "rule", "Line 3: this is no JSON"),
        ({"engine": "match", "rule": ""}, "rule", "Write the rule"),
        ({"engine": "allow", "rule": "{}"}, "rule", "no rule"),
        ({"engine": "cedar", "rule": "permit(principal, action, resource)\nwhen {"}, "rule", ""),
        ({"engine": "match", "rule": '{"a": "\\u0000"}'}, "rule", "NUL"),
        ({"engine": "match", "rule": "[" * 5000}, "rule", ""),
        ({"effect": "deny", "engine": "match", "rule": '{"address": "x"}'}, "rule", "$present"),
        ({"limit_scopes": "read"}, "limit_scopes", "effect limit"),
        ({"effect": "limit"}, "effect", "A limit needs"),
        ({"effect": "limit", "limit_scopes": "raed"}, "limit_scopes", "no raed"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("globex")
def test_what_is_wrong_stands_at_its_field(
    owner: OperatorBrowser, change: dict[str, Any], name: str, message: str
) -> None:
    page = owner.post(address(AccessPolicy, "add"), {**NEW, **change})
    assert page.status_code == 200
    assert message in " ".join(errors_of(page)[name])
    if change.get("rule"):
        typed = page.context["adminform"].form["rule"].value()
        assert typed == change["rule"]


def test_who_may_not_see_subjects_does_not_cut_their_links(globex: TenantWorld) -> None:
    """A policy must not widen because whoever saves it may not see what it is linked to."""
    person, group = globex.one(Subject), globex.one(Group)
    stored = make_policy(
        globex.tenant,
        "hers",
        effect="deny",
        subjects=[person],
        groups=[group],
        operations=["access"],
    )
    manager = sign_in("manager", (globex.tenant, Membership.Role.CLIENT_MANAGER))
    url = address(AccessPolicy, "change", stored.pk)
    page = manager.get(url)
    assert "subjects" not in page.context["adminform"].form.fields
    assert str(person) not in page.content.decode()
    answer = manager.post(url, fill(manager, url, description="Changed."))
    assert answer.status_code == 302, errors_of(answer)
    stored.refresh_from_db()
    assert stored.description == "Changed."
    assert [stored.subjects.get(), stored.groups.get()] == [person, group]


def test_the_first_policy_of_a_new_client_is_for_tokens(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    from tenants.models import Client  # noqa: PLC0415 - beside its only use.

    url = address(Client, "add")
    form = fill(owner, url, client_id="billing", allow_client="on")
    assert owner.post(url, form).status_code == 200  # The page that shows the secret.
    made = AccessPolicy.objects.get(tenant=globex.tenant, slug="billing")
    assert "client_credentials" in made.operations
    assert not {"access", "introspection"} & set(made.operations)


# The panel.


def test_the_panel_is_a_tab_and_a_button_of_the_form(
    owner: OperatorBrowser, policy: AccessPolicy
) -> None:
    text = owner.get(address(AccessPolicy, "change", policy.pk)).content.decode()
    assert f'formaction="{panel(policy)}"' in text
    assert f'href="{panel(policy)}"' in text
    text = owner.get(address(AccessPolicy, "add")).content.decode()
    assert f'formaction="{panel(None)}' in text


def test_an_edited_rule_is_tried_and_not_saved(
    owner: OperatorBrowser, globex: TenantWorld, policy: AccessPolicy
) -> None:
    edited = fill(owner, address(AccessPolicy, "change", policy.pk), engine="match", rule=WEB_ONLY)
    page = owner.post(panel(policy), edited)
    assert page.status_code == 200
    assert page.context["trial"] is None
    assert page.context["form"]["rule"].value() == WEB_ONLY
    page = owner.post(panel(policy), {**edited, **asked(globex, scope="read write")})
    trial = page.context["trial"]
    assert (trial.live.is_allowed, trial.edited.is_allowed) == (True, False)
    text = page.content.decode()
    assert "no_policy_allows" in text
    assert "What it changes" in text
    policy.refresh_from_db()
    assert policy.engine == "allow"


def test_the_panel_tries_the_stored_policy_where_nothing_is_edited(
    owner: OperatorBrowser, globex: TenantWorld, policy: AccessPolicy
) -> None:
    shown = owner.get(panel(policy))
    assert shown.context["form"]["slug" if "slug" in shown.context["form"].fields else "effect"]
    stored = fill(owner, address(AccessPolicy, "change", policy.pk))
    page = owner.post(panel(policy), {**stored, **asked(globex)})
    assert page.context["trial"].differences == ()
    assert "the live configuration decides the same" in page.content.decode()


def test_a_new_policy_is_tried_before_it_exists(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    form = {**NEW, "effect": "limit", "limit_lifetime_seconds": "60"}
    page = owner.post(panel(None), {**form, **asked(globex)})
    changes_ = {each.what: (each.before, each.after) for each in page.context["trial"].differences}
    assert changes_["access token lifetime"] == ("3600 s", "60 s")
    assert not AccessPolicy.objects.filter(slug="new").exists()
    saved = owner.post(address(AccessPolicy, "add"), {**form, **asked(globex), "_save": "1"})
    assert saved.status_code == 302
    assert AccessPolicy.objects.filter(tenant=globex.tenant, slug="new").exists()


def test_a_wrong_rule_is_not_tried(
    owner: OperatorBrowser, globex: TenantWorld, policy: AccessPolicy
) -> None:
    edited = fill(owner, address(AccessPolicy, "change", policy.pk), engine="match", rule="{")
    page = owner.post(panel(policy), {**edited, **asked(globex)})
    assert page.context["trial"] is None
    assert "this is no JSON" in page.content.decode()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"client_id": "nobody"}, "client_id"),
        ({"client_id": "initech-client"}, "client_id"),
        ({"subject": "nobody"}, "subject"),
        ({"request_id": "0" * 32}, "request_id"),
        ({"operation": "password"}, "operation"),
        ({"access": "[]"}, "access"),
        ({"access": "{"}, "access"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("initech")
def test_an_unknown_request_says_why(
    owner: OperatorBrowser,
    globex: TenantWorld,
    policy: AccessPolicy,
    change: dict[str, str],
    name: str,
) -> None:
    stored = fill(owner, address(AccessPolicy, "change", policy.pk))
    page = owner.post(panel(policy), {**stored, **asked(globex, **change)})
    assert page.status_code == 200
    assert page.context["trial"] is None
    assert page.context["question"].errors[name]


def test_a_subject_brings_its_groups(
    owner: OperatorBrowser, globex: TenantWorld, policy: AccessPolicy
) -> None:
    group, person = globex.one(Group), globex.one(Subject)
    deny = {**NEW, "effect": "deny", "groups": [str(group.pk)]}
    stranger = make_subject(globex.tenant)
    access = json.dumps({"action": {"name": "read"}, "resource": {"type": "record", "id": "1"}})
    for subject, is_allowed in ((person, False), (stranger, True)):
        question = asked(globex, operation="access", subject=str(subject.pk), access=access)
        trial = owner.post(panel(None), {**deny, **question}).context["trial"]
        assert (trial.live.is_allowed, trial.edited.is_allowed) == (True, is_allowed)
        judged = [each.slug for each in trial.edited.policies]
        assert judged == ([policy.slug] if is_allowed else [policy.slug, "new"])


def test_a_real_refusal_is_tried_against_the_edited_rule(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    refusals.LIMITS.forget()
    from tenants.services.client_secrets import add_secret  # noqa: PLC0415 - beside its only use.
    from tests.factories.tenants import MadeClient  # noqa: PLC0415 - as above.

    denial = make_policy(globex.tenant, "no", effect="deny", clients=[globex.client])
    _, secret = add_secret(globex.client, label="second", actor=SYSTEM)
    refused = OAuthClient(globex.tenant).token(MadeClient(globex.client, secret), scope="read")
    assert refused["X-Refusal-Trace"] == "kept"
    edited = fill(owner, address(AccessPolicy, "change", denial.pk), mode="shadow")
    question = asked(globex, client_id="", request_id=refused["X-Request-Id"])
    page = owner.post(panel(denial), {**edited, **question})
    trial = page.context["trial"]
    assert (trial.live.is_allowed, trial.edited.is_allowed) == (False, True)
    assert trial.request.requested_scopes == ("read",)


def test_a_refused_evaluation_is_tried_against_the_edited_rule(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    refusals.LIMITS.forget()
    from tenants.services.client_secrets import add_secret  # noqa: PLC0415 - beside its only use.
    from tests.factories.tenants import MadeClient  # noqa: PLC0415 - as above.
    from tests.rfc.authzen.records import DecisionPoint  # noqa: PLC0415 - as above.

    denial = make_policy(globex.tenant, "no", effect="deny", clients=[globex.client])
    _, secret = add_secret(globex.client, label="second", actor=SYSTEM)
    point = DecisionPoint(globex.tenant, MadeClient(globex.client, secret))
    record = {"type": "record", "id": "1", "properties": {"status": "archived"}}
    decision, context = point.ask({"type": "user", "id": "bob"}, {"name": "read"}, record)
    assert (decision, context["reason"]) == (False, "policy_denied")
    rule = '{"resource": {"properties": {"status": {"$present": true, "$enum": ["archived"]}}}}'
    edited = fill(owner, address(AccessPolicy, "change", denial.pk), engine="match", rule=rule)
    question = asked(globex, client_id="", request_id=context["request_id"])
    trial = owner.post(panel(denial), {**edited, **question}).context["trial"]
    # The trace has no properties, so the edited rule doesn't hold; added by hand they make it.
    assert (trial.live.is_allowed, trial.edited.is_allowed) == (False, True)
    assert trial.request.resource == {"type": "record", "id": "1"}
    access = json.dumps({"resource": {"properties": {"status": "archived"}}})
    question = asked(globex, request_id=context["request_id"], access=access)
    trial = owner.post(panel(denial), {**edited, **question}).context["trial"]
    assert (trial.live.is_allowed, trial.edited.is_allowed) == (False, False)


@pytest.mark.parametrize(
    "query",
    [
        *("clients=x", "subjects=1,2", "groups=,", "scopes=x", "operations=x", "request_id=y"),
        *("limit_scopes=[", "rule={", "engine=no", "trial-operation=x", "is_enabled=x"),
    ],
    ids=str,
)
def test_whatever_the_address_says_a_form_is_shown(
    owner: OperatorBrowser, globex: TenantWorld, query: str
) -> None:
    for page in (panel(None), address(AccessPolicy, "add")):
        assert owner.get(f"{page}?tenant={globex.tenant.pk}&{query}").status_code == 200


def test_an_address_shows_nothing_of_another_tenant(
    owner: OperatorBrowser, globex: TenantWorld, initech: TenantWorld
) -> None:
    foreign = f"clients={initech.client.pk}&subjects={initech.one(Subject).pk}"
    for page in (panel(None), address(AccessPolicy, "add")):
        shown = owner.get(f"{page}?tenant={globex.tenant.pk}&{foreign}").content.decode()
        assert initech.client.client_id not in shown
        assert f">{initech.one(Subject)}<" not in shown


def test_what_keeps_a_policy_from_being_tried_stands_on_top(
    owner: OperatorBrowser, globex: TenantWorld, policy: AccessPolicy
) -> None:
    stored = fill(owner, address(AccessPolicy, "change", policy.pk), engine="match")
    wrong = {**stored, "rule": '{"cliant": {"kind": "web"}}', **asked(globex, subject="nobody")}
    page = owner.post(panel(policy), wrong)
    on_top = page.content.decode().partition('id="accesspolicy_form"')[0]
    assert "Not tried." in on_top
    assert "Did you mean client?" in on_top
    assert errors_of(page)["rule"] == [
        "Line 1: The request document has no cliant here. Did you mean client?"
    ]


def test_a_reader_tries_the_policy_as_it_is_stored(
    globex: TenantWorld, policy: AccessPolicy
) -> None:
    support = sign_in("support", (globex.tenant, Membership.Role.SUPPORT))
    form = {**asked(globex), "engine": "match", "rule": WEB_ONLY, "effect": "deny"}
    page = support.post(panel(policy), form)
    assert page.status_code == 200
    assert page.context["form"] is None
    assert page.context["trial"].differences == ()
    assert support.post(panel(None), {**NEW, **asked(globex)}).status_code == 403


def test_a_foreign_policy_has_no_panel(
    owner: OperatorBrowser, globex: TenantWorld, initech: TenantWorld
) -> None:
    foreign = AccessPolicy.objects.get(tenant=initech.tenant)
    for answer in (owner.get(panel(foreign)), owner.post(panel(foreign), asked(globex))):
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    stranger = sign_in("stranger")
    assert stranger.get(panel(foreign)).status_code in {302, 403}


def test_a_new_policy_needs_a_tenant_first(
    platform_operator: OperatorBrowser, globex: TenantWorld, initech: TenantWorld
) -> None:
    assert platform_operator.get(panel(None)).status_code == 302
    page = platform_operator.post(
        f"{panel(None)}?tenant={globex.tenant.pk}", {**NEW, **asked(globex)}
    )
    assert page.context["trial"].edited.is_allowed is True
    client_id = initech.client.client_id
    page = platform_operator.post(
        f"{panel(None)}?tenant={globex.tenant.pk}", {**NEW, **asked(globex, client_id=client_id)}
    )
    assert page.context["trial"] is None
