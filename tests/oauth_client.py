"""The protocol's verbs over HTTP, for black-box tests."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlencode

from django.test import Client as HttpClient

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

FORM = "application/x-www-form-urlencoded"


class OAuthClient:
    """Speaks to one issuer; each verb answers Django's response."""

    def __init__(self, tenant: Tenant) -> None:
        """Speak to the tenant's issuer."""
        self.base = f"/t/{tenant.path}"
        self.http = HttpClient(raise_request_exception=False)

    def token(self, client: MadeClient | None = None, /, **parameters: Any) -> HttpResponse:
        """Ask for a token, with HTTP Basic where the client has a secret."""
        parameters.setdefault("grant_type", "client_credentials")
        return self.post("/oauth/token", client, **parameters)

    def introspect(self, client: MadeClient | None, token: str, /, **more: Any) -> HttpResponse:
        """Introspect a token."""
        return self.post("/oauth/introspect", client, token=token, **more)

    def revoke(self, client: MadeClient | None, token: str, /, **more: Any) -> HttpResponse:
        """Revoke a token."""
        return self.post("/oauth/revoke", client, token=token, **more)

    def end_session(self, token: str) -> HttpResponse:
        """End the session of a bearer token."""
        return self.http.delete(
            f"{self.base}/session", headers={"Authorization": f"Bearer {token}"}
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        """Get a document below the issuer."""
        return self.http.get(f"{self.base}{path}", headers=headers)

    def post(
        self, path: str, client: MadeClient | None = None, /, **parameters: Any
    ) -> HttpResponse:
        """Send a form; a list sends its parameter once for each item."""
        headers = {"Authorization": basic(client.client_id, client.secret)} if client else {}
        return self.post_raw(path, urlencode(parameters, doseq=True, quote_via=quote), **headers)

    def post_raw(
        self, path: str, body: str | bytes, *, content_type: str = FORM, **headers: str
    ) -> HttpResponse:
        """Send a body as it is."""
        return self.http.generic(
            "POST", f"{self.base}{path}", body, content_type=content_type, headers=headers
        )


def basic(client_id: str, secret: str) -> str:
    """Write an HTTP Basic header, form-encoding both halves. Source: RFC 6749 section 2.3.1."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
