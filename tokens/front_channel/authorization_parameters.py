"""Reads each parameter of an authorization request; what is wrong is told to the client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tenants.assurance import LEVELS
from tokens.errors import InvalidRequest
from tokens.front_channel.authorization_errors import (
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnmetAuthenticationRequirements,
    UnsupportedResponseType,
)
from tokens.id_token_hints import read_hint
from tokens.jose import InvalidJWT, parse_json_object
from tokens.parameters import MAX_SCOPE_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON, ClientRecord, TenantSnapshot
    from tokens.errors import OAuthError
    from tokens.parameters import Parameters

CODE: Final = "code"
QUERY: Final = "query"
FRAGMENT: Final = "fragment"
FORM_POST: Final = "form_post"
RESPONSE_MODES: Final = (QUERY, FRAGMENT, FORM_POST)
NONE: Final = "none"
LOGIN: Final = "login"
CONSENT: Final = "consent"
SELECT_ACCOUNT: Final = "select_account"
CREATE: Final = "create"
PROMPTS: Final = frozenset((NONE, LOGIN, CONSENT, SELECT_ACCOUNT, CREATE))
S256: Final = "S256"
PUBLIC: Final = "none"
MAX_NONCE_CHARACTERS: Final = 512
MAX_HINT_CHARACTERS: Final = 320
MAX_NAMES: Final = 32
MAX_AGE: Final = re.compile(r"[0-9]{1,9}")
CLAIM_PLACES: Final = ("userinfo", "id_token")
# Source: RFC 7636 section 4.2.
CODE_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
NOT_SUPPORTED: Final[Mapping[str, tuple[type[OAuthError], str]]] = {
    "request": (RequestNotSupported, "The parameter request is not supported; send plain ones."),
    "request_uri": (
        RequestUriNotSupported,
        "The parameter request_uri is not supported; send plain ones.",
    ),
    "registration": (
        RegistrationNotSupported,
        "The parameter registration is not supported; register the client first.",
    ),
}


def response_mode_of(parameters: Parameters) -> str:
    """Answer how the client is told; as its response type implies where that is not said.

    Source: OAuth 2.0 Multiple Response Type Encoding Practices section 2.1.
    """
    asked = parameters.get("response_mode")
    if asked in RESPONSE_MODES:
        return asked
    is_implicit = bool({"token", "id_token"} & {*parameters.get("response_type").split(" ")})
    return FRAGMENT if is_implicit else QUERY


def check_supported(parameters: Parameters) -> None:
    """Refuse what is not offered.

    Raises:
        OAuthError: with the code of what it is.
    """
    for name, (error, description) in NOT_SUPPORTED.items():
        if parameters.get(name):
            raise error(description)
    response_type = parameters.require("response_type")
    if response_type != CODE:
        raise UnsupportedResponseType(
            "Only response_type=code is offered: RFC 9700 section 2.1.2 advises against all others."
        )
    if parameters.get("response_mode") not in {"", *RESPONSE_MODES}:
        raise InvalidRequest("The response_mode must be query, fragment or form_post.")


def scopes_of(parameters: Parameters) -> tuple[str, ...] | None:
    """Read the scopes; None where none is named. Source: RFC 6749 section 3.3."""
    text = parameters.get("scope")
    if len(text) > MAX_SCOPE_CHARACTERS:
        raise InvalidRequest("The parameter scope is too long.")
    return tuple(dict.fromkeys(text.split())) or None


def nonce_of(parameters: Parameters) -> str:
    """Read the nonce. Source: OpenID Connect Core section 3.1.2.1."""
    nonce = parameters.get("nonce")
    if len(nonce) > MAX_NONCE_CHARACTERS:
        raise InvalidRequest(f"The nonce has more than {MAX_NONCE_CHARACTERS} characters.")
    return nonce


def code_challenge_of(parameters: Parameters, client: ClientRecord) -> str:
    """Read the PKCE challenge; empty only for a client that may go without.

    Source: RFC 7636 section 4.3, RFC 9700 section 2.1.1.
    """
    challenge, method = (
        parameters.get(name) for name in ("code_challenge", "code_challenge_method")
    )
    if not challenge and not method and _may_go_without(parameters, client):
        return ""
    if not challenge:
        raise InvalidRequest("A code_challenge is required: send one, with PKCE method S256.")
    if method != S256:
        raise InvalidRequest("The code_challenge_method must be S256; plain protects nothing.")
    if not CODE_CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("The code_challenge must have 43 to 128 characters (RFC 7636).")
    return challenge


def _may_go_without(parameters: Parameters, client: ClientRecord) -> bool:
    """Say whether a nonce protects instead. Source: RFC 9700 section 2.1.1."""
    is_confidential = client.authentication_method != PUBLIC
    is_exempt = client.interactive.is_pkce_exempt
    return is_confidential and is_exempt and bool(parameters.get("nonce"))


def prompts_of(parameters: Parameters, tenant: TenantSnapshot) -> frozenset[str]:
    """Read what the person shall be asked.

    Source: OpenID Connect Core section 3.1.2.1, Initiating User Registration 1.0 section 4.
    """
    prompts = frozenset(parameters.get("prompt").split())
    if not prompts <= PROMPTS:
        raise InvalidRequest("The prompt must be none, login, consent, select_account or create.")
    if NONE in prompts and len(prompts) > 1:
        raise InvalidRequest("The prompt none can't be combined with others.")
    if CREATE in prompts and not tenant.sign_in.allows_sign_up:
        raise InvalidRequest("The prompt create is not offered here: nobody can sign up.")
    return prompts


def max_age_of(parameters: Parameters, client: ClientRecord) -> int | None:
    """Read how long ago the person may have signed in, in seconds; else the client's default."""
    text = parameters.get("max_age")
    if not text:
        return client.interactive.default_max_age_seconds
    if not MAX_AGE.fullmatch(text):
        raise InvalidRequest("The max_age must be a whole number of seconds.")
    return int(text)


def claims_request_of(parameters: Parameters) -> dict[str, JSON]:
    """Read which claims are asked for one by one. Source: OpenID Connect Core section 5.5."""
    text = parameters.get("claims")
    if not text:
        return {}
    try:
        asked = parse_json_object(text.encode())
    except InvalidJWT as error:
        raise InvalidRequest("The parameter claims is no JSON object.") from error
    found = {place: asked[place] for place in CLAIM_PLACES if asked.get(place) is not None}
    for members in found.values():
        if not isinstance(members, dict) or not all(map(_is_claim_request, members.values())):
            raise InvalidRequest("The members of claims must be objects (OIDC Core 5.5).")
    return found


def _is_claim_request(member: JSON) -> bool:
    """Say whether a member is one. Source: OpenID Connect Core section 5.5.1."""
    if member is None:
        return True
    if not isinstance(member, dict):
        return False
    is_listed = isinstance(member.get("values", []), list)
    return is_listed and isinstance(member.get("essential", False), bool)


def needed_acrs_of(claims: Mapping[str, JSON]) -> tuple[str, ...]:
    """Answer the values of `acr` of which one is essential; empty where none is.

    Raises:
        UnmetAuthenticationRequirements: nobody is recognised so here.
    Source: OpenID Connect Core section 5.5.1.1.
    """
    asked = _asked_of(claims, "acr")
    values = _values_of(asked)
    if not asked.get("essential") or not values:
        return ()
    known = tuple(value for value in values if value in LEVELS)
    if not known:
        raise UnmetAuthenticationRequirements("None of these values of acr is offered here.")
    return known


def hinted_subject_of(
    parameters: Parameters, claims: Mapping[str, JSON], tenant: TenantSnapshot, client: ClientRecord
) -> str:
    """Answer the `sub` of whom the client expects; empty for anybody.

    Source: OpenID Connect Core sections 3.1.2.1 and 5.5.1.
    """
    named = {value for value in _values_of(_asked_of(claims, "sub")) if value}
    text = parameters.get("id_token_hint")
    if text:
        hinted = read_hint(tenant, text)
        if hinted is None or hinted.client_id != client.client_id:
            raise InvalidRequest("The id_token_hint is no ID token that this client got here.")
        named.add(hinted.sub)
    if len(named) > 1:
        raise InvalidRequest("The request expects more than one person.")
    return next(iter(named), "")


def _asked_of(claims: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    members = claims.get("id_token")
    asked = members.get(name) if isinstance(members, dict) else None
    return asked if isinstance(asked, dict) else {}


def _values_of(asked: Mapping[str, JSON]) -> tuple[str, ...]:
    listed = asked.get("values")
    values = [asked.get("value"), *(listed if isinstance(listed, list) else [])]
    return tuple(value for value in values if isinstance(value, str))


def first_of(parameters: Parameters, *names: str) -> str:
    """Answer the first of these parameters that is sent."""
    return next(filter(None, (parameters.get(name) for name in names)), "")


def slugs_of(parameters: Parameters, *names: str) -> frozenset[str]:
    """Read a list of slugs that are separated by spaces."""
    return frozenset(first_of(parameters, *names).split()[:MAX_NAMES])
