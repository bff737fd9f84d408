"""Claims hooks as an operator might write them, good and bad ones."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tokens.claim_hook import ClaimsDenial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON, TokenRecord


class Name(StrEnum):
    """Names of claims, as an operator may list them; no JSON has them as they are."""

    REGION = "https://claims.example/region"


class Disguised(str):
    """A text that says it is another than every text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


class Unwritable:
    """Breaks where somebody writes it."""

    def __str__(self) -> str:
        raise ValueError("unwritable")


class RegionHook:
    """Adds the region that the tenant's slug stands for, and refuses one tenant."""

    def add_claims(
        self, record: TokenRecord, claims: Mapping[str, JSON]
    ) -> Mapping[str, JSON] | ClaimsDenial:
        if record.tenant_slug == "embargoed":
            return ClaimsDenial("no tokens for this tenant")
        del claims
        return {"https://claims.example/region": f"eu:{record.client_id}"}


class AnsweringHook:
    """Answers what it was made with; without arguments it can't be made."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - good and bad answers.
        self.answer = answer

    def add_claims(self, record: TokenRecord, claims: Mapping[str, JSON]) -> Any:  # noqa: ANN401 - as above.
        del record, claims
        return self.answer


class RaisingHook:
    """Breaks."""

    def add_claims(self, record: TokenRecord, claims: Mapping[str, JSON]) -> Mapping[str, JSON]:
        del record
        raise ValueError(f"about {claims}")


class MutatingHook:
    """Changes all that it is handed, as far as it can."""

    def add_claims(self, record: TokenRecord, claims: Any) -> Mapping[str, JSON]:  # noqa: ANN401 - changed below.
        claims["exp"] = 9_999_999_999
        claims["iss"] = "https://evil.example"
        claims.pop("aud")
        for value in claims.values():
            if isinstance(value, list):
                value.append("changed")
        for name in ("scopes", "subject", "memberships"):
            with suppress(AttributeError):
                setattr(record, name, ("admin",))
        object.__setattr__(record, "scopes", ("admin",))
        return {"seen": [*record.scopes]}


class NoMethod:
    """Has another method."""

    def add(self, record: TokenRecord) -> None: ...


class OneArgument:
    """Takes too little."""

    def add_claims(self, record: TokenRecord) -> Mapping[str, JSON]:
        del record
        return {}


class Asynchronous:
    """Would have to be awaited."""

    async def add_claims(
        self, record: TokenRecord, claims: Mapping[str, JSON]
    ) -> Mapping[str, JSON]:
        del record, claims
        return {}


class BreaksWhenMade:
    """Can't be made."""

    def __init__(self) -> None:
        raise RuntimeError("no configuration")


not_a_class = 7
