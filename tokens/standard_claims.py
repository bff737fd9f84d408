"""The standard claims of a person: which scope gives which, and their values. Pure.

Source: OpenID Connect Core sections 5.1, 5.4 and 5.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from tenants.effective_settings import OPENID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tenants.records import JSON, ClientRecord, TenantSnapshot

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


def scopes_of(tenant: TenantSnapshot, client: ClientRecord) -> frozenset[str]:
    """List the standard scopes that a client may have.

    One that an Api took over means a right of its own, and asks for no claims.
    """
    return frozenset(
        name
        for name in own_scopes(tenant, CLAIMS_OF_SCOPE)
        if tenant.scopes[name].id in client.scope_ids
    )


def own_scopes(tenant: TenantSnapshot, names: Iterable[str]) -> list[str]:
    """Select the scopes of the built-in Api, which alone ask for claims."""
    openid = {api.id for api in tenant.apis.values() if api.built_in == OPENID}
    scopes = tenant.scopes
    return [name for name in names if name in scopes and scopes[name].api_id in openid]


def names_for(scopes: Iterable[str]) -> tuple[str, ...]:
    """Name the standard claims that scopes ask for, of userinfo.

    Never of the ID token, since every request here brings an access token.
    """
    return tuple(dict.fromkeys(name for scope in scopes for name in CLAIMS_OF_SCOPE.get(scope, ())))


def single_names(
    claims_request: Mapping[str, JSON] | None, *, place: str, scopes: Iterable[str]
) -> tuple[str, ...]:
    """Name the standard claims that are asked for one by one, of `userinfo` or the `id_token`.

    Only those that these scopes give: what a client may not have by a scope, it can't have without.
    """
    asked = (claims_request or {}).get(place)
    if not isinstance(asked, dict):
        return ()
    return tuple(name for name in names_for(scopes) if name in asked)


def asks_singly(claims_request: Mapping[str, JSON], scope: str) -> bool:
    """Say whether a claim that the scope gives is asked for by its name, in either place."""
    places = (ID_TOKEN, USERINFO)
    return any(single_names(claims_request, place=place, scopes=(scope,)) for place in places)


def bound_request(
    claims_request: Mapping[str, JSON], scopes: Iterable[str]
) -> dict[str, dict[str, JSON]]:
    """Leave out of a request the standard claims that none of the scopes gives."""
    withheld = set(STANDARD_CLAIMS) - set(names_for(scopes))
    return {
        place: {name: member for name, member in members.items() if name not in withheld}
        for place, members in claims_request.items()
        if isinstance(members, dict)
    }


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
