"""Says of each claim of a token where it comes from: the specification and our own reason. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tenants.records import APP_SUBJECT_CLAIM, APP_TENANT_CLAIM

if TYPE_CHECKING:
    from collections.abc import Mapping

# One line per claim that a claim profile can lay out; a test compares them with the profiles.
SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "iss": "The tenant's issuer, as the claim profile writes it (RFC 7519 section 4.1.1).",
        "sub": "Whom the token speaks for: the end user, else the client, as the claim profile "
        "says (RFC 7519 section 4.1.2, RFC 9068 section 2.2).",
        "aud": "The audiences of the Apis whose scopes are granted (RFC 7519 section 4.1.3).",
        "client_id": "The client that asked (RFC 8693 section 4.3).",
        "cid": "The client that asked, under OneWelcome's name.",
        "scope": "The granted scopes (RFC 8693 section 4.2).",
        "scp": "The granted scopes, under the name of Space Blocks and OneWelcome.",
        "iat": "When the token was issued (RFC 7519 section 4.1.6).",
        "nbf": "Before which it is not valid: when it was issued (RFC 7519 section 4.1.5).",
        "exp": "When it ends: its lifetime by the effective settings, cut by the end of its "
        "session or parent and by limits of policies (RFC 7519 section 4.1.4).",
        "jti": "The token's id, which is the key of its row (RFC 7519 section 4.1.7).",
        "act": "Who acts for the subject (RFC 8693 section 4.1).",
        "auth_time": "When the end user signed in (RFC 9068 section 2.2.1).",
        "acr": "How surely the end user was recognised (RFC 9068 section 2.2.1).",
        "amr": "By which means the end user was recognised (RFC 9068 section 2.2.1).",
        "groups": "The end user's groups (RFC 9068 section 2.2.3.1).",
        "roles": "The roles that the end user's groups give (RFC 9068 section 2.2.3.1).",
        "entitlements": "What the end user's groups permit (RFC 9068 section 2.2.3.1).",
        "group_permissions": "The end user's groups as OneWelcome's first version tells them.",
        "_claim_names": "The claims that were too large for the token and are told by "
        "introspection (OpenID Connect Core section 5.6.2).",
        "_claim_sources": "Where the claims are had that were too large for the token.",
        "urn:onegini.com:oidc:group_policies": "The end user's groups, under OneWelcome's name.",
        "ver": "The version of OneWelcome's claims.",
        "usl": "The smallest usage limit of the granted scopes, under OneWelcome's name.",
        APP_TENANT_CLAIM: "The tenant of the client's application in whose name it acts, as the "
        "client named it.",
        APP_SUBJECT_CLAIM: "The subject of the client's application in whose name it acts, as the "
        "client named them; no end user of ours.",
        "ext": "Tenant, project, environment and whom the client acts for, as Space Blocks "
        "nests them.",
    }
)
# What adds a claim where no claim rule does; no slug has parentheses.
HOOK: Final = "(hook)"
BY_RULE: Final = "Added by the claim rule {slug}."
BY_HOOK: Final = "Added by the platform's claims hook."
UNKNOWN: Final = "Not laid out by any claim profile of this version."


def source_of(claim: str, added_by: str = "") -> str:
    """Say where a claim comes from: what has added it, or the profile's own line."""
    if claim in SOURCES or not added_by:
        return SOURCES.get(claim, UNKNOWN)
    return BY_HOOK if added_by == HOOK else BY_RULE.format(slug=added_by)
