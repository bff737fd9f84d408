"""People who are signed in in a browser, past the sign-in page, with the tokens of a client."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants import snapshot
from tenants.assurance import Assurance
from tenants.credentials import CredentialKind, parse_credential
from tenants.models import Client
from tenants.records import Authentication
from tests.browser_person import Person
from tokens import sign_ins
from tokens.front_channel import cookies
from tokens.sign_ins import Proof

if TYPE_CHECKING:
    from uuid import UUID

    from tests.factories.openid import RelyingParty


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, their browser, and how they were recognised."""

    party: RelyingParty
    browser: Person
    authentication: Authentication

    @property
    def is_signed_in(self) -> bool:
        """Whether the browser's cookie, if it still has one, is worth anything."""
        text = self.browser.http.cookies[cookies.SIGN_IN].value
        return sign_ins.find(self.party.core, text, now=time.time()) is not None

    def tokens(
        self,
        *scopes: str,
        party: RelyingParty | None = None,
        **changes: Any,  # noqa: ANN401 - of the request.
    ) -> dict[str, Any]:
        """Answer the tokens of a session with a client, the usual one if none is named."""
        client = party or self.party
        return client.begin(*scopes, authentication=self.authentication, **changes)


def sign_in(party: RelyingParty, browser: Person | None = None) -> SignedIn:
    """Sign the person of a client in, in a browser of their own or in this one."""
    proof = Proof(party.subject.pk, Assurance.ONE_FACTOR, ("pwd",), "203.0.113.7", "a browser")
    now = time.time()
    text = sign_ins.begin(party.core, proof, number=snapshot.CURRENT.confirm(), now=now)
    assert text is not None
    credential = parse_credential(CredentialKind.SIGN_IN, text)
    assert credential is not None
    browser = browser or Person(party.tenant)
    browser.http.cookies[cookies.SIGN_IN] = text
    authentication = Authentication(credential.row_id, int(now), Assurance.ONE_FACTOR, ("pwd",))
    return SignedIn(party, browser, authentication)


def tell_at(client_row_id: UUID, address: str) -> None:
    """Let a client be told of logouts at a server of the tests, which no rule would let it name."""
    Client.objects.filter(pk=client_row_id).update(backchannel_logout_uri=address)
    snapshot.CURRENT.forget()
