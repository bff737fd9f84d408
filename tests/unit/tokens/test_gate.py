"""The gate: the row decides, and nothing that is presented."""

from __future__ import annotations

import itertools
import json
import logging
import time
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tenants.models import SigningKey
from tenants.records import SYSTEM, KeyState
from tenants.services import cut_offs
from tests.factories.tokens import Issuer, make_issuer, make_subject, subject_record
from tokens import gate, sessions
from tokens.models import AccessToken
from tokens.prepared_keys import prepared_key
from tokens.signing import SigningAlgorithm, encode_header, generate_key, prepare_key, sign

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]

SOME_ID = uuid.UUID(int=1)


@pytest.fixture
def issuer() -> Issuer:
    return make_issuer(refresh_token_enabled=False)


@pytest.fixture
def opaque_issuer() -> Issuer:
    return make_issuer(refresh_token_enabled=False, access_token_format="opaque")


def access_token(answer: dict[str, Any]) -> str:
    return str(answer["access_token"])


def payload_of(text: str) -> dict[str, Any]:
    segment = text.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4))))


def token_id_of(text: str) -> UUID:
    found = gate.read_unverified_token_id(text)
    assert found is not None
    return found


def encode(document: object) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def test_issued_jwt_is_accepted_with_the_facts_of_its_row(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    accepted = gate.accept(issuer.core, text)
    assert accepted is not None
    row = AccessToken.objects.get(pk=accepted.id)
    assert (accepted.client, accepted.client_id) == (row.client_id, "api-client")
    assert (accepted.scopes, accepted.audiences) == (("read",), ("https://orders.example/",))
    assert accepted.api_ids == (issuer.api.pk,)
    assert (accepted.format, accepted.algorithm, accepted.kid) == (
        "jwt",
        "ES256",
        next(k.kid for k in issuer.core.keys if k.state == KeyState.CURRENT),
    )
    assert accepted.issued_at == int(row.issued_at.timestamp())
    assert accepted.expires_at == int(row.expires_at.timestamp())
    assert (accepted.grant_type, accepted.claim_profile) == ("client_credentials", "rfc9068")


def test_issued_opaque_token_is_accepted(opaque_issuer: Issuer) -> None:
    text = access_token(opaque_issuer.issue(requested_scopes=("read",)))
    accepted = gate.accept(opaque_issuer.core, text)
    assert accepted is not None
    assert (accepted.format, accepted.algorithm, accepted.kid) == ("opaque", "", "")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_asymmetric_algorithm_is_accepted(algorithm: str) -> None:
    issuer = make_issuer(refresh_token_enabled=False, api={"signing_algorithm": algorithm})
    accepted = gate.accept(issuer.core, access_token(issuer.issue(requested_scopes=("read",))))
    assert accepted is not None
    assert accepted.algorithm == algorithm


def test_acceptance_takes_one_statement(
    issuer: Issuer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    text, core = access_token(issuer.issue(requested_scopes=("read",))), issuer.core
    with django_assert_num_queries(1):
        assert gate.accept(core, text) is not None


def test_symmetric_token_is_accepted_only_where_the_caller_says_so() -> None:
    issuer = make_issuer(refresh_token_enabled=False, api={"signing_algorithm": "HS256"})
    text = access_token(issuer.issue(requested_scopes=("read",)))
    assert gate.accept(issuer.core, text) is None
    accepted = gate.accept(issuer.core, text, accept_symmetric=True)
    assert accepted is not None
    assert accepted.algorithm == "HS256"


@pytest.mark.parametrize("profile", ["spaceblocks", "onewelcome", "thinktecture", "aidbox"])
def test_token_of_each_claim_profile_is_found_by_its_id(profile: str) -> None:
    issuer = make_issuer(
        refresh_token_enabled=False, api={"claim_profile": profile, "signing_algorithm": "RS256"}
    )
    accepted = gate.accept(issuer.core, access_token(issuer.issue(requested_scopes=("read",))))
    assert accepted is not None
    assert accepted.claim_profile == profile


def test_token_of_another_tenant_is_not_accepted(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    other = make_issuer("initech")
    assert gate.accept(other.core, text) is None


def test_payload_changed_after_signing_is_not_accepted(issuer: Issuer) -> None:
    header, _, signature = access_token(issuer.issue(requested_scopes=("read",))).split(".")
    text = access_token(issuer.issue(requested_scopes=("read",)))
    changed = encode({**payload_of(text), "scope": "read write"})
    assert gate.accept(issuer.core, f"{header}.{changed}.{signature}") is None


def test_token_signed_by_another_key_of_the_ring_is_not_accepted(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    core = issuer.core
    following = next(key for key in core.keys if key.state == KeyState.NEXT)
    header = encode_header({"alg": "ES256", "kid": following.kid, "typ": "at+jwt"})
    forged = sign(prepared_key(core.id, following), header, json.dumps(payload_of(text)).encode())
    assert gate.accept(core, forged) is None


def test_algorithm_of_the_header_is_never_followed(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    payload = json.dumps(payload_of(text)).encode()
    secret = generate_key(SigningAlgorithm.HS256).private
    key = prepare_key(kid="x", algorithm=SigningAlgorithm.HS256, private=secret)
    forged = sign(key, encode_header({"alg": "HS256"}), payload)
    unsigned = f"{encode({'alg': 'none'})}.{text.split('.')[1]}."
    assert gate.accept(issuer.core, forged, accept_symmetric=True) is None
    assert gate.accept(issuer.core, unsigned) is None


def test_jwt_that_names_an_opaque_row_is_not_accepted(opaque_issuer: Issuer) -> None:
    opaque = access_token(opaque_issuer.issue(requested_scopes=("read",)))
    jwt_issuer = make_issuer("initech", refresh_token_enabled=False)
    jwt_issuer.issue(requested_scopes=("read",))
    core = jwt_issuer.core
    key = next(key for key in core.keys if key.state == KeyState.CURRENT)
    payload = json.dumps({"jti": str(UUID(bytes=bytes.fromhex(opaque)[:16]))}).encode()
    forged = sign(prepared_key(core.id, key), encode_header({"alg": "ES256"}), payload)
    assert gate.accept(opaque_issuer.core, forged) is None


def test_opaque_text_that_names_a_jwt_row_is_not_accepted(issuer: Issuer) -> None:
    token_id = token_id_of(access_token(issuer.issue(requested_scopes=("read",))))
    assert gate.accept(issuer.core, (token_id.bytes + bytes(16)).hex().upper()) is None


def test_wrong_secret_half_is_not_accepted(opaque_issuer: Issuer) -> None:
    text = access_token(opaque_issuer.issue(requested_scopes=("read",)))
    assert gate.accept(opaque_issuer.core, text[:32] + "0" * 32) is None
    assert gate.accept(opaque_issuer.core, text.lower()) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        "\x00" * 64,
        "é" * 64,
        f"{encode({})}.{encode([])}.x",
        f"{encode({})}.{encode({'jti': 7})}.x",
        f"{encode({})}.{encode({'jti': str(SOME_ID)})}.x",
        f"{encode({})}.{encode({'jti': '{' + str(SOME_ID) + '}'})}.x",
        f"{encode({})}.{encode({'jti': 'AT.' * 3000})}.x",
        "A" * 64,
        "x" * 100_000,
    ],
    ids=itertools.count(),
)
def test_hostile_text_is_not_accepted(issuer: Issuer, text: str) -> None:
    assert gate.accept(issuer.core, text) is None


def test_expired_token_is_not_accepted(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",), now=time.time() - 60))
    assert gate.accept(issuer.core, text) is not None
    AccessToken.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert gate.accept(issuer.core, text) is None


def test_revoked_token_is_not_accepted(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    assert sessions.revoke_access_token(issuer.core.id, token_id_of(text)) is True
    assert gate.accept(issuer.core, text) is None


def test_token_of_a_disabled_or_deleted_subject_is_not_accepted(issuer: Issuer) -> None:
    subject = make_subject(issuer.tenant)
    asked = {"requested_scopes": ("read",), "subject": subject_record(subject.pk)}
    text = access_token(issuer.issue(**asked))
    accepted = gate.accept(issuer.core, text)
    assert accepted is not None
    assert accepted.subject_id == subject.pk
    type(subject).objects.update(is_enabled=False)
    assert gate.accept(issuer.core, text) is None
    subject.delete()
    assert gate.accept(issuer.core, text) is None


@pytest.mark.parametrize("generations", [1, 2, 3])
def test_token_whose_ancestor_is_revoked_is_not_accepted(issuer: Issuer, generations: int) -> None:
    texts = [access_token(issuer.issue(requested_scopes=("read",))) for _ in range(generations + 1)]
    ids = [token_id_of(text) for text in texts]
    for parent, child in pairwise(ids):
        AccessToken.objects.filter(pk=child).update(parent_id=parent)
    assert gate.accept(issuer.core, texts[-1]) is not None
    sessions.revoke_access_token(issuer.core.id, ids[0])
    assert gate.accept(issuer.core, texts[-1]) is None


def test_circle_of_parents_is_dead_and_does_not_hang(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    AccessToken.objects.update(parent_id=token_id_of(text))
    assert gate.accept(issuer.core, text) is None


def selectors_of(token: AccessToken) -> dict[str, Any]:
    return {
        "client_id": token.client_id,
        "subject_id": token.subject_id,
        "api_id": token.api_ids[0],
        "signing_key_id": token.signing_key_id,
        "token_id": token.pk,
    }


@pytest.mark.parametrize(
    "name", ["client_id", "subject_id", "api_id", "signing_key_id", "token_id"]
)
def test_cut_off_ends_what_matches_and_nothing_else(issuer: Issuer, name: str) -> None:
    subject = make_subject(issuer.tenant)
    asked = {"requested_scopes": ("read",), "subject": subject_record(subject.pk)}
    text = access_token(issuer.issue(**asked))
    selectors = selectors_of(AccessToken.objects.get())
    other: dict[str, Any] = {name: uuid.uuid4()}
    cut_offs.end(issuer.tenant.pk, actor=SYSTEM, **other)
    cut_offs.end(issuer.tenant.pk, actor=SYSTEM, **{**selectors, "session_id": uuid.uuid4()})
    assert gate.accept(issuer.core, text) is not None
    cut_offs.end(issuer.tenant.pk, actor=SYSTEM, **{name: selectors[name]})
    assert gate.accept(issuer.core, text) is None
    if name != "token_id":
        assert gate.accept(issuer.core, access_token(issuer.issue(**asked))) is not None


def test_cut_off_without_selector_ends_everything_of_its_tenant_only(issuer: Issuer) -> None:
    other = make_issuer("initech", refresh_token_enabled=False)
    text = access_token(issuer.issue(requested_scopes=("read",)))
    other_text = access_token(other.issue(requested_scopes=("read",)))
    cut_offs.end(issuer.tenant.pk, actor=SYSTEM)
    assert gate.accept(issuer.core, text) is None
    assert gate.accept(other.core, other_text) is not None


def test_process_that_has_not_seen_a_cut_off_issues_nothing_that_outlives_it(
    issuer: Issuer,
) -> None:
    cut_off = cut_offs.end(issuer.tenant.pk, actor=SYSTEM)
    late = issuer.issue(requested_scopes=("read",), cut_off_number=cut_off.number - 1)
    informed = issuer.issue(requested_scopes=("read",), cut_off_number=cut_off.number)
    assert gate.accept(issuer.core, access_token(late)) is None
    assert gate.accept(issuer.core, access_token(informed)) is not None


def test_token_of_a_retired_key_is_not_accepted(issuer: Issuer) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    SigningKey.objects.filter(state="current").update(state="retired")
    assert gate.accept(issuer.core, text) is None


def test_refusal_is_logged_by_jti_and_never_with_the_token(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    text = access_token(issuer.issue(requested_scopes=("read",)))
    sessions.revoke_access_token(issuer.core.id, token_id_of(text))
    with caplog.at_level(logging.INFO, logger="tokens.gate"):
        gate.accept(issuer.core, text)
    (record,) = caplog.records
    assert record.__dict__["reason"] == "revoked"
    assert record.__dict__["jti"] == str(token_id_of(text))
    assert text not in str(record.__dict__)


def test_refresh_token_is_looked_up_until_it_is_used() -> None:
    issuer = make_issuer(refresh_token_enabled=True)
    text = str(issuer.issue(requested_scopes=("read",))["refresh_token"])
    found = gate.look_up_refresh(issuer.core, text)
    assert found is not None
    assert (found.client_id, list(found.scopes)) == ("api-client", ["read"])
    assert gate.look_up_refresh(make_issuer("initech").core, text) is None
    issuer.refresh(text)
    assert gate.look_up_refresh(issuer.core, text) is None
