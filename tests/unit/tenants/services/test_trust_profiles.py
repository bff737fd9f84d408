"""Tests of trust profiles and their shared secrets."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from tenants import credentials
from tenants.errors import InvalidEntity
from tenants.models import (
    Api,
    ConfigurationChange,
    CutOff,
    Subject,
    SubjectIdentity,
    Tenant,
    TrustProfile,
)
from tenants.records import SYSTEM, Ciphertext
from tenants.services.tenants import update_tenant
from tenants.services.trust_profiles import save_trust_profile
from tenants.services.trust_rules import INTROSPECTION_FIELDS
from tests.factories.tenants import (
    find_scopes,
    make_api,
    make_tenant,
)

pytestmark = pytest.mark.django_db


JWK = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}
PEM = "-----BEGIN PUBLIC KEY-----\nMFkw/+A=\n-----END PUBLIC KEY-----\n"


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
    "keys at an address with credentials": (
        {"jwks": [], "jwks_uri": "https://us:secret@p.example/jwks"},
        "jwks_uri",
    ),
    "keys at an address that nobody asks": (
        {"jwks": [], "jwks_uri": "ftp://p.example/jwks"},
        "jwks_uri",
    ),
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
    "a private key as PEM": ({"jwks": [{"pem": PEM.replace("PUBLIC", "PRIVATE")}]}, "jwks"),
    "a private key behind a public one": (
        {"jwks": [{"pem": PEM + PEM.replace("PUBLIC", "PRIVATE")}]},
        "jwks",
    ),
    "a PEM that is a list": ({"jwks": [{"pem": [PEM]}]}, "jwks"),
    "JWK and PEM": ({"jwks": [JWK | {"pem": PEM}]}, "jwks"),
    "neither JWK nor PEM": ({"jwks": [{"kid": "a"}]}, "jwks"),
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


OURS = "s"
OPAQUE: dict[str, Any] = {
    "kind": "opaque",
    "jwks": [],
    "algorithms": [],
    "introspection_endpoint": "https://p.example/introspect",
    "introspection_client_id": "us",
    "token_prefix": "pat_",
}


def save_opaque(tenant: Tenant, secret: str = OURS, **fields: Any) -> TrustProfile:  # noqa: ANN401
    profile = make_profile(tenant, **(OPAQUE | fields))
    return save_trust_profile(profile, actor=SYSTEM, introspection_secret=secret)


def test_a_public_key_may_be_a_pem_text(tenant: Tenant) -> None:
    profile = save_trust_profile(make_profile(tenant, jwks=[{"pem": PEM}, JWK]), actor=SYSTEM)
    assert TrustProfile.objects.get(pk=profile.pk).jwks == [{"pem": PEM}, JWK]


def test_an_opaque_profile_keeps_its_secret_encrypted(tenant: Tenant) -> None:
    profile = save_opaque(tenant, "a secret of theirs")
    blob = bytes(profile.introspection_secret_ciphertext or b"")
    sealed = Ciphertext(profile.introspection_kek_id, blob)
    context = credentials.introspection_context(profile.pk)
    assert credentials.decrypt(sealed, context=context) == b"a secret of theirs"
    for change in ConfigurationChange.objects.all():
        assert "introspection_secret_ciphertext" not in (change.state or {})


BAD_OPAQUE: dict[str, tuple[dict[str, Any], str]] = {
    "keys": ({"jwks": [JWK]}, "jwks"),
    "an address of keys": ({"jwks_uri": "https://p.example/jwks"}, "jwks_uri"),
    "algorithms": ({"algorithms": ["ES256"]}, "algorithms"),
    "no endpoint": ({"introspection_endpoint": ""}, "introspection_endpoint"),
    "an endpoint that is none": (
        {"introspection_endpoint": "ftp://p.example/x"},
        "introspection_endpoint",
    ),
    "an endpoint with credentials": (
        {"introspection_endpoint": "https://us:secret@p.example/x"},
        "introspection_endpoint",
    ),
    "an endpoint with a fragment": (
        {"introspection_endpoint": "https://p.example/x#y"},
        "introspection_endpoint",
    ),
    "an endpoint that is no URL": (
        {"introspection_endpoint": "https://[p.example/x"},
        "introspection_endpoint",
    ),
    "no client": ({"introspection_client_id": ""}, "introspection_client_id"),
    "no secret": ({"secret": ""}, "introspection_secret"),
    "a huge secret": ({"secret": "x" * 4_097}, "introspection_secret"),
    "no prefix": ({"token_prefix": ""}, "token_prefix"),
    "a short prefix": ({"token_prefix": "ab"}, "token_prefix"),
    "a prefix with a space": ({"token_prefix": "ab c"}, "token_prefix"),
    "a prefix beyond ASCII": ({"token_prefix": "äöü"}, "token_prefix"),
    "how JWTs begin": ({"token_prefix": "eyJ"}, "token_prefix"),
    "how our opaque tokens begin": ({"token_prefix": "0192AB"}, "token_prefix"),
    "our refresh tokens": ({"token_prefix": "art_"}, "token_prefix"),
    "a part of our client secrets": ({"token_prefix": "acs"}, "token_prefix"),
    "more of our master tokens": ({"token_prefix": "amt_x"}, "token_prefix"),
    "accepted directly": ({"is_accepted_directly": True}, "is_accepted_directly"),
}


@pytest.mark.parametrize("row", BAD_OPAQUE.values(), ids=BAD_OPAQUE)
def test_a_wrong_opaque_profile_is_refused(tenant: Tenant, row: tuple[dict[str, Any], str]) -> None:
    fields, name = row
    with pytest.raises(InvalidEntity) as refused:
        save_opaque(tenant, **fields)
    assert name in refused.value.messages


def test_a_shared_secret_has_no_place_in_an_opaque_profile(tenant: Tenant) -> None:
    with pytest.raises(InvalidEntity, match="shared_secret"):
        save_trust_profile(
            make_profile(tenant, **OPAQUE),
            actor=SYSTEM,
            shared_secret="x" * 32,
            introspection_secret="s",
        )


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param("pat_", id="the same"),
        pytest.param("pat_live_", id="a longer one"),
        pytest.param("pat", id="a shorter one"),
    ],
)
def test_no_prefix_begins_another(tenant: Tenant, prefix: str) -> None:
    save_opaque(tenant)
    second = {"slug": "q", "issuer": "https://q.example", "token_prefix": prefix}
    with pytest.raises(InvalidEntity, match="token_prefix"):
        save_opaque(tenant, **second)
    save_opaque(tenant, **(second | {"token_prefix": "pbt_"}))
    save_opaque(make_tenant("initech"), **second)


def test_a_profile_changes_its_kind_when_it_loses_what_the_other_lacks(tenant: Tenant) -> None:
    profile = save_opaque(tenant)
    profile.kind, profile.jwks, profile.algorithms = "jwt", [JWK], ["ES256"]
    with pytest.raises(InvalidEntity) as refused:
        save_trust_profile(profile, actor=SYSTEM)
    wrong = {*refused.value.messages}
    assert wrong == {*INTROSPECTION_FIELDS, "introspection_secret"}
    for name in INTROSPECTION_FIELDS:
        setattr(profile, name, "")
    save_trust_profile(profile, actor=SYSTEM, introspection_secret=None)
    assert TrustProfile.objects.get().introspection_secret_ciphertext is None


BAD_MAPPINGS: dict[str, object] = {
    "a list": ["read"],
    "null": None,
    "a name with a space": {"a b": ["read"]},
    "an empty name": {"": ["read"]},
    "a huge name": {"x" * 256: ["read"]},
    "a text": {"plan": "read"},
    "a number": {"plan": [7]},
    "an unknown scope": {"plan": ["nothing"]},
    "a scope beyond the maximum": {"plan": ["read", "write"]},
    "a management scope": {"plan": ["management:clients:write"]},
    "a scope of another tenant": {"plan": ["theirs"]},
    "too many": {f"s{number}": ["read"] for number in range(101)},
}


@pytest.mark.parametrize("mapping", BAD_MAPPINGS.values(), ids=BAD_MAPPINGS)
def test_a_wrong_mapping_of_scopes_is_refused(tenant: Tenant, mapping: object) -> None:
    make_api(make_tenant("initech"), scopes=["theirs"])
    links = {"maximum_scopes": find_scopes(tenant, ["read"])}
    with pytest.raises(InvalidEntity, match="scope_mapping"):
        save_trust_profile(make_profile(tenant, scope_mapping=mapping), actor=SYSTEM, links=links)


def test_a_mapping_within_the_maximum_is_kept(tenant: Tenant) -> None:
    links = {"maximum_scopes": find_scopes(tenant, ["read", "write"])}
    mapping = {"plan": ["read", "write"], "nothing": []}
    profile = make_profile(tenant, scope_mapping=mapping)
    save_trust_profile(profile, actor=SYSTEM, links=links)
    save_trust_profile(TrustProfile.objects.get(), actor=SYSTEM)
    with pytest.raises(InvalidEntity, match="scope_mapping"):
        save_trust_profile(profile, actor=SYSTEM, links={"maximum_scopes": []})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        pytest.param({"linking_claim": "email"}, "linking_verified_claim", id="not verified"),
        pytest.param({"linking_verified_claim": "x"}, "linking_claim", id="no claim"),
        pytest.param({"required_claims": {"a": None}}, "required_claims", id="bad pattern"),
        pytest.param({"required_claims": []}, "required_claims", id="no pattern"),
        pytest.param({"maximum_lifetime_seconds": 0}, "maximum_lifetime_seconds", id="no life"),
        pytest.param({"max_subjects_per_day": 0}, "max_subjects_per_day", id="no subjects"),
        pytest.param({"is_accepted_directly": True}, "direct_apis", id="directly nowhere"),
    ],
)
def test_what_would_open_more_than_is_meant_is_refused(
    tenant: Tenant, fields: dict[str, Any], name: str
) -> None:
    with pytest.raises(InvalidEntity) as refused:
        save_trust_profile(make_profile(tenant, **fields), actor=SYSTEM)
    assert name in refused.value.messages


OWN_NAMES = {"itself": "", "with a slash": "/", "below": "/oauth", "another spelling": "override"}


@pytest.mark.parametrize("suffix", OWN_NAMES.values(), ids=OWN_NAMES)
def test_the_tenant_is_no_outside_issuer_to_itself(tenant: Tenant, suffix: str) -> None:
    """Its revoked tokens would be assertions, and swapped for new ones."""
    tenant.issuer_override = "https://login.globex.example"
    update_tenant(tenant, actor=SYSTEM)
    own = f"{settings.TENANTS_BASE_URL}/t/{tenant.path}{suffix}"
    issuer = tenant.issuer_override if suffix == "override" else own
    with pytest.raises(InvalidEntity, match="own issuer") as refused:
        save_trust_profile(make_profile(tenant, issuer=issuer), actor=SYSTEM)
    assert list(refused.value.messages) == ["issuer"]
    neighbour = f"{settings.TENANTS_BASE_URL}/t/{tenant.path}-2"
    save_trust_profile(make_profile(tenant, issuer=neighbour), actor=SYSTEM)


def test_built_in_apis_take_no_token_directly(tenant: Tenant) -> None:
    for built_in in Api.objects.filter(tenant=tenant).exclude(built_in=""):
        profile = make_profile(tenant, is_accepted_directly=True)
        with pytest.raises(InvalidEntity, match="direct_apis"):
            save_trust_profile(profile, actor=SYSTEM, links={"direct_apis": [built_in]})


def test_an_audience_is_not_stated_twice_in_two_ways(tenant: Tenant) -> None:
    save_trust_profile(make_profile(tenant), actor=SYSTEM)
    issuer = f"{settings.TENANTS_BASE_URL}/t/{tenant.path}"
    with pytest.raises(InvalidEntity, match="audience"):
        save_trust_profile(make_profile(tenant, slug="q", audience=issuer), actor=SYSTEM)
    other = "https://other.example"
    save_trust_profile(make_profile(tenant, slug="q", audience=other), actor=SYSTEM)
    with pytest.raises(InvalidEntity):
        save_trust_profile(make_profile(tenant, slug="r", audience=other), actor=SYSTEM)


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


@pytest.mark.parametrize("name", ["issuer", "subject_claim"])
def test_what_names_a_known_user_never_changes(tenant: Tenant, name: str) -> None:
    profile = save_trust_profile(make_profile(tenant), actor=SYSTEM)
    setattr(profile, name, "https://first.example")
    save_trust_profile(profile, actor=SYSTEM)
    SubjectIdentity.objects.create(
        tenant=tenant,
        subject=Subject.objects.create(tenant=tenant),
        trust_profile=profile,
        sub="alice",
    )
    setattr(profile, name, "https://second.example")
    with pytest.raises(InvalidEntity) as refused:
        save_trust_profile(profile, actor=SYSTEM)
    assert set(refused.value.messages) == {name}
    profile.refresh_from_db()
    save_trust_profile(profile, actor=SYSTEM)
