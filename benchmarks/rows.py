"""The rows of the table: which requests go to which server."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from benchmarks.load import CONNECTIONS, Load

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.servers import Server

ROWS = ("client_credentials", "introspection", "refresh")


def load_of(row: str, server: Server, folder: Path) -> Load:
    """Make the load of a row for a server; `folder` takes the first refresh tokens."""
    facts = server.facts
    is_ours = "issuer_path" in facts
    base = server.base_url + (facts["issuer_path"] + "/oauth" if is_ours else "/o")
    client = _basic(facts["client_id"], facts["secret"])
    match row:
        case "client_credentials":
            path = "/token" if is_ours else "/token/"
            return Load("post.lua", base + path, (client, "grant_type=client_credentials"))
        case "introspection":
            path = "/introspect" if is_ours else "/introspect/"
            body = urlencode({"token": facts["access_token"]})
            return Load("post.lua", base + path, (client, body))
        case "refresh":
            path = "/token" if is_ours else "/token/"
            first = folder / f"{'ours' if is_ours else 'theirs'}.tokens"
            secret = facts.get("refresh_secret", facts["secret"])
            authorization = _basic(facts["refresh_client_id"], secret)
            _write_once(first, facts["refresh_tokens"])
            return Load("refresh.lua", base + path, (authorization, str(first)), CONNECTIONS)
        case _:
            raise ValueError(row)


def _write_once(path: Path, lines: list[str]) -> None:
    if not path.exists():
        path.write_text("\n".join(lines) + "\n")


def _basic(client_id: str, secret: str) -> str:
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
