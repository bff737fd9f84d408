"""The claims hook: one pure class of the platform's operator that adds claims, or refuses a token.

It is loaded once, at start, and asked for every token that is planned, previews among them, and
when introspection tells a token. It sees a frozen record and a copy of the claims, and does no I/O.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import orjson

from tenants.claim_bounds import UnwritableClaim, find_name_mistake, measure_claim
from tenants.records import TokenRecord
from tenants.refusal_reasons import Reason
from tokens.claim_refusals import ClaimsRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.records import JSON

VARIABLE: Final = "TOKEN_CLAIMS_HOOK"
METHOD: Final = "add_claims"
MAX_CLAIMS: Final = 50


@dataclass(frozen=True, slots=True)
class ClaimsDenial:
    """What a hook answers to refuse a token; the reason stands in the trace, not on the wire."""

    reason: str


@runtime_checkable
class ClaimsHook(Protocol):
    """What the class that `TOKEN_CLAIMS_HOOK` names has to be; it is made without arguments."""

    def add_claims(
        self, record: TokenRecord, claims: Mapping[str, JSON]
    ) -> Mapping[str, JSON] | ClaimsDenial:
        """Answer claims to be added, or a denial."""
        ...


class InvalidHook(Exception):
    """The hook can't be used; the message names the variable and says what to mend."""


def load_hook(path: str) -> ClaimsHook:
    """Import and make the hook that a dotted path names.

    Raises:
        InvalidHook: there is no such class, or it has no method of the right form.
    """
    module_name, _, class_name = path.rpartition(".")
    try:
        made = getattr(importlib.import_module(module_name), class_name)()
    except Exception as error:  # Whatever an operator's module raises is told.
        told = f"{type(error).__name__}: {error}"
        raise InvalidHook(f"{VARIABLE} is {path!r}, which can't be loaded ({told}).") from error
    if not isinstance(made, ClaimsHook) or not _takes_two(made.add_claims):
        raise InvalidHook(
            f"{VARIABLE} is {path!r}, which has no method {METHOD}(self, record, claims)."
        )
    return made


def _takes_two(method: object) -> bool:
    """Say whether it can be called with a record and claims, and answers at once."""
    if not callable(method) or inspect.iscoroutinefunction(method):
        return False
    try:
        inspect.signature(method).bind(None, {})
    except (TypeError, ValueError):
        return False
    return True


class _Installation:
    """The hook of this process; there is none until one is installed."""

    hook: ClaimsHook | None = None
    failure: InvalidHook | None = None


def install(path: str) -> None:
    """Load the hook of this process; one that can't be loaded refuses every token."""
    _Installation.hook = _Installation.failure = None
    if not path:
        return
    try:
        _Installation.hook = load_hook(path)
    except InvalidHook as error:
        _Installation.failure = error
        _Installation.hook = _Broken()


def require() -> None:
    """Stop whoever would issue tokens without the hook that is demanded.

    Raises:
        InvalidHook: the hook could not be loaded.
    """
    if _Installation.failure is not None:
        raise _Installation.failure


@contextmanager
def installed(hook: ClaimsHook | None) -> Iterator[None]:
    """Use another hook for a while, as tests of hooks do."""
    before, _Installation.hook = _Installation.hook, hook
    try:
        yield
    finally:
        _Installation.hook = before


def current_hook() -> ClaimsHook | None:
    """Answer the hook of this process, if there is one."""
    return _Installation.hook


def ask_hook(
    hook: ClaimsHook, record: TokenRecord, claims: Mapping[str, JSON], *, room: int
) -> dict[str, JSON]:
    """Answer the claims that a hook adds, as copies that nobody else holds.

    `room` is how many bytes they may take. Nothing that the hook does to what it is handed
    changes the token.

    Raises:
        ClaimsRefused: the hook refuses the token, breaks, or answers what no token may carry.
    """
    try:
        answer = hook.add_claims(_freeze(record), orjson.loads(orjson.dumps(claims)))
        added = dict(answer) if isinstance(answer, Mapping) else None
        denial = str(answer.reason) if isinstance(answer, ClaimsDenial) else None
    except Exception as error:  # A hook is foreign code; whatever breaks in it refuses the token.
        raise ClaimsRefused(Reason.CLAIMS_HOOK_FAILED, type(error).__name__) from error
    if denial is not None:
        raise ClaimsRefused(Reason.CLAIMS_HOOK_DENIED, denial)
    if added is None:
        raise ClaimsRefused(Reason.CLAIMS_HOOK_FAILED, f"it answered a {type(answer).__name__}")
    _check_answer(added, room)
    copies: dict[str, JSON] = orjson.loads(orjson.dumps(added))
    return copies


class _FrozenRecord(TokenRecord):
    """A token record that is frozen at run time as well: others are only for the type checker."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"a hook can't change the record's {name}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"a hook can't remove the record's {name}")


def _freeze(record: TokenRecord) -> TokenRecord:
    """Copy a record for foreign code, which could not change the token even by a trick."""
    copied = replace(record)
    object.__setattr__(copied, "__class__", _FrozenRecord)
    return copied


def _check_answer(added: Mapping[str, JSON], room: int) -> None:
    if len(added) > MAX_CLAIMS:
        raise ClaimsRefused(Reason.CLAIMS_HOOK_FAILED, f"it answered more than {MAX_CLAIMS} claims")
    for name, value in added.items():
        mistake = find_name_mistake(name)
        if mistake:
            raise ClaimsRefused(Reason.CLAIMS_HOOK_FAILED, f"{name!r:.60}: {mistake}")
        try:
            room -= measure_claim(value) + len(name.encode())
        except UnwritableClaim as error:
            raise ClaimsRefused(Reason.CLAIMS_HOOK_FAILED, f"{name:.60}: {error}") from error
    if room < 0:
        raise ClaimsRefused(Reason.CLAIMS_OUT_OF_BOUNDS, "the hook adds too much")


class _Broken:
    """Stands for a hook that could not be loaded: no token goes out without it."""

    def add_claims(
        self, record: TokenRecord, claims: Mapping[str, JSON]
    ) -> Mapping[str, JSON] | ClaimsDenial:
        """Refuse the token, of whose claims nothing is known."""
        del record, claims
        raise InvalidHook(f"{VARIABLE} can't be loaded")
