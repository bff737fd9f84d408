"""Remembers what was decided for a request that is made over and over: a client's own.

A decision looks at the configuration, at what is asked for and, through rules, at the circumstances
of the request: its address, its headers, the time. Where no rule has looked at those, the same
question to the same configuration has the same answer.
"""

from __future__ import annotations

import threading
from dataclasses import MISSING, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tenants import policy
from tenants.records import AccessRequest

if TYPE_CHECKING:
    from tenants.records import ClientRecord, Decision, TenantSnapshot

MAX_DECISIONS: Final = 4_096
# Names in one question: a caller chooses them, and where excess is narrowed they need not exist.
MAX_NAMES: Final = 32
ASKED: Final = (
    *("grant_type", "requested_scopes", "requested_audiences"),
    *("api_slug", "usage_limit"),
)
# Only rules read them, and only through the document.
CIRCUMSTANCES: Final = frozenset(("address", "user_agent", "method", "headers", "now"))
# A request with anything else - a subject, a session, a ceiling - is decided each time.
_OTHERS: Final = tuple(
    field
    for field in fields(AccessRequest)
    if field.name not in {"client", *ASKED} and field.name not in CIRCUMSTANCES
)
if any(field.default is MISSING for field in _OTHERS):
    raise TypeError("what a request may leave out has a plain default")
_read_asked: Final = attrgetter(*ASKED)
_read_others: Final = attrgetter(*(field.name for field in _OTHERS))
_NO_OTHERS: Final = tuple(field.default for field in _OTHERS)
_Question: TypeAlias = "tuple[Any, ...]"


class _Remembered(NamedTuple):
    """A decision and the configuration by which it was made; the client is kept, so its id is."""

    configuration: object
    client: ClientRecord
    decision: Decision


_decisions: dict[_Question, _Remembered] = {}
_lock = threading.Lock()


def decide(request: AccessRequest, tenant: TenantSnapshot) -> Decision:
    """Decide as `policy.decide` does, which is asked only where nothing is remembered."""
    if _read_others(request) != _NO_OTHERS:
        return policy.decide(request, tenant)
    question = (id(request.client), *_read_asked(request))
    found = _decisions.get(question)
    if found is not None and found.configuration is tenant.mark:
        return found.decision
    decision = policy.decide(request, tenant)
    document = decision.document
    is_constant = decision.is_allowed and (document is None or document.is_same_for_same_question)
    if is_constant and _is_small(request):
        _remember(question, _Remembered(tenant.mark, request.client, decision))
    return decision


def restore_document(
    decision: Decision, request: AccessRequest, tenant: TenantSnapshot
) -> Decision:
    """Answer the decision with what this request had rules read, for whoever explains it."""
    if decision.document is not None:
        return decision
    return replace(decision, document=policy.decide(request, tenant).document)


def forget() -> None:
    """Forget everything, as a new process knows nothing."""
    with _lock:
        _decisions.clear()


def count() -> int:
    """Say how many are remembered."""
    return len(_decisions)


def _is_small(request: AccessRequest) -> bool:
    asked = (*(request.requested_scopes or ()), *request.requested_audiences)
    return len(asked) <= MAX_NAMES


def _remember(question: _Question, remembered: _Remembered) -> None:
    """Keep a decision without its document, which would keep the whole configuration alive."""
    bare = remembered._replace(decision=replace(remembered.decision, document=None))
    with _lock:
        _decisions.pop(question, None)
        _decisions[question] = bare
        if len(_decisions) > MAX_DECISIONS:
            del _decisions[next(iter(_decisions))]
