"""A right may ask for a person who was recognised more surely."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tenants.assurance import Assurance
from tenants.policy import decide
from tenants.records import Authentication, GrantType
from tests.factories.records import (
    make_api,
    make_client,
    make_request,
    make_scope,
    make_subject,
    make_tenant,
)

if TYPE_CHECKING:
    from tenants.records import Decision

WEAK, SURE = Assurance.ONE_FACTOR, Assurance.PHISHING_RESISTANT
API = make_api()
SCOPES = (
    make_scope(API, "read"),
    make_scope(API, "pay", min_acr=SURE),
    make_scope(API, "see", min_acr=WEAK),
)
GRANTS = frozenset(
    (GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE, GrantType.JWT_BEARER)
)
CLIENT = make_client(*SCOPES, grant_types=GRANTS)
TENANT = make_tenant([API], SCOPES)


def judge(acr: str | None, *scopes: str, narrows: bool = False) -> Decision:
    recognised = None if acr is None else Authentication(uuid4(), 1_700_000_000, acr)
    request = make_request(
        CLIENT,
        *scopes,
        grant_type=GrantType.AUTHORIZATION_CODE,
        subject=make_subject(),
        authentication=recognised,
    )
    return decide(request, replace(TENANT, scope_excess="narrow") if narrows else TENANT)


@pytest.mark.parametrize(
    ("acr", "scopes", "detail"),
    [
        (WEAK, ("read", "see"), ""),
        (SURE, ("read", "see", "pay"), ""),
        (None, ("read",), ""),
        ("", ("read",), ""),
        (WEAK, ("read", "pay"), "pay needs phr"),
        ("", ("see",), f"see needs {WEAK}"),
        ("invented", ("see",), f"see needs {WEAK}"),
        (None, ("see",), f"see needs {WEAK}"),
        (None, ("pay",), "pay needs phr"),
    ],
    ids=[
        *("weak", "sure", "unknown", "empty", "too-weak", "empty-guarded"),
        *("invented-guarded", "unknown-guarded", "unknown-sure"),
    ],
)
@pytest.mark.parametrize("narrows", [True, False], ids=["narrows", "rejects"])
def test_guarded_scope_needs_its_assurance(
    acr: str | None, scopes: tuple[str, ...], detail: str, *, narrows: bool
) -> None:
    """Narrowing gives less than was asked for, never less sure than was asked for."""
    decision = judge(acr, *scopes, narrows=narrows)
    assert decision.is_allowed is not bool(detail)
    if detail:
        refusal = decision.refusal
        assert (refusal.name, refusal.reason) == ("assurance_reached", "assurance_too_low")
        assert refusal.detail == detail


def test_assertion_about_a_person_reaches_no_guarded_scope() -> None:
    request = make_request(CLIENT, "see", grant_type=GrantType.JWT_BEARER, subject=make_subject())
    assert decide(request, TENANT).refusal.reason == "assurance_too_low"


def test_program_alone_is_no_person() -> None:
    assert decide(make_request(CLIENT, "pay"), TENANT).is_allowed
