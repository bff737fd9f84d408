"""The one expression that says why a token or a session is dead, as SQL.

The gate and the refresh statement share it. Aliases: `token` (tokens_accesstoken), `session`
(tokens_session, perhaps absent), `subject` (tenants_subject, perhaps absent); parameter `now` in
seconds since the epoch. The expression is NULL for what lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW: Final = "to_timestamp(%(now)b::float8)"

_TOKEN_SELECTORS: Final = {
    "client_id": "token.client_id",
    "subject_id": "token.subject_id",
    "app_tenant_id": "token.app_tenant_id",
    "app_subject_id": "token.app_subject_id",
    "api_id": "token.api_ids",
    "trust_profile_id": "token.trust_profile_id",
    "master_token_id": "token.master_token_id",
    "signing_key_id": "token.signing_key_id",
    "session_id": "token.session_id",
    "token_id": "token.id",
}
# A cut-off that selects by what only a token has ends no session.
_SESSION_SELECTORS: Final = {
    "client_id": "session.client_id",
    "subject_id": "session.subject_id",
    "app_tenant_id": "session.app_tenant_id",
    "app_subject_id": "session.app_subject_id",
    "api_id": "session.api_ids",
    "trust_profile_id": "session.trust_profile_id",
    "session_id": "session.id",
}


# What one token at most, one session or one person has; each has an index of its own, so that the
# cut-offs of other people cost nothing.
_NARROW: Final = ("subject_id", "app_subject_id", "session_id", "token_id")


def _is_cut_off(held: Mapping[str, str], *, tenant_id: str, number: str) -> str:
    """Write the condition that a cut-off after the number matches every selector that it sets.

    Most tokens are younger than every cut-off of their tenant. Only for the others a function
    compares, so that the statement is not prepared each time for what it hardly ever does.
    """
    after = f"cut.tenant_id = {tenant_id} AND cut.number > {number}"
    values = ", ".join(held.get(name, "NULL") for name in _TOKEN_SELECTORS)
    return (
        f"(EXISTS (SELECT 1 FROM tenants_cutoff cut WHERE {after})"  # noqa: S608 - fixed texts.
        f" AND tokens_is_cut_off({tenant_id}, {number}, {values}))"
    )


def _is_matched(held: Mapping[str, str], after: str) -> str:
    """Write the condition that one of the cut-offs `after` matches every selector that it sets."""
    matches = " AND ".join(_match(name, held) for name in _TOKEN_SELECTORS)
    broad = " AND ".join(f"cut.{name} IS NULL" for name in _NARROW)
    narrow = [f"cut.{name} = {held[name]}" for name in _NARROW if name in held]
    exists = [
        f"EXISTS (SELECT 1 FROM tenants_cutoff cut WHERE {after} AND {found} AND {matches})"  # noqa: S608 - fixed texts.
        for found in (broad, *narrow)
    ]
    return f"({' OR '.join(exists)})"


def _match(name: str, held: Mapping[str, str]) -> str:
    if name not in held:
        return f"cut.{name} IS NULL"
    value = f"ANY ({held[name]})" if name == "api_id" else held[name]
    return f"(cut.{name} IS NULL OR cut.{name} = {value})"


_SESSION_CASES: Final = f"""
WHEN session.ended_at IS NOT NULL THEN 'session_ended'
WHEN session.expires_at <= {NOW} THEN 'session_expired'"""

# LEAST passes over the NULL of a token without session.
TOKEN_DEATH: Final = f"""CASE
WHEN token.revoked_at IS NOT NULL AND token.usage_limit IS NOT NULL AND EXISTS (
  SELECT 1 FROM tokens_usagecounter counter
  WHERE counter.id = token.id AND counter.count >= token.usage_limit) THEN 'used_up'
WHEN token.revoked_at IS NOT NULL THEN 'revoked'
WHEN token.expires_at <= {NOW} THEN 'expired'
WHEN token.session_id IS NOT NULL AND session.id IS NULL THEN 'session_gone'{_SESSION_CASES}
WHEN token.subject_id IS NOT NULL AND subject.is_enabled IS NOT TRUE THEN 'subject_disabled'
WHEN token.parent_id IS NOT NULL AND tokens_has_dead_ancestor(token.parent_id, {NOW})
  THEN 'parent_ended'
WHEN token.actor_token_id IS NOT NULL AND tokens_has_dead_ancestor(token.actor_token_id, {NOW})
  THEN 'parent_ended'
WHEN {
    _is_cut_off(
        _TOKEN_SELECTORS,
        tenant_id="token.tenant_id",
        number="LEAST(token.cut_off_number, session.cut_off_number)",
    )
} THEN 'cut_off'
END"""  # noqa: S608 - fixed texts.

SESSION_DEATH: Final = f"""CASE{_SESSION_CASES}
WHEN session.subject_id IS NOT NULL AND subject.is_enabled IS NOT TRUE THEN 'subject_disabled'
WHEN {
    _is_cut_off(_SESSION_SELECTORS, tenant_id="session.tenant_id", number="session.cut_off_number")
} THEN 'cut_off'
END"""


# A sign-in is of no client and no Api. Alias `sign_in` (tokens_signin); parameter `idle`: seconds.
_SIGN_IN_SELECTORS: Final = {
    "subject_id": "sign_in.subject_id",
    "trust_profile_id": "sign_in.trust_profile_id",
}


def _sign_in_death(idle: str) -> str:
    return f"""CASE
WHEN sign_in.ended_at IS NOT NULL THEN 'signed_out'
WHEN sign_in.expires_at <= {NOW} THEN 'expired'
WHEN sign_in.last_used_at + make_interval(secs => {idle}) <= {NOW} THEN 'idle'
WHEN subject.is_enabled IS NOT TRUE THEN 'subject_disabled'
WHEN {
        _is_cut_off(
            _SIGN_IN_SELECTORS, tenant_id="sign_in.tenant_id", number="sign_in.cut_off_number"
        )
    } THEN 'cut_off'
END"""


SIGN_IN_DEATH: Final = _sign_in_death("%(idle)b::float8")
# Where sign-ins of several tenants are read; alias `tenant` (tenants_tenant).
SIGN_IN_DEATH_BY_TENANT: Final = _sign_in_death("tenant.sign_in_idle_lifetime_seconds::float8")


# What was sent to a person by mail ends with their sign-ins, or when the address is theirs no more.
# Aliases `link` (tokens_emaillink) and `subject`, which is absent for a new account.
LINK_DEATH: Final = f"""CASE
WHEN link.used_at IS NOT NULL THEN 'used'
WHEN link.expires_at <= {NOW} THEN 'expired'
WHEN {
    _is_cut_off(
        {"subject_id": "link.subject_id"},
        tenant_id="link.tenant_id",
        number="link.cut_off_number",
    )
} THEN 'cut_off'
WHEN link.subject_id IS NOT NULL AND (subject.is_enabled AND subject.email = link.email) IS NOT TRUE
  THEN 'address_changed'
END"""


# A code is dead with the person's sign-in as well. Aliases `code` (tokens_authorizationcode),
# `sign_in` and `subject`, which are perhaps absent.
_CODE_SELECTORS: Final = {
    "client_id": "code.client_id",
    "subject_id": "code.subject_id",
    "trust_profile_id": "code.trust_profile_id",
}
CODE_DEATH: Final = f"""CASE
WHEN code.expires_at <= {NOW} THEN 'expired'
WHEN subject.is_enabled IS NOT TRUE THEN 'subject_disabled'
WHEN sign_in.id IS NULL OR sign_in.ended_at IS NOT NULL THEN 'signed_out'
WHEN {
    _is_cut_off(_CODE_SELECTORS, tenant_id="code.tenant_id", number="code.cut_off_number")
} THEN 'cut_off'
END"""


# A device's code, before and after a person approved it. Alias `code` (tokens_devicecode); after it
# `sign_in` and `subject` as well, which are perhaps absent. Whoever agreed to offline access may
# sign out before the device has noticed.
PENDING_DEVICE_DEATH: Final = f"""CASE
WHEN code.expires_at <= {NOW} THEN 'expired'
WHEN {
    _is_cut_off(
        {"client_id": "code.client_id"},
        tenant_id="code.tenant_id",
        number="code.cut_off_number",
    )
} THEN 'cut_off'
END"""
DEVICE_DEATH: Final = f"""CASE
WHEN code.expires_at <= {NOW} THEN 'expired'
WHEN code.subject_id IS NOT NULL AND subject.is_enabled IS NOT TRUE THEN 'subject_disabled'
WHEN code.sign_in_id IS NOT NULL AND NOT 'offline_access' = ANY (code.scopes)
  AND (sign_in.id IS NULL OR sign_in.ended_at IS NOT NULL) THEN 'signed_out'
WHEN {
    _is_cut_off(
        {
            "client_id": "code.client_id",
            "subject_id": "code.subject_id",
            "trust_profile_id": "sign_in.trust_profile_id",
        },
        tenant_id="code.tenant_id",
        number="code.cut_off_number",
    )
} THEN 'cut_off'
END"""


# An outside token has neither client nor session nor key of ours.
_FOREIGN_SELECTORS: Final = {
    "subject_id": "token.subject_id",
    "api_id": "token.api_ids",
    "trust_profile_id": "token.trust_profile_id",
    "token_id": "token.id",
}
# What a presented token stands for by today's configuration, whatever its row was made by.
_PRESENTED_SELECTORS: Final = {
    "subject_id": "%(subject_id)b::uuid",
    "api_id": "%(api_ids)b::uuid[]",
    "trust_profile_id": "%(trust_profile_id)b::uuid",
    "token_id": "token.id",
}


def _foreign_death(held: Mapping[str, str]) -> str:
    cut_off = _is_cut_off(held, tenant_id="token.tenant_id", number="token.cut_off_number")
    return f"""CASE
WHEN token.revoked_at IS NOT NULL THEN 'revoked'
WHEN token.expires_at <= {NOW} THEN 'expired'
WHEN {cut_off} THEN 'cut_off'"""


# Here `token` is tokens_foreigntoken; `profile` (tenants_trustprofile) is perhaps absent.
PRESENTED_DEATH: Final = f"{_foreign_death(_PRESENTED_SELECTORS)} END"
FOREIGN_DEATH: Final = f"""{_foreign_death(_FOREIGN_SELECTORS)}
WHEN token.subject_id IS NOT NULL AND subject.is_enabled IS NOT TRUE THEN 'subject_disabled'
WHEN profile.is_enabled IS NOT TRUE OR profile.is_accepted_directly IS NOT TRUE
  THEN 'switched_off' END"""
# No number tells whether a token that is seen for the first time was made before a cut-off; its
# issuer's clock must say so by more than it may be wrong.
IS_FROM_BEFORE_A_CUT_OFF: Final = _is_matched(
    {name: column for name, column in _PRESENTED_SELECTORS.items() if name != "token_id"},
    "cut.tenant_id = %(tenant_id)b::uuid AND "
    "cut.created_at + make_interval(secs => %(skew)b::float8) "
    ">= to_timestamp(%(issued_at)b::float8)",
)
