"""The request document, which the rules of policies read. Pure; described in docs/policies.md.

Null counts as absent, so both are left out: nothing matches by being absent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tenants.records import NO_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tenants.records import JSON, AccessRequest, ApiRecord, ClientRecord, TenantSnapshot

Members: TypeAlias = "dict[str, JSON]"

VERSION: Final = 1
MAX_NODES: Final = 2_048
MAX_DEPTH: Final = 16
ALLOWED_HEADERS: Final = frozenset(
    ("accept-language", "content-type", "origin", "user-agent", "x-forwarded-proto")
)
# What a trace may show of verified claims; of all others it shows the name and the kind.
SHOWN_CLAIMS: Final = frozenset(("iss", "aud", "exp", "iat", "nbf", "azp", "client_id", "scope"))
_FREE_FORM: Final = ("action", "resource", "context", "subject")


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
        "grant_type": _MAYBE_TEXT,
        "session_grant_type": _MAYBE_TEXT,
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
        "address": _MAYBE_TEXT,
        "method": _MAYBE_TEXT,
        "time": _maybe(dict.fromkeys(("hour", "minute", "weekday", "epoch"), _NUMBER)),
        "headers": _maybe(dict.fromkeys(sorted(ALLOWED_HEADERS), _MAYBE_TEXT)),
        "action": _maybe({"name": _MAYBE_TEXT, "properties": _OPEN}),
        "resource": _maybe({"type": _MAYBE_TEXT, "id": _MAYBE_TEXT, "properties": _OPEN}),
        "context": _OPEN,
    },
)


class Document:
    """A request document that is built when the first rule reads it, and never changed then."""

    __slots__ = ("_build", "_failure", "_members")

    def __init__(self, build: Callable[[], Members]) -> None:
        """Remember how to build it."""
        self._build = build
        self._members: Members | None = None
        self._failure: DocumentTooLarge | None = None

    @property
    def members(self) -> Members:
        """The members of the document.

        Raises:
            DocumentTooLarge: every time, so that no rule answers by half a document.
        """
        if self._members is None:
            if self._failure is not None:
                raise self._failure
            try:
                self._members = self._build()
            except DocumentTooLarge as error:
                self._failure = error
                raise
        return self._members


def build_document(
    request: AccessRequest,
    tenant: TenantSnapshot,
    *,
    scopes: Iterable[str],
    default_scopes: Iterable[str],
    apis: Iterable[ApiRecord],
) -> Members:
    """Build the document of a request; `scopes` and `apis` are what was granted so far.

    Raises:
        DocumentTooLarge: claims, properties or context have too many members.
    """
    apis = tuple(apis)
    document: Members = {
        "version": VERSION,
        "operation": request.operation or request.grant_type,
        "client": _describe_client(request.client),
        "apis": [{"id": str(a.id), "slug": a.slug, "audience": a.audience} for a in apis],
        "default_scopes": [*default_scopes],
        "scopes": [*scopes],
        "requested_audiences": [*request.requested_audiences],
        "audience": [api.audience for api in apis],
    }
    document.update(_texts_of(request, tenant))
    document.update(_people_of(request))
    if request.requested_scopes:
        document["requested_scopes"] = [*request.requested_scopes]
    if request.headers is not NO_HEADERS or request.user_agent:
        document["headers"] = _headers_of(request)
    if request.now:
        document["time"] = _describe_time(request.now)
    document.update(_copies_of(request))
    return document


def _describe_client(client: ClientRecord) -> Members:
    return {"id": str(client.id), "client_id": client.client_id, "kind": client.kind}


def _texts_of(request: AccessRequest, tenant: TenantSnapshot) -> Members:
    """Collect the texts that may be absent; an empty one is."""
    slug = ""
    if request.trust_profile_id is not None:
        profiles = {profile.id: profile.slug for profile in tenant.trust_profiles}
        slug = profiles.get(request.trust_profile_id, "")
    texts = {
        "grant_type": request.grant_type,
        "session_grant_type": request.session_grant_type,
        "trust_profile": slug,
        "address": request.address,
        "method": request.method,
    }
    return {name: text for name, text in texts.items() if text}


def _people_of(request: AccessRequest) -> Members:
    people: Members = {}
    if request.subject is not None:
        people["subject"] = {"id": str(request.subject.id)}
    if request.groups is not None:
        people["groups"] = [*request.groups]
    if request.actor:
        people["actor"] = {"id": request.actor}
    if request.caller is not None:
        people["caller"] = _describe_client(request.caller)
    behalf = {"tenant": request.app_tenant_id, "subject": request.app_subject_id}
    if any(behalf.values()):
        people["on_behalf"] = {name: text for name, text in behalf.items() if text}
    return people


def _headers_of(request: AccessRequest) -> Members:
    headers: Members = {n: text for n, text in request.headers.items() if n in ALLOWED_HEADERS}
    if request.user_agent:
        headers.setdefault("user-agent", request.user_agent)
    return headers


def _describe_time(now: float) -> Members:
    """Write a moment in UTC; Monday is 1. Source: ISO 8601 section 5.2.3."""
    moment = time.gmtime(now)
    return {
        "hour": moment.tm_hour,
        "minute": moment.tm_min,
        "weekday": moment.tm_wday + 1,
        "epoch": int(now),
    }


def _copies_of(request: AccessRequest) -> Members:
    """Copy what came from outside, without nulls and within bounds."""
    given: dict[str, Mapping[str, JSON] | None] = {
        "claims": request.claims,
        "action": request.action,
        "resource": request.resource,
        "context": request.context,
        "subject": request.access_subject,
    }
    copies = _Copies()
    members = {n: copies.copy_object(part) for n, part in given.items() if part is not None}
    asked = members.get("subject")
    if asked is not None and request.subject is not None:
        asked["id"] = str(request.subject.id)
    return {**members}


class _Copies:
    """Counts what it copies, so that one request can't make every rule slow."""

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


def redact(members: Mapping[str, JSON]) -> Members:
    """Write a document as a trace may keep it: of what came from outside only names and kinds."""
    shown: Members = {}
    for name, member in members.items():
        if name in _FREE_FORM and isinstance(member, dict):
            known = {"type", "id", "name"} if name != "context" else frozenset[str]()
            shown[name] = _redact_members(member, shown=known)
        elif name == "claims" and isinstance(member, dict):
            shown[name] = _redact_members(member, shown=SHOWN_CLAIMS)
        else:
            shown[name] = member
    return shown


def _redact_members(members: Mapping[str, JSON], *, shown: Iterable[str]) -> Members:
    return {
        name: member if name in shown else f"({kind_of(member)})"
        for name, member in members.items()
    }


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
