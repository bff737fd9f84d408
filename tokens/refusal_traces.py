"""Writes the trace of a refusal: what was asked, each check in order, and by which versions. Pure.

No secret, token or assertion gets in: what was sent as one is cut out of every text, wherever it
stands, and so is everything that has the form of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from tenants.policy import explain_inputs
from tenants.policy_redaction import redact as redact_document
from tenants.records import ACCESS, Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from tenants.records import JSON, AccessRequest, ClientRecord, Decision, TenantSnapshot
    from tokens.errors import OAuthError
    from tokens.parameters import EndpointRequest

TRACE_VERSION: Final = 1
TRACE_BYTES: Final = 8_192
MAX_POLICIES: Final = 40
MAX_NAMES: Final = 20
NAME_CHARACTERS: Final = 64
DETAIL_CHARACTERS: Final = 300
TEXT_CHARACTERS: Final = 500
ADDRESS_CHARACTERS: Final = 45
CLIENT_ID_CHARACTERS: Final = 255
SHORTEST_SECRET: Final = 4
REDACTED: Final = "[redacted]"
# What RFC 6749, 7521, 7523, 7636, 8628 and 8693 send that must stay secret.
SECRET_PARAMETERS: Final = (
    *("client_secret", "client_assertion", "assertion", "refresh_token", "token", "access_token"),
    *("code", "code_verifier", "device_code", "password", "subject_token", "actor_token"),
)
_SECRET_FORMS: Final = re.compile(
    r"(?:acs|amt|art|aac|arg|ait|adc|asi|ael)_[A-Za-z0-9_-]{16,}"  # Our own credentials.
    r"|eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*"  # Any JWT. RFC 7515 section 3.1.
    r"|(?<![0-9A-Fa-f])[0-9A-F]{64}(?![0-9A-Fa-f])"  # Opaque access tokens.
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused request as far as it was read; `client` is None where nobody knows it.

    `secrets` are texts that must not get into the trace.
    """

    error: OAuthError
    request: EndpointRequest
    operation: str
    client_record: ClientRecord | None = None
    presented_client_id: str = ""
    authentication_method: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def tenant(self) -> TenantSnapshot:
        """The tenant whose endpoint refused."""
        return self.request.tenant

    @property
    def now(self) -> float:
        """When the request came, in seconds since the epoch."""
        return self.request.now

    @property
    def client(self) -> UUID | None:
        """The client's row, if the client is known."""
        return self.client_record.id if self.client_record else None


def columns(refused: Refused) -> dict[str, object]:
    """Answer the values of the refusal's row beside its id and tenant."""
    clean = _Cleaner(refused)
    return {
        "request_id": refused.request.request_id[:NAME_CHARACTERS],
        "client_id": refused.client,
        "presented_client_id": clean(refused.presented_client_id, CLIENT_ID_CHARACTERS),
        "operation": refused.operation[:NAME_CHARACTERS],
        "grant_type": clean(_grant_type(refused), NAME_CHARACTERS),
        "reason": refused.error.reason[:NAME_CHARACTERS],
        "error": refused.error.error,
        "address": clean(refused.request.address, ADDRESS_CHARACTERS),
        "trace": orjson.dumps(build_trace(refused)).decode(),
    }


def build_trace(refused: Refused) -> dict[str, JSON]:
    """Build the trace, bounded in size; `is_cut` says that something had to be left out."""
    clean = _Cleaner(refused)
    policies, is_cut = _write_policies(refused.error.decision)
    trace: dict[str, JSON] = {
        "version": TRACE_VERSION,
        "request": _write_request(refused, clean),
        "checks": _write_checks(refused.error, clean),
        "policies": policies,
        "versions": _write_versions(refused),
    }
    for cut in (_cut_inputs, _cut_policies, _cut_request):
        if len(orjson.dumps(trace)) > TRACE_BYTES:
            cut(trace)
            is_cut = True
    return {**trace, "is_cut": True} if is_cut else trace


def _cut_inputs(trace: dict[str, JSON]) -> None:
    checks = trace["checks"]
    for check in checks if isinstance(checks, list) else ():
        if isinstance(check, dict):
            check.pop("inputs", None)


def _cut_policies(trace: dict[str, JSON]) -> None:
    trace["policies"] = []


def _cut_request(trace: dict[str, JSON]) -> None:
    trace["request"] = {}


def redact(text: str) -> str:
    """Cut everything out of a text that has the form of a secret or token."""
    return _SECRET_FORMS.sub(REDACTED, text)


class _Cleaner:
    """Cuts secrets, what can't be stored, and excess out of texts."""

    def __init__(self, refused: Refused) -> None:
        values = refused.request.parameters.values
        sent = [text for name in SECRET_PARAMETERS for text in values.get(name, ())]
        long_enough = [s for s in (*sent, *refused.secrets) if len(s) >= SHORTEST_SECRET]
        # The longest first: a shorter one may be a part of it.
        self._secrets = sorted(set(long_enough), key=len, reverse=True)

    def __call__(self, text: str, characters: int = TEXT_CHARACTERS) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        text = redact(text)
        if not text.isprintable():
            text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
        return text if len(text) <= characters else f"{text[: characters - 1]}\u2026"


def _grant_type(refused: Refused) -> str:
    asked = refused.error.asked
    return asked.grant_type if asked else refused.request.parameters.get("grant_type")


def _write_request(refused: Refused, clean: _Cleaner) -> dict[str, JSON]:
    """Write what was asked; what nobody said is left out."""
    request, parameters = refused.request, refused.request.parameters
    audiences = (*parameters.all("audience"), *parameters.all("resource"))
    texts = {
        "operation": refused.operation,
        "grant_type": _grant_type(refused),
        "client_id": refused.presented_client_id,
        "client_kind": refused.client_record.kind if refused.client_record else "",
        "authentication_method": refused.authentication_method,
        "scope": parameters.get("scope"),
        "audience": " ".join(audiences),
        "api": request.api_slug,
        "address": request.address,
        "user_agent": request.user_agent,
    }
    written: dict[str, JSON] = {name: clean(text) for name, text in texts.items() if text}
    if parameters.values:
        written["parameters"] = _clean_all(sorted(parameters.values), clean)
    if refused.error.asked:
        written |= _write_asked(refused.error.asked, clean)
        written |= _write_evaluation(refused.error.asked, clean)
    return written


def _write_evaluation(asked: AccessRequest, clean: _Cleaner) -> dict[str, JSON]:
    """Write who asked about another's token or call, and about what; of the rest the names only."""
    written: dict[str, JSON] = {}
    if asked.caller:
        written["caller"] = clean(asked.caller.client_id, CLIENT_ID_CHARACTERS)
    if asked.operation == ACCESS:
        parts = {
            "subject": asked.access_subject,
            "action": asked.action,
            "resource": asked.resource,
            "context": asked.context,
        }
        stated = {name: dict(part) for name, part in parts.items() if part}
        written["evaluation"] = _clean_json(redact_document(stated), clean)
    return written


def _write_asked(asked: AccessRequest, clean: _Cleaner) -> dict[str, JSON]:
    """Write what a grant has found out beyond the parameters; of foreign claims the names only."""
    lists: dict[str, Iterable[str] | None] = {
        "requested_scopes": asked.requested_scopes,
        "requested_audiences": asked.requested_audiences or None,
        "scope_ceiling": asked.scope_ceiling,
        "audience_ceiling": asked.audience_ceiling,
        "groups": asked.groups,
        "claims": asked.claims,
    }
    texts = {
        "subject": str(asked.subject.id) if asked.subject else "",
        "session": str(asked.session_id or ""),
        "session_grant_type": asked.session_grant_type,
        "trust_profile": str(asked.trust_profile_id or ""),
        "master_token": str(asked.master_token_id or ""),
        "app_tenant_id": asked.app_tenant_id,
        "app_subject_id": asked.app_subject_id,
        "acr": asked.authentication.acr if asked.authentication else "",
    }
    written: dict[str, JSON] = {
        name: _clean_all(sorted(items), clean) for name, items in lists.items() if items is not None
    }
    return written | {name: clean(text) for name, text in texts.items() if text}


def _clean_all(items: Iterable[str], clean: _Cleaner) -> list[JSON]:
    return [clean(item, NAME_CHARACTERS * 2) for item in [*items][:MAX_NAMES]]


def _write_checks(error: OAuthError, clean: _Cleaner) -> list[JSON]:
    """Write the checks in order; an error outside of a decision is one check that failed."""
    checks: Iterable[Check] = (
        error.decision.checks
        if error.decision
        else [Check(error.check, passed=False, reason=error.reason, detail=error.detail)]
    )
    return [_write_check(check, error.decision, clean) for check in checks]


def _write_check(check: Check, decision: Decision | None, clean: _Cleaner) -> dict[str, JSON]:
    """Write one check; the one that failed shows what it looked at."""
    written: dict[str, JSON] = {
        "name": check.name,
        "passed": check.passed,
        "reason": str(check.reason),
        "detail": clean(check.detail, DETAIL_CHARACTERS),
    }
    if decision and not check.passed:
        written["inputs"] = _clean_json(explain_inputs(decision, check.name), clean)
    return written


def _clean_json(value: JSON, clean: _Cleaner) -> JSON:
    if isinstance(value, dict):
        shown = [*value.items()][:MAX_NAMES]
        return {clean(name, NAME_CHARACTERS): _clean_json(v, clean) for name, v in shown}
    if isinstance(value, list):
        return [_clean_json(element, clean) for element in value[:MAX_NAMES]]
    return clean(value, TEXT_CHARACTERS) if isinstance(value, str) else value


def _write_policies(decision: Decision | None) -> tuple[list[JSON], bool]:
    """Write the policies' results, those with an effect first, and say whether some are missing."""
    results = sorted(decision.policies, key=lambda r: not r.is_applied) if decision else []
    written: list[JSON] = [
        {
            "slug": result.slug,
            "effect": result.effect,
            "mode": result.mode,
            "verdict": str(result.verdict),
            "version": result.version,
            "is_applied": result.is_applied,
        }
        for result in results[:MAX_POLICIES]
    ]
    return written, len(results) > len(written)


def _write_versions(refused: Refused) -> dict[str, JSON]:
    tenant, client = refused.tenant, refused.client_record
    versions: Mapping[str, int] = {
        "platform": tenant.platform_version,
        "environment": tenant.environment_version,
        "tenant": tenant.version,
    }
    return {**versions, "client": client.version} if client else {**versions}
