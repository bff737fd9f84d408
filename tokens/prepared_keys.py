"""Keeps signing keys parsed: parsing a private key costs as much as a thousand signatures."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from tokens import keys
from tokens.signing import PreparedKey, PublicKey, SigningAlgorithm, prepare_key, public_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tenants.records import SigningKeyRecord

MAX_ENTRIES: Final = 10_000
Name: TypeAlias = "tuple[UUID, str]"
T = TypeVar("T")


class _Parsed(Generic[T]):
    """A bounded cache of the most recently used keys by tenant and `kid`, which never change."""

    def __init__(self) -> None:
        self._values: OrderedDict[Name, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Name, parse: Callable[[], T]) -> T:
        with self._lock:
            value = self._values.get(name)
            if value is not None:
                self._values.move_to_end(name)
                return value
        value = parse()
        with self._lock:
            self._values[name] = value
            if len(self._values) > MAX_ENTRIES:
                self._values.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._values)


_prepared: _Parsed[PreparedKey] = _Parsed()
_public: _Parsed[PublicKey] = _Parsed()


def prepared_key(tenant_id: UUID, record: SigningKeyRecord) -> PreparedKey:
    """Answer the key of a record, ready to sign.

    Raises:
        UnknownKeyEncryptionKey: this installation can't decrypt it.
    """

    def parse() -> PreparedKey:
        algorithm = SigningAlgorithm(record.algorithm)
        private = keys.decrypt_private(record)
        return prepare_key(kid=record.kid, algorithm=algorithm, private=private)

    return _prepared.get((tenant_id, record.kid), parse)


def verification_key(tenant_id: UUID, record: SigningKeyRecord) -> PublicKey:
    """Answer what verifies a record's signatures: its public key, or the secret of HS256."""

    def parse() -> PublicKey:
        if record.public_jwk is None:
            return keys.decrypt_private(record)
        return public_key(record.public_jwk)

    return _public.get((tenant_id, record.kid), parse)
