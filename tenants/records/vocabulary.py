"""The closed vocabularies and the smallest values that records are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
NOTHING: Mapping[str, JSON] = MappingProxyType({})
CONSTANT: Final = "constant"  # The source of a claim rule that reads nothing.
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
NOTHING_ADDED: Mapping[str, str] = MappingProxyType({})


class GrantType(StrEnum):
    """The `grant_type` values that a client may be given."""

    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the RFC's name of a grant, no secret.
    AUTHORIZATION_CODE = "authorization_code"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant's name.
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    # What a master token asks for; the token endpoint knows no such grant.
    MASTER_TOKEN = "urn:authplatform:grant-type:master-token"  # noqa: S105 - a grant's name.


INTROSPECTION: Final = "introspection"
ACCESS: Final = "access"  # A call of an Api, about which its resource server asks.
# What a policy may be linked to as operation.
OPERATIONS: Final = frozenset((*GrantType, INTROSPECTION, ACCESS))


class Verdict(StrEnum):
    """What a rule says of a request; indeterminate where something that it needs is absent."""

    TRUE = "true"
    FALSE = "false"
    INDETERMINATE = "indeterminate"


class TokenFormat(StrEnum):
    """How an access token is written."""

    JWT = "jwt"
    OPAQUE = "opaque"


class KeyState(StrEnum):
    """The place of a signing key in its ring."""

    NEXT = "next"
    CURRENT = "current"
    PREVIOUS = "previous"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """A secret that must be used again, encrypted under the key encryption key `kek_id`."""

    kek_id: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """A secret that is only compared: HMAC-SHA-256 under the pepper `pepper_id`."""

    pepper_id: str
    digest: bytes
