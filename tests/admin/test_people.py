"""What the admin says of people who sign in: their passkeys, their passwords, who may register."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tenants import credentials
from tenants.credentials import CredentialKind
from tenants.models import (
    AuditEvent,
    Client,
    InitialAccessToken,
    Membership,
    Passkey,
    Scope,
    Subject,
    Tenant,
    TrustProfile,
)
from tenants.records import SYSTEM
from tenants.services.subject_credentials import set_password
from tests.admin.addresses import address
from tests.admin.filled_forms import fill
from tests.admin.operators import sign_in

if TYPE_CHECKING:
    from pytest_django import DjangoCaptureOnCommitCallbacks

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

SUPPORT = Membership.Role.SUPPORT
PASSWORD = "a pass phrase of a person"
TOKEN = re.compile(r"\bait_[A-Za-z0-9_-]{64}\b")


def test_a_subject_shows_passkeys_and_whether_there_is_a_password(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    subject = globex.one(Subject)
    page = owner.get(address(Subject, "change", subject.pk)).content.decode()
    assert "Phone" in page
    passkey = globex.one(Passkey)
    assert address(Passkey, "delete", passkey.pk) in page
    assert bytes(passkey.credential_id).hex() not in page
    assert "has a password" in page.lower()
    password = reverse("admin:subject_password", args=[subject.pk])
    assert password in page
    assert "has no password" in owner.get(password).content.decode()
    set_password(globex.tenant.pk, subject.pk, PASSWORD, actor=SYSTEM)
    assert "has a password" in owner.get(password).content.decode()


def test_an_owner_removes_a_passkey_and_it_is_audited(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    passkey = globex.one(Passkey)
    url = address(Passkey, "delete", passkey.pk)
    assert sign_in("helper", (globex.tenant, SUPPORT)).post(url, {"post": "yes"}).status_code == 403
    assert Passkey.objects.filter(pk=passkey.pk).exists()
    assert owner.post(url, {"post": "yes"}).status_code == 302
    assert not Passkey.objects.filter(pk=passkey.pk).exists()
    event = AuditEvent.objects.get(event="passkey.deleted", entity_id=str(passkey.pk))
    assert event.actor_id == str(owner.user.pk)


def test_support_sends_a_link_to_set_a_password(
    globex: TenantWorld, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    helper = sign_in("helper", (globex.tenant, SUPPORT))
    subject = globex.one(Subject)
    url = reverse("admin:subject_password", args=[subject.pk])
    with django_capture_on_commit_callbacks() as callbacks:
        answer = helper.post(url)
    assert (answer.status_code, answer["Location"]) == (302, url)
    assert len(callbacks) == 1
    event = AuditEvent.objects.get(event="subject.password_link_sent")
    assert (event.entity_id, event.actor_id) == (str(subject.pk), str(helper.user.pk))
    assert "works for a day" in helper.get(url).content.decode()


def test_a_link_that_can_not_be_sent_says_why(globex: TenantWorld, owner: OperatorBrowser) -> None:
    subject = globex.one(Subject)
    url = reverse("admin:subject_password", args=[subject.pk])
    Subject.objects.filter(pk=subject.pk).update(email="")
    page = owner.post(url, follow=True).content.decode()
    assert "has no e-mail address" in page
    assert not AuditEvent.objects.filter(event="subject.password_link_sent").exists()


def test_who_only_reads_sends_no_link_and_strangers_find_nobody(
    globex: TenantWorld, initech: TenantWorld, owner: OperatorBrowser
) -> None:
    url = reverse("admin:subject_password", args=[globex.one(Subject).pk])
    auditor = sign_in("auditor", (globex.tenant, Membership.Role.AUDITOR))
    page = auditor.get(url)
    assert page.status_code == 200
    assert "Send a link" not in page.content.decode()
    assert auditor.post(url).status_code == 403
    manager = sign_in("manager", (globex.tenant, Membership.Role.CLIENT_MANAGER))
    assert manager.get(url).status_code == 403
    foreign = reverse("admin:subject_password", args=[initech.one(Subject).pk])
    assert owner.get(foreign).status_code == 404
    assert owner.post(foreign).status_code == 404


def test_an_initial_access_token_is_shown_once(globex: TenantWorld, owner: OperatorBrowser) -> None:
    moment = {"expires_at_0": "2036-01-01", "expires_at_1": "00:00:00"}
    form = {"label": "shops", "is_enabled": "on", "max_clients": "3", "reason": "OPS-7", **moment}
    page = owner.post(address(InitialAccessToken, "add"), form).content.decode()
    (text,) = set(TOKEN.findall(page))
    parsed = credentials.parse_credential(CredentialKind.INITIAL_ACCESS_TOKEN, text)
    assert parsed is not None
    token = InitialAccessToken.objects.get(pk=parsed.row_id)
    assert (token.tenant, token.label, token.max_clients) == (globex.tenant, "shops", 3)
    event = AuditEvent.objects.select_related("detail").get(entity_id=str(token.pk))
    assert event.detail.reason == "OPS-7"
    change = address(InitialAccessToken, "change", token.pk)
    assert text not in owner.get(change).content.decode()
    InitialAccessToken.objects.filter(pk=token.pk).update(registered_clients=2)
    sent = fill(owner, change, max_clients="5", expires_at=None, **moment)
    assert owner.post(change, sent).status_code == 302
    token.refresh_from_db()
    assert (token.max_clients, token.registered_clients) == (5, 2)


def test_a_tenants_sign_in_look_and_registration_are_edited(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    url = address(Tenant, "change", globex.tenant.pk)
    changes = {
        "allow_sign_up": "on",
        "accent_colour": "#0b57d0",
        "default_language": "de",
        "client_registration": "token",
        "logo_uri": "https://globex.example/logo.png",
    }
    assert owner.post(url, fill(owner, url, **changes)).status_code == 302
    globex.tenant.refresh_from_db()
    assert globex.tenant.allow_sign_up
    assert globex.tenant.accent_colour == "#0b57d0"
    refused = owner.post(url, fill(owner, url, logo_uri="http://globex.example/logo.png"))
    assert "logo_uri" in refused.context["adminform"].form.errors


def test_a_clients_sign_in_is_edited_and_its_exemption_is_the_owners(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    url = address(Client, "change", globex.client.pk)
    changes = {
        "redirect_uris": "https://app.example/callback",
        "skip_authorization": "on",
        "offline_lifetimes_seconds": "86400\n604800",
        "default_max_age_seconds": "3600",
        "backchannel_logout_uri": "https://app.example/logout",
        "max_sessions": "2",
    }
    manager = sign_in("manager", (globex.tenant, Membership.Role.CLIENT_MANAGER))
    sent = fill(manager, url, is_pkce_exempt="on", **changes)
    assert manager.post(url, sent).status_code == 302
    client = Client.objects.get(pk=globex.client.pk)
    assert client.offline_lifetimes_seconds == [86_400, 604_800]
    assert (client.skip_authorization, client.max_sessions) == (True, 2)
    assert not client.is_pkce_exempt
    for wrong in ("an hour", "59", "9" * 5_000):
        page = owner.post(url, fill(owner, url, offline_lifetimes_seconds=wrong))
        assert "offline_lifetimes_seconds" in page.context["adminform"].form.errors
    assert owner.post(url, fill(owner, url, is_pkce_exempt="on")).status_code == 302
    client.refresh_from_db()
    assert client.is_pkce_exempt


def test_a_scope_is_translated(globex: TenantWorld, owner: OperatorBrowser) -> None:
    scope = globex.one(Scope)
    url = address(Scope, "change", scope.pk)
    good = fill(owner, url, translations='{"de": {"title": "Lesen"}}', is_required="on")
    assert owner.post(url, good).status_code == 302
    scope.refresh_from_db()
    assert (scope.translations, scope.is_required) == ({"de": {"title": "Lesen"}}, True)
    wrong = owner.post(url, fill(owner, url, translations='{"de": ["Lesen"]}'))
    assert "translations" in wrong.context["adminform"].form.errors


def test_the_secret_of_a_sign_in_is_written_and_never_read(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    url = address(TrustProfile, "change", globex.one(TrustProfile).pk)
    changes = {
        "algorithms": ["ES256"],
        "jwks_uri": "https://partner.example/jwks",
        "remove_secrets": "on",
        "audience": "us",
        "is_sign_in_offered": "on",
        "authorization_endpoint": "https://partner.example/authorize",
        "token_endpoint": "https://partner.example/token",
        "sign_in_client_id": "us",
        "sign_in_scopes": "email\nprofile",
        "sign_in_secret": "theirs, written once",
    }
    answer = owner.post(url, fill(owner, url, **changes))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    profile = TrustProfile.objects.get(pk=globex.one(TrustProfile).pk)
    assert profile.sign_in_scopes == ["email", "profile"]
    assert profile.sign_in_secret_ciphertext is not None
    assert "theirs, written once" not in owner.get(url).content.decode()
    elsewhere = fill(owner, url, token_endpoint="https://elsewhere.example/token")
    refused = owner.post(url, elsewhere)
    assert "sign_in_secret" in refused.context["adminform"].form.errors


@pytest.mark.usefixtures("globex")
def test_registration_stands_in_the_navigation(owner: OperatorBrowser) -> None:
    home = owner.get(reverse("admin:index")).content.decode()
    assert address(InitialAccessToken, "changelist") in home
