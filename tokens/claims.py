"""Turns a token record into claims and a JOSE header, by a claim profile. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from tenants.records import APP_SUBJECT_CLAIM, APP_TENANT_CLAIM
from tokens.claim_profiles import (
    PROFILES,
    RFC9068,
    AudienceForm,
    ClaimProfileData,
    ScopeForm,
    SubjectForm,
)
from tokens.group_claims import describe_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.records import JSON, TokenRecord

_Value: TypeAlias = "Callable[[TokenRecord], JSON]"


def build_claims(
    profile: ClaimProfileData,
    record: TokenRecord,
    *,
    is_dual: bool = False,
    is_bounded: bool = True,
) -> dict[str, JSON]:
    """Lay out a token record as claims; `exp` is always among them.

    A dual profile adds the names of RFC 9068 that its own layout doesn't use. Where the size is not
    bounded, as in an answer of introspection, the groups are told however many there are.
    """
    claims = _lay_out(profile, record)
    if is_dual:
        claims = _lay_out(RFC9068, record) | claims
    for name, value in describe_groups(profile, record, is_bounded=is_bounded).items():
        claims.setdefault(name, value)
    return claims


def build_header(
    profile: ClaimProfileData,
    record: TokenRecord,
    *,
    algorithm: str,
    kid: str,
    certificate_thumbprint: str = "",
) -> dict[str, JSON]:
    """Build the JOSE header; where the payload hides the token's id, it stands here."""
    header: dict[str, JSON] = {"alg": algorithm}  # RFC 7515 section 4.1.1
    if profile.typ:
        header["typ"] = profile.typ  # RFC 7515 section 4.1.9, RFC 9068 section 2.1
    header["kid"] = kid  # RFC 7515 section 4.1.4
    if certificate_thumbprint:
        header["x5t#S256"] = certificate_thumbprint  # RFC 7515 section 4.1.8
    if not profile.has_token_id:
        header["jti"] = str(record.token_id)  # RFC 7519 section 5.3
    return header


def _lay_out(profile: ClaimProfileData, record: TokenRecord) -> dict[str, JSON]:
    claims: dict[str, JSON] = {}
    for name, value_of in _LINES[profile.name]:
        value = value_of(record)
        if value or (profile.keeps_empty_values and value is not None):
            claims[name] = value
    return claims


def _issuer(profile: ClaimProfileData) -> _Value:
    suffix, allows_override = profile.issuer_suffix, profile.allows_issuer_override

    def value_of(record: TokenRecord) -> JSON:
        if record.issuer_override and allows_override:
            return record.issuer_override
        return record.issuer + suffix

    return value_of


def _subject(profile: ClaimProfileData) -> _Value:
    of_client = _SUBJECTS[profile.subject_of_client]
    of_user = _SUBJECTS[profile.subject_of_user]
    return lambda record: of_user(record) if record.subject else of_client(record)


def _string_if_one(record: TokenRecord) -> JSON:
    return record.audiences[0] if len(record.audiences) == 1 else [*record.audiences]


def _token_id(profile: ClaimProfileData) -> _Value:
    prefix = profile.token_id_prefix
    return lambda record: prefix + str(record.token_id)


def _actor(record: TokenRecord) -> JSON:
    """Nest the actors, the latest outside. Source: RFC 8693 section 4.1."""
    if not record.actor:
        return None
    inner: JSON = None
    for name in reversed((record.actor, *record.prior_actors)):
        inner = {"sub": name, "act": inner} if inner else {"sub": name}
    return inner


def _ext(record: TokenRecord) -> JSON:
    return {
        "spaceblocks_project_id": record.project_slug,
        "spaceblocks_environment_id": record.environment_slug,
        "spaceblocks_tenant_id": record.tenant_slug,
        "app_tenant_id": record.app_tenant_id,
        "app_subject_id": record.app_subject_id,
    }


def _app_tenant(record: TokenRecord) -> JSON:
    return record.app_tenant_id


def _app_subject(record: TokenRecord) -> JSON:
    return record.app_subject_id


def _client_id(record: TokenRecord) -> JSON:
    return record.client_id


def _issued_at(record: TokenRecord) -> JSON:
    return record.issued_at


def _authenticated_at(record: TokenRecord) -> JSON:
    return record.authenticated_at


_SUBJECTS: Final[Mapping[SubjectForm, _Value]] = {
    SubjectForm.CLIENT_ID: _client_id,
    SubjectForm.SUBJECT: lambda record: record.subject,
    SubjectForm.OMITTED: lambda _: None,
}
_AUDIENCES: Final[Mapping[AudienceForm, _Value]] = {
    AudienceForm.STRING_IF_ONE: _string_if_one,
    AudienceForm.ARRAY: lambda record: [*record.audiences],
    AudienceForm.SINGLE: lambda record: next(iter(record.audiences), None),
}
_SCOPES: Final[Mapping[ScopeForm, _Value]] = {
    ScopeForm.STRING: lambda record: " ".join(record.scopes),
    ScopeForm.ARRAY: lambda record: [*record.scopes],
}


def _lines(profile: ClaimProfileData) -> tuple[tuple[str, _Value], ...]:
    """List each claim with how it is read from a record, for this profile; None leaves it out."""
    ids, scopes = profile.client_id_claims, dict(profile.scope_claims)
    has_login, version = profile.has_authentication, profile.version
    has_names = profile.has_app_names
    lines: tuple[tuple[str, _Value | None], ...] = (
        ("iss", _issuer(profile)),  # RFC 7519 section 4.1.1
        ("sub", _subject(profile)),  # RFC 7519 section 4.1.2, RFC 9068 section 2.2
        ("aud", _AUDIENCES[profile.audience_form]),  # RFC 7519 section 4.1.3
        ("client_id", _client_id if "client_id" in ids else None),  # RFC 8693 section 4.3
        ("cid", _client_id if "cid" in ids else None),  # OneWelcome
        ("scope", _SCOPES[scopes["scope"]] if "scope" in scopes else None),  # RFC 8693 section 4.2
        ("scp", _SCOPES[scopes["scp"]] if "scp" in scopes else None),  # Space Blocks, OneWelcome
        ("iat", _issued_at if profile.has_issued_at else None),  # RFC 7519 section 4.1.6
        ("nbf", _issued_at if profile.has_not_before else None),  # RFC 7519 section 4.1.5
        ("exp", lambda r: r.expires_at),  # RFC 7519 section 4.1.4
        ("jti", _token_id(profile) if profile.has_token_id else None),  # RFC 7519 section 4.1.7
        ("act", _actor if profile.has_actor else None),  # RFC 8693 section 4.1
        ("auth_time", _authenticated_at if has_login else None),  # RFC 9068 section 2.2.1
        ("acr", (lambda r: r.acr) if has_login else None),  # RFC 9068 section 2.2.1
        ("amr", (lambda r: [*r.amr]) if has_login else None),  # RFC 9068 section 2.2.1
        ("ver", (lambda _: version) if version else None),  # OneWelcome
        ("usl", (lambda r: r.usage_limit) if profile.has_usage_limit else None),  # OneWelcome
        (APP_TENANT_CLAIM, _app_tenant if has_names else None),  # RFC 7519 section 4.2
        (APP_SUBJECT_CLAIM, _app_subject if has_names else None),  # RFC 7519 section 4.2
        ("ext", _ext if profile.has_ext else None),  # Space Blocks
    )
    return tuple((name, value_of) for name, value_of in lines if value_of is not None)


_LINES: Final = {name: _lines(profile) for name, profile in PROFILES.items()}
