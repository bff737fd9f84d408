"""The standard claims of a person: which scope gives which, and their values. Pure.

Source: OpenID Connect Core sections 5.1, 5.4 and 5.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tenants.records import JSON

# OpenID Connect Core section 5.4.
CLAIMS_OF_SCOPE: Final[Mapping[str, tuple[str, ...]]] = {
    "profile": (
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
STANDARD_CLAIMS: Final = tuple(name for names in CLAIMS_OF_SCOPE.values() for name in names)
# What says that another claim was verified is told beside that one only.
VERIFIED: Final[Mapping[str, str]] = {
    "email_verified": "email",
    "phone_number_verified": "phone_number",
}
ID_TOKEN: Final = "id_token"  # noqa: S105 - a member of `claims`, no secret.
USERINFO: Final = "userinfo"


def names_for(
    scopes: Iterable[str], claims_request: Mapping[str, JSON] | None, *, place: str
) -> tuple[str, ...]:
    """Name the standard claims that are told in a place: `userinfo` or `id_token`.

    Scopes ask for userinfo, since every request here brings an access token.
    """
    names = dict.fromkeys(
        name for scope in scopes if place == USERINFO for name in CLAIMS_OF_SCOPE.get(scope, ())
    )
    asked = (claims_request or {}).get(place)
    if isinstance(asked, dict):
        names |= dict.fromkeys(name for name in STANDARD_CLAIMS if name in asked)
    return tuple(names)


def select(text: str, names: Iterable[str]) -> dict[str, JSON]:
    """Select claims from the JSON text of a person's; what they don't have is left out."""
    wanted = tuple(names)
    if not text or not wanted:
        return {}
    held = {name: value for name, value in orjson.loads(text).items() if _is_told(name, value)}
    return {
        name: held[name] for name in wanted if name in held and VERIFIED.get(name, name) in held
    }


def _is_told(name: str, value: JSON) -> bool:
    """Say whether a value is what the claim's type says: attributes may hold anything."""
    if name in VERIFIED:
        return isinstance(value, bool)
    if name == "updated_at":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "address":
        return isinstance(value, dict) and _are_texts(value.values())
    return isinstance(value, str) and value != ""


def _are_texts(parts: Collection[JSON]) -> bool:
    return bool(parts) and all(isinstance(part, str) for part in parts)
