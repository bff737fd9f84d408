"""Trust profiles as data: everything that the form has, and mistakes that name their place."""

from __future__ import annotations

import pytest

from tenants.configuration.export import export
from tenants.models import TrustProfile
from tests.unit.tenants.configuration.files import apply, refuse, tenant

pytestmark = pytest.mark.django_db
APIS = (
    'apis: [{slug: orders, audience: "https://orders.example/", '
    "scopes: [{name: read}, {name: write}]}]\n"
)
PROFILE = APIS + (
    "trust_profiles: [{slug: t, issuer: i, algorithms: [ES256], "
    'jwks_uri: "https://i.example/jwks", maximum_scopes: [read, write], %s}]'
)
EVERYTHING = (
    "scope_mapping: {plan: [read], all: [write, read]}, "
    'required_claims: {repository: octo/app, "https://x.example/y": {$present: true}}, '
    "maximum_lifetime_seconds: 600, max_subjects_per_day: 5, provisioning: create, "
    "linking_claim: email, linking_verified_claim: email_verified, "
    "is_accepted_directly: true, direct_apis: [orders]"
)


def test_everything_comes_back_byte_for_byte() -> None:
    apply(tenant(PROFILE % EVERYTHING))
    profile = TrustProfile.objects.get()
    assert profile.scope_mapping == {"plan": ["read"], "all": ["write", "read"]}
    assert profile.required_claims["repository"] == "octo/app"
    assert [api.slug for api in profile.direct_apis.all()] == ["orders"]
    text = export()
    assert apply(text) == []
    assert export() == text


def test_what_an_entry_leaves_out_has_its_default() -> None:
    apply(tenant(PROFILE % EVERYTHING))
    apply(tenant(PROFILE % "name: x"))
    profile = TrustProfile.objects.get()
    assert (profile.scope_mapping, profile.required_claims) == ({}, {})
    assert (profile.maximum_lifetime_seconds, profile.max_subjects_per_day) == (None, 10_000)
    assert (profile.linking_claim, profile.is_accepted_directly) == ("", False)
    assert not profile.direct_apis.exists()


MISTAKES: dict[str, tuple[str, str]] = {
    "a mapping that is a list": ("scope_mapping: [read]", "scope_mapping"),
    "a mapping to a text": ("scope_mapping: {plan: read}", "scope_mapping.plan"),
    "a mapping beyond the maximum": (
        "scope_mapping: {plan: ['management:clients:read']}",
        "is not among the maximum scopes",
    ),
    "a pattern with an unknown operator": (
        "required_claims: {a: {$equal: 1}}",
        "required_claims.a.$equal: $equal is no operator",
    ),
    "an Api that is none": ("direct_apis: [order]", 'did you mean "orders"'),
    "a kind that is none": ("kind: jws", "kind"),
    "a lifetime beyond the bounds": ("maximum_lifetime_seconds: 0", "maximum_lifetime_seconds"),
    "one claim of two": ("linking_claim: email", "linking_verified_claim"),
}


@pytest.mark.parametrize(("stated", "text"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_names_its_place(stated: str, text: str) -> None:
    mistakes = refuse(tenant(PROFILE % stated))
    assert text in mistakes[0]
