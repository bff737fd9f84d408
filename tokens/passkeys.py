"""Passkeys: what browsers are asked to sign, and whether their answer is true.

The relying party is the host of the platform's address, which all tenants share; who has a passkey
is known at its own tenant alone. A challenge is sealed for one tenant, browser, person and purpose.
Source: WebAuthn Level 3 sections 7.1 and 7.2.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from django.core import signing
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tenants.public_addresses import find_host_name
from tenants.services.passkeys import NewPasskey
from tokens import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from webauthn.helpers.structs import AuthenticationCredential

    from tenants.models import Passkey

T = TypeVar("T")
SALT: Final = "authplatform.passkey"
CHALLENGE_SECONDS: Final = 600
MAX_ANSWER_CHARACTERS: Final = 20_000
# What authenticators have, the best first. Source: RFC 9053 section 2, RFC 8812 section 2.
ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
HARDWARE: Final = ("hwk", "user")  # RFC 8176 section 2
SOFTWARE: Final = ("swk", "user")  # RFC 8176 section 2


class InvalidPasskey(Exception):
    """What a browser answered is not true; the text is for the log."""


class Ceremony(StrEnum):
    """What a challenge is for."""

    CREATE = "create"
    GET = "get"


@dataclass(frozen=True, slots=True)
class Asker:
    """In which browser of a tenant a passkey is asked for; `person` is who makes one."""

    tenant_id: UUID
    browser: str
    person: UUID | None = None

    @property
    def ceremony(self) -> Ceremony:
        """Only somebody who is signed in makes a passkey."""
        return Ceremony.GET if self.person is None else Ceremony.CREATE


@dataclass(frozen=True, slots=True)
class PasskeyOwner:
    """Who makes a passkey: what their browser shows where they choose one."""

    id: UUID
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authenticator answered to a request, before any of it is believed."""

    credential: AuthenticationCredential

    @property
    def credential_id(self) -> bytes:
        """By which passkey it says to be signed."""
        return self.credential.raw_id

    @property
    def user_handle(self) -> bytes:
        """Whose passkey the authenticator says it is."""
        return self.credential.response.user_handle or b""


@dataclass(frozen=True, slots=True)
class Use:
    """A true answer: the authenticator's counter, and what is known of the key by now."""

    signature_count: int
    is_backed_up: bool
    amr: tuple[str, ...]


def creation_options(
    asker: Asker, person: PasskeyOwner, *, issuer_name: str, known: Iterable[bytes]
) -> dict[str, Any]:
    """Write what a browser needs to make a passkey.

    The user handle is the id of the person, which says nothing about them.
    Source: WebAuthn Level 3 section 14.6.1.
    """
    options = webauthn.generate_registration_options(
        rp_id=_host(),
        rp_name=issuer_name,
        user_name=person.account,
        user_display_name=person.name,
        user_id=person.id.bytes,
        challenge=_make_challenge(asker),
        timeout=CHALLENGE_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        supported_pub_key_algs=ALGORITHMS,
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def request_options(asker: Asker) -> dict[str, Any]:
    """Write what a browser needs to find a passkey, whoever is in front of it."""
    options = webauthn.generate_authentication_options(
        rp_id=_host(),
        challenge=_make_challenge(asker),
        timeout=CHALLENGE_SECONDS * 1000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def verify_creation(asker: Asker, text: str) -> NewPasskey:
    """Verify that an authenticator has made a passkey, and believe it once.

    Raises:
        InvalidPasskey: it has not, or for somebody or something else.
    """
    credential = _read(parse_registration_credential_json, text)
    challenge = _find_challenge(asker, credential.response.client_data_json)
    verified = _read(
        lambda given: webauthn.verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        ),
        credential,
    )
    _use_up(asker, challenge)
    return NewPasskey(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        signature_count=verified.sign_count,
        is_backed_up=verified.credential_backed_up,
        transports=tuple(each.value for each in credential.response.transports or ()),
    )


def read_answer(text: str) -> Answer:
    """Read an answer, to find by which passkey it says to be signed.

    Raises:
        InvalidPasskey: it is none.
    """
    return Answer(_read(parse_authentication_credential_json, text))


def verify_answer(asker: Asker, answer: Answer, passkey: Passkey) -> Use:
    """Verify that a passkey has signed the challenge of this browser, and believe it once.

    The counter is the caller's to compare: only a true answer says that a key was copied.

    Raises:
        InvalidPasskey: it has not, or the person was not verified.
    """
    if answer.user_handle != passkey.subject_id.bytes:
        raise InvalidPasskey("the user handle is somebody else's")
    challenge = _find_challenge(asker, answer.credential.response.client_data_json)
    verified = _read(
        lambda given: webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        ),
        answer.credential,
    )
    _use_up(asker, challenge)
    is_bound = verified.credential_device_type is CredentialDeviceType.SINGLE_DEVICE
    return Use(
        signature_count=verified.new_sign_count,
        is_backed_up=verified.credential_backed_up,
        amr=HARDWARE if is_bound else SOFTWARE,
    )


def _host() -> str:
    return find_host_name(settings.TENANTS_BASE_URL)


def _origin() -> str:
    own = urlsplit(settings.TENANTS_BASE_URL)
    return f"{own.scheme}://{own.netloc}"


def _salt(asker: Asker) -> str:
    return f"{SALT}:{asker.ceremony}:{asker.tenant_id}:{asker.browser}:{asker.person or ''}"


def _make_challenge(asker: Asker) -> bytes:
    """Seal a random text: nothing has to be stored before somebody answers."""
    return signing.dumps(secrets.token_urlsafe(32), salt=_salt(asker)).encode()


def _find_challenge(asker: Asker, client_data: bytes) -> bytes:
    """Answer the challenge that was signed, if it is ours for this browser and young enough."""
    challenge = _read(parse_client_data_json, client_data).challenge
    try:
        signing.loads(challenge.decode(), salt=_salt(asker), max_age=CHALLENGE_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise InvalidPasskey(f"challenge: {type(error).__name__}") from error
    return challenge


def _use_up(asker: Asker, challenge: bytes) -> None:
    """Refuse a challenge that was answered before; only true answers are remembered."""
    tenant_id, expires_at = asker.tenant_id, time.time() + CHALLENGE_SECONDS
    if not replay.remember_assertion(tenant_id, tenant_id, challenge, expires_at):
        raise InvalidPasskey("the challenge was used before")


def _read(reader: Callable[[Any], T], given: str | bytes | Mapping[str, Any] | object) -> T:
    """Read what a stranger wrote."""
    if isinstance(given, str) and len(given) > MAX_ANSWER_CHARACTERS:
        raise InvalidPasskey("too long")
    try:
        return reader(given)
    except Exception as error:  # The parsers of CBOR, keys and JSON let out errors of many kinds.
        raise InvalidPasskey(f"{type(error).__name__}: {error}") from error
