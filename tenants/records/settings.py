"""What levels say of tokens and of requests, and what holds after all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """The token settings of one level; None means that the level says nothing."""

    access_token_lifetime_seconds: int | None = None
    max_access_token_lifetime_seconds: int | None = None
    refresh_token_lifetime_seconds: int | None = None
    max_refresh_token_lifetime_seconds: int | None = None
    refresh_token_idle_lifetime_seconds: int | None = None
    max_refresh_token_idle_lifetime_seconds: int | None = None
    access_token_format: str | None = None
    claim_profile: str | None = None
    refresh_token_enabled: bool | None = None


SILENT: Final = TokenSettings()


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one level says of the number of requests; None means that it says nothing."""

    client_requests_per_minute: int | None = None
    max_client_requests_per_minute: int | None = None
    client_request_burst: int | None = None
    max_client_request_burst: int | None = None
    address_requests_per_minute: int | None = None
    max_address_requests_per_minute: int | None = None
    address_request_burst: int | None = None
    max_address_request_burst: int | None = None


UNLIMITED: Final = RequestLimits()


class Rate(NamedTuple):
    """So many requests per second on average, and so many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """What holds for one token after all levels: lifetimes in seconds, all of them finite."""

    access_token_lifetime_seconds: int
    refresh_token_lifetime_seconds: int
    refresh_token_idle_lifetime_seconds: int
    access_token_format: str
    claim_profile: str
    refresh_token_enabled: bool
    signing_algorithm: str
    signing_api_id: UUID | None = None
