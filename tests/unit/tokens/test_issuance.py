"""What an issued token answers, and how a tenant gets its first key."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING

import pytest

from tenants.models import SigningKey
from tests.factories.tokens import make_issuer
from tokens.models import AccessToken
from tokens.signing import public_key, verify

if TYPE_CHECKING:
    from tenants.records import JSON

pytestmark = pytest.mark.django_db


def decode(segment: str) -> dict[str, JSON]:
    return dict(json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4))))


def test_answer_has_the_members_of_the_standard() -> None:
    answer = make_issuer(refresh_token_enabled=False).issue(requested_scopes=("read", "write"))
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == (
        "Bearer",
        3600,
        "read write",
    )


def test_refresh_token_is_answered_only_where_it_is_enabled() -> None:
    answer = make_issuer(refresh_token_enabled=True).issue(requested_scopes=("read",))
    assert str(answer["refresh_token"]).startswith("art_")
    assert "refresh_token" not in make_issuer("initech", grant_types=["client_credentials"]).issue(
        requested_scopes=("read",)
    )


def test_first_token_makes_the_ring_and_names_its_key() -> None:
    issuer = make_issuer(refresh_token_enabled=False)
    assert not SigningKey.objects.filter(tenant=issuer.tenant).exists()
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    current = SigningKey.objects.get(tenant=issuer.tenant, state="current")
    header = decode(text.split(".", maxsplit=1)[0])
    assert (header["kid"], header["alg"], header["typ"]) == (current.kid, "ES256", "at+jwt")
    payload = verify(text, key=public_key(current.public_jwk or {}), algorithm="ES256")
    claims = json.loads(payload)
    token = AccessToken.objects.get()
    assert claims["jti"] == str(token.pk)
    assert claims["exp"] == int(token.expires_at.timestamp())
    assert token.signing_key_id == current.pk


def test_opaque_token_is_64_upper_case_hexadecimal_characters_and_needs_no_key() -> None:
    issuer = make_issuer(refresh_token_enabled=False, access_token_format="opaque")
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    assert len(text) == 64
    assert set(text) <= set("0123456789ABCDEF")
    assert AccessToken.objects.get().pk.bytes.hex().upper() == text[:32]
    assert not SigningKey.objects.filter(tenant=issuer.tenant).exists()


def test_id_of_the_row_is_ordered_by_its_expiry() -> None:
    issuer = make_issuer(refresh_token_enabled=False)
    issuer.issue(requested_scopes=("read",))
    token = AccessToken.objects.get()
    assert token.pk.int >> 80 == int(token.expires_at.timestamp() * 1000)
