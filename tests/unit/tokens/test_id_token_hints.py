"""A hint is an ID token that we have issued, and nothing else that somebody sends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa

from tenants.models import SigningKey
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.openid import RelyingParty, make_party
from tests.factories.tenants import make_tenant
from tokens import keys
from tokens.id_token_hints import read_hint
from tokens.tenant_signatures import sign_claims

if TYPE_CHECKING:
    from tenants.records import JSON

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> RelyingParty:
    return make_party(make_tenant())


def test_hint_names_person_client_and_sign_in(party: RelyingParty) -> None:
    recognised = party.recognise()
    text = party.begin("openid", authentication=recognised)["id_token"]
    hint = read_hint(party.core, text)
    assert hint is not None
    assert (hint.sub, hint.client_id) == (str(party.subject.pk), "web-app")
    assert hint.sid == str(recognised.sign_in_id)
    assert hint.is_subject(party.subject.pk, party.core)
    assert not hint.is_subject(recognised.sign_in_id, party.core)


def test_hint_of_a_pairwise_client_names_the_person() -> None:
    party = make_party(make_tenant(), subject_type="pairwise")
    text = party.begin("openid")["id_token"]
    hint = read_hint(party.core, text)
    assert hint is not None
    assert hint.sub != str(party.subject.pk)
    assert hint.is_subject(party.subject.pk, party.core)


def test_expired_hint_is_still_one(party: RelyingParty) -> None:
    text = party.begin("openid")["id_token"]
    with time_machine.travel(time.time() + 7 * 86_400, tick=False):
        assert read_hint(party.core, text) is not None


def test_replaced_key_verifies_and_a_leaked_one_does_not(party: RelyingParty) -> None:
    text = party.begin("openid")["id_token"]
    keys.rotate(party.tenant.pk, "RS256", None)
    assert read_hint(party.core, text) is not None
    newer = party.begin("openid")["id_token"]
    keys.rotate(party.tenant.pk, "RS256", None, emergency=True)
    assert read_hint(party.core, newer) is None
    assert read_hint(party.core, text) is not None


def signed(party: RelyingParty, **altered: JSON) -> str:
    token_type = str(altered.pop("token_type", "JWT"))
    claims: dict[str, Any] = {
        "iss": party.core.issuer,
        "sub": str(party.subject.pk),
        "aud": "web-app",
        "sid": "018f3c7a-5b1e-7c3d-9a2b-4f5e6d7c8b9a",
        "exp": 1_700_000_000,
    }
    told = {name: value for name, value in (claims | altered).items() if value is not None}
    return sign_claims(party.core, told, algorithm="RS256", token_type=token_type)


def test_what_the_others_lack_is_all_that_is_wrong_with_them(party: RelyingParty) -> None:
    text = signed(party)
    assert read_hint(party.core, text) is not None


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "legacy issuer": {"iss": "https://legacy.example"},
    "an unknown client": {"aud": "nobody"},
    "an Api": {"aud": "https://orders.example/"},
    "several audiences": {"aud": ["web-app", "nobody"]},
    "NUL": {"aud": "web-app\x00"},
    "no subject": {"sub": None},
    "a number": {"sub": 7},
    "no sign-in": {"sid": None},
    "no expiry": {"exp": None},
    "an access token": {"token_type": "at+jwt"},
    "a logout token": {"token_type": "logout+jwt"},
}


@pytest.mark.parametrize("altered", WRONG.values(), ids=WRONG)
def test_other_statements_of_ours_are_no_hints(
    party: RelyingParty, altered: dict[str, Any]
) -> None:
    text = signed(party, **altered)
    assert read_hint(party.core, text) is None


def test_forgeries_are_no_hints(party: RelyingParty) -> None:
    text = party.begin("openid")["id_token"]
    header, payload, signature = text.split(".")
    kid = jwt.get_unverified_header(text)["kid"]
    claims = jwt.decode(text, options={"verify_signature": False})
    foreign = rsa.generate_private_key(65537, 2048)
    public = SigningKey.objects.get(kid=kid).public_jwk
    assert public is not None
    forged = [
        *("", "x", "..", "a.b.c", text * 20, text[:-2], f"{header}.{payload}.", f"{text}.x"),
        f"{header}.{payload}.{signature[::-1]}",
        jwt.encode(claims, "", algorithm="none", headers={"kid": kid}),
        jwt.encode(claims, public["n"], algorithm="HS256", headers={"kid": kid}),
        jwt.encode(claims, foreign, algorithm="RS256", headers={"kid": kid}),
        jwt.encode(claims, foreign, algorithm="PS256", headers={"kid": kid}),
        jwt.encode(claims, foreign, algorithm="RS256"),
    ]
    for forgery in forged:
        assert read_hint(party.core, forgery) is None, forgery[:40]
    other = make_party(make_tenant("initech"))
    assert read_hint(other.core, text) is None


def test_hint_of_a_client_that_is_gone_is_none(party: RelyingParty) -> None:
    text = party.begin("openid")["id_token"]
    assert read_hint(party.core, text) is not None
    changes.delete(party.made.client, actor=SYSTEM)
    assert read_hint(party.core, text) is None
