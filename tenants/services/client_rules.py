"""What must hold for a client as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from tenants import models
from tenants.claim_patterns import lint_claims
from tenants.services.interactive_rules import check_interactive
from tenants.services.redirect_uris import explain_redirect_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
Method = models.Client.AuthenticationMethod
PRIVATE_JWK_MEMBERS = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
MAX_JWKS = 20
# Source: RFC 7468 section 13.
PUBLIC_PEM = re.compile(
    r"-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]{1,4000}\s-----END PUBLIC KEY-----\s*\Z"
)
WORKLOAD_FIELDS = ("workload_trust_profile", "workload_subject", "workload_claims")


def check_client(entity: Model, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Answer what is wrong with a client, by field."""
    assert isinstance(entity, models.Client)  # noqa: S101 - narrows the type for the checker.
    messages: Messages = {}
    for found in (
        _check_keys(entity),
        _check_workload(entity),
        _check_grants(entity),
        _check_scopes(entity, links),
        _check_impersonation(entity, links),
        check_interactive(entity, links),
        _check_redirect_uris(entity),
    ):
        messages.update(found)
    if models.Api.objects.filter(tenant=entity.tenant_id, audience=entity.client_id).exists():
        messages["client_id"] = ["An Api has this audience; a client_id must differ from it."]
    return messages


def check_public_jwks(jwks: object) -> list[str]:
    """Answer what is wrong with a list of public keys."""
    if not isinstance(jwks, list) or not all(isinstance(key, dict) for key in jwks):
        return ["Write a list of JWK objects."]
    if len(jwks) > MAX_JWKS:
        return [f"At most {MAX_JWKS} keys."]
    if any(PRIVATE_JWK_MEMBERS & set(key) for key in jwks):
        return ["This contains a private or symmetric key; store public keys only."]
    if not all(PUBLIC_PEM.match(str(key["pem"])) for key in jwks if "pem" in key):
        return ["Write a PEM text from -----BEGIN PUBLIC KEY----- to its end, and nothing else."]
    if not all(("kty" in key) != ("pem" in key) for key in jwks):
        return ["Each key is a JWK with kty, or has its PEM text in pem."]
    return []


def explain_address(text: str) -> str:
    """Say why an address can't be asked, or be named in a log; an empty text where it can."""
    parts = urlsplit(text)
    if parts.scheme in {"https", "http"} and "@" not in parts.netloc and not parts.fragment:
        return ""
    return "Write an address that begins with https://, without credentials and fragment."


def _check_keys(client: models.Client) -> Messages:
    messages: Messages = {}
    if client.jwks_uri and (mistake := explain_address(client.jwks_uri)):
        messages["jwks_uri"] = [mistake]
    wrong = check_public_jwks(client.jwks)
    if wrong:
        messages["jwks"] = wrong
    uses_keys = client.token_endpoint_auth_method == Method.PRIVATE_KEY_JWT
    if uses_keys and bool(client.jwks) == bool(client.jwks_uri):
        messages["jwks"] = ["private_key_jwt needs exactly one of jwks and jwks_uri."]
    return messages


def _check_workload(client: models.Client) -> Messages:
    """Demand whose token proves a workload, and of whom; what proves nothing is refused."""
    if client.token_endpoint_auth_method != Method.WORKLOAD_IDENTITY:
        return {
            field: ["Leave this empty; it proves a client with workload_identity only."]
            for field in WORKLOAD_FIELDS
            if getattr(client, field)
        }
    messages: Messages = {}
    profile = client.workload_trust_profile
    if client.kind != models.Client.Kind.WORKLOAD:
        messages["kind"] = ["Only a client of the kind workload proves itself like this."]
    if profile is None or profile.kind != models.TrustProfile.Kind.JWT:
        messages["workload_trust_profile"] = ["Choose a trust profile whose tokens are signed."]
    if not client.workload_subject:
        messages["workload_subject"] = ["Name the exact subject; else every workload would match."]
    wrong = lint_claims(client.workload_claims)
    return {**messages, "workload_claims": wrong} if wrong else messages


def _check_grants(client: models.Client) -> Messages:
    allowed = client.tenant.environment.allowed_grant_types
    excess = [grant for grant in client.grant_types if allowed and grant not in allowed]
    if excess:
        return {"grant_types": [f"The environment does not allow {', '.join(excess)}."]}
    is_public = client.token_endpoint_auth_method == Method.NONE
    if is_public and "client_credentials" in client.grant_types:
        return {"grant_types": ["A public client can't use client_credentials; give it a secret."]}
    return {}


def _check_scopes(client: models.Client, links: Mapping[str, Sequence[Model]]) -> Messages:
    scopes = _ids(links["scopes"]) if "scopes" in links else _stored_ids(client, "scopes")
    defaults = (
        _ids(links["default_scopes"])
        if "default_scopes" in links
        else _stored_ids(client, "default_scopes")
    )
    if defaults - scopes:
        return {"default_scopes": ["Every default scope must be among the client's scopes."]}
    return {}


def _check_impersonation(client: models.Client, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Hold the scopes that a client may use in another's name among its own.

    What they no longer cover is dropped with the client's scope at issuance, as everything is.
    """
    if "impersonation_scopes" not in links:
        return {}
    wanted = links["impersonation_scopes"]
    own = _ids(links["scopes"]) if "scopes" in links else _stored_ids(client, "scopes")
    if _ids(wanted) - own:
        return {"impersonation_scopes": ["Every one of them must be among the client's scopes."]}
    management = models.Api.BuiltIn.MANAGEMENT
    if any(isinstance(s, models.Scope) and s.api.built_in == management for s in wanted):
        return {"impersonation_scopes": ["Nobody manages the platform in another's name."]}
    return {}


def _check_redirect_uris(client: models.Client) -> Messages:
    messages: Messages = {}
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        wrong = [explain_redirect_uri(uri) for uri in (getattr(client, field) or "").split()]
        if any(wrong):
            messages[field] = [text for text in dict.fromkeys(wrong) if text]
    return messages


def _ids(scopes: Iterable[Model]) -> set[object]:
    return {scope.pk for scope in scopes}


def _stored_ids(client: models.Client, relation: str) -> set[object]:
    if client._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
        return set()
    return set(getattr(client, relation).values_list("pk", flat=True))
