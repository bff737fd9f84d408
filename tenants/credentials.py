"""Makes, hashes, compares and encrypts the secrets that this installation keeps."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from tenants.errors import CredentialCheckBusy, InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.records import Ciphertext, KeyedHash

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
TYPED_SECRET_LENGTHS: Final = range(8, 513)
REMEMBERED_SECONDS: Final = 60.0
REMEMBERED_ENTRIES: Final = 1024
ARGON2_WAIT_SECONDS: Final = 0.05
ARGON2_MAXIMUM_MEMORY_KIB: Final = 262_144
ARGON2_MAXIMUM_PASSES: Final = 10

# 48 bytes are 64 characters with no bit left over, so each text has one meaning.
_CREDENTIAL_BODY: Final = re.compile(r"[A-Za-z0-9_-]{64}")
_OPAQUE_TOKEN: Final = re.compile(r"[0-9A-F]{64}")
_UUID_7_BITS: Final = (7 << 76) | (2 << 62)
_UUID_7_RANDOM_MASK: Final = (0xFFF << 64) | ((1 << 62) - 1)


class CredentialKind(StrEnum):
    """The kinds of machine-made credentials; the value is the prefix of their text."""

    CLIENT_SECRET = "acs"  # noqa: S105 - a prefix that everybody may see.
    MASTER_TOKEN = "amt"  # noqa: S105 - a prefix that everybody may see.
    REFRESH_TOKEN = "art"  # noqa: S105 - a prefix that everybody may see.
    AUTHORIZATION_CODE = "aac"
    REGISTRATION = "arg"
    INITIAL_ACCESS_TOKEN = "ait"  # noqa: S105 - a prefix that everybody may see.
    DEVICE_CODE = "adc"
    SIGN_IN = "asi"
    EMAIL_LINK = "ael"


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A new credential: the text, which is shown once, and the hash, which is stored."""

    text: str = field(repr=False)
    keyed_hash: KeyedHash


@dataclass(frozen=True, slots=True)
class ParsedCredential:
    """A presented credential: the row that it names and the secret that it must prove."""

    row_id: UUID
    secret: bytes = field(repr=False)


def make_credential(kind: CredentialKind, row_id: UUID) -> IssuedCredential:
    """Make a credential of 256 random bits for the row."""
    secret = os.urandom(SECRET_BYTES)
    body = urlsafe_b64encode(row_id.bytes + secret).decode("ascii")
    return IssuedCredential(f"{kind.value}_{body}", hash_secret(secret))


def parse_credential(kind: CredentialKind, text: str) -> ParsedCredential | None:
    """Read a credential of that kind; None for anything that `make_credential` can't have made."""
    prefix, _, body = text.partition("_")
    if prefix != kind.value or _CREDENTIAL_BODY.fullmatch(body) is None:
        return None
    decoded = urlsafe_b64decode(body)
    return ParsedCredential(UUID(bytes=decoded[:16]), decoded[16:])


def make_opaque_token(token_id: UUID) -> IssuedCredential:
    """Make an opaque access token: its id and 128 random bits as 64 hexadecimal characters."""
    secret = os.urandom(16)
    return IssuedCredential((token_id.bytes + secret).hex().upper(), hash_secret(secret))


def parse_opaque_token(text: str) -> ParsedCredential | None:
    """Read an opaque access token; None for anything but 64 characters of 0-9 and A-F."""
    if _OPAQUE_TOKEN.fullmatch(text) is None:
        return None
    decoded = bytes.fromhex(text)
    return ParsedCredential(UUID(bytes=decoded[:16]), decoded[16:])


def hash_secret(secret: bytes) -> KeyedHash:
    """Hash a machine-made secret under the current pepper."""
    pepper_id, pepper = next(iter(settings.TENANTS_TOKEN_PEPPERS.items()))
    return KeyedHash(pepper_id, hmac.digest(pepper, secret, "sha256"))


def find_digests(secret: bytes) -> list[bytes]:
    """Hash a presented secret under every known pepper, to find by its hash what has no id."""
    return [
        hmac.digest(pepper, secret, "sha256") for pepper in settings.TENANTS_TOKEN_PEPPERS.values()
    ]


def is_secret(secret: bytes, keyed_hash: KeyedHash) -> bool:
    """Compare a presented secret in constant time; an unknown pepper never matches."""
    pepper = settings.TENANTS_TOKEN_PEPPERS.get(keyed_hash.pepper_id)
    if pepper is None:
        logger.error("unknown token pepper", extra={"pepper_id": keyed_hash.pepper_id})
        return False
    return hmac.compare_digest(hmac.digest(pepper, secret, "sha256"), keyed_hash.digest)


def expiry_ordered_uuid(expires_at_seconds: float) -> UUID:
    """Make a UUID of version 7 whose time is the expiry, in seconds since the epoch.

    Raises: ValueError where the expiry does not fit into 48 bits of milliseconds.
    Source: RFC 9562 section 5.7.
    """
    milliseconds = int(expires_at_seconds * 1000)
    if not 0 <= milliseconds < 1 << 48:
        raise ValueError("the expiry is outside the range of a UUID of version 7")
    random_bits = int.from_bytes(os.urandom(10), "big") & _UUID_7_RANDOM_MASK
    return UUID(int=(milliseconds << 80) | _UUID_7_BITS | random_bits)


class _Remembered:
    """Remembers for a short time which typed secrets were right, without keeping any of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = os.urandom(32)
        self._expiries: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def tag(self, secret: bytes, typed_hash: str) -> bytes:
        """Name the pair of secret and hash, unguessably outside of this process."""
        secret_digest = hashlib.sha256(secret).digest()
        return hmac.digest(self._key, secret_digest + typed_hash.encode(), "sha256")

    def contains(self, tag: bytes) -> bool:
        """Say whether the pair was right within the last minute."""
        with self._lock:
            expiry = self._expiries.get(tag)
            if expiry is None:
                return False
            if expiry <= self._clock():
                del self._expiries[tag]
                return False
            self._expiries.move_to_end(tag)
            return True

    def add(self, tag: bytes) -> None:
        """Remember the pair; the one that was not used for longest leaves."""
        with self._lock:
            self._expiries[tag] = self._clock() + REMEMBERED_SECONDS
            self._expiries.move_to_end(tag)
            if len(self._expiries) > REMEMBERED_ENTRIES:
                self._expiries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._expiries.clear()


# 19 MiB and two passes are the least that OWASP advises for argon2id; one lane keeps one core free.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_remembered = _Remembered()
_one_at_a_time = threading.BoundedSemaphore(1)


@cache
def _unknown_client_hash() -> str:
    return _hasher.hash(os.urandom(SECRET_BYTES))


class _Argon2Slot:
    """The one place of this process in which argon2 runs.

    The other blocking thread of a worker must stay free for requests that need no argon2, so
    nobody waits long. Raises: CredentialCheckBusy after a twentieth of a second.
    """

    def __enter__(self) -> None:
        if not _one_at_a_time.acquire(timeout=ARGON2_WAIT_SECONDS):
            raise CredentialCheckBusy("too many typed secrets are being checked")

    def __exit__(self, *exception: object) -> None:
        _one_at_a_time.release()


def hash_typed_secret(secret: str) -> str:
    """Hash a secret that a person typed, with argon2id.

    Raises: ValueError outside of 8 to 512 characters, CredentialCheckBusy.
    """
    if len(secret) not in TYPED_SECRET_LENGTHS:
        raise ValueError("a typed secret has 8 to 512 characters")
    with _Argon2Slot():
        return _hasher.hash(_typed_bytes(secret))


def is_typed_secret(secret: str, typed_hash: str) -> bool:
    """Compare a typed secret with its argon2id hash; a right one is remembered for a minute.

    Raises: CredentialCheckBusy.
    """
    if len(secret) not in TYPED_SECRET_LENGTHS or not _is_affordable(typed_hash):
        # A quick answer would tell a known client from an unknown one.
        waste_argon2_time()
        return False
    typed = _typed_bytes(secret)
    tag = _remembered.tag(typed, typed_hash)
    if _remembered.contains(tag):
        return True
    if not _verifies(typed, typed_hash):
        return False
    _remembered.add(tag)
    return True


def waste_argon2_time() -> None:
    """Spend on an unknown client what a known one costs, so that time tells nothing.

    Raises: CredentialCheckBusy.
    """
    _verifies(b"a secret of nobody", _unknown_client_hash())


def _verifies(secret: bytes, typed_hash: str) -> bool:
    with _Argon2Slot():
        try:
            return _hasher.verify(typed_hash, secret)
        except VerificationError:
            return False


def _is_affordable(typed_hash: str) -> bool:
    """Say whether a hash, perhaps imported, is argon2id within the memory and time we grant."""
    try:
        parameters = extract_parameters(typed_hash)
    except InvalidHashError:
        logger.exception("a stored typed secret hash is no argon2 hash")
        return False
    return (
        parameters.type is Type.ID
        and parameters.memory_cost <= ARGON2_MAXIMUM_MEMORY_KIB
        and parameters.time_cost <= ARGON2_MAXIMUM_PASSES
    )


def _typed_bytes(secret: str) -> bytes:
    # JSON can carry lone surrogates; they are wrong secrets, never an encoding error.
    return secret.encode("utf-8", "surrogatepass")


def trust_profile_context(profile_id: UUID) -> str:
    """Name the encryption context of a trust profile's shared secret."""
    return f"trust-profile:{profile_id}"


def introspection_context(profile_id: UUID) -> str:
    """Name the encryption context of the secret by which a trust profile's issuer is asked."""
    return f"trust-profile-introspection:{profile_id}"


def sign_in_context(profile_id: UUID) -> str:
    """Name the encryption context of the secret by which people are signed in with an issuer."""
    return f"trust-profile-sign-in:{profile_id}"


def encrypt(plaintext: bytes, *, context: str) -> Ciphertext:
    """Encrypt with AES-256-GCM under the current key encryption key, bound to the context."""
    kek_id, key = next(iter(settings.TENANTS_KEY_ENCRYPTION_KEYS.items()))
    nonce = os.urandom(NONCE_BYTES)
    return Ciphertext(kek_id, nonce + _aead(key).encrypt(nonce, plaintext, context.encode()))


def decrypt(ciphertext: Ciphertext, *, context: str) -> bytes:
    """Decrypt what `encrypt` made for the same context.

    Raises: UnknownKeyEncryptionKey, InvalidCiphertext.
    """
    key = settings.TENANTS_KEY_ENCRYPTION_KEYS.get(ciphertext.kek_id)
    if key is None:
        raise UnknownKeyEncryptionKey(ciphertext.kek_id)
    nonce, sealed = ciphertext.blob[:NONCE_BYTES], ciphertext.blob[NONCE_BYTES:]
    if len(sealed) < TAG_BYTES:
        raise InvalidCiphertext("the ciphertext is too short")
    try:
        return _aead(key).decrypt(nonce, sealed, context.encode())
    except InvalidTag:
        raise InvalidCiphertext("the ciphertext was altered or is of another context") from None


@lru_cache(maxsize=16)
def _aead(key: bytes) -> AESGCM:
    if len(key) != SECRET_BYTES:
        raise ValueError("a key encryption key has 32 bytes")
    return AESGCM(key)
