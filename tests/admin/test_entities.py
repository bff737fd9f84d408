"""Every kind of entity is made, changed and deleted through its own form and service."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from tenants.models import (
    AccessPolicy,
    Api,
    AuditEvent,
    ClaimProfile,
    ClaimRule,
    ClientGrantSettings,
    CutOff,
    Environment,
    Group,
    IssuerReservation,
    MasterToken,
    Membership,
    Platform,
    Project,
    Scope,
    SigningKey,
    Subject,
    Tenant,
    TrustProfile,
    User,
)
from tests.admin.addresses import address
from tests.admin.filled_forms import fill
from tests.admin.operators import PASSWORD, make_operator, sign_in
from tests.admin.tenant_worlds import SHARED_SECRET

if TYPE_CHECKING:
    from django.db.models import Model

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

NO_SCOPES = {"scopes-TOTAL_FORMS": "0", "scopes-INITIAL_FORMS": "0"}
NO_IDENTITIES = {"identities-TOTAL_FORMS": "0", "identities-INITIAL_FORMS": "0"}
NEW_PASSWORD = "another long pass phrase"


def errors_of(page: Any) -> dict[str, Any]:  # noqa: ANN401 - any field.
    """Answer what the form refused."""
    return dict(page.context["adminform"].form.errors) if page.context else {}


@pytest.mark.parametrize(
    ("model", "form", "found"),
    [
        (Api, {"slug": "stock", "audience": "https://s.example", **NO_SCOPES}, {"slug": "stock"}),
        (
            AccessPolicy,
            {"slug": "all", "effect": "deny", "engine": "allow", "mode": "enforce"},
            {"slug": "all"},
        ),
        (ClaimProfile, {"slug": "mine", "base": "aidbox"}, {"slug": "mine"}),
        (
            ClaimRule,
            {"slug": "r", "claim": "https://c", "source": "constant", "value": '{"a": 1}'},
            {"value": {"a": 1}},
        ),
        (
            ClaimRule,
            {"slug": "r", "claim": "https://c", "source": "template", "value": "${client_id}"},
            {"value": "${client_id}"},
        ),
        (Group, {"slug": "g", "permissions": '["p"]'}, {"permissions": ["p"]}),
        (
            Subject,
            {"name": "N", "attributes": "{}", "is_enabled": "on"} | NO_IDENTITIES,
            {"name": "N"},
        ),
    ],
    ids=["api", "access policy", "claim profile", "claim rule", "template", "group", "subject"],
)
def test_an_owner_makes_an_entity_in_their_tenant(
    model: type[Model],
    form: dict[str, Any],
    found: dict[str, Any],
    owner: OperatorBrowser,
    globex: TenantWorld,
) -> None:
    page = owner.post(address(model, "add"), {**form, "reason": "because"})
    assert page.status_code == 302, errors_of(page)
    entity = model._default_manager.get(tenant=globex.tenant, **found)  # noqa: SLF001 - Django's public API.
    event = AuditEvent.objects.get(entity_id=str(entity.pk), event__endswith=".created")
    assert event.actor_id == str(owner.user.pk)
    assert event.detail.reason == "because"


def test_a_scope_and_settings_for_a_grant_are_made(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    form = {"api": str(globex.issuer.api.pk), "name": "refund", "usage_limit": "0"}
    assert owner.post(address(Scope, "add"), form).status_code == 302
    assert Scope.objects.filter(tenant=globex.tenant, name="refund").exists()
    form = {
        "client": str(globex.client.pk),
        "grant_type": "client_credentials",
        "refresh_token_enabled": "false",
    }
    page = owner.post(address(ClientGrantSettings, "add"), form)
    assert page.status_code == 302, errors_of(page)
    made = ClientGrantSettings.objects.get(grant_type="client_credentials")
    assert made.refresh_token_enabled is False


def test_an_api_is_made_with_its_scopes(owner: OperatorBrowser, globex: TenantWorld) -> None:
    form = {
        "slug": "stock",
        "audience": "https://stock.example",
        "is_enabled": "on",
        "scopes-TOTAL_FORMS": "1",
        "scopes-INITIAL_FORMS": "0",
        "scopes-0-name": "stock:read",
        "scopes-0-usage_limit": "0",
    }
    page = owner.post(address(Api, "add"), form)
    assert page.status_code == 302, errors_of(page)
    scope = Scope.objects.get(name="stock:read")
    assert (scope.api.slug, scope.tenant_id) == ("stock", globex.tenant.pk)


def test_what_can_not_be_changed_is_shown_and_not_asked(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    page = owner.get(address(Api, "change", globex.issuer.api.pk))
    asked = set(page.context["adminform"].form.fields)
    assert not asked & {"tenant", "slug", "built_in"}
    assert "audience" in asked


def test_a_built_in_api_can_not_be_deleted(owner: OperatorBrowser, globex: TenantWorld) -> None:
    api = Api.objects.get(tenant=globex.tenant, built_in="openid")
    assert owner.post(address(Api, "delete", api.pk), {"post": "yes"}).status_code == 403
    assert Api.objects.filter(pk=api.pk).exists()


def test_the_scopes_of_a_built_in_api_stay(owner: OperatorBrowser, globex: TenantWorld) -> None:
    api = Api.objects.get(tenant=globex.tenant, built_in="management")
    scope = Scope.objects.filter(api=api)[0]
    assert owner.post(address(Scope, "delete", scope.pk), {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [str(scope.pk)], "post": "yes"}
    owner.post(address(Scope, "changelist"), form)
    assert Scope.objects.filter(pk=scope.pk).exists()
    form = {"api": str(api.pk), "name": "management:everything", "usage_limit": "0"}
    assert "api" in errors_of(owner.post(address(Scope, "add"), form))
    url = address(Api, "change", api.pk)
    new = {"scopes-TOTAL_FORMS": "9", "scopes-8-name": "management:everything"}
    owner.post(url, fill(owner, url, **new))
    assert not Scope.objects.filter(name="management:everything").exists()


def test_a_shared_secret_is_written_and_never_shown(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    profile = globex.one(TrustProfile)
    before = bytes(profile.shared_secret_ciphertext)
    page = owner.get(address(TrustProfile, "change", profile.pk))
    assert SHARED_SECRET not in page.content.decode()
    form = {
        "is_enabled": "on",
        "issuer": profile.issuer,
        "algorithms": ["HS256"],
        "jwks": "[]",
        "scope_claim": "scope",
        "subject_claim": "sub",
        "maximum_age_seconds": "60",
        "clock_skew_seconds": "30",
        "provisioning": "refuse",
        "kind": "jwt",
        "max_subjects_per_day": "5",
    }
    kept = owner.post(address(TrustProfile, "change", profile.pk), form)
    assert kept.status_code == 302, errors_of(kept)
    profile.refresh_from_db()
    assert bytes(profile.shared_secret_ciphertext) == before
    assert profile.maximum_age_seconds == 60
    short = owner.post(
        address(TrustProfile, "change", profile.pk), {**form, "shared_secret": "too short"}
    )
    assert set(errors_of(short)) == {"shared_secret"}
    assert "too short" not in short.content.decode()
    owner.post(address(TrustProfile, "change", profile.pk), {**form, "shared_secret": "x" * 40})
    profile.refresh_from_db()
    assert bytes(profile.shared_secret_ciphertext) != before


def test_a_master_token_is_shown_once(owner: OperatorBrowser, globex: TenantWorld) -> None:
    expires = timezone.now() + timedelta(days=1)
    form = {
        "label": "phone",
        "client": str(globex.client.pk),
        "kind": "public",
        "is_enabled": "on",
        "expires_at_0": expires.date().isoformat(),
        "expires_at_1": "12:00",
        "max_users_per_address_per_day": "10",
        "max_users_per_day": "1000",
        "reason": "OPS-8",
    }
    page = owner.post(address(MasterToken, "add"), form)
    assert "amt_" in page.content.decode(), errors_of(page)
    assert "no-store" in page["Cache-Control"]
    token = MasterToken.objects.get(label="phone")
    assert "amt_" not in owner.get(address(MasterToken, "change", token.pk)).content.decode()
    event = AuditEvent.objects.select_related("detail").get(entity_id=str(token.pk))
    assert event.detail.reason == "OPS-8"


def test_a_platform_operator_makes_project_environment_and_tenant(
    platform_operator: OperatorBrowser,
) -> None:
    assert platform_operator.post(address(Project, "add"), {"slug": "shop"}).status_code == 302
    project = Project.objects.get(slug="shop")
    form = {"project": str(project.pk), "slug": "live", "allowed_signing_algorithms": ["ES256"]}
    assert platform_operator.post(address(Environment, "add"), form).status_code == 302
    environment = Environment.objects.get(slug="live")
    assert environment.allowed_signing_algorithms == ["ES256"]
    url = address(Tenant, "add")
    form = fill(platform_operator, url, environment=str(environment.pk), slug="north")
    page = platform_operator.post(address(Tenant, "add"), form)
    assert page.status_code == 302, errors_of(page)
    tenant = Tenant.objects.get(path="shop/live/north")
    assert set(tenant.apis.values_list("slug", flat=True)) == {"openid", "management"}
    assert IssuerReservation.objects.filter(path="shop/live/north").exists()
    again = platform_operator.post(address(Tenant, "add"), form)
    assert again.status_code == 200
    assert errors_of(again)


def test_an_owner_changes_their_tenant_but_not_its_issuer(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    url = address(Tenant, "change", globex.tenant.pk)
    changes = {"issuer_override": "https://initech.example", "slug": "other"}
    page = owner.post(url, fill(owner, url, scope_excess="narrow", **changes))
    assert page.status_code == 302, errors_of(page)
    globex.tenant.refresh_from_db()
    assert globex.tenant.scope_excess == "narrow"
    assert globex.tenant.issuer_override is None
    assert globex.tenant.slug == "globex"


def test_a_lifetime_above_a_ceiling_is_refused_at_its_field(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    url = address(Tenant, "change", globex.tenant.pk)
    page = owner.post(url, fill(owner, url, access_token_lifetime_seconds="86401"))
    assert set(errors_of(page)) == {"access_token_lifetime_seconds"}


@pytest.mark.usefixtures("globex")
def test_a_project_in_use_can_not_be_deleted(platform_operator: OperatorBrowser) -> None:
    project = Project.objects.get(slug="acme")
    page = platform_operator.get(address(Project, "delete", project.pk))
    assert "still need it" in page.content.decode()
    platform_operator.post(address(Project, "delete", project.pk), {"post": "yes"})
    assert Project.objects.filter(pk=project.pk).exists()


def test_the_platform_has_one_row(platform_operator: OperatorBrowser) -> None:
    page = platform_operator.get(address(Platform, "changelist"))
    assert page["Location"] == address(Platform, "change", 1)
    url = address(Platform, "change", 1)
    form = fill(platform_operator, url, token_retention_seconds="3600")
    saved = platform_operator.post(url, form)
    assert saved.status_code == 302, errors_of(saved)
    assert Platform.objects.get().token_retention_seconds == 3600


def test_an_operator_is_made_and_can_sign_in(platform_operator: OperatorBrowser) -> None:
    form = {
        "username": "new",
        "usable_password": "true",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
    }
    page = platform_operator.post(address(User, "add"), form)
    assert page.status_code == 302, errors_of(page)
    user = User.objects.get(username="new")
    assert user.check_password(NEW_PASSWORD)
    assert user.is_staff
    assert not user.is_superuser


def test_a_password_is_set_and_recorded(platform_operator: OperatorBrowser) -> None:
    user = make_operator("forgetful")
    url = address(User, "change", user.pk).replace("change/", "password/")
    assert platform_operator.get(url).status_code == 200
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    assert platform_operator.post(url, form).status_code == 302
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    assert AuditEvent.objects.filter(event="user.password_set", entity_id=str(user.pk)).exists()


def test_platform_operators_do_not_lock_themselves_out(platform_operator: OperatorBrowser) -> None:
    user = platform_operator.user
    page = platform_operator.post(address(User, "change", user.pk), {"username": user.username})
    assert errors_of(page)
    user.refresh_from_db()
    assert user.is_superuser


@pytest.mark.parametrize("role", [*Membership.Role])
def test_nobody_below_the_platform_makes_platform_operators(role: str, globex: TenantWorld) -> None:
    climber = sign_in("climber", (globex.tenant, role))
    form = {"username": "climber", "is_active": "on", "is_superuser": "on", "is_staff": "on"}
    climber.post(address(User, "change", climber.user.pk), form)
    climber.post(address(User, "add"), {**form, "username": "other"})
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.parametrize("role", [role for role in Membership.Role if role != "owner"])
def test_nobody_but_an_owner_gives_roles(role: str, globex: TenantWorld) -> None:
    climber = sign_in("climber", (globex.tenant, role))
    own = Membership.objects.get(user=climber.user)
    form = {"user": str(climber.user.pk), "role": "owner"}
    assert climber.post(address(Membership, "add"), form).status_code == 403
    assert climber.post(address(Membership, "change", own.pk), form).status_code == 403
    own.refresh_from_db()
    assert own.role == role


def test_an_owner_gives_a_colleague_another_role(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    colleague = make_operator("colleague", (globex.tenant, Membership.Role.AUDITOR))
    form = {"user": str(colleague.pk), "role": Membership.Role.SUPPORT.value}
    page = owner.post(address(Membership, "add"), form)
    assert page.status_code == 302, errors_of(page)
    roles = set(colleague.memberships.values_list("role", flat=True))
    assert roles == {"auditor", "support"}


@pytest.mark.usefixtures("globex")
def test_an_owner_does_not_see_operators_of_other_tenants(
    owner: OperatorBrowser, initech: TenantWorld
) -> None:
    form = {"user": str(initech.owner.pk), "role": Membership.Role.SUPPORT.value}
    page = owner.post(address(Membership, "add"), form)
    assert set(errors_of(page)) == {"user"}


def test_a_cut_off_ends_what_matches_with_a_reason(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    subject = globex.one(Subject)
    form = {
        "client": globex.client.client_id,
        "subject_id": str(subject.pk),
        "api_id": str(globex.issuer.api.pk),
        "reason": "stolen phone",
    }
    page = owner.post(address(CutOff, "add"), form)
    assert page.status_code == 302, errors_of(page)
    cut_off = CutOff.objects.latest("number")
    assert cut_off.tenant_id == globex.tenant.pk
    assert (cut_off.client_id, cut_off.subject_id) == (globex.client.pk, subject.pk)
    assert cut_off.api_id == globex.issuer.api.pk
    assert cut_off.token_id is None
    event = AuditEvent.objects.filter(event="cut_off.created").latest("id")
    assert event.detail.reason == "stolen phone"


@pytest.mark.usefixtures("globex")
def test_a_cut_off_of_everything_is_asked_for_twice(owner: OperatorBrowser) -> None:
    before = CutOff.objects.count()
    page = owner.post(address(CutOff, "add"), {"reason": "breach"})
    assert errors_of(page)
    assert CutOff.objects.count() == before
    form = {"reason": "breach", "ends_everything": "on"}
    assert owner.post(address(CutOff, "add"), form).status_code == 302
    cut_off = CutOff.objects.latest("number")
    assert all(getattr(cut_off, name) is None for name in CutOff.SELECTORS)


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("client", {"client": "nobody"}),
        ("subject_id", {"subject_id": "not an id"}),
        ("subject_id", {"subject_id": "7f3c1e9a-0000-4000-8000-000000000000"}),
        ("reason", {"ends_everything": "on", "reason": ""}),
    ],
    ids=["unknown client", "no id", "unknown subject", "no reason"],
)
@pytest.mark.usefixtures("globex")
def test_a_mistake_in_a_cut_off_ends_nothing(
    field: str, form: dict[str, str], owner: OperatorBrowser
) -> None:
    before = CutOff.objects.count()
    page = owner.post(address(CutOff, "add"), {"reason": "x", **form})
    assert field in errors_of(page)
    assert CutOff.objects.count() == before


def test_bulk_deletion_goes_through_the_services(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    group = globex.one(Group)
    form = {"action": "delete_selected", "_selected_action": [str(group.pk)], "post": "yes"}
    assert owner.post(address(Group, "changelist"), form).status_code == 302
    assert not Group.objects.filter(pk=group.pk).exists()
    assert AuditEvent.objects.filter(event="group.deleted", entity_id=str(group.pk)).exists()


def test_keys_rotate_with_a_reason(owner: OperatorBrowser, globex: TenantWorld) -> None:
    key = SigningKey.objects.get(tenant=globex.tenant, state="current")
    url = address(SigningKey, "change", key.pk).replace("change/", "rotate/")
    assert owner.get(url).status_code == 200
    assert owner.post(url, {"reason": ""}).status_code == 200
    key.refresh_from_db()
    assert key.state == "current"
    assert owner.post(url, {"reason": "yearly"}).status_code == 302
    key.refresh_from_db()
    assert key.state == "previous"
    assert AuditEvent.objects.filter(detail__reason="yearly").exists()


def test_support_does_not_rotate_keys(globex: TenantWorld) -> None:
    support = sign_in("support", (globex.tenant, Membership.Role.SUPPORT))
    key = SigningKey.objects.get(tenant=globex.tenant, state="current")
    url = address(SigningKey, "change", key.pk).replace("change/", "rotate/")
    assert support.post(url, {"reason": "x"}).status_code == 403


def test_a_private_key_stands_on_no_page(owner: OperatorBrowser, globex: TenantWorld) -> None:
    key = globex.one(SigningKey)
    text = owner.get(address(SigningKey, "change", key.pk)).content.decode()
    assert key.kid in text
    assert bytes(key.private_ciphertext).hex() not in text
    assert "ciphertext" not in text


def test_operators_of_several_tenants_choose_one_first(
    globex: TenantWorld, initech: TenantWorld
) -> None:
    owner_role = Membership.Role.OWNER
    both = sign_in("both", (globex.tenant, owner_role), (initech.tenant, owner_role))
    page = both.get(address(Group, "add"))
    text = page.content.decode()
    assert "in which tenant" in text
    assert globex.tenant.path in text
    url = f"{address(Group, 'add')}?tenant={initech.tenant.pk}"
    assert both.get(url).status_code == 200
    both.post(url, {"slug": "new", "permissions": "[]"})
    assert Group.objects.get(slug="new").tenant_id == initech.tenant.pk


@pytest.mark.usefixtures("globex")
def test_operators_change_their_own_password(owner: OperatorBrowser) -> None:
    form = {
        "old_password": PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    }
    assert owner.post("/admin/password_change/", form).status_code == 302
    owner.user.refresh_from_db()
    assert owner.user.check_password(NEW_PASSWORD)
