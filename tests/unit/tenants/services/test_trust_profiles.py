"""Tests of trust profiles and their shared secrets."""

from __future__ import annotations

from typing import Any

import pytest

from tenants import credentials
from tenants.errors import InvalidEntity
from tenants.models import (
    CutOff,
    Tenant,
    TrustProfile,
)
from tenants.records import SYSTEM, Ciphertext
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import (
    find_scopes,
    make_api,
    make_tenant,
)

pytestmark = pytest.mark.django_db


JWK = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


def _reads() -> list[dict[str, Any]]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return [*CutOff.objects.order_by("number").values(*names)]


def _only(**selector: object) -> dict[str, object]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return dict.fromkeys(names) | selector


def make_profile(tenant: Tenant, **fields: Any) -> TrustProfile:  # noqa: ANN401 - of a profile.
    values = {"slug": "p", "issuer": "https://p.example", "algorithms": ["ES256"], "jwks": [JWK]}
    return TrustProfile(tenant=tenant, **(values | fields))


BAD_PROFILES: dict[str, tuple[dict[str, Any], str]] = {
    "no keys": ({"jwks": []}, "jwks_uri"),
    "two sources": ({"jwks_uri": "https://p.example/jwks"}, "jwks_uri"),
    "keys and a secret": ({"shared_secret": "x" * 32}, "jwks_uri"),
    "a symmetric algorithm with keys": ({"algorithms": ["HS256"]}, "algorithms"),
    "none": ({"algorithms": ["none"]}, "algorithms"),
    "no algorithm": ({"algorithms": []}, "algorithms"),
    "an asymmetric algorithm with a secret": (
        {"jwks": [], "shared_secret": "x" * 32, "algorithms": ["ES256"]},
        "algorithms",
    ),
    "a weak secret": ({"jwks": [], "shared_secret": "x" * 31}, "shared_secret"),
    "a private key": ({"jwks": [JWK | {"d": "x"}]}, "jwks"),
    "too old": ({"maximum_age_seconds": 86_401}, "maximum_age_seconds"),
}


@pytest.mark.parametrize("row", BAD_PROFILES.values(), ids=BAD_PROFILES)
def test_a_wrong_trust_profile_is_refused(tenant: Tenant, row: tuple[dict[str, Any], str]) -> None:
    fields, name = row
    secret = fields.get("shared_secret", "")
    others = {key: value for key, value in fields.items() if key != "shared_secret"}
    with pytest.raises(InvalidEntity) as refused:
        save_trust_profile(make_profile(tenant, **others), actor=SYSTEM, shared_secret=secret)
    assert name in refused.value.messages


def test_management_scopes_never_come_from_outside(tenant: Tenant) -> None:
    links = {"maximum_scopes": find_scopes(tenant, ["management:clients:read"])}
    with pytest.raises(InvalidEntity, match="maximum_scopes"):
        save_trust_profile(make_profile(tenant), actor=SYSTEM, links=links)


def test_a_shared_secret_is_encrypted(tenant: Tenant) -> None:
    profile = make_profile(tenant, jwks=[], algorithms=["HS256"])
    save_trust_profile(profile, actor=SYSTEM, shared_secret="s" * 32)
    stored = TrustProfile.objects.get()
    blob = bytes(stored.shared_secret_ciphertext or b"")
    assert b"ssss" not in blob
    context = credentials.trust_profile_context(stored.pk)
    assert credentials.decrypt(Ciphertext(stored.kek_id, blob), context=context) == b"s" * 32


def test_disabling_a_trust_profile_ends_what_came_of_it(tenant: Tenant) -> None:
    profile = save_trust_profile(make_profile(tenant), actor=SYSTEM)
    profile.is_enabled = False
    save_trust_profile(profile, actor=SYSTEM)
    save_trust_profile(profile, actor=SYSTEM)
    assert _reads() == [_only(trust_profile_id=profile.pk)]
