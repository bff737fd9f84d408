"""Aidbox: tokens of an outside identity provider, signed or opaque, stand for users who exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import Subject, SubjectIdentity, TrustProfile
from tenants.records import SYSTEM
from tenants.services.subjects import save_subject
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import find_scopes, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.introspecting_issuer import CLIENT_ID, SECRET, serve_issuer
from tests.seeds.wire import read_jwt, trust_application

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import _MonkeyPatchedWSGIResponse as Response
    from pytest_django import Settings

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient
    from tests.rfc.introspecting_issuer import Issuer

pytestmark = pytest.mark.django_db
FHIR = "https://fhir.example/"
PROVIDER = "https://idp.hospital.example"
EXPECTED = "https://box.example"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"


@dataclass(frozen=True, slots=True)
class Box:
    """The tenant, and the service that swaps the tokens of the hospital's provider."""

    tenant: Tenant
    oauth: OAuthClient
    service: MadeClient

    def exchange(self, token: str, token_type: str) -> Response:
        asked = {"subject_token": token, "subject_token_type": token_type}
        return self.oauth.token(self.service, grant_type=EXCHANGE, **asked)

    def claims_of(self, answer: Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.content
        token = answer.json()["access_token"]
        return read_jwt(self.oauth, token, audience=FHIR, algorithm="RS256")

    def add_user(self, profile: TrustProfile, name: str) -> Subject:
        """Make a user whom the provider calls by this name."""
        user = save_subject(Subject(tenant=self.tenant), actor=SYSTEM)
        SubjectIdentity.objects.create(
            tenant=self.tenant, subject=user, trust_profile=profile, sub=name
        )
        return user

    def trust_opaque(self, issuer: Issuer, **fields: Any) -> TrustProfile:  # noqa: ANN401 - of a profile.
        profile = TrustProfile(
            tenant=self.tenant,
            slug="opaque",
            kind="opaque",
            issuer=PROVIDER,
            audience=EXPECTED,
            introspection_endpoint=issuer.endpoint,
            introspection_client_id=CLIENT_ID,
            token_prefix="hosp_",
            **fields,
        )
        links = {"maximum_scopes": find_scopes(self.tenant, ["patients"])}
        return save_trust_profile(profile, actor=SYSTEM, links=links, introspection_secret=SECRET)


@pytest.fixture
def box() -> Box:
    tenant = make_tenant(claim_profile="aidbox", signing_algorithm="RS256")
    make_api(tenant, "fhir", audience=FHIR, scopes=["patients"])
    service = make_client(tenant, "gateway", scopes=["patients"], grant_types=[EXCHANGE])
    return Box(tenant, OAuthClient(tenant), service)


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_issuer()


def test_user_of_a_signed_token_is_found_by_the_claim_that_the_profile_names(box: Box) -> None:
    provider = trust_application(
        box.tenant, PROVIDER, audience=EXPECTED, maximum=["patients"], subject_claim="box_user"
    )
    user = box.add_user(TrustProfile.objects.get(), "dr-house")
    answer = box.exchange(provider.sign("4711", box_user="dr-house"), JWT)
    assert box.claims_of(answer)["sub"] == str(user.pk)


def test_nobody_is_created_unless_that_is_switched_on(box: Box) -> None:
    provider = trust_application(box.tenant, PROVIDER, audience=EXPECTED, maximum=["patients"])
    refused = box.exchange(provider.sign("dr-house"), JWT)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert not Subject.objects.exists()


def test_token_for_another_audience_is_refused_although_the_issuer_is_right(box: Box) -> None:
    provider = trust_application(
        box.tenant, PROVIDER, audience=EXPECTED, maximum=["patients"], provisioning="create"
    )
    refused = box.exchange(provider.sign("dr-house", aud="https://shop.example"), JWT)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_opaque_token_is_asked_about_at_its_provider(box: Box, issuer: Issuer) -> None:
    user = box.add_user(box.trust_opaque(issuer), "dr-house")
    token = issuer.put("hosp_1", sub="dr-house", aud=EXPECTED, scope="patients")
    answer = box.exchange(token, ACCESS_TOKEN)
    assert box.claims_of(answer)["sub"] == str(user.pk)
    assert answer.json()["scope"] == "patients"


def test_opaque_token_that_was_revoked_there_is_worth_nothing_here(
    box: Box, issuer: Issuer
) -> None:
    box.add_user(box.trust_opaque(issuer), "dr-house")
    issuer.put("hosp_1", sub="dr-house", aud=EXPECTED, active=False)
    refused = box.exchange("hosp_1", ACCESS_TOKEN)
    assert "inactive" in refused.json()["error_description"]


def test_token_of_nobody_is_not_tried_at_every_provider(box: Box, issuer: Issuer) -> None:
    box.trust_opaque(issuer)
    refused = box.exchange("another-opaque-token", ACCESS_TOKEN)
    assert refused.json()["error"] == "invalid_request"
    assert issuer.asked == []
