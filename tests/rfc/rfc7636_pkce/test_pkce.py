"""Proof Key for Code Exchange. Source: RFC 7636, RFC 9700 section 2.1.1."""

from __future__ import annotations

import pytest

from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.code_flow import (
    VERIFIER,
    CodeFlow,
    answer_of,
    challenge_of,
    make_flow,
    make_web_client,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow()


@pytest.fixture
def exempt(flow: CodeFlow) -> CodeFlow:
    """A confidential client that can't do PKCE."""
    flow.client.client.is_pkce_exempt = True
    changes.save(flow.client.client, actor=SYSTEM)
    return flow


REFUSED_CHALLENGES = {
    "none": (None, None),
    "without method, which means plain": (challenge_of(VERIFIER), None),
    "plain": (VERIFIER, "plain"),
    "method in lower case": (challenge_of(VERIFIER), "s256"),
    "method without challenge": (None, "S256"),
    "short": ("a" * 42, "S256"),
    "long": ("a" * 129, "S256"),
    "wrong letters": ("a" * 42 + "=", "S256"),
    "letters that are no ASCII": ("\u0661" * 43, "S256"),
}


@pytest.mark.requirement("RFC 9700", "2.1.1", "PKCE is enforced for every client.")
@pytest.mark.parametrize("challenge", REFUSED_CHALLENGES.values(), ids=REFUSED_CHALLENGES)
def test_request_without_a_good_challenge_is_refused(
    flow: CodeFlow, challenge: tuple[str | None, str | None]
) -> None:
    text, method = challenge
    refused = answer_of(flow.ask(code_challenge=text, code_challenge_method=method, nonce="n"))
    assert refused["error"] == "invalid_request"


@pytest.mark.parametrize("length", [43, 128])
def test_verifiers_from_43_to_128_characters_are_taken(flow: CodeFlow, length: int) -> None:
    verifier = "v" * length
    code = flow.code(code_challenge=challenge_of(verifier))
    assert flow.redeem(code, code_verifier=verifier).status_code == 200


REFUSED_VERIFIERS = {
    "missing": None,
    "other": "w" * 43,
    "short": "w" * 42,
    "long": "w" * 129,
    "the challenge itself": challenge_of(VERIFIER),
    "wrong letters": "\u0661" * 43,
}


@pytest.mark.requirement("RFC 7636", "4.6", "A verifier that does not match is invalid_grant.")
@pytest.mark.parametrize("verifier", REFUSED_VERIFIERS.values(), ids=REFUSED_VERIFIERS)
def test_wrong_verifier_brings_nothing_and_burns_nothing(
    flow: CodeFlow, verifier: str | None
) -> None:
    code = flow.code()
    refused = flow.redeem(code, code_verifier=verifier)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert flow.redeem(code).status_code == 200


def test_guessing_verifiers_is_slowed_down(flow: CodeFlow) -> None:
    code = flow.code()
    statuses = [flow.redeem(code, code_verifier="w" * 43).status_code for _ in range(12)]
    assert statuses[0] == 400
    assert statuses[-1] == 429
    assert flow.redeem(flow.code()).status_code == 200


@pytest.mark.requirement("RFC 9700", "2.1.1", "A nonce protects where PKCE can't.")
def test_exempt_client_goes_without_if_it_sends_a_nonce(exempt: CodeFlow) -> None:
    without = {"code_challenge": None, "code_challenge_method": None}
    assert answer_of(exempt.ask(**without))["error"] == "invalid_request"
    code = exempt.code(nonce="n-1", **without)
    assert exempt.redeem(code, code_verifier=None).status_code == 200


@pytest.mark.requirement("RFC 9700", "4.8.2", "A verifier without a challenge is a downgrade.")
def test_verifier_for_a_code_without_challenge_is_refused(exempt: CodeFlow) -> None:
    code = exempt.code(nonce="n-1", code_challenge=None, code_challenge_method=None)
    refused = exempt.redeem(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_exempt_client_that_does_pkce_is_held_to_it(exempt: CodeFlow) -> None:
    code = exempt.code(nonce="n-1")
    assert exempt.redeem(code, code_verifier=None).status_code == 400


def test_public_client_is_never_exempt(flow: CodeFlow) -> None:
    spa = make_web_client(flow.tenant, "spa", token_endpoint_auth_method="none", kind="spa")
    type(spa.client).objects.filter(pk=spa.client.pk).update(is_pkce_exempt=True)
    other = CodeFlow(flow.tenant, spa)
    refused = other.ask(nonce="n", code_challenge=None, code_challenge_method=None)
    assert answer_of(refused)["error"] == "invalid_request"
