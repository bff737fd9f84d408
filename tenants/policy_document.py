"""The request document, which the rules of policies read. Pure; described in docs/policies.md.

Null counts as absent, so both are left out: nothing matches by being absent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tenants.records import JSON, AccessRequest, ApiRecord, ClientRecord, TenantSnapshot

Members: TypeAlias = "dict[str, JSON]"

VERSION: Final = 1
MAX_NODES: Final = 2_048
MAX_DEPTH: Final = 16
ABSENT: Final = object()  # Equal to nothing.
ALLOWED_HEADERS: Final = frozenset(
    ("accept-language", "content-type", "origin", "user-agent", "x-forwarded-proto")
)
# The members that tell of the moment and the connection, not of what is asked for.
CIRCUMSTANCES: Final = frozenset(("address", "method", "time", "headers"))


class DocumentTooLarge(ValueError):
    """A part that came from outside is larger or deeper than a rule may be asked to read."""


@dataclass(frozen=True, slots=True)
class Field:
    """What the document may hold at a place: text, number, list, object or, where open, anything.

    An open object has members that nobody can name beforehand, and each of them may be absent.
    """

    kind: str
    is_optional: bool = False
    members: Mapping[str, Field] | None = None
    element: Field | None = None
    is_open: bool = False


def _maybe(members: Mapping[str, Field]) -> Field:
    return Field("object", is_optional=True, members=members)


_TEXT: Final = Field("text")
_MAYBE_TEXT: Final = Field("text", is_optional=True)
_NUMBER: Final = Field("number")
_TEXTS: Final = Field("list", element=_TEXT)
_MAYBE_TEXTS: Final = Field("list", is_optional=True, element=_TEXT)
_OPEN: Final = Field("object", is_optional=True, is_open=True)
ANYTHING: Final = Field("any", is_optional=True, is_open=True)
_CLIENT: Final[Mapping[str, Field]] = {"id": _TEXT, "client_id": _TEXT, "kind": _TEXT}
_API: Final[Mapping[str, Field]] = {"id": _TEXT, "slug": _TEXT, "audience": _TEXT}

DOCUMENT: Final = Field(
    "object",
    members={
        "version": _NUMBER,
        "operation": _TEXT,
        **dict.fromkeys(("grant_type", "session_grant_type"), _MAYBE_TEXT),
        "client": Field("object", members=_CLIENT),
        "caller": _maybe(_CLIENT),
        "subject": _maybe({"id": _TEXT, "type": _MAYBE_TEXT, "properties": _OPEN}),
        "groups": _MAYBE_TEXTS,
        "actor": _maybe({"id": _TEXT}),
        "apis": Field("list", element=Field("object", members=_API)),
        "requested_scopes": _MAYBE_TEXTS,
        "default_scopes": _TEXTS,
        "scopes": _TEXTS,
        "requested_audiences": _TEXTS,
        "audience": _TEXTS,
        "claims": _OPEN,
        "trust_profile": _MAYBE_TEXT,
        "on_behalf": _maybe({"tenant": _MAYBE_TEXT, "subject": _MAYBE_TEXT}),
        **dict.fromkeys(("address", "method"), _MAYBE_TEXT),
        "time": _maybe(dict.fromkeys(("hour", "minute", "weekday", "epoch"), _NUMBER)),
        "headers": _maybe(dict.fromkeys(sorted(ALLOWED_HEADERS), _MAYBE_TEXT)),
        "action": _maybe({"name": _MAYBE_TEXT, "properties": _OPEN}),
        "resource": _maybe({"type": _MAYBE_TEXT, "id": _MAYBE_TEXT, "properties": _OPEN}),
        "context": _OPEN,
    },
)


class Document:
    """A request document whose members are built when a rule first reads them.

    `kept` has those that were read so far, ABSENT for one that isn't there.
    """

    __slots__ = ("_build", "_failures", "_names", "kept")

    def __init__(self, build: Callable[[str], JSON], names: Iterable[str]) -> None:
        """Remember how to build a member, None being its absence, and which there may be."""
        self._build = build
        self._names = names
        self._failures: dict[str, DocumentTooLarge] = {}
        self.kept: dict[str, Any] = {}

    def read(self, name: str) -> Any:  # noqa: ANN401 - any JSON value, or ABSENT.
        """Answer a member, or ABSENT.

        Raises:
            DocumentTooLarge: every time, so that no rule answers by a part of what came.
        """
        if name in self.kept:
            return self.kept[name]
        if name in self._failures:
            raise self._failures[name]
        try:
            member = self._build(name)
        except DocumentTooLarge as error:
            self._failures[name] = error
            raise
        self.kept[name] = ABSENT if member is None else member
        return self.kept[name]

    @property
    def is_same_for_same_question(self) -> bool:
        """Whether nothing was read that differs between requests which ask for the same."""
        return CIRCUMSTANCES.isdisjoint(self.kept) and not self._failures

    @property
    def members(self) -> Members:
        """All members that are there.

        Raises:
            DocumentTooLarge: one of them is.
        """
        read = {name: self.read(name) for name in self._names}
        return {name: member for name, member in read.items() if member is not ABSENT}


@dataclass(slots=True)
class _Facts:
    """What a document is made of; scopes and Apis are those granted so far."""

    request: AccessRequest
    tenant: TenantSnapshot
    scopes: tuple[str, ...]
    default_scopes: Callable[[], Iterable[str]]
    apis: tuple[ApiRecord, ...]


def make_document(
    request: AccessRequest,
    tenant: TenantSnapshot,
    *,
    scopes: tuple[str, ...],
    default_scopes: Callable[[], Iterable[str]],
    apis: tuple[ApiRecord, ...],
) -> Document:
    """Make the document of a request; `scopes` and `apis` are what was granted so far."""
    facts = _Facts(request, tenant, scopes, default_scopes, apis)
    return Document(partial(_build, facts), _BUILDERS)


def make_claims_document(claims: Mapping[str, JSON]) -> Document:
    """Make a document that has the claims of a verified token and nothing else."""
    return Document(lambda name: copy_members(claims) if name == "claims" else None, ("claims",))


def _build(facts: _Facts, name: str) -> JSON:
    builder = _BUILDERS.get(name)
    return builder(facts) if builder else None


def _describe_client(client: ClientRecord | None) -> JSON:
    if client is None:
        return None
    return {"id": str(client.id), "client_id": client.client_id, "kind": client.kind}


def _describe_subject(facts: _Facts) -> JSON:
    """Describe the subject as an evaluation names it; where it is ours, by our id."""
    asked, subject = copy_members(facts.request.access_subject), facts.request.subject
    if subject is None:
        return asked
    return {**(asked or {}), "id": str(subject.id)}


def _name_trust_profile(facts: _Facts) -> JSON:
    wanted = facts.request.trust_profile_id
    profiles = facts.tenant.trust_profiles if wanted else ()
    return next((profile.slug for profile in profiles if profile.id == wanted), None)


def _describe_behalf(facts: _Facts) -> JSON:
    named = {"tenant": facts.request.app_tenant_id, "subject": facts.request.app_subject_id}
    return {name: text for name, text in named.items() if text} or None


def _describe_headers(facts: _Facts) -> JSON:
    given, user_agent = facts.request.headers, facts.request.user_agent
    headers: Members = {name: text for name, text in given.items() if name in ALLOWED_HEADERS}
    return {"user-agent": user_agent, **headers} if user_agent else headers or None


def _describe_time(facts: _Facts) -> JSON:
    """Write the moment in UTC; Monday is 1. Source: ISO 8601 section 5.2.3."""
    if not facts.request.now:
        return None
    moment = time.gmtime(facts.request.now)
    return {
        "hour": moment.tm_hour,
        "minute": moment.tm_min,
        "weekday": moment.tm_wday + 1,
        "epoch": int(facts.request.now),
    }


def copy_members(part: Mapping[str, JSON] | None) -> Members | None:
    """Copy what came from outside, without nulls and within bounds."""
    return None if part is None else _Copies().copy_object(part)


_BUILDERS: Final[Mapping[str, Callable[[_Facts], JSON]]] = {
    "version": lambda _facts: VERSION,
    "operation": lambda facts: facts.request.operation or facts.request.grant_type,
    "grant_type": lambda facts: facts.request.grant_type or None,
    "session_grant_type": lambda facts: facts.request.session_grant_type or None,
    "client": lambda facts: _describe_client(facts.request.client),
    "caller": lambda facts: _describe_client(facts.request.caller),
    "subject": _describe_subject,
    "groups": lambda facts: None if facts.request.groups is None else [*facts.request.groups],
    "actor": lambda facts: {"id": facts.request.actor} if facts.request.actor else None,
    "apis": lambda facts: [
        {"id": str(api.id), "slug": api.slug, "audience": api.audience} for api in facts.apis
    ],
    "requested_scopes": lambda facts: [*(facts.request.requested_scopes or ())] or None,
    "default_scopes": lambda facts: [*facts.default_scopes()],
    "scopes": lambda facts: [*facts.scopes],
    "requested_audiences": lambda facts: [*facts.request.requested_audiences],
    "audience": lambda facts: [api.audience for api in facts.apis],
    "claims": lambda facts: copy_members(facts.request.claims),
    "trust_profile": _name_trust_profile,
    "on_behalf": _describe_behalf,
    "address": lambda facts: facts.request.address or None,
    "method": lambda facts: facts.request.method or None,
    "time": _describe_time,
    "headers": _describe_headers,
    "action": lambda facts: copy_members(facts.request.action),
    "resource": lambda facts: copy_members(facts.request.resource),
    "context": lambda facts: copy_members(facts.request.context),
}


class _Copies:
    """Counts what it copies, so that no request can make every rule slow."""

    __slots__ = ("_nodes",)

    def __init__(self) -> None:
        self._nodes = 0

    def copy_object(self, members: Mapping[str, JSON], depth: int = 0) -> Members:
        copied = {name: self._copy(member, depth + 1) for name, member in members.items()}
        return {name: member for name, member in copied.items() if member is not None}

    def _copy(self, value: JSON, depth: int) -> JSON:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise DocumentTooLarge(f"more than {MAX_NODES} members or {MAX_DEPTH} levels")
        if isinstance(value, dict):
            return self.copy_object(value, depth)
        if isinstance(value, list):
            elements = [self._copy(element, depth + 1) for element in value]
            return [element for element in elements if element is not None]
        return value


def kind_of(value: object) -> str:
    """Name the kind of a JSON value; a boolean is no number."""
    return _KINDS.get(type(value), "null")


_KINDS: Final = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}
