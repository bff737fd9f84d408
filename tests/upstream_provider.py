"""An outside OpenID provider on the loopback: a real token endpoint and a real key set."""

from __future__ import annotations

import json
import threading
import time
import uuid
from base64 import b64decode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from tenants import snapshot
from tenants.models import TrustProfile
from tenants.records import SYSTEM
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.code_flow import challenge_of
from tests.factories.tenants import find_scopes
from tests.rfc.introspecting_issuer import Server
from tests.rfc.signers import Signer, make_signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.browser_person import Person

ISSUER = "https://login.partner.example"
CLIENT_ID = "us at them"
SECRET = "pass:word+ of ours"
SLUG = "partner"


@dataclass(slots=True)
class Provider:
    """What the provider answers, and what it was asked; `extra` goes into the ID token."""

    address: str = ""
    signer: Signer = field(default_factory=make_signer)
    subject: str = "ana-at-partner"
    extra: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] | None = None
    raw: bytes | None = None
    status: int = 200
    asked: dict[str, str] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    def id_token(self) -> str:
        """Sign what is asked for, with the changes of a test; a claim of None is left out."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
            "nonce": self.asked.get("nonce"),
        }
        return self.signer.sign(claims | self.extra)

    def take(self, page: HttpResponse) -> dict[str, str]:
        """Read with what a person arrives here."""
        place = urlsplit(page.headers["Location"])
        assert f"{place.scheme}://{place.netloc}{place.path}" == f"{ISSUER}/authorize"
        self.asked = dict(parse_qsl(place.query, strict_parsing=True))
        return self.asked

    def send_back(self, person: Person, **changes: str | None) -> HttpResponse:
        """Send the person back with a code, or with what a test says; None leaves a name out."""
        usual = {"code": "a-code", "state": self.asked["state"], "iss": ISSUER}
        answer = {name: text for name, text in {**usual, **changes}.items() if text is not None}
        return person.open(f"{self.asked['redirect_uri']}?{urlencode(answer)}")


class Handler(BaseHTTPRequestHandler):
    """The token endpoint and the key set."""

    provider: Provider

    def do_GET(self) -> None:
        self._answer(200, json.dumps({"keys": [self.provider.signer.jwk]}).encode())

    def do_POST(self) -> None:
        provider = self.provider
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body, strict_parsing=True).items()}
        provider.forms.append(form)
        provider.authorizations.append(self.headers.get("Authorization", ""))
        if challenge_of(form["code_verifier"]) != provider.asked["code_challenge"]:
            self._answer(400, b'{"error": "invalid_grant"}')
            return
        tokens = {"token_type": "Bearer", "access_token": "at", "id_token": provider.id_token()}
        text = json.dumps(tokens if provider.answer is None else provider.answer).encode()
        self._answer(provider.status, text if provider.raw is None else provider.raw)

    def _answer(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


def serve_provider() -> Iterator[Provider]:
    """Serve until the test is over."""
    provider = Provider()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"provider": provider}))
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


def offer(
    tenant: Tenant,
    provider: Provider,
    *,
    secret: str | None = SECRET,
    **fields: Any,  # noqa: ANN401 - of the profile.
) -> TrustProfile:
    """Let people of a tenant sign in with the provider."""
    values: dict[str, Any] = {
        "slug": SLUG,
        "issuer": ISSUER,
        "audience": CLIENT_ID,
        "algorithms": ["ES256"],
        "jwks_uri": f"{ISSUER}/jwks",
        "provisioning": "create",
        "is_sign_in_offered": True,
        "sign_in_label": "Partner",
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "sign_in_client_id": CLIENT_ID,
        "sign_in_scopes": ["email", "profile"],
        **fields,
    }
    profile = TrustProfile(tenant=tenant, **values)
    links = {"maximum_scopes": find_scopes(tenant, ["openid", "read"])}
    save_trust_profile(profile, actor=SYSTEM, links=links, sign_in_secret=secret)
    # No rule would let it name an address without https; each test has keys of its own.
    TrustProfile.objects.filter(pk=profile.pk).update(
        jwks_uri=f"{provider.address}/jwks/{uuid.uuid4()}",
        token_endpoint=f"{provider.address}/token",
    )
    snapshot.CURRENT.forget()
    return profile


def who_is(authorization: str) -> tuple[str, str]:
    """Read HTTP Basic as RFC 6749 section 2.3.1 writes it."""
    scheme, _, encoded = authorization.partition(" ")
    assert scheme == "Basic"
    name, _, secret = b64decode(encoded).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)
