"""A client's life in the admin: made, allowed, given secrets, disabled, deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from tenants import credentials
from tenants.admin.client_forms import todays_label
from tenants.models import (
    AccessPolicy,
    AuditEvent,
    Client,
    ClientSecret,
    ConfigurationChange,
    CutOff,
    Membership,
    Scope,
)
from tenants.records import KeyedHash
from tests.admin.addresses import address
from tests.admin.filled_forms import fill
from tests.admin.operators import ADDRESS, sign_in

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

SECRET = re.compile(r"acs_[A-Za-z0-9_-]{64}")
ADD = address(Client, "add")


def form(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field.
    """Fill in the form of a new client."""
    return {
        "client_id": "billing",
        "name": "Billing",
        "kind": "service",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
        "jwks": "[]",
        "allow_client": "on",
        "reason": "ticket 7",
        **changes,
    }


def test_a_new_client_shows_its_secret_once(owner: OperatorBrowser, globex: TenantWorld) -> None:
    scope = Scope.objects.get(tenant=globex.tenant, name="read")
    page = owner.post(ADD, form(scopes=[str(scope.pk)], default_scopes=[str(scope.pk)]))
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    text = page.content.decode()
    shown = set(SECRET.findall(text))
    assert len(shown) == 1
    client = Client.objects.get(tenant=globex.tenant, client_id="billing")
    secret = ClientSecret.objects.get(client=client)
    parsed = credentials.parse_credential(credentials.CredentialKind.CLIENT_SECRET, shown.pop())
    assert parsed is not None
    assert parsed.row_id == secret.pk
    stored = KeyedHash(secret.pepper_id, bytes(secret.secret_hash or b""))
    assert credentials.is_secret(parsed.secret, stored)
    assert "curl -u" in text
    later = owner.get(address(Client, "change", client.pk)).content.decode()
    assert not SECRET.search(later)
    assert secret.hint in later


@pytest.mark.usefixtures("globex")
def test_a_new_secret_is_kept_nowhere_else(owner: OperatorBrowser) -> None:
    page = owner.post(ADD, form())
    secret = SECRET.findall(page.content.decode())[0]
    kept = [
        *(str(row.__dict__) for row in LogEntry.objects.all()),
        *(str(row.__dict__) for row in ConfigurationChange.objects.all()),
        *(str(row.__dict__) for row in AuditEvent.objects.select_related("detail")),
        str(dict(owner.session)),
        str(page.cookies),
        str(page.headers),
    ]
    assert not any(secret in text or secret[4:] in text for text in kept)


def test_allowing_a_client_writes_its_first_access_policy(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    owner.post(ADD, form(client_id="https://Billing.example/"))
    policy = AccessPolicy.objects.get(tenant=globex.tenant, slug="https-billing-example")
    assert [client.client_id for client in policy.clients.all()] == ["https://Billing.example/"]


def test_a_client_need_not_be_allowed(owner: OperatorBrowser, globex: TenantWorld) -> None:
    refused = form()
    del refused["allow_client"]
    owner.post(ADD, refused)
    assert Client.objects.filter(client_id="billing").exists()
    assert not AccessPolicy.objects.filter(tenant=globex.tenant, slug="billing").exists()


def test_a_taken_policy_name_leaves_nothing_behind(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    AccessPolicy.objects.create(tenant=globex.tenant, slug="billing")
    page = owner.post(ADD, form())
    assert "allow_client" in page.context["adminform"].form.errors
    assert not Client.objects.filter(client_id="billing").exists()
    assert not SECRET.search(page.content.decode())


@pytest.mark.usefixtures("globex")
def test_a_public_client_gets_no_secret(owner: OperatorBrowser) -> None:
    people = {"grant_types": ["authorization_code"], "redirect_uris": "https://app.example/"}
    page = owner.post(ADD, form(token_endpoint_auth_method="none", kind="spa", **people))
    assert page.status_code == 302
    assert not ClientSecret.objects.filter(client__client_id="billing").exists()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("client_id", {"client_id": "https://orders.example/"}),
        ("client_id", {"client_id": "with space"}),
        ("grant_types", {"token_endpoint_auth_method": "none"}),
        ("grant_types", {"grant_types": ["password"]}),
        ("jwks", {"jwks": '[{"kty": "oct", "k": "c2VjcmV0"}]'}),
        ("jwks", {"jwks": "[" * 5000}),
        ("jwks", {"jwks": '["\\u0000"]'}),
        ("jwks", {"jwks": '["\\ud800"]'}),
        ("jwks", {"jwks": "[NaN]"}),
        ("jwks", {"jwks": '["' + "x" * 70_000 + '"]'}),
        ("jwks", {"token_endpoint_auth_method": "private_key_jwt"}),
        ("name", {"name": "NUL\x00"}),
    ],
    ids=[
        *("an Api's audience", "a space", "public with secrets", "unknown grant"),
        *("symmetric key", "deep JSON", "NUL in JSON", "half a pair", "NaN", "huge JSON"),
        *("no keys", "NUL"),
    ],
)
def test_a_mistake_stands_at_its_field(
    field: str, changes: dict[str, Any], owner: OperatorBrowser, globex: TenantWorld
) -> None:
    page = owner.post(ADD, form(**changes))
    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors
    assert Client.objects.filter(tenant=globex.tenant).count() == 1


def test_a_taken_client_id_is_refused(owner: OperatorBrowser, globex: TenantWorld) -> None:
    page = owner.post(ADD, form(client_id=globex.client.client_id))
    assert page.context["adminform"].form.errors
    assert Client.objects.filter(tenant=globex.tenant).count() == 1


@pytest.mark.usefixtures("globex")
def test_two_tenants_may_use_the_same_client_id(
    owner: OperatorBrowser, initech: TenantWorld
) -> None:
    page = owner.post(ADD, form(client_id=initech.client.client_id))
    assert SECRET.search(page.content.decode())


def test_a_change_is_recorded_with_who_where_and_why(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    client = globex.client
    page = owner.post(
        address(Client, "change", client.pk),
        fill(owner, address(Client, "change", client.pk), name="New", reason="ticket 9"),
    )
    assert page.status_code == 302, page.context["adminform"].form.errors
    client.refresh_from_db()
    assert client.name == "New"
    assert set(client.scopes.values_list("name", flat=True)) == {"read", "write"}
    event = AuditEvent.objects.filter(event="client.updated").latest("id")
    assert (event.actor_kind, event.actor_id) == ("operator", str(owner.user.pk))
    assert (event.detail.reason, event.detail.address) == ("ticket 9", ADDRESS)
    history = owner.get(address(Client, "history", client.pk)).content.decode()
    assert "ticket 9" in history
    assert "globex-owner" in history


def test_saving_nothing_records_nothing(owner: OperatorBrowser, globex: TenantWorld) -> None:
    before = AuditEvent.objects.count()
    page = owner.post(
        address(Client, "change", globex.client.pk),
        fill(owner, address(Client, "change", globex.client.pk)),
    )
    assert page.status_code == 302
    assert AuditEvent.objects.count() == before


def test_disabling_a_client_ends_its_tokens(owner: OperatorBrowser, globex: TenantWorld) -> None:
    url = address(Client, "change", globex.client.pk)
    owner.post(url, fill(owner, url, is_enabled=None))
    assert CutOff.objects.filter(client_id=globex.client.pk).exists()


def test_a_second_secret_is_shown_once_and_the_first_stays(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    url = new_secret_address(globex.client)
    assert owner.get(url).status_code == 200
    page = owner.post(url, {"label": "second", "expires_in_days": "90"})
    assert len(set(SECRET.findall(page.content.decode()))) == 1
    assert "no-store" in page["Cache-Control"]
    secrets = {secret.label: secret for secret in globex.client.secrets.all()}
    assert set(secrets) == {"first", "second"}
    assert secrets["second"].expires_at is not None


def test_a_second_secret_of_the_day_gets_a_name_of_its_own(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    url = new_secret_address(globex.client)
    for expected in (f"{todays_label()}", f"{todays_label()} (2)", f"{todays_label()} (3)"):
        label = owner.get(url).context["form"].initial["label"]
        assert label == expected
        owner.post(url, {"label": label})


def test_a_taken_label_is_refused(owner: OperatorBrowser, globex: TenantWorld) -> None:
    page = owner.post(new_secret_address(globex.client), {"label": "first"})
    assert page.context["form"].errors
    assert not SECRET.search(page.content.decode())


def test_a_secret_is_removed_after_a_question(owner: OperatorBrowser, globex: TenantWorld) -> None:
    secret = globex.client.secrets.get()
    url = address(ClientSecret, "delete", secret.pk)
    assert "can't be undone" in owner.get(url).content.decode()
    assert ClientSecret.objects.filter(pk=secret.pk).exists()
    owner.post(url, {"post": "yes", "reason": "leaked"})
    assert not ClientSecret.objects.filter(pk=secret.pk).exists()
    event = AuditEvent.objects.filter(event="client_secret.deleted").latest("id")
    assert event.detail.reason == "leaked"


def test_a_client_manager_gives_no_management_scopes(globex: TenantWorld) -> None:
    manager = sign_in("manager", (globex.tenant, Membership.Role.CLIENT_MANAGER))
    scope = Scope.objects.get(tenant=globex.tenant, name="management:clients:write")
    page = manager.post(ADD, form(scopes=[str(scope.pk)]))
    assert page.status_code == 200
    assert "Only an owner" in str(page.context["adminform"].form.errors)
    assert not Client.objects.filter(client_id="billing").exists()


def test_settings_for_a_grant_are_written_on_the_clients_page(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    prefix = "grant_settings-0-"
    changes = {
        "grant_settings-TOTAL_FORMS": "1",
        f"{prefix}client": str(globex.client.pk),
        f"{prefix}grant_type": "client_credentials",
        f"{prefix}access_token_lifetime_seconds": "60",
        f"{prefix}refresh_token_enabled": "unknown",
    }
    url = address(Client, "change", globex.client.pk)
    page = owner.post(url, fill(owner, url, **changes))
    assert page.status_code == 302, page.context["errors"]
    made = globex.client.grant_settings.get(grant_type="client_credentials")
    assert made.tenant_id == globex.tenant.pk
    assert made.access_token_lifetime_seconds == 60


def test_a_mistake_in_an_inline_entity_saves_nothing(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    prefix = "grant_settings-0-"
    changes = {
        "name": "New",
        "grant_settings-TOTAL_FORMS": "1",
        f"{prefix}client": str(globex.client.pk),
        f"{prefix}grant_type": "client_credentials",
        f"{prefix}access_token_lifetime_seconds": "86401",
        f"{prefix}refresh_token_enabled": "unknown",
    }
    url = address(Client, "change", globex.client.pk)
    page = owner.post(url, fill(owner, url, **changes))
    assert page.status_code == 200
    assert "at most 86400" in page.content.decode()
    globex.client.refresh_from_db()
    assert globex.client.name == ""


def test_deleting_a_client_ends_its_tokens(owner: OperatorBrowser, globex: TenantWorld) -> None:
    globex.tenant.master_tokens.all().delete()
    page = owner.get(address(Client, "delete", globex.client.pk))
    assert "client secret" in page.content.decode()
    owner.post(address(Client, "delete", globex.client.pk), {"post": "yes"})
    assert not Client.objects.filter(pk=globex.client.pk).exists()
    assert CutOff.objects.filter(client_id=globex.client.pk).exists()


def new_secret_address(client: Client) -> str:
    """Write the address at which a client gets a secret."""
    return reverse("admin:tenants_client_new_secret", args=[client.pk])
