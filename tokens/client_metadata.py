"""Reads what a client says of itself, and writes what was made of it. Pure.

Source: RFC 7591 section 2, OpenID Connect Dynamic Client Registration section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tokens.errors import InvalidClientMetadata, InvalidRedirectUri

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tenants.models import Client
    from tenants.records import JSON

Fields: TypeAlias = "dict[str, JSON]"
MAX_REDIRECT_URIS: Final = 20
MAX_SCOPE_CHARACTERS: Final = 4_096
AUTHORIZATION_CODE: Final = "authorization_code"
CODE: Final = "code"
WEB: Final = "web"
SECRET_METHODS: Final = frozenset(("client_secret_basic", "client_secret_post"))
METHODS: Final = SECRET_METHODS | {"private_key_jwt", "none"}
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
PUBLIC, PAIRWISE = "public", "pairwise"
# What a stranger's client may be given; a grant of another's trust needs an operator.
GRANT_TYPES: Final = (AUTHORIZATION_CODE, "refresh_token", "client_credentials", DEVICE_CODE)
# Member of the metadata -> field of our client.
TEXTS: Final[Mapping[str, str]] = {
    "client_name": "name",
    "client_uri": "client_uri",
    "logo_uri": "logo_uri",
    "policy_uri": "policy_uri",
    "tos_uri": "tos_uri",
    "jwks_uri": "jwks_uri",
    "initiate_login_uri": "initiate_login_uri",
    "backchannel_logout_uri": "backchannel_logout_uri",
    "id_token_signed_response_alg": "id_token_signed_response_alg",
    "userinfo_signed_response_alg": "userinfo_signed_response_alg",
}
SWITCHES: Final[Mapping[str, str]] = {
    "require_auth_time": "require_auth_time",
    "backchannel_logout_session_required": "backchannel_logout_session_required",
}
MAX_AGE: Final = ("default_max_age", "default_max_age_seconds")
# Field -> member, where a rule between entities names what is wrong.
MEMBERS: Final[Mapping[str, str]] = {
    **{field: member for member, field in (*TEXTS.items(), *SWITCHES.items(), MAX_AGE)},
    "sector_identifier": "sector_identifier_uri",
}
REDIRECTS: Final = "redirect_uris"


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """What a client wants to be: our client's fields, names of scopes, whose pairwise ids.

    `scopes` is None where none is named.
    """

    fields: Mapping[str, JSON]
    scopes: tuple[str, ...] | None
    sector_identifier_uri: str = ""

    @property
    def redirect_uris(self) -> tuple[str, ...]:
        """Where codes are sent."""
        return tuple(str(self.fields[REDIRECTS]).split())


def read_metadata(
    document: Mapping[str, JSON], *, allowed_grant_types: Collection[str]
) -> ClientMetadata:
    """Read metadata; members that nobody here knows are ignored, null is as if left out.

    A grant that the environment doesn't allow is left out where another one stays.

    Raises:
        InvalidRedirectUri: a redirect URI is malformed, or not for this kind of application.
        InvalidClientMetadata: another member is wrong.
    Source: RFC 7591 sections 2 and 3.2.2.
    """
    given = {name: value for name, value in document.items() if value is not None}
    grants = _read_grants(given, allowed_grant_types)
    scope = _text(given, "scope", MAX_SCOPE_CHARACTERS) if "scope" in given else None
    fields: Fields = {
        **{field: _text(given, member) for member, field in TEXTS.items()},
        **{field: _switch(given, member) for member, field in SWITCHES.items()},
        **_read_age(given),
        REDIRECTS: _read_redirect_uris(given),
        "post_logout_redirect_uris": " ".join(_uris(given, "post_logout_redirect_uris")),
        "grant_types": [*grants],
        "token_endpoint_auth_method": _read_method(given),
        "jwks": _read_keys(given),
        "subject_type": _read_subject_type(given, grants),
    }
    return ClientMetadata(
        fields=fields,
        scopes=None if scope is None else tuple(dict.fromkeys(scope.split())),
        sector_identifier_uri=_text(given, "sector_identifier_uri"),
    )


def describe_client(client: Client, scopes: Collection[str]) -> Fields:
    """Write the metadata that hold for a client; what is empty is left out.

    Source: RFC 7591 section 3.2.1.
    """
    grants: list[JSON] = [*client.grant_types]
    described: Fields = {
        "client_id": client.client_id,
        **{member: getattr(client, field) for member, field in TEXTS.items()},
        REDIRECTS: [*(client.redirect_uris or "").split()],
        "post_logout_redirect_uris": [*(client.post_logout_redirect_uris or "").split()],
        "grant_types": grants,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "jwks": {"keys": client.jwks} if client.jwks else None,
        "subject_type": client.subject_type,
        MAX_AGE[0]: client.default_max_age_seconds,
        "scope": " ".join(sorted(scopes)),
    }
    held: Fields = {name: value for name, value in described.items() if value not in ("", None, [])}
    held |= {member: getattr(client, field) for member, field in SWITCHES.items()}
    return {**held, "response_types": [CODE] if AUTHORIZATION_CODE in grants else []}


def _read_grants(given: Mapping[str, JSON], allowed: Collection[str]) -> tuple[str, ...]:
    asked = _texts(given, "grant_types") or (AUTHORIZATION_CODE,)
    unknown = [grant for grant in asked if grant not in GRANT_TYPES]
    if unknown:
        raise InvalidClientMetadata(f"grant_types may name {', '.join(GRANT_TYPES)} only.")
    kept = tuple(grant for grant in dict.fromkeys(asked) if not allowed or grant in allowed)
    if not kept:
        raise InvalidClientMetadata("None of grant_types is allowed here.")
    _check_response_types(given, kept)
    return kept


def _check_response_types(given: Mapping[str, JSON], grants: Collection[str]) -> None:
    """Hold response types against grants; there is none but the code. Source: RFC 9700 2.1.2."""
    has_code = AUTHORIZATION_CODE in grants
    asked = _texts(given, "response_types") or ((CODE,) if has_code else ())
    if any(kind != CODE for kind in asked):
        raise InvalidClientMetadata("response_types may name code only; see RFC 9700.")
    if asked and not has_code:
        raise InvalidClientMetadata("The response type code needs the grant authorization_code.")


def _read_redirect_uris(given: Mapping[str, JSON]) -> str:
    """Read them as a text; what each may be is a rule of our clients."""
    try:
        uris = _uris(given, REDIRECTS)
    except InvalidClientMetadata as error:
        raise InvalidRedirectUri(error.description) from error
    kind = _one_of(given, "application_type", (WEB, "native"), "")
    if kind == WEB and not all(uri.startswith("https://") for uri in uris):
        raise InvalidRedirectUri("A web application is answered at https only.")
    schemes = {uri.partition(":")[0] for uri in uris} - {"http", "https"}
    if not all("." in scheme for scheme in schemes):
        # RFC 8252 section 7.1; else anybody could make us open mailto: and the like.
        text = "A scheme of your own is a domain in reverse, such as com.example.app:/callback."
        raise InvalidRedirectUri(text)
    return " ".join(uris)


def _read_method(given: Mapping[str, JSON]) -> str:
    return _one_of(given, "token_endpoint_auth_method", METHODS, "client_secret_basic")


def _read_subject_type(given: Mapping[str, JSON], grants: Collection[str]) -> str:
    """Demand proof of the sector where nothing need ever arrive at the redirect URIs.

    Else anybody could write another's redirect URI, and learn by which ids that one knows people.
    Source: OpenID Connect Core section 8.1.
    """
    kind = _one_of(given, "subject_type", (PUBLIC, PAIRWISE), PUBLIC)
    if kind == PAIRWISE and DEVICE_CODE in grants and not given.get("sector_identifier_uri"):
        raise InvalidClientMetadata("pairwise ids of a device need a sector_identifier_uri.")
    return kind


def _read_keys(given: Mapping[str, JSON]) -> JSON:
    """Read a set of keys, whose own rules are those of our clients. Source: RFC 7517 5."""
    jwks = given.get("jwks")
    if jwks is None:
        return []
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list):
        raise InvalidClientMetadata("jwks takes an object with the list keys.")
    if "jwks_uri" in given:
        raise InvalidClientMetadata("Send jwks or jwks_uri, not both.")
    return keys


def _read_age(given: Mapping[str, JSON]) -> Fields:
    member, field = MAX_AGE
    seconds = given.get(member)
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int)):
        raise InvalidClientMetadata(f"{member} takes a number of seconds.")
    return {field: seconds}


def _switch(given: Mapping[str, JSON], member: str) -> bool:
    value = given.get(member, False)
    if not isinstance(value, bool):
        raise InvalidClientMetadata(f"{member} takes true or false.")
    return value


def _text(given: Mapping[str, JSON], member: str, most: int = 2_000) -> str:
    """Read a text that can be shown: nothing that hides or turns what stands beside it."""
    value = given.get(member, "")
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise InvalidClientMetadata(f"{member} takes a text of printable characters.")
    return value


def _texts(given: Mapping[str, JSON], member: str) -> tuple[str, ...]:
    values = given.get(member, [])
    if not isinstance(values, list) or len(values) > MAX_REDIRECT_URIS:
        raise InvalidClientMetadata(f"{member} takes a list of up to {MAX_REDIRECT_URIS} texts.")
    return tuple(_text({member: value}, member) for value in values)


def _uris(given: Mapping[str, JSON], member: str) -> tuple[str, ...]:
    """Read addresses, which are stored with spaces between them."""
    uris = _texts(given, member)
    if not all(uri and " " not in uri for uri in uris):
        raise InvalidClientMetadata(f"{member} takes addresses without spaces.")
    return tuple(dict.fromkeys(uris))


def _one_of(
    given: Mapping[str, JSON], member: str, choices: Collection[str], otherwise: str
) -> str:
    value = _text(given, member) or otherwise
    if value and value not in choices:
        raise InvalidClientMetadata(f"{member} may be {', '.join(sorted(choices))} only.")
    return value
