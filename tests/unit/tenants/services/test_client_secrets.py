"""Tests of client secrets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from tenants import credentials
from tenants.errors import InvalidEntity
from tenants.records import SYSTEM, KeyedHash
from tenants.services.client_secrets import (
    MAX_LIVE_SECRETS,
    add_secret,
    import_secret,
    remove_secret,
)
from tenants.services.tenants import update_tenant
from tests.factories.tenants import (
    make_api,
    make_client,
    make_tenant,
)

if TYPE_CHECKING:
    from tenants.models import (
        Client,
        Tenant,
    )

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return make_client(tenant, is_allowed=False).client


def test_a_secret_is_kept_as_a_hash_only(client: Client) -> None:
    secret, text = add_secret(client, label="second", actor=SYSTEM)
    stored = client.secrets.get(pk=secret.pk)
    parsed = credentials.parse_credential(credentials.CredentialKind.CLIENT_SECRET, text)
    assert parsed is not None
    assert parsed.row_id == secret.pk
    assert credentials.is_secret(
        parsed.secret, KeyedHash(stored.pepper_id, bytes(stored.secret_hash or b""))
    )
    assert stored.hint == text[-4:]
    assert parsed.secret not in bytes(stored.secret_hash or b"")


def test_a_label_is_unique_and_secrets_are_few(client: Client) -> None:
    with pytest.raises(InvalidEntity):
        add_secret(client, label="first", actor=SYSTEM)
    for number in range(MAX_LIVE_SECRETS - 1):
        add_secret(client, label=f"n{number}", actor=SYSTEM)
    with pytest.raises(InvalidEntity, match="secrets"):
        add_secret(client, label="one more", actor=SYSTEM)
    remove_secret(client.secrets.get(label="n0"), actor=SYSTEM)
    add_secret(client, label="one more", actor=SYSTEM)


def test_typed_secrets_need_the_tenant_s_leave(tenant: Tenant, client: Client) -> None:
    with pytest.raises(InvalidEntity, match="value"):
        import_secret(client, label="typed", text="a secret of people", actor=SYSTEM)
    tenant.allow_typed_secrets = True
    update_tenant(tenant, actor=SYSTEM)
    client.refresh_from_db()
    for text in ("short", "x" * 513):
        with pytest.raises(InvalidEntity, match="value"):
            import_secret(client, label="typed", text=text, actor=SYSTEM)
    secret = import_secret(client, label="typed", text="a secret of people", actor=SYSTEM)
    assert secret.hint == ""
    assert credentials.is_typed_secret("a secret of people", secret.typed_secret_hash)


def test_a_secret_may_expire(client: Client) -> None:
    end = timezone.now() + timedelta(days=1)
    secret, _ = add_secret(client, label="short", actor=SYSTEM, expires_at=end)
    assert secret.expires_at == end
