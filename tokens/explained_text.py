"""Writes a described decision as text, for a terminal and for a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenants.records import JSON

HEADINGS: Final = {
    "token": "Token",
    "refusal": "Refusal",
    "findings": "What the linter says of the rule",
    "differences": "What the edited policy changes",
    "live": "As things are",
    "edited": "With the edited policy",
    "is_allowed": "Allowed",
    "asked": "What was asked",
    "versions": "Configuration versions",
    "checks": "Checks",
    "policies": "Access policies",
    "header": "Header",
    "claims": "Claims",
    "id_token": "Claims of the ID token",
    "dropped_scopes": "Scopes not granted",
    "response": "Response",
    "notes": "Notes",
}


def write_text(described: Mapping[str, JSON]) -> str:
    """Write each part under a heading, one line per fact; what is empty is left out."""
    parts: list[str] = []
    for name, heading in HEADINGS.items():
        value = described.get(name)
        if value in (None, [], {}):
            continue
        parts.append(f"{heading}\n{_write_part(name, value)}")
    return "\n\n".join(parts)


def make_readable(described: Mapping[str, JSON]) -> dict[str, Any]:
    """Write the values that a page shows as texts: lists with spaces, all else as JSON."""
    readable: dict[str, Any] = dict(described)
    readable["asked"] = _write_members(readable.get("asked") or {})
    readable["checks"] = [
        {**check, "inputs": _write_members(check.get("inputs") or {})}
        for check in readable.get("checks") or ()
    ]
    readable["claims"] = [
        {**claim, "value": _write_shortly(claim["value"])} for claim in readable.get("claims") or ()
    ]
    return readable


def _write_members(members: Mapping[str, Any]) -> dict[str, str]:
    return {name: _write_shortly(value) for name, value in members.items()}


def _write_shortly(value: Any) -> str:  # noqa: ANN401 - any JSON.
    if isinstance(value, list) and all(isinstance(element, str) for element in value):
        return " ".join(value)
    return _write_value(value)


def _write_part(name: str, value: JSON) -> str:
    if name in {"live", "edited"} and isinstance(value, dict):
        return _write_decision(value)
    write_line = _LINES.get(name, _write_value)
    if isinstance(value, dict):
        return "\n".join(f"  {key}: {_write_value(member)}" for key, member in value.items())
    if isinstance(value, list):
        return "\n".join(f"  {write_line(member)}" for member in value)
    return f"  {_write_value(value)}"


def _write_value(value: Any) -> str:  # noqa: ANN401 - any JSON.
    return value if isinstance(value, str) else json.dumps(value)


def _write_check(check: Mapping[str, Any]) -> str:
    if check["passed"]:
        return f"passed  {check['name']}"
    detail = f" ({check['detail']})" if check["detail"] else ""
    says = f"\n          {check['says']}" if check.get("says") else ""
    return f"FAILED  {check['name']}: {check['reason']}{detail}{says}\n          {check['link']}"


def _write_policy(policy: Mapping[str, Any]) -> str:
    mode = "" if policy["mode"] == "enforce" else f" ({policy['mode']})"
    effect = "had its effect" if policy["is_applied"] else "had no effect"
    return f"{policy['slug']}: {policy['effect']}{mode}, {policy['verdict']}, {effect}"


def _write_claim(claim: Mapping[str, Any]) -> str:
    return f"{claim['name']} = {json.dumps(claim['value'])}\n      {claim['source']}"


def _write_dropped(scope: Mapping[str, Any]) -> str:
    return f"{scope['name']}: {scope['reason']}. {scope['says']}"


def _write_decision(decision: Mapping[str, Any]) -> str:
    """Write one decision of a trial: the outcome, and what each policy said."""
    if decision["is_allowed"]:
        outcome = f"allowed  {' '.join(decision['scopes'])}"
    else:
        failed = decision["checks"][-1]
        outcome = f"REFUSED  {failed['name']}: {failed['reason']} {failed['detail']}"
    lines = (outcome.rstrip(), *map(_write_policy, decision["policies"]))
    return "\n".join(f"  {line}" for line in lines)


def _write_difference(found: Mapping[str, Any]) -> str:
    return f"{found['what']}: {found['before'] or '-'} -> {found['after'] or '-'}"


def _write_finding(found: Mapping[str, Any]) -> str:
    return f"{found['severity']}: {found['path']}: {found['message']}"


_LINES: Final[Mapping[str, Callable[[Any], str]]] = {
    "checks": _write_check,
    "policies": _write_policy,
    "claims": _write_claim,
    "dropped_scopes": _write_dropped,
    "differences": _write_difference,
    "findings": _write_finding,
}
