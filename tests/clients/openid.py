"""Clients of the tenant at which people sign in, for stock OpenID Connect libraries."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.clients.walking_person import WalkingPerson

if TYPE_CHECKING:
    from tests.live.installation import Installation

CODE_GRANTS = ("authorization_code", "refresh_token")
CALLBACK = "http://127.0.0.1:43211/callback"
GOODBYE = "http://127.0.0.1:43211/bye"


@dataclass(frozen=True, slots=True)
class OpenIDClient:
    """A client, where it signs people in, and somebody who has a password there."""

    issuer: str
    client_id: str
    email: str
    secret: str = field(repr=False)

    @property
    def person(self) -> WalkingPerson:
        """The person, with a browser that has no cookies yet."""
        return WalkingPerson(self.email)

    @property
    def discovery(self) -> str:
        """Where its issuer describes itself. Source: OpenID Connect Discovery section 4."""
        return f"{self.issuer}/.well-known/openid-configuration"


def make_openid_client(live: Installation, library: str, **fields: Any) -> OpenIDClient:  # noqa: ANN401 - of the model.
    """Make a client; for codes at CALLBACK, and with a secret, unless it says otherwise."""
    client_id = f"{library}-{uuid.uuid4().hex[:8]}"
    fields.setdefault("name", "A stock client")
    fields.setdefault("kind", "web")
    fields.setdefault("grant_types", CODE_GRANTS)
    fields.setdefault("redirect_uris", CALLBACK)
    fields.setdefault("post_logout_redirect_uris", GOODBYE)
    made = live.shell.call("make_openid_client", client_id=client_id, **fields)
    issuer = live.issuer.rpartition("/")[0] + "/people"
    return OpenIDClient(issuer, client_id, made["email"], made["secret"])


def find_port() -> int:
    """Answer a port of the loopback that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
