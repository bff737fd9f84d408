"""Drives the code flow as an application and its person do: authorize, sign in, agree, redeem."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.browser_person import REDIRECTS, Person
from tests.factories.people import make_subject_with_password
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Subject, Tenant

CALLBACK = "https://app.example/callback"
EMAIL = "ana@example.org"
VERIFIER = secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    """Make the S256 challenge of a verifier. Source: RFC 7636 section 4.2."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class CodeFlow:
    """An application of a tenant, and somebody in front of a browser."""

    def __init__(self, tenant: Tenant, client: MadeClient, **browser: Any) -> None:
        """Know both; `browser` goes to the person's."""
        self.tenant = tenant
        self.client = client
        self.oauth = OAuthClient(tenant)
        self.person = Person(tenant, **browser)

    def address(self, api: str = "", /, **parameters: Any) -> str:
        """Write an authorization request; None leaves a parameter out, a list repeats it."""
        usual: dict[str, Any] = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid read",
            "state": "a-state",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        asked = {name: text for name, text in (usual | parameters).items() if text is not None}
        below = f"/apis/{api}" if api else ""
        return f"{self.person.issuer}{below}/oauth/authorize?{urlencode(asked, doseq=True)}"

    def ask(self, api: str = "", /, **parameters: Any) -> HttpResponse:
        """Open the request in the person's browser and follow it to a page or to the client."""
        return self.person.open(self.address(api, **parameters))

    def sign_in(self, identifier: str = EMAIL) -> None:
        """Sign the person in, before any application asks."""
        self.person.sign_in(identifier)

    def agree(self, page: HttpResponse, **fields: Any) -> HttpResponse:
        """Press the button that allows what is ticked."""
        return self.person.submit(page, "consent-form", decision="allow", **fields)

    def code(self, api: str = "", /, **parameters: Any) -> str:
        """Walk the whole way to a code; the person signs in and agrees where they have to."""
        page = self.ask(api, **parameters)
        if b'id="password-form"' in page.content:
            page = self.person.prove(page, EMAIL)
        if b'id="consent-form"' in page.content:
            page = self.agree(page)
        return answer_of(page)["code"]

    def redeem(self, code: str, api: str = "", /, **parameters: Any) -> HttpResponse:
        """Swap a code for tokens."""
        usual: dict[str, Any] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        sent = {name: text for name, text in (usual | parameters).items() if text is not None}
        below = f"/apis/{api}" if api else ""
        client = self.client if self.client.secret else None
        if client is None:
            sent.setdefault("client_id", self.client.client_id)
        return self.oauth.post(f"{below}/oauth/token", client, **sent)

    def tokens(self, api: str = "", /, **parameters: Any) -> dict[str, Any]:
        """Walk the whole way to tokens."""
        answer = self.redeem(self.code(api, **parameters))
        assert answer.status_code == 200, answer.content
        return dict(answer.json())


def answer_of(response: HttpResponse) -> dict[str, str]:
    """Read what a redirect tells the client, in query or fragment."""
    assert response.status_code in REDIRECTS, response.content.decode()
    parts = urlsplit(response.headers["Location"])
    return dict(parse_qsl(parts.fragment or parts.query, strict_parsing=True))


def make_web_client(tenant: Tenant, client_id: str = "web-app", **fields: Any) -> MadeClient:
    """Make a confidential client that sends people to sign in."""
    fields.setdefault("grant_types", ["authorization_code", "refresh_token"])
    fields.setdefault("redirect_uris", CALLBACK)
    fields.setdefault("scopes", ["openid", "offline_access", "read", "write"])
    fields.setdefault("name", "The web app")
    fields.setdefault("kind", "web")
    return make_client(tenant, client_id, **fields)


def make_flow(*, subject: dict[str, Any] | None = None, **client: Any) -> CodeFlow:
    """Make a tenant with an Api, a person with a password and a web client."""
    tenant = make_tenant()
    make_api(tenant)
    make_subject_with_password(tenant, EMAIL, **(subject or {}))
    return CodeFlow(tenant, make_web_client(tenant, **client))


def person_of(flow: CodeFlow) -> Subject:
    """Answer the person of a flow."""
    return flow.tenant.subjects.get(email=EMAIL)
