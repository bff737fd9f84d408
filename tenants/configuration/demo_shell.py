"""Writes the demo's calls as lines for a shell, each of which works by itself."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from tenants.configuration.demo_calls import Call, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.configuration.demo_calls import Value
    from tenants.records import JSON

# What needs no encoding in a form, so that the line stays readable.
PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/*")


def write_line(call: Call) -> str:
    """Write a call for curl; a token that it needs is fetched in place."""
    parts = ["curl -sS"]
    if call.method == "DELETE":
        parts.append("-X DELETE")
    if call.user:
        parts.append(f"-u {shlex.quote(call.user)}")
    if call.bearer:
        parts.append(f"-H {_join('Authorization: Bearer ', call.bearer)}")
    if call.document is not None:
        parts.append(f"-H 'Content-Type: application/json' -d {_quote(call.document)}")
    parts += [_write_field(name, value) for name, value in call.form.items()]
    return " ".join([*parts, shlex.quote(call.url)])


def _quote(document: Mapping[str, JSON]) -> str:
    return shlex.quote(write_json(document))


def _write_field(name: str, value: Value) -> str:
    is_plain = isinstance(value, Call) or PLAIN.issuperset(value)
    return f"{'-d' if is_plain else '--data-urlencode'} {_join(f'{name}=', value)}"


def _join(text: str, value: Value) -> str:
    if isinstance(value, str):
        return shlex.quote(text + value)
    found = f"""sed 's/.*"{value.answers}":"//; s/".*//'"""
    return f'{shlex.quote(text)}"$({write_line(value)} | {found})"'
