"""Authlib's OpenID Connect client, unmodified: it discovers, checks and keeps what it must."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from authlib.integrations.base_client import MismatchingStateError, OAuthError
from authlib.integrations.django_client import OAuth, token_update
from django.test import RequestFactory

from tests.clients.openid import CALLBACK, GOODBYE, make_openid_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

    from tests.clients.openid import OpenIDClient
    from tests.live.installation import Installation

SCOPE = "openid profile email offline_access"


class RelyingParty:
    """A site that has nothing but Authlib and its visitor's session."""

    def __init__(self, client: OpenIDClient, **options: Any) -> None:  # noqa: ANN401 - the library's own.
        """Register the client by the address of the issuer's description alone."""
        self.client = client
        self.session: dict[str, Any] = {}
        self.authlib = OAuth().register(
            "ours",
            client_id=client.client_id,
            client_secret=client.secret or None,
            server_metadata_url=client.discovery,
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "default_timeout": 10,
                **options,
            },
        )

    def begin(self, **parameters: Any) -> str:  # noqa: ANN401 - the library's own.
        """Answer where the library sends the visitor."""
        answer = self.authlib.authorize_redirect(self._request(), CALLBACK, **parameters)
        return str(answer.headers["Location"])

    def end(self, told: dict[str, str]) -> dict[str, Any]:
        """Let the library judge what the visitor brings back."""
        return dict(self.authlib.authorize_access_token(self._request(told)))

    def _request(self, told: dict[str, str] | None = None) -> HttpRequest:
        request = RequestFactory().get("/callback?" + urlencode(told or {}))
        request.session = self.session  # type: ignore[assignment]  # All that Authlib wants of it.
        return request


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("client_secret_basic", {}),
        ("client_secret_post", {}),
        ("none", {"kind": "spa"}),
        ("client_secret_basic", {"id_token_signed_response_alg": "ES256"}),
    ],
    ids=["basic", "post", "public", "elliptic keys"],
)
def test_person_signs_in(live: Installation, method: str, fields: dict[str, str]) -> None:
    client = make_openid_client(live, "authlib", token_endpoint_auth_method=method, **fields)
    site = RelyingParty(client, token_endpoint_auth_method=method)
    person = client.person
    token = site.end(person.authorize(site.begin(), CALLBACK))

    assert person.pages == ["password-form", "consent-form"]
    assert token["userinfo"]["iss"] == client.issuer
    assert token["userinfo"]["amr"] == ["pwd"]
    told = site.authlib.userinfo(token=token)
    assert (told["sub"], told["email"]) == (token["userinfo"]["sub"], client.email)
    assert token["scope"] == SCOPE


@pytest.fixture
def renewed() -> Iterator[list[dict[str, Any]]]:
    """Collect the tokens that the library renews by itself."""
    collected: list[dict[str, Any]] = []

    def keep(token: dict[str, Any], **_more: object) -> None:
        collected.append(token)

    token_update.connect(keep)
    yield collected
    token_update.disconnect(keep)


def test_expired_token_is_renewed_and_the_person_signs_out(
    live: Installation, renewed: list[dict[str, Any]]
) -> None:
    client = make_openid_client(live, "authlib")
    site = RelyingParty(client)
    person = client.person
    first = site.end(person.authorize(site.begin(), CALLBACK))

    told = site.authlib.userinfo(token={**first, "expires_at": 1})

    assert told["email"] == client.email
    assert renewed[0]["refresh_token"] != first["refresh_token"]
    logout = site.authlib.create_logout_url(
        post_logout_redirect_uri=GOODBYE, id_token_hint=first["id_token"], state="a-state"
    )
    assert person.authorize(logout["url"], GOODBYE) == {"state": "a-state"}
    person.pages.clear()
    person.authorize(site.begin(), CALLBACK)
    assert person.pages == ["password-form"]


def test_library_refuses_what_is_not_for_it(live: Installation) -> None:
    client = make_openid_client(live, "authlib")
    site = RelyingParty(client)
    told = client.person.authorize(site.begin(), CALLBACK)
    with pytest.raises(MismatchingStateError):
        site.end(told | {"state": "another"})
    with pytest.raises(OAuthError, match="login_required"):
        site.end(client.person.authorize(site.begin(prompt="none"), CALLBACK))
