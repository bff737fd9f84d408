"""The signing keys' life in rings, and the keys that are derived from refresh tokens.

A ring is (tenant, algorithm, optional Api) and holds the key that signs, the one that will sign
next and is published already, and those whose tokens may still live.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants import audit, credentials
from tenants.models import SigningKey
from tenants.models.fields import MAX_ACCESS_TOKEN_LIFETIME_SECONDS
from tenants.records import SYSTEM, KeyState
from tenants.services import cut_offs, signing_keys
from tokens.jwk import (
    SigningAlgorithm,
    certificate_members,
    generate_key,
    key_id,
    read_private_key,
)

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from tenants.credentials import ParsedCredential
    from tenants.records import JSON, Actor, SigningKeyRecord, TenantSnapshot

State = SigningKey.State
NONCE_BYTES: Final = 12
# Longer than any access token may live, whatever the ceilings were when it was issued.
OVERLAP_SECONDS: Final = MAX_ACCESS_TOKEN_LIFETIME_SECONDS + 3600
PUBLISHED_ORDER: Final = (KeyState.CURRENT, KeyState.NEXT, KeyState.PREVIOUS)
# Source: RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2: nothing private is among them.
PUBLIC_MEMBERS: Final = ("kty", "use", "alg", "kid", "crv", "x", "y", "n", "e", "x5c", "x5t#S256")


def ensure_ring(tenant: TenantSnapshot, algorithm: str, api_id: UUID | None) -> None:
    """Make the ring's current and next key where they are missing.

    The tenant's chain is the advisory lock: whoever comes second finds the keys made.
    """
    with transaction.atomic():
        audit.lock_chain(tenant.id)
        _fill(tenant.id, algorithm, api_id, actor=SYSTEM)


def rotate(
    tenant_id: UUID,
    algorithm: str,
    api_id: UUID | None,
    *,
    emergency: bool = False,
    actor: Actor = SYSTEM,
    reason: str = "",
) -> None:
    """Let the next key sign from now on, and keep the one before for its tokens.

    In an emergency the key that signed until now has leaked: it is retired at once, and a cut-off
    ends every token that it has signed.
    """
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        current = _ring(tenant_id, algorithm, api_id).filter(state=State.CURRENT).first()
        if current is not None:
            outcome = State.RETIRED if emergency else State.PREVIOUS
            signing_keys.move(current, outcome, actor=actor, reason=reason)
            if emergency:
                cut_offs.end(tenant_id, actor=actor, reason=reason, signing_key_id=current.pk)
        _fill(tenant_id, algorithm, api_id, actor=actor)


def import_key(
    tenant_id: UUID,
    algorithm: str,
    api_id: UUID | None,
    *,
    private_pem: bytes,
    certificate_pem: bytes,
    actor: Actor,
) -> SigningKey:
    """Take somebody's own key with its X.509 certificate chain as the next one of a ring.

    It is published at once and signs from the next rotation on, so verifiers know it before. The
    key that was to come next has never signed and is retired.

    Raises:
        ValueError: the key or the certificate is not good, or they don't belong together.
    """
    brought = read_private_key(private_pem, SigningAlgorithm(algorithm))
    public_jwk = brought.public_jwk or {}
    public_jwk |= certificate_members(certificate_pem, public_jwk)
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        _fill(tenant_id, algorithm, api_id, actor=actor)
        for waiting in _ring(tenant_id, algorithm, api_id).filter(state=State.NEXT):
            signing_keys.move(waiting, State.RETIRED, actor=actor)
        key = SigningKey(
            tenant_id=tenant_id,
            api_id=api_id,
            algorithm=algorithm,
            state=State.NEXT,
            kid=key_id(public_jwk),
            created_at=timezone.now(),
        )
        return signing_keys.create(key, private=brought.private, public_jwk=public_jwk, actor=actor)


def rotate_due(*, now: datetime, limit: int) -> int:
    """Rotate the asymmetric rings whose key has signed long enough; answers how many.

    A symmetric key is known to its Api and only rotated by hand, together with it.
    """
    since = now - timedelta(seconds=settings.TOKENS_KEY_ROTATION_SECONDS)
    due = SigningKey.objects.filter(state=State.CURRENT, activated_at__lte=since).exclude(
        algorithm=SigningAlgorithm.HS256
    )
    rings = list(
        due.order_by("activated_at").values_list("tenant_id", "algorithm", "api_id")[:limit]
    )
    for tenant_id, algorithm, api_id in rings:
        with transaction.atomic():
            audit.lock_chain(tenant_id)
            # Another worker may have rotated it while this one waited.
            if (due & _ring(tenant_id, algorithm, api_id)).exists():
                rotate(tenant_id, algorithm, api_id, reason="scheduled")
    return len(rings)


def retire_due(*, now: datetime, limit: int) -> int:
    """Retire the keys whose last token has expired, and destroy their private parts."""
    since = now - timedelta(seconds=OVERLAP_SECONDS)
    due = SigningKey.objects.filter(state=State.PREVIOUS, replaced_at__lt=since)
    retiring = list(due.order_by("replaced_at")[:limit])
    for key in retiring:
        with transaction.atomic():
            audit.lock_chain(key.tenant_id)
            locked = due.filter(pk=key.pk).first()
            if locked is not None:
                signing_keys.move(locked, State.RETIRED, actor=SYSTEM, reason="overlap is over")
    return len(retiring)


def reencrypt_batch(*, limit: int, actor: Actor = SYSTEM) -> int:
    """Encrypt private parts under the current key encryption key; answers how many were left.

    Raises:
        UnknownKeyEncryptionKey: a key encryption key was removed before this was done.
    """
    current_kek = next(iter(settings.TENANTS_KEY_ENCRYPTION_KEYS))
    stale = SigningKey.objects.exclude(kek_id=current_kek).exclude(state=State.RETIRED)
    keys = list(stale.order_by("pk")[:limit])
    for key in keys:
        with transaction.atomic():
            audit.lock_chain(key.tenant_id)
            locked = stale.filter(pk=key.pk).first()
            if locked is not None:
                signing_keys.reencrypt(locked, actor=actor)
    return len(keys)


def jwks(tenant: TenantSnapshot) -> dict[str, JSON]:
    """Answer the tenant's published key set: the signing keys first, never a symmetric one.

    Source: RFC 7517 section 5.
    """
    published = [key for state in PUBLISHED_ORDER for key in tenant.keys if key.state == state]
    return {"keys": [_publish(key) for key in published if key.public_jwk is not None]}


def decrypt_private(record: SigningKeyRecord) -> bytes:
    """Decrypt the private part of a key.

    Raises:
        UnknownKeyEncryptionKey: this installation does not hold what it is encrypted under.
    """
    context = signing_keys.encryption_context(record.id)
    return credentials.decrypt(record.private, context=context)


def seal_answer(credential: ParsedCredential, answer: bytes) -> bytes:
    """Encrypt an answer under a key that only who holds the refresh token can derive."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _answer_key(credential).encrypt(nonce, answer, credential.row_id.bytes)


def open_answer(credential: ParsedCredential, sealed: bytes) -> bytes:
    """Decrypt what `seal_answer` has made for the same refresh token.

    Raises:
        InvalidTag: it was altered, or is another token's.
    """
    nonce, blob = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return _answer_key(credential).decrypt(nonce, blob, credential.row_id.bytes)


def _answer_key(credential: ParsedCredential) -> AESGCM:
    # Source: RFC 5869; the secret has 256 random bits, the row's id is the salt.
    derivation = HKDF(SHA256(), 32, salt=credential.row_id.bytes, info=b"refresh token answer")
    return AESGCM(derivation.derive(credential.secret))


def _publish(key: SigningKeyRecord) -> dict[str, JSON]:
    jwk = {**(key.public_jwk or {}), "use": "sig", "alg": key.algorithm, "kid": key.kid}
    return {name: jwk[name] for name in PUBLIC_MEMBERS if name in jwk}


def _ring(tenant_id: UUID, algorithm: str, api_id: UUID | None) -> QuerySet[SigningKey]:
    ring = SigningKey.objects.filter(tenant_id=tenant_id, algorithm=algorithm)
    return ring.filter(api__isnull=True) if api_id is None else ring.filter(api_id=api_id)


def _fill(tenant_id: UUID, algorithm: str, api_id: UUID | None, *, actor: Actor) -> None:
    """Promote or make what the ring lacks; the caller holds the tenant's chain."""
    ring = _ring(tenant_id, algorithm, api_id)
    if not ring.filter(state=State.CURRENT).exists():
        following = ring.filter(state=State.NEXT).first()
        if following is not None:
            signing_keys.move(following, State.CURRENT, actor=actor)
        else:
            _make(tenant_id, algorithm, api_id, state=State.CURRENT, actor=actor)
    if not ring.filter(state=State.NEXT).exists():
        _make(tenant_id, algorithm, api_id, state=State.NEXT, actor=actor)


def _make(
    tenant_id: UUID,
    algorithm: str,
    api_id: UUID | None,
    *,
    state: SigningKey.State,
    actor: Actor,
) -> None:
    generated = generate_key(SigningAlgorithm(algorithm))
    key = SigningKey(
        tenant_id=tenant_id,
        api_id=api_id,
        algorithm=algorithm,
        state=state,
        kid=key_id(generated.public_jwk),
        created_at=timezone.now(),
    )
    signing_keys.create(
        key, private=generated.private, public_jwk=generated.public_jwk, actor=actor
    )
