"""Finds out from an outside issuer who has signed in there, and whom that is here.

Source: OpenID Connect Core sections 3.1.3 and 3.1.3.7.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlencode

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tenants import outgoing, trust
from tenants.credentials import decrypt, sign_in_context
from tenants.errors import (
    InvalidCiphertext,
    OutgoingFailed,
    OutgoingRefused,
    QuotaUsedUp,
    UnknownKeyEncryptionKey,
)
from tenants.queries.subjects import find_subject
from tenants.records import SYSTEM, TrustMatch
from tenants.services.subjects import FirstFacts, provision_subject
from tokens import replay, upstream_flows
from tokens.assertions import InvalidAssertion, verify_assertion
from tokens.foreign_subjects import has_ended
from tokens.jose import InvalidJWT, parse_json_object
from tokens.outside_calls import CALLS, NoAnswerYet, NotCalled

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import (
        JSON,
        SignedClaims,
        TenantSnapshot,
        TrustProfileRecord,
        UpstreamRecord,
    )
    from tokens.upstream_flows import Flow, Wishes

logger = logging.getLogger(__name__)

REFUSED: Final = "provider_refused"
UNAVAILABLE: Final = "provider_unavailable"
UNKNOWN: Final = "provider_unknown"
MEDIA_TYPES: Final = ("application/json",)
MAX_ANSWER_BYTES: Final = 65_536
TIMEOUT_SECONDS: Final = 3.0
MAX_CODE_CHARACTERS: Final = 4_096
# An ID token has no other type. Source: OpenID Connect Core section 2.
TYPES: Final = frozenset(("jwt",))
MAX_METHODS: Final = 10
MAX_METHOD_CHARACTERS: Final = 32
MAX_NAME_CHARACTERS: Final = 200


class UpstreamRefused(Exception):
    """Nobody is signed in; `reason` is what the page says, and the detail is for the log."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep both."""
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody whom an outside issuer has recognised: a subject of ours, and by what."""

    subject_id: UUID
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A code that came back for a flow, and what was wished of the sign-in there."""

    tenant: TenantSnapshot
    profile: TrustProfileRecord
    upstream: UpstreamRecord
    flow: Flow
    code: str
    now: float
    wishes: Wishes


def finish(exchange: Exchange) -> Arrived:
    """Swap a code for an ID token, verify it, and find or make the subject that it names.

    Raises:
        UpstreamRefused: the issuer is not to be believed or reached, or names nobody we know.
    """
    id_token, access_token = _fetch_tokens(exchange)
    signed = _verify(exchange, id_token)
    _check_binding(exchange, signed, access_token)
    match = _match(exchange, signed)
    if not replay.remember_foreign(exchange.tenant, exchange.profile, signed, now=exchange.now):
        raise UpstreamRefused(REFUSED, "the ID token was used before")
    return Arrived(_find_or_create(exchange, match, signed), read_methods(signed.claims.get("amr")))


def read_methods(stated: JSON) -> tuple[str, ...]:
    """Read by what the person was recognised there; nothing where that is no list of texts."""
    if not isinstance(stated, list) or len(stated) > MAX_METHODS:
        return ()
    texts = tuple(each for each in stated if isinstance(each, str) and each.isprintable())
    if len(texts) < len(stated) or any(len(text) > MAX_METHOD_CHARACTERS for text in texts):
        return ()
    return texts


def _fetch_tokens(exchange: Exchange) -> tuple[str, str]:
    """Answer the ID token and the access token, which may be missing."""
    if not 1 <= len(exchange.code) <= MAX_CODE_CHARACTERS:
        raise UpstreamRefused(REFUSED, "no code, or too long")
    call = partial(
        outgoing.fetch,
        exchange.upstream.token_endpoint,
        accepted_media_types=MEDIA_TYPES,
        max_bytes=MAX_ANSWER_BYTES,
        timeout_seconds=TIMEOUT_SECONDS,
        submission=_make_submission(exchange),
    )
    try:
        answer = parse_json_object(CALLS.run(exchange.tenant.id, call))
    except (OutgoingFailed, OutgoingRefused, NotCalled, NoAnswerYet) as error:
        raise UpstreamRefused(UNAVAILABLE, f"token endpoint: {error!r}") from error
    except InvalidJWT as error:
        raise UpstreamRefused(REFUSED, f"token endpoint: {error.detail}") from error
    id_token, access_token = answer.get("id_token"), answer.get("access_token", "")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise UpstreamRefused(REFUSED, "the answer has no ID token")
    return id_token, access_token


def _make_submission(exchange: Exchange) -> outgoing.Submission:
    """Write the token request: as a client with a secret by HTTP Basic, else by name alone.

    Source: RFC 6749 sections 2.3.1 and 4.1.3, RFC 7636 section 4.5.
    """
    upstream, flow = exchange.upstream, exchange.flow
    form = {
        "grant_type": "authorization_code",
        "code": exchange.code,
        "redirect_uri": upstream_flows.redirect_uri(exchange.tenant, flow.provider),
        "code_verifier": flow.verifier,
    }
    if upstream.secret is None:
        form["client_id"] = upstream.client_id
        return outgoing.Submission(urlencode(form).encode("ascii"), "")
    pair = f"{quote_plus(upstream.client_id)}:{quote_plus(_read_secret(exchange))}"
    authorization = f"Basic {b64encode(pair.encode()).decode('ascii')}"
    return outgoing.Submission(urlencode(form).encode("ascii"), authorization)


def _read_secret(exchange: Exchange) -> str:
    assert exchange.upstream.secret is not None  # noqa: S101 - the caller has looked.
    context = sign_in_context(exchange.profile.id)
    try:
        return decrypt(exchange.upstream.secret, context=context).decode()
    except (UnknownKeyEncryptionKey, InvalidCiphertext) as error:
        logger.exception("sign-in secret not readable")
        raise UpstreamRefused(UNAVAILABLE, "the secret is unreadable") from error


def _verify(exchange: Exchange, id_token: str) -> SignedClaims:
    try:
        return verify_assertion(id_token, exchange.profile, exchange.now, types=TYPES)
    except InvalidAssertion as error:
        raise UpstreamRefused(REFUSED, f"ID token: {error}") from error


def _check_binding(exchange: Exchange, signed: SignedClaims, access_token: str) -> None:
    """Demand that the ID token was made for this flow, for us, and lately enough.

    Source: OpenID Connect Core sections 3.1.3.7 and 3.1.3.8.
    """
    claims = signed.claims
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "surrogatepass"), exchange.flow.nonce.encode()
    ):
        raise UpstreamRefused(REFUSED, "nonce")
    is_shared = len(signed.audiences) > 1
    if (is_shared or "azp" in claims) and claims.get("azp") != exchange.upstream.client_id:
        raise UpstreamRefused(REFUSED, "azp")
    if "at_hash" in claims and claims["at_hash"] != hash_token(access_token, signed.algorithm):
        raise UpstreamRefused(REFUSED, "at_hash")
    _check_age(exchange, claims.get("auth_time"))


def _check_age(exchange: Exchange, auth_time: JSON) -> None:
    """Demand that the sign-in there is as recent as was asked for.

    Whoever is asked for an age has to state it; a new sign-in need not be dated, but not earlier.
    Source: OpenID Connect Core sections 2 and 3.1.2.1.
    """
    wishes = exchange.wishes
    is_dated = wishes.max_age is not None
    if is_dated and not _is_within(exchange, auth_time, wishes.max_age or 0):
        raise UpstreamRefused(REFUSED, "auth_time is too long ago, or not stated")
    if wishes.wants_login and auth_time is not None and not _is_within(exchange, auth_time, 0):
        raise UpstreamRefused(REFUSED, "auth_time is before the sign-in that was asked for")


def _is_within(exchange: Exchange, auth_time: JSON, seconds: int) -> bool:
    """Say whether the sign-in there was no older than that when this one began."""
    if isinstance(auth_time, bool) or not isinstance(auth_time, int | float):
        return False
    return exchange.flow.begun_at - auth_time <= seconds + exchange.profile.clock_skew_seconds


def hash_token(text: str, algorithm: str) -> str:
    """Hash an access token as its issuer does, by the algorithm of the ID token.

    Source: OpenID Connect Core section 3.1.3.6; for Ed25519 RFC 8032 section 5.1.
    """
    bits = algorithm[-3:] if algorithm[-3:] in {"256", "384"} else "512"
    digest = hashlib.new(f"sha{bits}", text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def _match(exchange: Exchange, signed: SignedClaims) -> TrustMatch:
    match = trust.match(exchange.profile, signed, int(exchange.now))
    if not isinstance(match, TrustMatch):
        raise UpstreamRefused(REFUSED, f"{match.reason}: {match.detail}")
    if has_ended(exchange.tenant, exchange.profile, signed):
        raise UpstreamRefused(REFUSED, "the token was ended here")
    return match


def _find_or_create(exchange: Exchange, match: TrustMatch, signed: SignedClaims) -> UUID:
    """Answer whom the issuer means, linked or made at first sight where the profile says so."""
    subject = find_subject(exchange.tenant.id, match)
    if subject is not None:
        return subject.id
    facts = read_facts(match, signed)
    try:
        made = provision_subject(exchange.tenant.id, match, actor=SYSTEM, facts=facts)
    except QuotaUsedUp as error:
        raise UpstreamRefused(UNAVAILABLE, "quota of new subjects") from error
    if made is None:
        raise UpstreamRefused(UNKNOWN, "nobody here has that subject")
    return made.pk


def read_facts(match: TrustMatch, signed: SignedClaims) -> FirstFacts:
    """Read what a new subject begins with: a name, and an address.

    An address counts as verified only where the profile takes its issuer's word for it.
    """
    name, email = signed.claims.get("name"), signed.claims.get("email")
    is_name = isinstance(name, str) and name.isprintable() and len(name) <= MAX_NAME_CHARACTERS
    address = email if isinstance(email, str) and _is_email(email) else ""
    return FirstFacts(
        name=str(name) if is_name else "",
        email=address,
        is_email_verified=bool(address) and match.linking_email == address,
    )


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= trust.MAXIMUM_EMAIL_CHARACTERS
