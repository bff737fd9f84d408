"""What must hold for a trust profile as a whole. Source: RFC 8725 sections 2.1 and 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from django.conf import settings

from tenants import models
from tenants.claim_patterns import lint_claims
from tenants.credentials import CredentialKind
from tenants.services.client_rules import check_public_jwks, explain_address
from tenants.services.trust_scope_rules import check_scopes, linked
from tenants.services.upstream_rules import check_upstream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
Kind = models.TrustProfile.Kind
ASYMMETRIC = frozenset(
    (
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    )
)
SYMMETRIC = frozenset(("HS256", "HS384", "HS512"))
INTROSPECTION_FIELDS = ("introspection_endpoint", "introspection_client_id", "token_prefix")
MIN_PREFIX_CHARACTERS = 3
NAMING_FIELDS = ("issuer", "subject_claim")
# How a JWT begins: an opaque profile never asks about one. Source: RFC 7515 section 3.1.
JWT_PREFIX = "ey"


def check_trust_profile(entity: Model, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Answer what is wrong with a trust profile, by field."""
    assert isinstance(entity, models.TrustProfile)  # noqa: S101 - narrows the type for the checker.
    check_kind = _check_opaque if entity.kind == Kind.OPAQUE else _check_signed
    messages = check_kind(entity) | check_scopes(entity, links) | _check_linking(entity)
    wrong = lint_claims(entity.required_claims)
    if wrong:
        messages["required_claims"] = wrong
    messages |= _check_direct(entity, links) | _check_audience(entity)
    # What is wrong by itself is said rather than what is wrong for a sign-in.
    return check_upstream(entity) | messages | _check_identities(entity)


def _check_identities(profile: models.TrustProfile) -> Messages:
    """Keep what names a user: by another issuer or claim, the same text is another person."""
    if profile._state.adding or not profile.identities.exists():  # noqa: SLF001 - as Django's own forms ask.
        return {}
    stored = models.TrustProfile.objects.get(pk=profile.pk)
    return {
        name: ["Subjects are known by it already; make another trust profile instead."]
        for name in NAMING_FIELDS
        if getattr(profile, name) != getattr(stored, name)
    }


def _check_signed(profile: models.TrustProfile) -> Messages:
    messages = {
        name: ["Only a profile of the kind opaque has this; leave it empty."]
        for name in INTROSPECTION_FIELDS
        if getattr(profile, name)
    }
    if profile.introspection_secret_ciphertext is not None:
        messages["introspection_secret"] = ["Only a profile of the kind opaque has this secret."]
    wrong = check_public_jwks(profile.jwks)
    if wrong:
        messages["jwks"] = wrong
    if profile.jwks_uri and (mistake := explain_address(profile.jwks_uri)):
        messages["jwks_uri"] = [mistake]
    return messages | _check_issuer(profile) | _check_algorithms(profile)


def _check_issuer(profile: models.TrustProfile) -> Messages:
    """Keep out the tenant itself: as an outside token, one of its own would outlive its end."""
    own = f"{settings.TENANTS_BASE_URL}/t/{profile.tenant.path}"
    names = {own, profile.tenant.issuer_override}
    if profile.issuer not in names and not profile.issuer.startswith(f"{own}/"):
        return {}
    return {"issuer": ["This is the tenant's own issuer, whose tokens work by their own rows."]}


def _check_algorithms(profile: models.TrustProfile) -> Messages:
    has_secret = profile.shared_secret_ciphertext is not None
    sources = [bool(profile.jwks_uri), bool(profile.jwks), has_secret]
    if sources.count(True) != 1:
        return {"jwks_uri": ["Give exactly one of jwks_uri, jwks and a shared secret."]}
    allowed = SYMMETRIC if has_secret else ASYMMETRIC
    wrong = set(profile.algorithms) - allowed
    if wrong or not profile.algorithms:
        return {"algorithms": [f"With these keys, choose among {', '.join(sorted(allowed))}."]}
    return {}


def _check_opaque(profile: models.TrustProfile) -> Messages:
    messages = {
        name: ["A profile of the kind opaque has no keys; leave it empty."]
        for name in ("jwks_uri", "jwks", "algorithms")
        if getattr(profile, name)
    }
    if profile.shared_secret_ciphertext is not None:
        messages["shared_secret"] = ["A profile of the kind opaque has no keys; remove it."]
    for name in INTROSPECTION_FIELDS[:2]:
        if not getattr(profile, name):
            messages[name] = ["A profile of the kind opaque needs this."]
    if profile.introspection_secret_ciphertext is None:
        messages["introspection_secret"] = ["A profile of the kind opaque needs this secret."]
    if mistake := explain_address(profile.introspection_endpoint):
        messages["introspection_endpoint"] = [mistake]
    wrong = _find_wrong_prefix(profile)
    return {**messages, "token_prefix": [wrong]} if wrong else messages


def _find_wrong_prefix(profile: models.TrustProfile) -> str:
    """Keep our own tokens, JWTs, and the tokens of other profiles out of the questions."""
    prefix = profile.token_prefix
    if len(prefix) < MIN_PREFIX_CHARACTERS or not all("!" <= sign <= "~" for sign in prefix):
        return f"Write {MIN_PREFIX_CHARACTERS} or more printable ASCII characters without spaces."
    if prefix.startswith(JWT_PREFIX):
        return "This is how signed tokens begin; choose a longer, different beginning."
    if set(prefix) <= set("0123456789ABCDEF"):
        return "This platform's own tokens may begin so; choose one with other characters."
    own = tuple(f"{kind.value}_" for kind in CredentialKind)
    if prefix.startswith(own) or any(text.startswith(prefix) for text in own):
        return "This platform's own credentials begin so; choose a different beginning."
    others = models.TrustProfile.objects.filter(tenant=profile.tenant_id, kind=Kind.OPAQUE)
    taken = others.exclude(pk=profile.pk).values_list("token_prefix", flat=True)
    if any(prefix.startswith(other) or other.startswith(prefix) for other in taken):
        return "Another trust profile's tokens begin so; neither may be the beginning of the other."
    return ""


def _check_linking(profile: models.TrustProfile) -> Messages:
    if profile.linking_claim and not profile.linking_verified_claim:
        text = "Name the claim that must be true, such as email_verified."
        return {"linking_verified_claim": [text]}
    if profile.linking_verified_claim and not profile.linking_claim:
        return {"linking_claim": ["Name the claim that holds the e-mail address, such as email."]}
    return {}


def _check_audience(profile: models.TrustProfile) -> Messages:
    """Hold (issuer, audience) unique where one says by an empty text what another spells out."""
    issuer = f"{settings.TENANTS_BASE_URL}/t/{profile.tenant.path}"
    if profile.audience not in {"", issuer}:
        return {}
    others = models.TrustProfile.objects.filter(tenant=profile.tenant_id, issuer=profile.issuer)
    if others.exclude(pk=profile.pk).filter(audience__in=["", issuer]).exists():
        text = "Another trust profile has this issuer and audience; an empty one is this tenant's."
        return {"audience": [text]}
    return {}


def _check_direct(profile: models.TrustProfile, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Hold direct acceptance to signed tokens and to Apis of the tenant's own."""
    apis = linked(profile, links, "direct_apis")
    if any(isinstance(api, models.Api) and api.built_in for api in apis):
        return {"direct_apis": ["The built-in Apis take this platform's own tokens only."]}
    if not profile.is_accepted_directly:
        return {}
    if profile.kind == Kind.OPAQUE:
        text = "Only signed tokens are accepted directly; exchange opaque ones."
        return {"is_accepted_directly": [text]}
    if not apis:
        return {"direct_apis": ["Link the Apis where the issuer's tokens work."]}
    return {}
