"""The five profiles are data, and a tenant's variants stand on them."""

from __future__ import annotations

import pytest

from tenants.effective_settings import BUILT_IN_CLAIM_PROFILES, SINGLE_AUDIENCE_CLAIM_PROFILES
from tenants.models.claims import ClaimProfile
from tenants.records import ClaimProfileRecord
from tests.factories.records import make_tenant
from tokens.claim_profiles import (
    PROFILES,
    AudienceForm,
    UnknownClaimProfile,
    get,
    resolve_profile,
)


def test_names_are_the_same_everywhere() -> None:
    assert set(PROFILES) == BUILT_IN_CLAIM_PROFILES == set(ClaimProfile.Base.values)
    assert all(name == profile.name for name, profile in PROFILES.items())


def test_profiles_with_one_audience_are_known_to_the_decision() -> None:
    single = {p.name for p in PROFILES.values() if p.audience_form is AudienceForm.SINGLE}
    assert single == SINGLE_AUDIENCE_CLAIM_PROFILES


@pytest.mark.parametrize(
    ("name", "typ", "algorithm"),
    [
        ("rfc9068", "at+jwt", "ES256"),
        ("spaceblocks", "JWT", "RS256"),
        ("onewelcome", "", "RS256"),
        ("thinktecture", "JWT", "RS256"),
        ("aidbox", "JWT", "RS256"),
    ],
)
def test_header_of_each_profile(name: str, typ: str, algorithm: str) -> None:
    assert (get(name).typ, get(name).default_algorithm) == (typ, algorithm)


def test_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownClaimProfile):
        get("no-such")
    with pytest.raises(UnknownClaimProfile):
        resolve_profile(make_tenant(), "no-such")


def test_built_in_name_needs_no_variant() -> None:
    assert resolve_profile(make_tenant(), "aidbox") == (get("aidbox"), False)


def test_variant_of_the_tenant_stands_on_its_base() -> None:
    variants = {
        "migrating": ClaimProfileRecord("migrating", "onewelcome", is_dual=True),
        "rfc9068": ClaimProfileRecord("rfc9068", "aidbox"),
    }
    tenant = make_tenant(claim_profiles=variants)
    assert resolve_profile(tenant, "migrating") == (get("onewelcome"), True)
    assert resolve_profile(tenant, "rfc9068") == (get("aidbox"), False)
