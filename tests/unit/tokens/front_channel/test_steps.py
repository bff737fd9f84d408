"""What a person has to do next: every combination of what was asked and who is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tenants.assurance import Assurance
from tenants.records import Authentication, InteractiveRecord
from tests.factories.records import make_client
from tokens.front_channel import steps
from tokens.front_channel.authorization_requests import AuthorizationRequest
from tokens.front_channel.steps import Agreement, ConsentNeeded, Grant, Refuse, SignInNeeded
from tokens.sign_ins import SignInRecord

NOW = 1_800_000_000.0
BEGUN = 1_799_999_990
CLIENT = make_client(kind="web", interactive=InteractiveRecord(name="The app"))
PUBLIC = replace(CLIENT, authentication_method="none")
FIRST_PARTY = replace(CLIENT, interactive=InteractiveRecord(skips_consent=True))
REQUEST = AuthorizationRequest(
    client=CLIENT,
    redirect_uri="https://app.example/callback",
    is_redirect_uri_given=True,
    response_mode="query",
    state="",
    scopes=("read",),
    audiences=(),
    nonce="",
    code_challenge="",
    prompts=frozenset(),
    max_age=None,
    login_hint="",
    hinted_subject="",
    acr_values=(),
    needed_acrs=(),
    ui_locales=(),
    claims_request={},
    provider_hint="",
    included_providers=frozenset(),
    excluded_providers=frozenset(),
    api_slug="",
    query="",
)


def person(authenticated_at: float = NOW - 100, acr: str = Assurance.ONE_FACTOR) -> SignInRecord:
    """Make somebody who signed in then."""
    authentication = Authentication(uuid4(), int(authenticated_at), acr, ("pwd",))
    return SignInRecord(uuid4(), uuid4(), None, authentication, 0, "Ana", authenticated_at)


def ask(*prompts: str, **fields: Any) -> AuthorizationRequest:  # noqa: ANN401 - a record's fields.
    return replace(REQUEST, prompts=frozenset(prompts), **fields)


def sign_in_step(
    request: AuthorizationRequest,
    sign_in: SignInRecord | None,
    *,
    expected: bool = True,
    begun_at: float | None = None,
) -> SignInNeeded | Refuse | None:
    return steps.sign_in_step(request, sign_in, expected=expected, begun_at=begun_at, now=NOW)


def outcome(step: SignInNeeded | Refuse | None) -> str:
    if step is None:
        return "on"
    return step.error.error if isinstance(step, Refuse) else step.reason


PHR = Assurance.PHISHING_RESISTANT
OLD, FRESH = NOW - 100, BEGUN + 5
# Each: the request, when the person signed in (None for a stranger), how, what comes of it.
SIGN_INS = {
    "stranger": (ask(), None, "", "stranger"),
    "stranger, none": (ask("none"), None, "", "login_required"),
    "stranger, login": (ask("login"), None, "", "stranger"),
    "known": (ask(), OLD, "", "on"),
    "known, none": (ask("none"), OLD, "", "on"),
    "login": (ask("login"), OLD, "", "too_long_ago"),
    "login, proven anew": (ask("login"), FRESH, "", "on"),
    "create": (ask("create"), OLD, "", "too_long_ago"),
    "create, done": (ask("create"), FRESH, "", "on"),
    "select_account": (ask("select_account"), OLD, "", "on"),
    "max_age not reached": (ask(max_age=101), OLD, "", "on"),
    "max_age reached": (ask(max_age=100), OLD, "", "too_long_ago"),
    "max_age reached, none": (ask("none", max_age=99), OLD, "", "login_required"),
    "max_age reached, proven anew": (ask(max_age=1), FRESH, "", "on"),
    "max_age 0": (ask(max_age=0), NOW - 11, "", "too_long_ago"),
    "max_age 0, proven anew": (ask(max_age=0), FRESH, "", "on"),
    "essential acr reached": (ask(needed_acrs=(PHR,)), OLD, PHR, "on"),
    "essential acr more than reached": (ask(needed_acrs=(Assurance.ONE_FACTOR,)), OLD, PHR, "on"),
    "essential acr not reached": (ask(needed_acrs=(PHR,)), OLD, "", "assurance"),
    "essential acr, one of two": (ask(needed_acrs=(PHR, Assurance.ONE_FACTOR)), OLD, "", "on"),
    "essential acr, none": (ask("none", needed_acrs=(PHR,)), OLD, "", "login_required"),
    "essential acr not reached anew": (
        ask(needed_acrs=(PHR,)),
        FRESH,
        "",
        "unmet_authentication_requirements",
    ),
    "welcome acr": (ask(acr_values=(PHR,)), OLD, "", "assurance"),
    "welcome acr reached": (ask(acr_values=(PHR,)), OLD, PHR, "on"),
    "welcome acr, tried": (ask(acr_values=(PHR,)), FRESH, "", "on"),
    "welcome acr, none": (ask("none", acr_values=(PHR,)), OLD, "", "on"),
    "welcome acr that nobody knows": (ask(acr_values=("urn:x",)), OLD, "", "on"),
}


@pytest.mark.parametrize("case", SIGN_INS.values(), ids=SIGN_INS)
def test_person_signs_in_where_it_is_needed(
    case: tuple[AuthorizationRequest, float | None, str, str],
) -> None:
    request, authenticated_at, acr, expected = case
    known = None
    if authenticated_at is not None:
        known = person(authenticated_at, acr or Assurance.ONE_FACTOR)
    assert outcome(sign_in_step(request, known, begun_at=BEGUN)) == expected


def test_at_the_first_look_nothing_was_proven_anew() -> None:
    assert outcome(sign_in_step(ask("login"), person(NOW))) == "too_long_ago"


def test_other_person_than_expected_signs_in_once() -> None:
    assert outcome(sign_in_step(ask(), person(), expected=False)) == "other_person"
    assert outcome(sign_in_step(ask("none"), person(), expected=False)) == "login_required"
    again = sign_in_step(ask(), person(FRESH), expected=False, begun_at=BEGUN)
    assert outcome(again) == "login_required"


GRANTED = ("openid", "read")
ALL = frozenset(GRANTED)
NATIVE_URI = "com.example:/callback"
CONSENTS = {
    "nothing known": (ask(), frozenset(), GRANTED),
    "a part known": (ask(), frozenset(("openid",)), ("read",)),
    "all known": (ask(), ALL, None),
    "more known": (ask(), ALL | {"write"}, None),
    "consent": (ask("consent"), ALL, GRANTED),
    "first party": (ask(client=FIRST_PARTY), frozenset(), None),
    "first party, consent": (ask("consent", client=FIRST_PARTY), frozenset(), GRANTED),
    "first party, select_account": (ask("select_account", client=FIRST_PARTY), frozenset(), ()),
    "select_account": (ask("select_account"), ALL, ()),
    "select_account, new scope": (ask("select_account"), frozenset(("openid",)), ("read",)),
    "public, https": (ask(client=PUBLIC), ALL, None),
    "public, private-use": (ask(client=PUBLIC, redirect_uri=NATIVE_URI), ALL, ()),
    "public, loopback": (ask(client=PUBLIC, redirect_uri="http://127.0.0.1:5/"), ALL, ()),
    "confidential, loopback": (ask(redirect_uri="http://127.0.0.1:5/"), ALL, None),
}


@pytest.mark.parametrize("case", CONSENTS.values(), ids=CONSENTS)
def test_person_agrees_to_what_is_new(
    case: tuple[AuthorizationRequest, frozenset[str], tuple[str, ...] | None],
) -> None:
    request, remembered, asked = case
    expected = Grant(GRANTED) if asked is None else ConsentNeeded(asked)
    assert steps.consent_step(request, Agreement(GRANTED, remembered), is_fresh=False) == expected


@pytest.mark.parametrize(
    ("request_", "is_refused"),
    [
        pytest.param(ask("none"), True, id="new scope"),
        pytest.param(ask("none", client=FIRST_PARTY), False, id="first party"),
        pytest.param(
            ask("none", client=PUBLIC, redirect_uri=NATIVE_URI), True, id="private-use scheme"
        ),
    ],
)
def test_none_never_shows_a_page(request_: AuthorizationRequest, *, is_refused: bool) -> None:
    step = steps.consent_step(request_, Agreement(GRANTED), is_fresh=False)
    assert isinstance(step, Refuse) == is_refused
    if isinstance(step, Refuse):
        assert step.error.error == "consent_required"


def test_whoever_has_just_signed_in_has_chosen_the_account() -> None:
    step = steps.consent_step(ask("select_account"), Agreement(GRANTED, ALL), is_fresh=True)
    assert step == Grant(GRANTED)


def test_what_was_proven_in_the_same_second_before_is_not_proven_anew() -> None:
    known = person(BEGUN + 0.2)
    assert not steps.is_fresh(known, BEGUN + 0.3)
    assert steps.is_fresh(known, BEGUN + 0.1)
