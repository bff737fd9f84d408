"""What a signature has proven once needs no key again; the row goes on to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tenants.models import SigningKey
from tenants.records import KeyState
from tests.factories.tokens import make_issuer
from tokens import gate, proofs, sessions
from tokens.models import AccessToken
from tokens.proofs import Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.factories.tokens import Issuer

PROOF = Proof(UUID(int=1), UUID(int=2), "ES256")


@pytest.fixture(autouse=True)
def _nothing_proven() -> Iterator[None]:
    proofs.forget()
    yield
    proofs.forget()


@pytest.fixture
def issuer(db: None) -> Issuer:  # noqa: ARG001 - the row is in the database.
    return make_issuer(refresh_token_enabled=False)


def issue(issuer: Issuer) -> str:
    return str(issuer.issue(requested_scopes=("read",))["access_token"])


def test_exactly_the_text_is_recalled() -> None:
    proofs.remember("a.b.c", PROOF)
    assert proofs.recall("a.b.c") == PROOF
    for other in ("a.b.d", "a.b.c ", "a.b", "", "a.b.c\ud800"):
        assert proofs.recall(other) is None


def test_the_oldest_proof_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "MAX_PROOFS", 3)
    for number in range(5):
        proofs.remember(str(number), PROOF)
    assert proofs.count() == 3
    assert [proofs.recall(str(number)) is None for number in range(5)] == [True] * 2 + [False] * 3


def test_accepted_token_is_remembered_and_has_the_same_facts(issuer: Issuer) -> None:
    text = issue(issuer)
    first = gate.accept(issuer.core, text)
    assert first is not None
    key = SigningKey.objects.get(kid=first.kid)
    assert proofs.recall(text) == Proof(first.id, key.pk, key.algorithm)
    assert gate.accept(issuer.core, text) == first


def test_refused_signature_is_not_remembered(issuer: Issuer) -> None:
    header, payload, _ = issue(issuer).split(".")
    _, _, signature = issue(issuer).split(".")
    text = f"{header}.{payload}.{signature}"
    assert gate.accept(issuer.core, text) is None
    assert proofs.count() == 0


def test_remembered_token_dies_with_its_row(issuer: Issuer) -> None:
    text = issue(issuer)
    accepted = gate.accept(issuer.core, text)
    assert accepted is not None
    sessions.revoke_access_token(issuer.core.id, accepted.id)
    assert gate.accept(issuer.core, text) is None


def test_remembered_token_dies_with_its_key(issuer: Issuer) -> None:
    text = issue(issuer)
    assert gate.accept(issuer.core, text) is not None
    SigningKey.objects.update(state=KeyState.RETIRED)
    assert gate.accept(issuer.core, text) is None


def test_remembered_token_is_another_keys_no_longer_than_its_row_says(issuer: Issuer) -> None:
    text, core = issue(issuer), issuer.core
    assert gate.accept(core, text) is not None
    AccessToken.objects.update(signing_key_id=next(k.id for k in core.keys if k.state == "next"))
    assert gate.accept(core, text) is None


def test_remembered_token_dies_with_its_keys_algorithm(issuer: Issuer) -> None:
    text = issue(issuer)
    assert gate.accept(issuer.core, text) is not None
    SigningKey.objects.filter(state=KeyState.CURRENT).update(algorithm="EdDSA")
    assert gate.accept(issuer.core, text) is None


def test_remembered_token_dies_when_its_key_is_deleted(issuer: Issuer) -> None:
    text = issue(issuer)
    assert gate.accept(issuer.core, text) is not None
    SigningKey.objects.all().delete()
    assert gate.accept(issuer.core, text) is None


def test_text_that_verifies_too_is_a_proof_of_its_own(issuer: Issuer) -> None:
    text = issue(issuer)
    assert gate.accept(issuer.core, text) is not None
    for other in (f"{text}=", f"{text}\n", f" {text}", text.replace(".", "..", 1), text[:-2]):
        assert gate.accept(issuer.core, other) is None
    assert proofs.count() == 1


def test_remembered_token_is_no_token_of_another_tenant(issuer: Issuer) -> None:
    text = issue(issuer)
    assert gate.accept(issuer.core, text) is not None
    assert gate.accept(make_issuer("initech").core, text) is None


def test_remembered_symmetric_token_is_refused_where_its_api_could_forge_it(db: None) -> None:  # noqa: ARG001
    issuer = make_issuer(refresh_token_enabled=False, api={"signing_algorithm": "HS256"})
    text = issue(issuer)
    assert gate.accept(issuer.core, text, accept_symmetric=True) is not None
    assert gate.accept(issuer.core, text) is None
