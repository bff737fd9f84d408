"""Sends people to sign in with an outside issuer, and knows its answer again.

Nothing is stored meanwhile: `state` is sealed for the browser, and the nonce and the code verifier
are derived from it by the platform's secret. Source: OpenID Connect Core section 3.1.2.1.
"""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing

from tokens import replay

if TYPE_CHECKING:
    from tenants.records import TenantSnapshot, UpstreamRecord

SALT: Final = "authplatform.upstream"
LIFETIME_SECONDS: Final = 600
MAX_STATE_CHARACTERS: Final = 12_000
OPENID: Final = "openid"
LOGIN: Final = "login"
# What a client may want of the sign-in itself; consent and new accounts are ours to ask for.
PASSED_PROMPTS: Final = (LOGIN, "select_account")


class InvalidState(Exception):
    """A `state` is not of this browser, or not any more; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Somebody on their way to an outside issuer and back; `sealed` is where they go on then.

    `begun_at` is in seconds since the epoch.
    """

    provider: str
    random: str
    sealed: str
    begun_at: int
    browser: str

    @property
    def nonce(self) -> str:
        """What the ID token has to repeat."""
        return self._derive("nonce")

    @property
    def verifier(self) -> str:
        """What only the token endpoint is told. Source: RFC 7636 section 4.1."""
        return self._derive("verifier")

    def _derive(self, purpose: str) -> str:
        text = f"upstream:{purpose}:{self.provider}:{self.browser}:{self.random}"
        digest = hmac.digest(settings.SECRET_KEY.encode(), text.encode(), "sha256")
        return _encode(digest)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the application that waits wants of the sign-in; an age in seconds."""

    login_hint: str = ""
    prompts: frozenset[str] = frozenset()
    max_age: int | None = None

    @property
    def wants_login(self) -> bool:
        """Whether the person has to prove themselves anew."""
        return LOGIN in self.prompts


def begin(provider: str, sealed: str, browser: str, *, now: float) -> Flow:
    """Begin a flow in a browser."""
    return Flow(provider, secrets.token_urlsafe(32), sealed, int(now), browser)


def address_of(tenant: TenantSnapshot, upstream: UpstreamRecord, flow: Flow, wishes: Wishes) -> str:
    """Write the address at which the issuer signs the person in."""
    asked = {
        "response_type": "code",
        "client_id": upstream.client_id,
        "redirect_uri": redirect_uri(tenant, flow.provider),
        "scope": " ".join((OPENID, *upstream.scopes)),
        "state": _seal(tenant, flow),
        "nonce": flow.nonce,
        "code_challenge": _encode(sha256(flow.verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "login_hint": wishes.login_hint,
        "prompt": " ".join(each for each in PASSED_PROMPTS if each in wishes.prompts),
        "max_age": "" if wishes.max_age is None else str(wishes.max_age),
    }
    query = urlencode({name: text for name, text in asked.items() if text})
    endpoint = upstream.authorization_endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def redirect_uri(tenant: TenantSnapshot, provider: str) -> str:
    """Answer where the issuer sends people back to; each has an address of its own.

    Source: RFC 9700 section 4.4.2.
    """
    return f"{tenant.issuer}/sign-in/callback/{provider}"


def read(tenant: TenantSnapshot, state: str, browser: str) -> Flow:
    """Read the `state` of an answer.

    Raises:
        InvalidState: this browser did not begin it at this tenant, or too long ago.
    """
    if not browser or len(state) > MAX_STATE_CHARACTERS:
        raise InvalidState("no browser, or too long")
    try:
        content = signing.loads(state, salt=_salt(tenant, browser), max_age=LIFETIME_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise InvalidState(type(error).__name__) from error
    provider, random, sealed, begun_at = content
    return Flow(provider, random, sealed, begun_at, browser)


def use_up(tenant: TenantSnapshot, flow: Flow) -> None:
    """Take a flow's answer, the first one only.

    Raises:
        InvalidState: it was answered before.
    """
    expires_at = time.time() + LIFETIME_SECONDS
    if not replay.remember_assertion(tenant.id, tenant.id, flow.random.encode(), expires_at):
        raise InvalidState("answered before")


def _seal(tenant: TenantSnapshot, flow: Flow) -> str:
    content = [flow.provider, flow.random, flow.sealed, flow.begun_at]
    return signing.dumps(content, salt=_salt(tenant, flow.browser), compress=True)


def _salt(tenant: TenantSnapshot, browser: str) -> str:
    return f"{SALT}:{tenant.id}:{browser}"


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
