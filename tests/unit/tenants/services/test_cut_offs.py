"""Tests of cut-offs, and of the credentials and keys whose end they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from tenants import credentials
from tenants.errors import Conflict
from tenants.models import (
    Client,
    CutOff,
    MasterToken,
    SigningKey,
    Tenant,
)
from tenants.records import SYSTEM
from tenants.services import cut_offs, signing_keys
from tenants.services.master_tokens import create_master_token, save_master_token
from tests.factories.tenants import (
    make_api,
    make_client,
    make_tenant,
)

pytestmark = pytest.mark.django_db


JWK = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return make_client(tenant, is_allowed=False).client


def _reads() -> list[dict[str, Any]]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return [*CutOff.objects.order_by("number").values(*names)]


def _only(**selector: object) -> dict[str, object]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return dict.fromkeys(names) | selector


def test_a_master_token_is_shown_once_and_ends_what_it_made(tenant: Tenant, client: Client) -> None:
    token = MasterToken(
        tenant=tenant,
        client=client,
        kind="private",
        label="first",
        expires_at=timezone.now() + timedelta(days=1),
    )
    text = create_master_token(token, actor=SYSTEM)
    parsed = credentials.parse_credential(credentials.CredentialKind.MASTER_TOKEN, text)
    assert parsed is not None
    assert parsed.row_id == token.pk
    assert parsed.secret not in bytes(token.token_hash)
    token.is_enabled = False
    save_master_token(token, actor=SYSTEM)
    assert _reads() == [_only(master_token_id=token.pk)]


def test_a_signing_key_in_use_stays(tenant: Tenant) -> None:
    key = SigningKey(
        tenant=tenant, algorithm="ES256", kid="k", state="current", created_at=timezone.now()
    )
    signing_keys.create(key, private=b"private", public_jwk=JWK, actor=SYSTEM)
    assert b"private" not in bytes(key.private_ciphertext)
    for state in (SigningKey.State.CURRENT, SigningKey.State.PREVIOUS):
        signing_keys.move(key, state, actor=SYSTEM)
        with pytest.raises(Conflict):
            signing_keys.delete(key, actor=SYSTEM)
    signing_keys.move(key, SigningKey.State.RETIRED, actor=SYSTEM)
    assert bytes(key.private_ciphertext) == b""
    signing_keys.delete(key, actor=SYSTEM)
    assert not SigningKey.objects.exists()


def test_a_cut_off_is_numbered_audited_and_told(tenant: Tenant) -> None:
    one, two = (
        cut_offs.end(tenant.pk, actor=SYSTEM, reason="why", client_id=uuid4()) for _ in range(2)
    )
    assert two.number > one.number
    assert two.purge_after > timezone.now()


def test_an_unknown_selector_ends_nothing(tenant: Tenant) -> None:
    with pytest.raises(TypeError, match="colour"):
        cut_offs.end(tenant.pk, actor=SYSTEM, colour="red")
    assert not CutOff.objects.exists()
