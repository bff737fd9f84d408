"""Aidbox: a token of the hospital's own system is swapped for one of ours, and services act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import Subject, SubjectIdentity, TrustProfile
from tenants.records import SYSTEM, GrantType
from tenants.services import changes
from tenants.services.subjects import save_subject
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.seeds.wire import Application, read_jwt, trust_application

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
FHIR = "https://fhir.example/"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass(frozen=True, slots=True)
class Hospital:
    """The tenant, the application that swaps tokens, and the hospital's own issuer."""

    tenant: Tenant
    oauth: OAuthClient
    app: MadeClient
    ehr: Application

    def swap(self, token: str, token_type: str = JWT, **more: str) -> Response:
        sent = {"subject_token": token, "subject_token_type": token_type, **more}
        return self.oauth.token(self.app, grant_type=GrantType.TOKEN_EXCHANGE.value, **sent)

    def claims_of(self, answer: Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.content
        token = answer.json()["access_token"]
        return read_jwt(self.oauth, token, audience=FHIR, algorithm="RS256")


@pytest.fixture
def hospital() -> Hospital:
    tenant = make_tenant(claim_profile="rfc9068", signing_algorithm="RS256")
    api = make_api(tenant, "fhir", audience=FHIR, scopes=["patients", "notes"])
    grants = ["client_credentials", GrantType.TOKEN_EXCHANGE.value]
    app = make_client(tenant, "app", scopes=["patients", "notes"], grant_types=grants)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [app.client]})
    ehr = trust_application(
        tenant, "https://ehr.example", audience="https://box.example", maximum=["patients"]
    )
    return Hospital(tenant, OAuthClient(tenant), app, ehr)


def enroll(hospital: Hospital, sub: str) -> Subject:
    subject = Subject(tenant=hospital.tenant, external_id=sub)
    save_subject(subject, actor=SYSTEM)
    profile = TrustProfile.objects.get(tenant=hospital.tenant)
    SubjectIdentity.objects.create(
        tenant=hospital.tenant, subject=subject, trust_profile=profile, sub=sub
    )
    return subject


def test_token_of_the_hospital_is_swapped_for_a_known_user(hospital: Hospital) -> None:
    doctor = enroll(hospital, "doctor-1")
    claims = hospital.claims_of(hospital.swap(hospital.ehr.sign("doctor-1")))
    assert (claims["sub"], claims["client_id"]) == (str(doctor.pk), "app")
    assert claims["scope"] == "patients"


def test_user_must_exist(hospital: Hospital) -> None:
    refused = hospital.swap(hospital.ehr.sign("nobody"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert not Subject.objects.exists()


def test_issuer_that_nobody_allowed_is_refused(hospital: Hospital) -> None:
    enroll(hospital, "doctor-1")
    refused = hospital.swap(hospital.ehr.sign("doctor-1", iss="https://other.example"))
    assert refused.json()["error"] == "invalid_request"


def test_swapped_token_ends_no_later_than_the_hospitals(hospital: Hospital) -> None:
    enroll(hospital, "doctor-1")
    answer = hospital.swap(hospital.ehr.sign("doctor-1"))
    assert 0 < answer.json()["expires_in"] <= 300
    assert "refresh_token" not in answer.json()


def test_service_in_the_middle_is_named_beside_the_user(hospital: Hospital) -> None:
    """There, a header of its own brought the service's secret along with the user's token."""
    doctor = enroll(hospital, "doctor-1")
    user = hospital.swap(hospital.ehr.sign("doctor-1")).json()["access_token"]
    service = hospital.oauth.token(hospital.app, scope="patients").json()["access_token"]
    actor = {"actor_token": service, "actor_token_type": ACCESS_TOKEN}
    answer = hospital.swap(user, ACCESS_TOKEN, **actor)
    claims = hospital.claims_of(answer)
    assert (claims["sub"], claims["act"]) == (str(doctor.pk), {"sub": "app"})
    hospital.oauth.revoke(hospital.app, service)
    token = answer.json()["access_token"]
    assert hospital.oauth.introspect(hospital.app, token).json() == {"active": False}
