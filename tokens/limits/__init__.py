"""Limits against abuse: requests of clients and addresses, and the delay after failures.

An attacker can only use up what is its own address's: failures are counted for the pair of client
and address, and what anybody may claim to be, such as a public client, for the pair as well.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from django.conf import settings

from tenants import snapshot
from tenants.effective_settings import resolve_address_rate, resolve_client_rate
from tenants.records import Rate
from tokens import metrics
from tokens.errors import InvalidToken, RateLimited, TokenMissing
from tokens.limits.delays import FailureDelays
from tokens.limits.keys import (
    Backoff,
    LimitKey,
    LimitKind,
    name_client,
    name_credential,
    name_network,
)
from tokens.limits.rates import RequestRates
from tokens.limits.store import SharedStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.records import ClientRecord, TenantSnapshot
    from tokens.gate import AcceptedToken

TOO_MANY: Final = "Too many requests; send the next one after Retry-After seconds."
TOO_MANY_FAILURES: Final = (
    "Authentication failed too often; check the credentials, and try after Retry-After seconds."
)
PUBLIC: Final = "none"
# Of end users, for whom a household or an office has one address.
PERSONS_RATE: Final = Rate(2.0, 120)
MAILS_RATE: Final = Rate(0.5, 30)
MAILBOX_RATE: Final = Rate(1 / 300, 5)
DEVICES_RATE: Final = Rate(0.5, 60)
NEWCOMERS_RATE: Final = Rate(1 / 30, 60)
MAILS: Final = "mails"


def _read_client_rate(tenant: TenantSnapshot | None, client: ClientRecord | None) -> Rate:
    assert tenant is not None  # noqa: S101 - clients have a tenant; narrows the type.
    return resolve_client_rate(tenant, client)


def _read_address_rate(tenant: TenantSnapshot | None, _client: ClientRecord | None) -> Rate:
    assert tenant is not None  # noqa: S101 - as above.
    return resolve_address_rate(tenant)


def _read_sign_in_rate(_tenant: TenantSnapshot | None, _client: ClientRecord | None) -> Rate:
    per_minute = settings.TOKENS_SIGN_INS_PER_MINUTE
    return Rate(per_minute / 60, per_minute)


def _read_backoff() -> Backoff:
    return Backoff(settings.TOKENS_FAILURES_BEFORE_DELAY, settings.TOKENS_FAILURE_MAX_DELAY_SECONDS)


STORE: Final = SharedStore()
CLIENTS: Final = RequestRates(LimitKind.CLIENT, _read_client_rate, STORE)
ADDRESSES: Final = RequestRates(LimitKind.ADDRESS, _read_address_rate, STORE)
SIGN_IN_ADDRESSES: Final = RequestRates(LimitKind.SIGN_IN_ADDRESS, _read_sign_in_rate, STORE)
PERSON_ADDRESSES: Final = RequestRates(LimitKind.SIGN_IN_ADDRESS, lambda *_: PERSONS_RATE, STORE)
MAIL_ADDRESSES: Final = RequestRates(LimitKind.SIGN_IN_ADDRESS, lambda *_: MAILS_RATE, STORE)
MAILBOXES: Final = RequestRates(LimitKind.SIGN_IN_ADDRESS, lambda *_: MAILBOX_RATE, STORE)
DEVICES: Final = RequestRates(LimitKind.CLIENT, lambda *_: DEVICES_RATE, STORE)
NEWCOMERS: Final = RequestRates(LimitKind.ADDRESS, lambda *_: NEWCOMERS_RATE, STORE)
RATES: Final = (
    CLIENTS,
    ADDRESSES,
    SIGN_IN_ADDRESSES,
    PERSON_ADDRESSES,
    MAIL_ADDRESSES,
    MAILBOXES,
    DEVICES,
    NEWCOMERS,
)
FAILURES: Final = FailureDelays(_read_backoff, STORE)


def forget() -> None:
    """Begin again, as in a new process."""
    for limits in (*RATES, FAILURES, STORE):
        limits.forget()


def admit_address(tenant: TenantSnapshot, address: str) -> None:
    """Count a request from an address, before anything of it is read.

    Raises:
        RateLimited: the address sends too many requests to this tenant.
    """
    wait = ADDRESSES.wait_seconds(tenant, None, "", name_network(address))
    if wait:
        refuse(LimitKind.ADDRESS, wait, TOO_MANY)


def admit_client(
    tenant: TenantSnapshot, client: ClientRecord, address: str, *, is_shared: bool = False
) -> None:
    """Count a request of an authenticated client; `is_shared` if anybody may hold its credential.

    Raises:
        RateLimited: the client sends too many requests.
    """
    # Anybody may name a public client: else one address could use up what all of its users have.
    is_open = is_shared or client.authentication_method == PUBLIC
    place = name_network(address) if is_open else ""
    wait = CLIENTS.wait_seconds(tenant, client, client.client_id, place)
    if wait:
        refuse(LimitKind.CLIENT, wait, TOO_MANY)


def admit_attempt(tenant: TenantSnapshot, client_id: str, address: str) -> bool:
    """Let a client authenticate, and say whether it has failures that a success will forget.

    Raises:
        RateLimited: it failed too often from this address; nothing is compared meanwhile.
    """
    if not FAILURES.has_failures:
        return False
    return admit_trial(_failure_key(tenant, name_client(client_id), address))


def count_failure(tenant: TenantSnapshot, client_id: str, address: str) -> None:
    """Count that a client failed to authenticate from an address."""
    FAILURES.count(_failure_key(tenant, name_client(client_id), address))


def forget_failures(tenant: TenantSnapshot, client_id: str, address: str) -> None:
    """Forget the failures of a client that has authenticated from this address."""
    FAILURES.clear(_failure_key(tenant, name_client(client_id), address))


def admit_code(tenant: TenantSnapshot, text: str, address: str) -> None:
    """Let an authorization code be tried; its verifier must not be guessed again and again.

    Raises:
        RateLimited: too many verifiers were wrong.
    """
    if FAILURES.has_failures:
        admit_trial(_failure_key(tenant, name_credential(text), address))


def count_code_failure(tenant: TenantSnapshot, text: str, address: str) -> None:
    """Count a wrong verifier for an authorization code."""
    FAILURES.count(_failure_key(tenant, name_credential(text), address))


@contextmanager
def watch_token(tenant: TenantSnapshot, text: str, address: str) -> Iterator[None]:
    """Delay whoever presents the same bad token again and again; another token is free of it.

    Raises:
        RateLimited: it has to wait; the token is not looked at meanwhile.
    """
    key = _failure_key(tenant, name_credential(text), address)
    has_failed = FAILURES.has_failures and admit_trial(key)
    try:
        yield
    except TokenMissing:
        raise
    except InvalidToken:
        FAILURES.count(key)
        raise
    if has_failed:
        FAILURES.clear(key)


def admit_token(tenant: TenantSnapshot, token: AcceptedToken, address: str) -> None:
    """Count a request that presents a token of a client, or of one of its many users.

    Raises:
        RateLimited: the client sends too many requests, or its users do from this address.
    """
    client = snapshot.CURRENT.client(tenant, token.client_id)
    if client is not None:
        admit_client(tenant, client, address, is_shared=token.subject_id is not None)


def sign_in_wait_seconds(username: str, address: str) -> float:
    """Answer how long an operator may not sign in from an address; 0, and counted, if they may."""
    network = name_network(address)
    wait = SIGN_IN_ADDRESSES.wait_seconds(None, None, "", network)
    if wait:
        metrics.count_limited(LimitKind.SIGN_IN_ADDRESS)
        return wait
    wait = FAILURES.attempt(_sign_in_key(username, network)) or 0.0
    if wait:
        metrics.count_limited(LimitKind.SIGN_IN)
    return wait


def count_sign_in_failure(username: str, address: str) -> None:
    """Count a failed sign-in; it makes no difference if there is such an operator."""
    FAILURES.count(_sign_in_key(username, name_network(address)))


def forget_sign_in_failures(username: str, address: str) -> None:
    """Forget the failures of an operator who has signed in."""
    FAILURES.clear(_sign_in_key(username, name_network(address)))


def admit_person(tenant: TenantSnapshot, identifier: str, address: str) -> bool:
    """Let an end user try to sign in, and say whether there are failures to forget on success.

    It makes no difference whether there is such a user.

    Raises:
        RateLimited: nothing is compared meanwhile.
    """
    admit_proof(tenant, address)
    return FAILURES.has_failures and admit_trial(_person_key(tenant, identifier, address))


def admit_proof(tenant: TenantSnapshot, address: str) -> None:
    """Count that somebody at an address shows who they are, by whatever means.

    Raises:
        RateLimited: too many do; nothing is compared, and nobody else is asked.
    """
    wait = PERSON_ADDRESSES.wait_seconds(tenant, None, "", name_network(address))
    if wait:
        refuse(LimitKind.SIGN_IN_ADDRESS, wait, TOO_MANY)


def count_person_failure(tenant: TenantSnapshot, identifier: str, address: str) -> None:
    """Count a failed sign-in of an end user."""
    FAILURES.count(_person_key(tenant, identifier, address))


def forget_person_failures(tenant: TenantSnapshot, identifier: str, address: str) -> None:
    """Forget the failures of an end user who has signed in."""
    FAILURES.clear(_person_key(tenant, identifier, address))


def admit_mail(tenant: TenantSnapshot, email: str, address: str) -> None:
    """Count a mail that is asked for, whether or not it will be sent.

    Raises:
        RateLimited: the address asks for too many, or too many go to this mailbox.
    """
    wait = MAIL_ADDRESSES.wait_seconds(tenant, None, MAILS, name_network(address))
    # From wherever: else many addresses could fill a mailbox together.
    wait = wait or MAILBOXES.wait_seconds(tenant, None, name_credential(email.casefold()), "")
    if wait:
        refuse(LimitKind.SIGN_IN_ADDRESS, wait, TOO_MANY)


def _person_key(tenant: TenantSnapshot, identifier: str, address: str) -> LimitKey:
    name = name_credential(identifier.casefold())
    return LimitKey(LimitKind.SIGN_IN, tenant.id, name, name_network(address))


def _sign_in_key(username: str, network: str) -> LimitKey:
    # Not as it was typed: it may be a password in the wrong field.
    return LimitKey(LimitKind.SIGN_IN, None, name_credential(username.casefold()), network)


def _failure_key(tenant: TenantSnapshot, name: str, address: str) -> LimitKey:
    return LimitKey(LimitKind.FAILURES, tenant.id, name, name_network(address))


def admit_trial(key: LimitKey) -> bool:
    """Let a key be tried unless it has to wait, and say whether it has failures.

    Raises:
        RateLimited: it failed too often.
    """
    wait = FAILURES.attempt(key)
    if wait:
        refuse(key.kind, wait, TOO_MANY_FAILURES)
    return wait is not None


def refuse(kind: LimitKind, wait_seconds: float, description: str) -> NoReturn:
    """Tell somebody to wait, and count that.

    Raises:
        RateLimited: always.
    """
    metrics.count_limited(kind)
    raise RateLimited(
        description,
        detail=f"limit {kind}, {wait_seconds:.1f} seconds to wait",
        retry_after_seconds=max(1, math.ceil(wait_seconds)),
    )
