"""Ideavate: several outside issuers, each with its maximum, its own names and its own new users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import Subject
from tenants.records import SYSTEM
from tenants.services.subjects import save_subject
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import JWT_BEARER, Application, read_jwt, trust_application

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
AUDIENCE = "https://api.ideavate.example/"
EXPECTED = "https://ideavate.example/sso"
SCOPES = ["read:accounts", "download:documents", "write:accounts"]
# The names that people see when they link a provider, and what they come to.
CONSENT = {"plan": ["read:accounts"], "documents": ["download:documents"], "offline_access": []}


@dataclass(frozen=True, slots=True)
class Platform:
    """The tenant whose web application signs its users in by what their providers say."""

    tenant: Tenant
    oauth: OAuthClient

    def trust(self, issuer: str, **fields: Any) -> Application:  # noqa: ANN401 - of a profile.
        values = {"provisioning": "create", **fields}
        return trust_application(
            self.tenant, issuer, audience=EXPECTED, maximum=SCOPES[:2], **values
        )

    def sign_in(self, assertion: str) -> Response:
        return self.oauth.token(grant_type=JWT_BEARER, client_id="webapp", assertion=assertion)

    def claims_of(self, assertion: str) -> dict[str, Any]:
        answer = self.sign_in(assertion)
        assert answer.status_code == 200, answer.content
        token = answer.json()["access_token"]
        return read_jwt(self.oauth, token, audience=AUDIENCE, algorithm="ES256")


@pytest.fixture
def platform() -> Platform:
    tenant = make_tenant()
    make_api(tenant, "accounts", audience=AUDIENCE, scopes=SCOPES)
    make_client(
        tenant,
        "webapp",
        kind="spa",
        scopes=SCOPES,
        default_scopes=["read:accounts"],
        token_endpoint_auth_method="none",
        grant_types=[JWT_BEARER],
    )
    return Platform(tenant, OAuthClient(tenant))


def test_consent_names_become_the_scopes_of_the_api(platform: Platform) -> None:
    provider = platform.trust("https://gas.example", scope_mapping=CONSENT)
    both = provider.sign("user-1", scope="plan documents offline_access")
    assert platform.claims_of(both)["scope"].split() == ["download:documents", "read:accounts"]
    assert platform.claims_of(provider.sign("user-1", scope="plan"))["scope"] == "read:accounts"


def test_names_of_the_api_itself_count_for_nothing_beside_a_mapping(platform: Platform) -> None:
    provider = platform.trust("https://gas.example", scope_mapping=CONSENT)
    assertion = provider.sign("user-1", scope="read:accounts write:accounts")
    assert platform.sign_in(assertion).json()["error"] == "invalid_scope"


def test_each_issuer_has_its_own_users_and_its_own_bounds(platform: Platform) -> None:
    gas = platform.trust("https://gas.example")
    water = platform.trust("https://water.example", required_claims={"sector": "water"})
    first = platform.claims_of(gas.sign("user-1"))["sub"]
    second = platform.claims_of(water.sign("user-1", sector="water"))["sub"]
    assert first != second
    refused = platform.sign_in(water.sign("user-1", sector="gas"))
    assert "required claims differ" in refused.json()["error_description"]


def test_user_who_exists_is_recognised_by_a_verified_address(platform: Platform) -> None:
    linking = {"linking_claim": "email", "linking_verified_claim": "email_verified"}
    provider = platform.trust("https://gas.example", **linking)
    user = Subject(tenant=platform.tenant, email="ada@home.example", is_email_verified=True)
    save_subject(user, actor=SYSTEM)
    stated = {"email": "ada@home.example", "email_verified": True}
    assert platform.claims_of(provider.sign("user-1", **stated))["sub"] == str(user.pk)
    impostor = provider.sign("user-2", **stated)
    assert platform.claims_of(impostor)["sub"] != str(user.pk)


def test_new_users_of_an_issuer_are_bounded_by_the_day(platform: Platform) -> None:
    provider = platform.trust("https://gas.example", max_subjects_per_day=2)
    other = platform.trust("https://water.example", max_subjects_per_day=2)
    for name in ("user-1", "user-2"):
        platform.claims_of(provider.sign(name))
    refused = platform.sign_in(provider.sign("user-3"))
    assert (refused.status_code, refused.json()["error"]) == (429, "quota_exceeded")
    platform.claims_of(provider.sign("user-1"))
    platform.claims_of(other.sign("user-3"))
    assert Subject.objects.count() == 3
