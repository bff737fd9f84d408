"""Authlib, unmodified, against the running platform."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import time_machine
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

if TYPE_CHECKING:
    from tests.live.installation import Installation

AUDIENCE = "https://orders.example/"


def open_session(
    live: Installation,
    client_id: str,
    **options: Any,  # noqa: ANN401 - the library's own.
) -> OAuth2Session:
    return OAuth2Session(*live.credentials(client_id), default_timeout=10, **options)


def open_signer(live: Installation) -> OAuth2Session:
    session = OAuth2Session(
        "signer",
        live.signer_key,
        token_endpoint_auth_method="private_key_jwt",
        default_timeout=10,
    )
    # Authlib's word for the audience of its assertions; ours is the issuer (RFC 7523 section 3).
    session.register_client_auth_method(PrivateKeyJWT(live.issuer, alg="ES256"))
    return session


def open_assertion_session(live: Installation, subject: str) -> AssertionSession:
    return AssertionSession(
        live.token_endpoint,
        issuer="https://partner.example",
        subject=subject,
        audience=live.issuer,
        client_id="spa",
        key=live.partner_key,
        header={"alg": "ES256", "kid": "partner"},
        default_timeout=10,
    )


@pytest.mark.parametrize(
    ("client_id", "method"), [("service", "client_secret_basic"), ("post", "client_secret_post")]
)
def test_client_credentials(live: Installation, client_id: str, method: str) -> None:
    with open_session(live, client_id, token_endpoint_auth_method=method) as session:
        token = session.fetch_token(
            live.token_endpoint, grant_type="client_credentials", scope="read write"
        )

    assert (token["token_type"], token["scope"]) == ("Bearer", "read write")
    assert abs(token["expires_at"] - time.time() - 3600) < 5
    key = jwt.PyJWKClient(f"{live.issuer}/jwks").get_signing_key_from_jwt(token["access_token"])
    claims = jwt.decode(
        token["access_token"], key, algorithms=["ES256"], audience=AUDIENCE, issuer=live.issuer
    )
    assert (claims["sub"], claims["client_id"]) == (client_id, client_id)


def test_refused_client_gets_an_error_that_names_the_reason(live: Installation) -> None:
    with (
        OAuth2Session("service", "wrong", default_timeout=10) as session,
        pytest.raises(OAuthError, match="invalid_client: Client authentication failed"),
    ):
        session.fetch_token(live.token_endpoint, grant_type="client_credentials")


def test_private_key_jwt(live: Installation) -> None:
    with open_signer(live) as session:
        first = session.fetch_token(live.token_endpoint, grant_type="client_credentials")
        second = session.refresh_token(live.token_endpoint)

    assert first["refresh_token"] != second["refresh_token"]
    assert live.introspect(second["access_token"])["client_id"] == "signer"


def test_private_key_jwt_of_a_client_whose_clock_is_ahead(live: Installation) -> None:
    with open_signer(live) as session, time_machine.travel(time.time() + 20):
        token = session.fetch_token(live.token_endpoint, grant_type="client_credentials")

    assert live.introspect(token["access_token"])["active"] is True


def test_refresh_introspection_and_revocation(live: Installation) -> None:
    with open_session(live, "renewing") as session:
        first = dict(session.fetch_token(live.token_endpoint, grant_type="client_credentials"))
        second = dict(session.refresh_token(live.token_endpoint))
        introspected = session.introspect_token(
            f"{live.issuer}/oauth/introspect", second["access_token"], "access_token"
        )
        revoked = session.revoke_token(  # type: ignore[no-untyped-call]  # not in its stubs.
            f"{live.issuer}/oauth/revoke", second["refresh_token"], "refresh_token"
        )

    assert first["access_token"] != second["access_token"]
    assert introspected.json()["active"] is True
    assert revoked.status_code == 200
    assert live.introspect(second["access_token"]) == {"active": False}
    assert live.introspect(second["refresh_token"], "renewing") == {"active": False}


def test_expired_token_is_renewed_by_the_library_itself(live: Installation) -> None:
    renewed: list[str] = []

    def keep(token: dict[str, Any], **_old: str) -> None:
        renewed.append(token["access_token"])

    with open_session(
        live, "renewing", token_endpoint=live.token_endpoint, update_token=keep
    ) as session:
        token = session.fetch_token(grant_type="client_credentials")
        session.token = {**token, "expires_at": time.time() - 1}
        session.get(f"{live.issuer}/jwks")

    assert live.introspect(renewed[0])["active"] is True


def test_assertion_session_gets_tokens_for_a_user_of_the_partner(live: Installation) -> None:
    with (
        open_assertion_session(live, "dominick") as one,
        open_assertion_session(live, "dominick") as same,
        open_assertion_session(live, "alice") as other,
    ):
        answers = [session.refresh_token() for session in (one, same, other)]  # type: ignore[no-untyped-call]  # not in its stubs.
        tokens = [answer["access_token"] for answer in answers]

    subjects = [live.introspect(token)["sub"] for token in tokens]
    assert subjects[0] == subjects[1] != subjects[2]
    assert {live.introspect(token)["scope"] for token in tokens} == {"read"}
