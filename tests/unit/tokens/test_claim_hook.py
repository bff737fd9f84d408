"""The operator's hook adds claims or refuses a token, and can do nothing else to it."""

from __future__ import annotations

from collections import UserDict
from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tenants.claim_document import ClaimInputs
from tenants.records import RESERVED_CLAIMS
from tests.factories.records import make_claim_rule, make_token_record
from tests.unit.tokens import hooks
from tokens import claim_hook
from tokens.claim_additions import make_claims, tell_claims
from tokens.claim_hook import ClaimsDenial, InvalidHook, load_hook
from tokens.claim_profiles import PROFILES, get
from tokens.claim_refusals import ClaimsRefused
from tokens.claim_sources import HOOK
from tokens.claims import build_claims

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tenants.records import JSON, TokenRecord
    from tokens.claim_additions import MadeClaims
    from tokens.claim_hook import ClaimsHook

RECORD = make_token_record(subject="alice", audiences=("a", "b"))
REGION = "https://claims.example/region"
RULE = make_claim_rule("tags", ["constant"])
HOOKS = "tests.unit.tokens.hooks"


def made(hook: ClaimsHook, record: TokenRecord = RECORD, profile: str = "rfc9068") -> MadeClaims:
    with claim_hook.installed(hook):
        return make_claims(get(profile), record, (RULE,), ClaimInputs(), is_dual=False)


def refusal(hook: ClaimsHook, record: TokenRecord = RECORD) -> tuple[str, str]:
    with pytest.raises(ClaimsRefused) as caught:
        made(hook, record)
    assert len(caught.value.detail) <= 128
    return caught.value.reason, caught.value.detail


@pytest.fixture(autouse=True)
def _no_hook_afterwards() -> Iterator[None]:
    with claim_hook.installed(None):
        yield


def test_hook_adds_claims_and_is_their_source() -> None:
    result = made(hooks.RegionHook())
    assert result.claims[REGION] == "eu:api-client"
    assert result.added_by == {"tags": str(RULE.id), REGION: HOOK}


def test_hook_refuses_a_token() -> None:
    record = replace(RECORD, tenant_slug="embargoed")
    expected = ("claims_hook_denied", "no tokens for this tenant")
    assert refusal(hooks.RegionHook(), record) == expected
    assert refusal(hooks.AnsweringHook(ClaimsDenial("x" * 500)))[0] == "claims_hook_denied"


def test_hook_that_breaks_refuses_the_token_and_tells_no_claims() -> None:
    assert refusal(hooks.RaisingHook()) == ("claims_hook_failed", "ValueError")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing"),
        pytest.param(True, id="a-boolean"),
        pytest.param("claims", id="a-text"),
        pytest.param([("a", 1)], id="pairs"),
        pytest.param({1: 2}, id="name-is-no-text"),
        pytest.param({hooks.Name.REGION: "eu"}, id="name-of-an-enumeration"),
        pytest.param({hooks.Disguised("exp"): 1}, id="name-that-equals-nothing"),
        pytest.param({"a": hooks.Name.REGION}, id="text-of-an-enumeration"),
        pytest.param((name for name in ("a", "b")), id="a-generator"),
        pytest.param({"urn:onegini.com:oidc:other": 1}, id="name-below-a-reserved-one"),
        pytest.param(ClaimsDenial(hooks.Unwritable()), id="reason-that-breaks"),  # type: ignore[arg-type]  # just what is wrong.
        pytest.param({"": 2}, id="empty-name"),
        pytest.param({"a\nb": 2}, id="control-character"),
        pytest.param({"\u202eexp": 2}, id="invisible-sign"),
        pytest.param({"\ud800": 2}, id="half-a-surrogate"),
        pytest.param({" exp": 2}, id="space-before"),
        pytest.param({"x" * 201: 2}, id="long-name"),
        pytest.param({"__proto__": {"a": 1}}, id="prototype"),
        pytest.param({"a": {"__proto__": 1}}, id="prototype-inside"),
        pytest.param({"a": float("nan")}, id="not-a-number"),
        pytest.param({"a": 10**30}, id="beyond-64-bits"),
        pytest.param({"a": uuid4()}, id="a-uuid"),
        pytest.param({"a": b"bytes"}, id="bytes"),
        pytest.param({"a": (1, 2)}, id="a-tuple"),
        pytest.param({"a": {1, 2}}, id="a-set"),
        pytest.param({"a": "x" * 5_000}, id="too-large"),
        pytest.param({f"a{n}": 1 for n in range(51)}, id="too-many"),
    ],
)
def test_bad_answer_refuses_the_token(answer: object) -> None:
    assert refusal(hooks.AnsweringHook(answer))[0] == "claims_hook_failed"


def test_answers_are_bounded_together_with_the_rules() -> None:
    answer = {f"a{n}": "x" * 2_000 for n in range(5)}
    assert refusal(hooks.AnsweringHook(answer))[0] == "claims_out_of_bounds"


@pytest.mark.parametrize("claim", sorted(RESERVED_CLAIMS))
def test_hook_never_sets_a_reserved_claim(claim: str) -> None:
    assert refusal(hooks.AnsweringHook({claim: "forged"}))[0] == "claims_hook_failed"


@pytest.mark.parametrize("profile", PROFILES)
def test_hook_that_changes_its_input_changes_no_token(profile: str) -> None:
    result = made(hooks.MutatingHook(), profile=profile)
    plain = build_claims(get(profile), RECORD)
    assert {name: result.claims[name] for name in plain} == plain
    assert result.claims["tags"] == RULE.value == ["constant"]
    assert RECORD.scopes == ("read",)


def test_record_is_frozen_where_a_hook_sees_it() -> None:
    class Curious:
        def add_claims(self, record: TokenRecord, claims: Mapping[str, JSON]) -> Mapping[str, JSON]:
            del claims
            with pytest.raises(FrozenInstanceError):
                record.subject = "bob"  # type: ignore[misc]  # just what it can't do.
            with pytest.raises(FrozenInstanceError):
                del record.subject
            return {"seen": record.subject, "is_one": isinstance(record, type(RECORD))}

    claims = made(Curious()).claims
    assert (claims["seen"], claims["is_one"]) == ("alice", True)


def test_hook_comes_before_a_rule_of_the_tenant() -> None:
    result = made(hooks.AnsweringHook({"tags": "by the operator"}))
    assert (result.claims["tags"], result.added_by["tags"]) == ("by the operator", HOOK)


def test_what_a_hook_keeps_is_not_what_the_token_has() -> None:
    kept: list[JSON] = [1]
    result = made(hooks.AnsweringHook(UserDict({"kept": kept})))
    kept.append(2)
    assert result.claims["kept"] == [1]


@pytest.mark.parametrize(
    ("hook", "is_told"),
    [
        pytest.param(hooks.RegionHook(), True, id="good"),
        pytest.param(hooks.RaisingHook(), False, id="raises"),
        pytest.param(hooks.AnsweringHook(ClaimsDenial("no")), False, id="denies"),
        pytest.param(hooks.AnsweringHook({"exp": 1}), False, id="reserved"),
    ],
)
def test_introspection_asks_the_hook_and_goes_on_without(
    hook: ClaimsHook, *, is_told: bool
) -> None:
    with claim_hook.installed(hook):
        told = tell_claims(get("rfc9068"), RECORD, (RULE,), ClaimInputs(), is_dual=False)
    assert (REGION in told) == is_told
    assert (told["tags"], told["exp"]) == (["constant"], RECORD.expires_at)


# Loading.


def test_hook_is_loaded_by_its_dotted_path() -> None:
    assert isinstance(load_hook(f"{HOOKS}.RegionHook"), hooks.RegionHook)


BAD_PATHS = [
    pytest.param(f"{HOOKS}.Missing", id="no-such-class"),
    pytest.param("no.such.module.Hook", id="no-such-module"),
    pytest.param("Hook", id="no-module"),
    pytest.param("..Hook", id="dots"),
    pytest.param(f"{HOOKS}.not_a_class", id="no-class"),
    pytest.param(f"{HOOKS}.NoMethod", id="no-method"),
    pytest.param(f"{HOOKS}.OneArgument", id="takes-too-little"),
    pytest.param(f"{HOOKS}.Asynchronous", id="asynchronous"),
    pytest.param(f"{HOOKS}.AnsweringHook", id="needs-arguments"),
    pytest.param(f"{HOOKS}.BreaksWhenMade", id="breaks-when-made"),
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_hook_that_can_not_be_loaded_is_named_with_its_variable(path: str) -> None:
    with pytest.raises(InvalidHook, match=r"^TOKEN_CLAIMS_HOOK is "):
        load_hook(path)


def test_without_its_hook_no_process_serves_and_no_token_goes_out() -> None:
    claim_hook.install(f"{HOOKS}.Missing")
    with pytest.raises(InvalidHook, match="TOKEN_CLAIMS_HOOK"):
        claim_hook.require()
    with pytest.raises(ClaimsRefused):
        make_claims(get("rfc9068"), RECORD, (), ClaimInputs(), is_dual=False)
    claim_hook.install("")
    claim_hook.require()
    assert claim_hook.current_hook() is None
    claim_hook.install(f"{HOOKS}.RegionHook")
    claim_hook.require()
    assert isinstance(claim_hook.current_hook(), hooks.RegionHook)
