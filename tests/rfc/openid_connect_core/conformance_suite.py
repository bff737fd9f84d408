"""The client of the OpenID Foundation's conformance suite: with a nonce, without PKCE."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from tests.factories.code_flow import CALLBACK, EMAIL, CodeFlow, answer_of
from tests.rfc.verification import verify

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse


class Suite(CodeFlow):
    """Walks as the suite does, unless a module says otherwise."""

    def address(self, api: str = "", /, **parameters: Any) -> str:  # noqa: ANN401 - as in what it extends.
        """Write a request as the suite does."""
        usual = {
            "scope": "openid",
            "nonce": secrets.token_hex(8),
            "code_challenge": None,
            "code_challenge_method": None,
        }
        return super().address(api, **(usual | parameters))

    def walk(self, **parameters: str | int | None) -> dict[str, str]:
        """Answer what the client is told, by redirect or by form."""
        return self.finish(self.ask(**parameters))

    def finish(self, page: HttpResponse) -> dict[str, str]:
        """Sign in and agree where the page asks for it."""
        if b'id="password-form"' in page.content:
            page = self.person.prove(page, EMAIL)
        if b'id="consent-form"' in page.content:
            page = self.agree(page)
        if page.status_code == 200:
            form = self.person.form(page)
            assert form.action == CALLBACK
            return {name: values[0] for name, values in form.fields.items()}
        return answer_of(page)

    def swap(self, code: str, verifier: str | None = None) -> dict[str, Any]:
        """Answer the tokens of a code."""
        answer = self.redeem(code, code_verifier=verifier)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def begin(self, **parameters: str | int | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Answer tokens and the claims of their ID token."""
        tokens = self.swap(self.walk(**parameters)["code"])
        return tokens, self.verified(tokens)

    def verified(self, tokens: dict[str, Any]) -> dict[str, Any]:
        return verify(self.oauth, tokens["id_token"], self.client.client_id)

    def userinfo(self, tokens: dict[str, Any]) -> HttpResponse:
        bearer = f"Bearer {tokens['access_token']}"
        return self.oauth.get("/oauth/userinfo", Authorization=bearer)
