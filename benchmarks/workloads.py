"""The requests of the benchmark, the same for whatever server answers them."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


class Workload(StrEnum):
    """What is asked for."""

    CLIENT_CREDENTIALS = "client_credentials"
    INTROSPECTION = "introspection"
    REFRESH = "refresh"


def path_of(workload: Workload, facts: Mapping[str, Any]) -> str:
    """Answer the path of the endpoint."""
    is_introspection = workload is Workload.INTROSPECTION
    return str(facts["introspection_path" if is_introspection else "token_path"])


def form_of(workload: Workload, kind: str, facts: Mapping[str, Any], token: str = "") -> str:
    """Write the body of a request; `kind` is that of the client, `token` a refresh token."""
    match workload:
        case Workload.INTROSPECTION:
            introspected = facts["access_tokens"][kind]
            return urlencode({"token": introspected, "token_type_hint": "access_token"})
        case Workload.REFRESH:
            return urlencode({"grant_type": "refresh_token", "refresh_token": token})
        case Workload.CLIENT_CREDENTIALS:
            scope = facts.get("scopes", {}).get(kind, "read")
            return urlencode({"grant_type": "client_credentials", "scope": scope})


def basic(client_id: str, secret: str) -> str:
    """Write an HTTP Basic header, form-encoding both halves. Source: RFC 6749 section 2.3.1."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
