"""What is limited, by whom it is shared, and in what portions."""

from __future__ import annotations

import hashlib
import ipaddress
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from uuid import UUID

from tenants.credentials import hash_secret

if TYPE_CHECKING:
    from tenants.records import Rate

IPV6_PREFIX: Final = 64  # What one household or host has.
UNKNOWN_ADDRESS: Final = "unknown"
MAX_NETWORKS: Final = 16_384
MAX_NAME_CHARACTERS: Final = 255
HIDDEN: Final = "hidden:"
MAX_LIMITED: Final = 200  # So many are listed.
LEASE_SECONDS: Final = 0.1
# Small limits are leased in portions of their burst, which must not be spent by one process.
BURST_PORTIONS: Final = 16
MIN_BURST_PORTIONS: Final = 4


class LimitKind(StrEnum):
    """What is counted."""

    CLIENT = "client"
    ADDRESS = "address"
    FAILURES = "failures"
    SIGN_IN = "sign_in"
    SIGN_IN_ADDRESS = "sign_in_address"


class LimitKey(NamedTuple):
    """Whose requests are counted together; no tenant where operators sign in."""

    kind: LimitKind
    tenant_id: UUID | None
    name: str
    address: str

    @property
    def id(self) -> UUID:
        """A digest by which every process finds the same shared state."""
        text = "\n".join((self.kind, str(self.tenant_id), self.address, self.name))
        return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])


class Lease(NamedTuple):
    """So many requests may pass; if none may, one will in so many seconds."""

    granted: int
    wait_seconds: float = 0.0


class Backoff(NamedTuple):
    """How the delay after failures grows: from 1 second on it doubles, up to a maximum."""

    free_failures: int
    max_seconds: int

    def delay_seconds(self, failures: int) -> float:
        """Answer how long nobody is let try again after so many failures."""
        beyond = failures - self.free_failures
        return 0.0 if beyond < 0 else float(min(self.max_seconds, 2 ** min(beyond, 30)))


class StoreAway(Exception):
    """The shared store does not answer; a process then holds the limits alone."""


class LimitStore(Protocol):
    """Where the processes share what is used."""

    def take(self, key: LimitKey, rate: Rate, *, used: int, wanted: int) -> Lease:
        """Charge what was used without a lease, and lease up to as many requests more.

        Raises:
            StoreAway: it can't be reached now.
        """

    def add_failures(self, key: LimitKey, count: int, backoff: Backoff) -> int:
        """Count failures and answer how many there are in all processes.

        Raises:
            StoreAway: it can't be reached now.
        """

    def clear(self, key: LimitKey) -> None:
        """Forget the failures of a key.

        Raises:
            StoreAway: it can't be reached now.
        """


def lease_size(rate: Rate) -> int:
    """Answer how many requests a process leases at a time, which it may also use unasked."""
    wanted = max(int(rate.per_second * LEASE_SECONDS), rate.burst // BURST_PORTIONS)
    return max(1, min(wanted, rate.burst // MIN_BURST_PORTIONS))


@lru_cache(maxsize=MAX_NETWORKS)
def name_network(text: str) -> str:
    """Name what one caller has: its address, or its network where a host has many."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address)


def name_credential(text: str) -> str:
    """Name what was presented so that nobody can guess it back who reads the store."""
    return HIDDEN + hash_secret(text.encode(errors="replace")).digest.hex()


def name_client(client_id: str) -> str:
    """Name whoever a caller says it is; what can't be kept or shown is no client's id."""
    is_kept = len(client_id) <= MAX_NAME_CHARACTERS and client_id.isprintable()
    return client_id if is_kept else name_credential(client_id)
