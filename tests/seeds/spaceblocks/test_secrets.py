"""Space Blocks: a lost secret is replaced, and no new client has to be made for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.utils import timezone

from tenants.models import ClientSecret
from tenants.records import SYSTEM
from tenants.services.client_secrets import add_secret, remove_secret
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tokens import secret_uses

if TYPE_CHECKING:
    from tenants.models import Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant(claim_profile="spaceblocks", signing_algorithm="RS256")
    make_api(tenant, "block", scopes=["foo:bar"])
    return tenant


@pytest.fixture
def backend(tenant: Tenant) -> MadeClient:
    return make_client(tenant, "foo", scopes=["foo:bar"])


def status_with(tenant: Tenant, backend: MadeClient, secret: str) -> int:
    return OAuthClient(tenant).token(MadeClient(backend.client, secret)).status_code


def test_two_secrets_live_at_once_until_the_old_one_is_removed(
    tenant: Tenant, backend: MadeClient
) -> None:
    _, second = add_secret(backend.client, label="second", actor=SYSTEM)
    assert [status_with(tenant, backend, text) for text in (backend.secret, second)] == [200, 200]
    remove_secret(ClientSecret.objects.get(label="first"), actor=SYSTEM, reason="rotated")
    assert [status_with(tenant, backend, text) for text in (backend.secret, second)] == [401, 200]


def test_secret_ends_with_the_moment_that_it_names(tenant: Tenant, backend: MadeClient) -> None:
    ends_at = timezone.now() + timedelta(hours=1)
    _, brief = add_secret(backend.client, label="brief", actor=SYSTEM, expires_at=ends_at)
    assert status_with(tenant, backend, brief) == 200
    with time_machine.travel(ends_at + timedelta(seconds=1)):
        assert status_with(tenant, backend, brief) == 401
        assert status_with(tenant, backend, backend.secret) == 200


def test_secret_is_kept_as_a_hash_with_four_characters_to_tell_it_by(backend: MadeClient) -> None:
    row = ClientSecret.objects.get()
    assert backend.secret.endswith(row.hint)
    assert (len(row.hint), len(bytes(row.secret_hash or b""))) == (4, 32)
    kept = repr({name: value for name, value in vars(row).items() if name != "hint"})
    assert backend.secret not in kept


def test_last_use_says_which_secret_is_safe_to_remove(tenant: Tenant, backend: MadeClient) -> None:
    secret_uses.forget()
    used, text = add_secret(backend.client, label="second", actor=SYSTEM)
    assert status_with(tenant, backend, text) == 200
    secret_uses.flush()
    used.refresh_from_db()
    assert used.last_used_at is not None
    assert ClientSecret.objects.get(label="first").last_used_at is None
