"""Who asks: authenticates the client of a request. Source: RFC 6749 section 2.3."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import unquote_plus

from tenants import credentials, snapshot
from tokens import limits, replay, secret_uses, workload_identity
from tokens.assertions import ClientKeys, InvalidAssertion, jwks_cache, verify_assertion
from tokens.errors import InvalidClient, InvalidRequest
from tokens.foreign_documents import STRANGERS_KEYS
from tokens.issuance import DYNAMIC
from tokens.jose import InvalidJWT, unverified_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenants.records import ClientRecord, ClientSecretRecord, SignedClaims
    from tokens.foreign_keys import JwksCache
    from tokens.parameters import EndpointRequest

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FAILED: Final = "Client authentication failed; check the client_id and its secret or key."
NOT_ITS_OWN: Final = (
    "The assertion's iss and sub must both be the client_id; "
    "beside the token of an outside issuer send the client_id."
)
USED_BEFORE: Final = "The assertion was used before; make a new one for each request."
MAX_ASSERTION_SECONDS: Final = 3_600
CLOCK_SKEW_SECONDS: Final = 30
_BASIC: Final = re.compile(r"(?i:basic) +([A-Za-z0-9+/=_-]+)")


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """What the request presents as its client, not yet checked."""

    client_id: str
    method: str
    secret: str = ""
    assertion: str = ""

    @property
    def tried_basic(self) -> bool:
        """Whether HTTP Basic was tried, so that a refusal carries a challenge."""
        return self.method == "client_secret_basic"


def authenticate(request: EndpointRequest) -> ClientRecord:
    """Authenticate the client by Basic, form, JSON, signed assertion, or as a public client.

    Raises:
        InvalidClient: nobody is authenticated; the same words whatever was wrong.
        InvalidRequest: more than one method was used, or none.
        RateLimited: the client sends too many requests, or failed too often from this address.
    """
    presented = present(request)
    who = request.tenant, presented.client_id, request.address
    has_failed = limits.admit_attempt(*who)
    try:
        client = _find_authentic(request, presented)
    except InvalidClient:
        limits.count_failure(*who)
        raise
    if has_failed:
        limits.forget_failures(*who)
    limits.admit_client(request.tenant, client, request.address)
    return client


def _find_authentic(request: EndpointRequest, presented: PresentedCredentials) -> ClientRecord:
    client = snapshot.CURRENT.client(request.tenant, presented.client_id)
    if client is None or not client.is_enabled:
        _spend_time(request, presented)
        _refuse(presented, "unknown or disabled client")
    if not _is_authentic(request, presented, client):
        _refuse(presented, "wrong credentials or method")
    return client


def require_confidential(client: ClientRecord) -> None:
    """Refuse a public client where an endpoint needs real authentication. Source: RFC 7662 2.1.

    Raises:
        InvalidClient: the client has no credentials of its own.
    """
    if client.authentication_method == "none":
        raise InvalidClient("A public client can't use this endpoint.")


def present(request: EndpointRequest) -> PresentedCredentials:
    """Find the one method that the request uses. Source: RFC 6749 section 2.3.

    Raises:
        InvalidClient: no client is named, or the Basic header is malformed.
        InvalidRequest: more than one method is used.
    """
    parameters = request.parameters
    readers: list[Callable[[EndpointRequest], PresentedCredentials]] = []
    if request.authorization:
        readers.append(_read_basic)
    if parameters.get("client_secret"):
        readers.append(_read_body)
    if parameters.get("client_assertion") or parameters.get("client_assertion_type"):
        readers.append(_read_assertion)
    if len(readers) > 1:
        raise InvalidRequest("Use one method of client authentication only.")
    presented = (readers or [_read_public])[0](request)
    if parameters.get("client_id") not in {"", presented.client_id}:
        raise InvalidRequest("The client_id differs from the authenticated client.")
    return presented


def _read_basic(request: EndpointRequest) -> PresentedCredentials:
    """Read HTTP Basic, whose halves are form-encoded first. Source: RFC 6749 section 2.3.1."""
    match = _BASIC.fullmatch(request.authorization.strip())
    try:
        decoded = base64.b64decode(match[1], validate=True).decode("utf-8") if match else ""
        client_id, colon, secret = decoded.partition(":")
        client_id = unquote_plus(client_id, errors="strict")
        secret = unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError):
        colon = client_id = secret = ""
    if not colon or not client_id or "\x00" in client_id:
        raise InvalidClient("The Authorization header is no valid HTTP Basic.", tried_basic=True)
    return PresentedCredentials(client_id, "client_secret_basic", secret=secret)


def _read_body(request: EndpointRequest) -> PresentedCredentials:
    client_id = request.parameters.require("client_id")
    secret = request.parameters.get("client_secret")
    return PresentedCredentials(client_id, "client_secret_post", secret=secret)


def _read_assertion(request: EndpointRequest) -> PresentedCredentials:
    """Read a signed assertion; its `sub` says whose keys verify it. Source: RFC 7523 2.2.

    In the token of a workload `sub` is what the outside issuer calls it, so that there the
    `client_id` beside it names the client. Source: RFC 7521 section 4.2.
    """
    if request.parameters.require("client_assertion_type") != JWT_BEARER:
        raise InvalidClient(f"The client_assertion_type must be {JWT_BEARER}.")
    assertion = request.parameters.require("client_assertion")
    try:
        claims = unverified_claims(assertion)
    except InvalidJWT as error:
        raise InvalidClient(FAILED, detail=error.detail) from error
    named, subject = request.parameters.get("client_id"), claims.get("sub")
    if claims.get("iss") != subject and named:
        return PresentedCredentials(named, "workload_identity", assertion=assertion)
    if not isinstance(subject, str) or not subject or "\x00" in subject:
        raise InvalidClient(FAILED, detail="the assertion has no sub")
    if claims.get("iss") != subject:
        raise InvalidClient(NOT_ITS_OWN)
    return PresentedCredentials(subject, "private_key_jwt", assertion=assertion)


def _read_public(request: EndpointRequest) -> PresentedCredentials:
    client_id = request.parameters.get("client_id")
    if not client_id:
        raise InvalidClient("Name the client by HTTP Basic or in the body.")
    return PresentedCredentials(client_id, "none")


def _is_authentic(
    request: EndpointRequest, presented: PresentedCredentials, client: ClientRecord
) -> bool:
    match presented.method, client.authentication_method:
        case "none", "none":
            return True
        case "private_key_jwt" | "workload_identity", "private_key_jwt":
            return _is_authentic_assertion(request, presented.assertion, client)
        case "private_key_jwt" | "workload_identity", "workload_identity":
            return _is_proven_workload(request, presented.assertion, client)
        case (
            "client_secret_basic" | "client_secret_post",
            "client_secret_basic" | "client_secret_post",
        ):
            return _has_secret(request, presented, client)
        case _:
            _spend_time(request, presented)
            return False


def _has_secret(
    request: EndpointRequest, presented: PresentedCredentials, client: ClientRecord
) -> bool:
    now, text = request.now, presented.secret
    live = [s for s in client.secrets if s.expires_at is None or s.expires_at > now]
    parsed = credentials.parse_credential(credentials.CredentialKind.CLIENT_SECRET, text)
    for secret in live:
        if _is_secret(secret, parsed, text):
            secret_uses.record(secret.id, now)
            return True
    # A comparison with a slow hash has taken its time already.
    if parsed is not None or not any(secret.typed_hash for secret in live):
        _spend_time(request, presented)
    return False


def _is_secret(
    secret: ClientSecretRecord, parsed: credentials.ParsedCredential | None, text: str
) -> bool:
    if secret.keyed_hash is not None:
        return (
            parsed is not None
            and parsed.row_id == secret.id
            and credentials.is_secret(parsed.secret, secret.keyed_hash)
        )
    return parsed is None and credentials.is_typed_secret(text, secret.typed_hash)


def _is_authentic_assertion(request: EndpointRequest, text: str, client: ClientRecord) -> bool:
    keys = ClientKeys(
        id=client.id,
        tenant_id=request.tenant.id,
        jwks=client.jwks,
        jwks_uri=client.jwks_uri,
        clock_skew_seconds=CLOCK_SKEW_SECONDS,
    )
    try:
        signed = verify_assertion(text, keys, request.now, cache=_keys_of(client))
    except InvalidAssertion as error:
        raise InvalidClient(FAILED, detail=str(error)) from error
    wrong = _find_wrong_claim(request, signed, client)
    if wrong:
        raise InvalidClient(wrong)
    return True


def _keys_of(client: ClientRecord) -> JwksCache:
    """Fetch the keys of a client that nobody has checked where that holds up strangers only."""
    return STRANGERS_KEYS if client.kind == DYNAMIC else jwks_cache


def _is_proven_workload(request: EndpointRequest, text: str, client: ClientRecord) -> bool:
    """Prove a workload; whoever has a token of the same platform is told nothing of others."""
    try:
        workload_identity.prove(request, client, text)
    except workload_identity.ReplayedWorkload as error:
        raise InvalidClient(USED_BEFORE) from error
    except workload_identity.UnprovenWorkload as error:
        raise InvalidClient(FAILED, detail=str(error)) from error
    return True


def _find_wrong_claim(request: EndpointRequest, signed: SignedClaims, client: ClientRecord) -> str:
    """Answer what to mend in the assertion. Source: RFC 7523 section 3."""
    if signed.issuer != client.client_id or signed.subject != client.client_id:
        return "The assertion's iss and sub must both be the client_id."
    if signed.audiences != (request.tenant.issuer,):
        return "The assertion's aud must be the issuer of this tenant, and nothing else."
    # A client whose clock is ahead may still use the whole lifetime, as libraries do by default.
    if signed.expires_at - request.now > MAX_ASSERTION_SECONDS + CLOCK_SKEW_SECONDS:
        return f"The assertion may live for {MAX_ASSERTION_SECONDS} seconds at most."
    if not signed.token_id:
        return "The assertion needs a jti."
    digest = sha256(signed.token_id.encode()).digest()
    forget_at = signed.expires_at + CLOCK_SKEW_SECONDS
    if not replay.remember_assertion(request.tenant.id, client.id, digest, expires_at=forget_at):
        return USED_BEFORE
    return ""


def _spend_time(request: EndpointRequest, presented: PresentedCredentials) -> None:
    """Take as long as a slow secret would, where a client of this tenant may have one."""
    if request.tenant.allow_typed_secrets and presented.secret:
        credentials.waste_argon2_time()


def _refuse(presented: PresentedCredentials, detail: str) -> NoReturn:
    """Refuse in the same words, whatever was wrong."""
    raise InvalidClient(FAILED, detail=detail, tried_basic=presented.tried_basic)
