"""What must hold for a trust profile with whose issuer people sign in.

Source: OpenID Connect Core sections 3.1.2.1 and 3.1.3.7.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from tenants.services.web_addresses import explain_endpoint, find_wrong_addresses

if TYPE_CHECKING:
    from tenants.models import TrustProfile

Messages: TypeAlias = "dict[str, list[str]]"
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint")
NEEDED: Final = (*ENDPOINTS, "sign_in_client_id", "jwks_uri")
SIGNED: Final = "jwt"
OPENID: Final = "openid"
# Source: RFC 6749 section 3.3.
SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def check_upstream(profile: TrustProfile) -> Messages:
    """Answer what is wrong with how people sign in with the issuer, by field."""
    messages = _check_offer(profile) if profile.is_sign_in_offered else {}
    messages |= find_wrong_addresses(profile, ENDPOINTS, explain_endpoint)
    wrong = _find_wrong_scope(profile.sign_in_scopes)
    return {**messages, "sign_in_scopes": [wrong]} if wrong else messages


def _check_offer(profile: TrustProfile) -> Messages:
    if profile.kind != SIGNED:
        text = "People sign in with an issuer of signed tokens only; choose the kind jwt."
        return {"is_sign_in_offered": [text]}
    messages = {
        name: ["People can't sign in with the issuer without this."]
        for name in NEEDED
        if not getattr(profile, name)
    }
    if profile.audience != profile.sign_in_client_id:
        # An ID token names in `aud` whom it was made for.
        messages["audience"] = ["Write what sign_in_client_id says: ID tokens are meant for that."]
    return messages


def _find_wrong_scope(scopes: list[str]) -> str:
    if OPENID in scopes:
        return "openid is asked for always; leave it out."
    if len(set(scopes)) < len(scopes):
        return "A scope is repeated; write it once."
    if not all(SCOPE_TOKEN.fullmatch(scope) for scope in scopes):
        return "Write scope names without spaces and quotes (RFC 6749 section 3.3)."
    return ""
