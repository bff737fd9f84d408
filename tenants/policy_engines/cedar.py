"""The engine `cedar`: policies in the Cedar language, where to permit means that the rule matches.

The schema of our entities is generated from the vocabulary of the request document, so that a
misspelt attribute is found when the policy is saved.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Final

import cedarpy

from tenants.policy_document import DOCUMENT, Field
from tenants.policy_engines.cedar_text import check_bounds
from tenants.records import OPERATIONS, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.policy_document import Document, Members
    from tenants.records import JSON

_MAYBE_TEXT: Final = Field("text", is_optional=True)
_MAYBE_TEXTS: Final = Field("list", is_optional=True, element=Field("text"))
# Cedar knows no free-form objects: of verified claims it sees these, of contexts nothing.
CLAIMS: Final[Mapping[str, Field]] = {
    **dict.fromkeys(("iss", "sub", "azp", "client_id", "email", "scope", "acr"), _MAYBE_TEXT),
    **dict.fromkeys(("aud", "groups", "roles", "amr"), _MAYBE_TEXTS),
}
_CLAIMS_FIELD: Final = Field("object", is_optional=True, members=CLAIMS)
PRINCIPALS: Final = ("Client", "Subject")
RESOURCE: Final = "Resource"
# The resource of a token request, which names none.
TOKEN: Final = "token"  # noqa: S105 - the id of an entity, no secret.


def compile_rule(rule: JSON) -> Callable[[Document], Verdict]:
    """Parse the policies once.

    Raises:
        ValueError, TypeError: what the linter would have found.
    """
    if not isinstance(rule, str):
        raise TypeError("a Cedar rule is a text")
    check_bounds(rule)
    policies = cedarpy.PolicySet.from_str(rule)
    if not len(policies) or policies.templates():
        raise ValueError("a Cedar rule has policies, and none of them is a template")

    def evaluate(document: Document) -> Verdict:
        request = _build_request(document.members)
        answer = cedarpy.is_authorized(request, policies, _no_entities())
        # A policy that fails is left out by Cedar, also one that forbids.
        if answer.diagnostics.errors:
            return Verdict.INDETERMINATE
        return Verdict.TRUE if answer.allowed else Verdict.FALSE

    return evaluate


@cache
def _no_entities() -> cedarpy.Entities:
    return cedarpy.Entities.from_json_str("[]")


def _build_request(members: Members) -> dict[str, JSON]:
    subject, resource, client = (members.get(n) for n in ("subject", "resource", "client"))
    asked = resource.get("id", TOKEN) if isinstance(resource, dict) else TOKEN
    if isinstance(subject, dict):
        principal: JSON = {"type": "Subject", "id": subject["id"]}
    else:
        principal = {"type": "Client", "id": client["id"]} if isinstance(client, dict) else None
    return {
        "principal": principal,
        "action": {"type": "Action", "id": members["operation"]},
        "resource": {"type": RESOURCE, "id": asked},
        "context": json.dumps(_project_members(members, context_members())),
    }


def _project_members(members: Mapping[str, JSON], fields: Mapping[str, Field]) -> Members:
    return {
        name: _project(members[name], field) for name, field in fields.items() if name in members
    }


def _project(value: JSON, field: Field) -> JSON:
    """Cut a value to what the schema knows; one of another kind is a failure, not an absence."""
    if field.kind == "object" and isinstance(value, dict):
        return _project_members(value, field.members or {})
    if field.kind == "list" and field.element:
        # Source: RFC 7519 section 4.1.3: one audience may stand alone.
        elements = value if isinstance(value, list) else [value]
        return [_project(element, field.element) for element in elements]
    is_text = isinstance(value, str) and field.kind == "text"
    is_number = type(value) is int and field.kind == "number"
    if not is_text and not is_number:
        raise TypeError(f"here should stand a {field.kind}")
    return value


@cache
def context_members() -> Mapping[str, Field]:
    """Answer the part of the request document that Cedar sees as `context`."""
    known = DOCUMENT.members or {}
    members = {name: _closed(field) for name, field in known.items() if not field.is_open}
    return {**members, "claims": _CLAIMS_FIELD}


def _closed(field: Field) -> Field:
    if field.members is None:
        return field
    members = {name: member for name, member in field.members.items() if not member.is_open}
    return Field(field.kind, is_optional=field.is_optional, members=members)


@cache
def schema() -> cedarpy.Schema:
    """Parse the schema of our entities once."""
    return cedarpy.Schema.from_str(write_schema())


def write_schema() -> str:
    """Write the schema of our entities in Cedar's own syntax."""
    entities = "".join(f"entity {name};\n" for name in (*PRINCIPALS, RESOURCE))
    actions = ", ".join(json.dumps(operation) for operation in sorted(OPERATIONS))
    context = _write_type(Field("object", members=context_members()))
    applies = f"principal: [{', '.join(PRINCIPALS)}], resource: [{RESOURCE}], context: {context}"
    return f"{entities}action {actions} appliesTo {{{applies}}};\n"


def _write_type(field: Field) -> str:
    if field.kind == "list" and field.element:
        return f"Set<{_write_type(field.element)}>"
    if field.members is not None:
        members = [
            f"{json.dumps(name)}{'?' if member.is_optional else ''}: {_write_type(member)}"
            for name, member in field.members.items()
        ]
        return f"{{{', '.join(members)}}}"
    return {"text": "String", "number": "Long"}[field.kind]
