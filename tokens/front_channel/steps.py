"""Says what a person has to do next before a client gets its code. Pure.

Source: OpenID Connect Core sections 3.1.2.3 and 3.1.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tenants.assurance import LEVELS, reaches
from tokens.front_channel.authorization_errors import (
    ConsentRequired,
    LoginRequired,
    UnmetAuthenticationRequirements,
)
from tokens.front_channel.authorization_parameters import (
    CONSENT,
    CREATE,
    LOGIN,
    NONE,
    PUBLIC,
    SELECT_ACCOUNT,
)

if TYPE_CHECKING:
    from tenants.records import ClientRecord
    from tokens.errors import OAuthError
    from tokens.front_channel.authorization_requests import AuthorizationRequest
    from tokens.sign_ins import SignInRecord

STRANGER: Final = "stranger"
OTHER_PERSON: Final = "other_person"
TOO_LONG_AGO: Final = "too_long_ago"
ASSURANCE: Final = "assurance"
SIGN_IN_FIRST: Final = "The person has to sign in first, which prompt=none forbids."
OTHER_PERSON_TEXT: Final = "Somebody else is signed in than the client expects."
NOT_SURE_ENOUGH: Final = "The person could not be recognised as surely as was asked."
AGREE_FIRST: Final = "The person has to agree first, which prompt=none forbids."
HTTPS: Final = "https"


@dataclass(frozen=True, slots=True)
class SignInNeeded:
    """The person proves who they are; `reason` says why that is asked of them (again)."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConsentNeeded:
    """The person agrees to the scopes; without any they only confirm who goes on."""

    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The client is told that nothing comes of it."""

    error: OAuthError


@dataclass(frozen=True, slots=True)
class Grant:
    """The client gets a code for the scopes."""

    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The scopes that may be granted, and those to which the person has agreed before."""

    granted: tuple[str, ...]
    remembered: frozenset[str] = frozenset()


def sign_in_step(
    request: AuthorizationRequest,
    sign_in: SignInRecord | None,
    *,
    expected: bool,
    begun_at: float | None,
    now: float,
) -> SignInNeeded | Refuse | None:
    """Say whether the person has to prove who they are first; times in seconds since the epoch.

    `begun_at` is when the person began with this request, None at the first look: what they have
    proven since then counts as asked for. `expected` says whether the client expects this person.
    """
    if sign_in is None:
        return _ask(request, STRANGER)
    proven_anew = is_fresh(sign_in, begun_at)
    if not expected:
        refusal = Refuse(LoginRequired(OTHER_PERSON_TEXT))
        return refusal if proven_anew else _ask(request, OTHER_PERSON)
    if not proven_anew and _must_prove_again(request, sign_in.proven_at, now):
        return _ask(request, TOO_LONG_AGO)
    return _assurance_step(request, sign_in.authentication.acr, is_fresh=proven_anew)


def is_fresh(sign_in: SignInRecord, begun_at: float | None) -> bool:
    """Say whether the person has proven who they are since they began with this request."""
    return begun_at is not None and sign_in.proven_at >= begun_at


def step_up(request: AuthorizationRequest, *, is_fresh: bool) -> SignInNeeded | Refuse:
    """Ask the person to prove better who they are; whoever just did can't. Source: RFC 9470 5."""
    if is_fresh:
        return Refuse(UnmetAuthenticationRequirements(NOT_SURE_ENOUGH))
    return _ask(request, ASSURANCE)


def is_confirmed_each_time(client: ClientRecord, redirect_uri: str) -> bool:
    """Say whether nobody knows which application answers at a public client's address.

    Source: RFC 8252 section 8.6.
    """
    return client.authentication_method == PUBLIC and urlsplit(redirect_uri).scheme != HTTPS


def consent_step(
    request: AuthorizationRequest, agreement: Agreement, *, is_fresh: bool
) -> ConsentNeeded | Refuse | Grant:
    """Say whether the person has to agree first, or to confirm who goes on.

    Source: OpenID Connect Core section 3.1.2.4.
    """
    needed = _scopes_to_ask(request, agreement, is_fresh=is_fresh)
    if needed is None:
        return Grant(agreement.granted)
    if NONE in request.prompts:
        return Refuse(ConsentRequired(AGREE_FIRST))
    return ConsentNeeded(needed)


def _ask(request: AuthorizationRequest, reason: str) -> SignInNeeded | Refuse:
    if NONE in request.prompts:
        return Refuse(LoginRequired(SIGN_IN_FIRST))
    return SignInNeeded(reason)


def _must_prove_again(request: AuthorizationRequest, proven_at: float, now: float) -> bool:
    """Say whether the person signed in too long ago. Source: OpenID Connect Core 3.1.2.1."""
    if request.prompts & {LOGIN, CREATE}:
        return True
    if request.max_age is None:
        return False
    # Zero is the same as prompt=login, however fast somebody is.
    return request.max_age == 0 or now - proven_at >= request.max_age


def _assurance_step(
    request: AuthorizationRequest, acr: str, *, is_fresh: bool
) -> SignInNeeded | Refuse | None:
    """Ask for a better proof where one is essential, and once where it would be welcome."""
    if not _is_reached(acr, request.needed_acrs):
        return step_up(request, is_fresh=is_fresh)
    welcome = tuple(value for value in request.acr_values if value in LEVELS)
    if is_fresh or NONE in request.prompts or _is_reached(acr, welcome):
        return None
    return SignInNeeded(ASSURANCE)


def _is_reached(acr: str, values: tuple[str, ...]) -> bool:
    return not values or any(reaches(acr, value) for value in values)


def _scopes_to_ask(
    request: AuthorizationRequest, agreement: Agreement, *, is_fresh: bool
) -> tuple[str, ...] | None:
    """Answer the scopes to which the person has to agree; None where nothing is asked."""
    if CONSENT in request.prompts:
        return agreement.granted
    is_first_party = request.client.interactive.skips_consent
    new = tuple(name for name in agreement.granted if name not in agreement.remembered)
    if new and not is_first_party:
        return new
    if SELECT_ACCOUNT in request.prompts and not is_fresh:
        return ()
    if is_first_party or not is_confirmed_each_time(request.client, request.redirect_uri):
        return None
    return ()
