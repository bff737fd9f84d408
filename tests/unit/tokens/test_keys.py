"""Signing keys: rings that rotate, and what of them is published."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidTag
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from tenants import snapshot
from tenants.credentials import ParsedCredential
from tenants.errors import Conflict, InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.models import AuditEvent, SigningKey
from tenants.models.fields import MAX_ACCESS_TOKEN_LIFETIME_SECONDS
from tenants.records import SYSTEM, Ciphertext
from tenants.services import signing_keys
from tests.factories.tokens import Issuer, make_issuer
from tokens import gate, keys, prepared_keys, tasks
from tokens.signing import encode_header, sign, verify

if TYPE_CHECKING:
    from pytest_django import Settings

    from tenants.records import TenantSnapshot

pytestmark = pytest.mark.django_db

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
MONTH = timedelta(days=30)


@pytest.fixture
def issuer() -> Issuer:
    return make_issuer(refresh_token_enabled=False)


def ring(issuer: Issuer, algorithm: str = "ES256") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in SigningKey.objects.filter(tenant=issuer.tenant, algorithm=algorithm):
        found.setdefault(key.state, []).append(key.kid)
    return found


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "EdDSA", "HS256"])
def test_ring_is_made_with_a_current_and_a_next_key_that_sign(
    issuer: Issuer, algorithm: str
) -> None:
    api_id = issuer.api.pk if algorithm == "HS256" else None
    keys.ensure_ring(issuer.core, algorithm, api_id)
    keys.ensure_ring(issuer.core, algorithm, api_id)
    made = [key for key in issuer.core.keys if key.algorithm == algorithm]
    assert sorted(key.state for key in made) == ["current", "next"]
    for key in made:
        prepared = prepared_keys.prepared_key(issuer.core.id, key)
        text = sign(prepared, encode_header({"alg": algorithm, "kid": key.kid}), b"{}")
        public = prepared_keys.verification_key(issuer.core.id, key)
        assert verify(text, key=public, algorithm=algorithm) == b"{}"
        assert prepared_keys.prepared_key(issuer.core.id, key) is prepared


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_concurrent_first_uses_make_one_ring() -> None:
    issuer = make_issuer()
    core = issuer.core

    def ensure(_: int) -> None:
        try:
            keys.ensure_ring(core, "ES256", None)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ensure, range(6)))
    assert {state: len(kids) for state, kids in ring(issuer).items()} == {"current": 1, "next": 1}


def test_published_set_has_public_members_only_and_no_symmetric_key(issuer: Issuer) -> None:
    for algorithm in ("ES256", "RS256", "EdDSA"):
        keys.ensure_ring(issuer.core, algorithm, None)
    keys.ensure_ring(issuer.core, "HS256", issuer.api.pk)
    keys.rotate(issuer.tenant.pk, "ES256", None)
    published: list[Any] = keys.jwks(issuer.core)["keys"]  # type: ignore[assignment]  # JSON.
    assert len(published) == 7
    states = {key.kid: key.state for key in issuer.core.keys}
    assert [states[jwk["kid"]] for jwk in published] == [
        *["current"] * 3,
        *["next"] * 3,
        "previous",
    ]
    for jwk in published:
        assert not PRIVATE_MEMBERS & jwk.keys()
        assert jwk["kty"] != "oct"
        assert (jwk["use"], jwk["alg"] != "") == ("sig", True)


def test_rotation_lets_the_next_key_sign_and_keeps_the_one_before(issuer: Issuer) -> None:
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    before = ring(issuer)
    keys.rotate(issuer.tenant.pk, "ES256", None)
    after = ring(issuer)
    assert after["current"] == before["next"]
    assert after["previous"] == before["current"]
    assert after["next"] not in before.values()
    assert gate.accept(issuer.core, text) is not None
    accepted = gate.accept(
        issuer.core, str(issuer.issue(requested_scopes=("read",))["access_token"])
    )
    assert accepted is not None
    assert [accepted.kid] == after["current"]


def test_emergency_retires_the_leaked_key_and_ends_its_tokens(issuer: Issuer) -> None:
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    before = ring(issuer)
    keys.rotate(issuer.tenant.pk, "ES256", None, emergency=True, reason="leaked")
    retired = SigningKey.objects.get(state="retired")
    assert [retired.kid] == before["current"]
    assert bytes(retired.private_ciphertext) == b""
    assert gate.accept(issuer.core, text) is None
    later = str(issuer.issue(requested_scopes=("read",))["access_token"])
    assert gate.accept(issuer.core, later) is not None
    assert retired.kid not in str(keys.jwks(issuer.core))


def test_overlap_is_longer_than_any_access_token(issuer: Issuer) -> None:
    assert keys.OVERLAP_SECONDS > MAX_ACCESS_TOKEN_LIFETIME_SECONDS
    keys.ensure_ring(issuer.core, "ES256", None)
    keys.rotate(issuer.tenant.pk, "ES256", None)
    now = timezone.now()
    assert keys.retire_due(now=now + MONTH, limit=10) == 0
    assert keys.retire_due(now=now + MONTH + timedelta(hours=2), limit=10) == 1
    retired = SigningKey.objects.get(state="retired")
    assert (bytes(retired.private_ciphertext), retired.kek_id) == (b"", "")


def test_schedule_rotates_only_what_is_due_and_never_symmetric_keys(issuer: Issuer) -> None:
    keys.ensure_ring(issuer.core, "ES256", None)
    keys.ensure_ring(issuer.core, "HS256", issuer.api.pk)
    symmetric = ring(issuer, "HS256")
    first = ring(issuer)
    tasks.rotate_keys()
    assert ring(issuer) == first
    SigningKey.objects.filter(state="current").update(activated_at=timezone.now() - MONTH)
    tasks.rotate_keys()
    rotated = ring(issuer)
    assert rotated["current"] == first["next"]
    tasks.rotate_keys()
    assert ring(issuer) == rotated
    assert ring(issuer, "HS256") == symmetric


@pytest.mark.parametrize("state", ["current", "next", "previous"])
def test_key_in_use_cannot_be_deleted(issuer: Issuer, state: str) -> None:
    keys.ensure_ring(issuer.core, "ES256", None)
    keys.rotate(issuer.tenant.pk, "ES256", None)
    key = SigningKey.objects.get(state=state)
    with pytest.raises(Conflict):
        signing_keys.delete(key, actor=SYSTEM)
    signing_keys.move(key, SigningKey.State.RETIRED, actor=SYSTEM)
    signing_keys.delete(key, actor=SYSTEM)
    assert not SigningKey.objects.filter(pk=key.pk).exists()


def test_private_parts_are_encrypted_for_their_own_row(issuer: Issuer) -> None:
    keys.ensure_ring(issuer.core, "ES256", None)
    current, following = (
        next(key for key in issuer.core.keys if key.state == state) for state in ("current", "next")
    )
    assert b"PRIVATE" not in current.private.blob
    swapped = Ciphertext(current.private.kek_id, following.private.blob)
    stored = SigningKey.objects.get(pk=current.id)
    stored.private_ciphertext = swapped.blob
    stored.save()
    record = next(key for key in make_fresh(issuer).keys if key.id == current.id)
    with pytest.raises(InvalidCiphertext):
        keys.decrypt_private(record)


def make_fresh(issuer: Issuer) -> TenantSnapshot:
    snapshot.CURRENT.forget()
    return issuer.core


def test_reencryption_moves_every_living_key_to_the_first_key_encryption_key(
    issuer: Issuer, settings: Settings
) -> None:
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    old = settings.TENANTS_KEY_ENCRYPTION_KEYS
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"new": os.urandom(32), **old}
    call_command("rotate_keys", "--reencrypt", stdout=StringIO())
    assert set(SigningKey.objects.values_list("kek_id", flat=True)) == {"new"}
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"new": settings.TENANTS_KEY_ENCRYPTION_KEYS["new"]}
    for key in issuer.core.keys:
        assert keys.decrypt_private(key)
    assert gate.accept(issuer.core, text) is not None
    assert keys.reencrypt_batch(limit=10) == 0


def test_key_encryption_key_that_was_removed_too_early_is_named(
    issuer: Issuer, settings: Settings
) -> None:
    keys.ensure_ring(issuer.core, "ES256", None)
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"new": os.urandom(32)}
    with pytest.raises(UnknownKeyEncryptionKey):
        keys.reencrypt_batch(limit=10)


def test_command_rotates_one_ring_and_audits_the_reason(issuer: Issuer) -> None:
    issuer.issue(requested_scopes=("read",))
    before = ring(issuer)
    output = StringIO()
    call_command("rotate_keys", "--tenant", issuer.tenant.path, "--emergency", stdout=output)
    assert ring(issuer)["current"] == before["next"]
    assert issuer.tenant.path in output.getvalue()
    assert AuditEvent.objects.filter(event="signing_key.retired").count() == 1


@pytest.mark.parametrize(
    "arguments", [["--emergency"], ["--tenant", "no/such/one"], ["--api", "nothing"]]
)
def test_command_refuses_what_it_cannot_mean(issuer: Issuer, arguments: list[str]) -> None:
    if "--api" in arguments:
        arguments = [*arguments, "--tenant", issuer.tenant.path]
    with pytest.raises(CommandError):
        call_command("rotate_keys", *arguments)


def test_command_without_arguments_rotates_what_is_due(issuer: Issuer) -> None:
    keys.ensure_ring(issuer.core, "ES256", None)
    SigningKey.objects.filter(state="current").update(activated_at=timezone.now() - MONTH)
    output = StringIO()
    call_command("rotate_keys", stdout=output)
    assert output.getvalue().startswith("1 rings rotated")


def test_sealed_answer_opens_only_with_its_refresh_token(issuer: Issuer) -> None:
    credential = ParsedCredential(issuer.tenant.pk, b"s" * 32)
    sealed = keys.seal_answer(credential, b"answer")
    assert keys.open_answer(credential, sealed) == b"answer"
    for other in (
        ParsedCredential(issuer.tenant.pk, b"t" * 32),
        ParsedCredential(issuer.api.pk, b"s" * 32),
    ):
        with pytest.raises(InvalidTag):
            keys.open_answer(other, sealed)
