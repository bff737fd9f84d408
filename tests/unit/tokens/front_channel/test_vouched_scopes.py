"""Who signed in with an outside issuer gets no more than its trust profile allows."""

from __future__ import annotations

import time

import pytest

from tenants import snapshot
from tenants.assurance import Assurance
from tenants.models import TrustProfile
from tests.factories.code_flow import CodeFlow, answer_of, make_flow, person_of
from tests.seeds.wire import trust_application
from tokens import sign_ins
from tokens.front_channel import cookies
from tokens.sign_ins import Proof

pytestmark = pytest.mark.django_db
MAXIMUM = ["openid", "read", "offline_access"]


@pytest.fixture
def flow() -> CodeFlow:
    """A person who came from an outside issuer."""
    made = make_flow()
    trust_application(made.tenant, "https://idp.example", audience="us", maximum=MAXIMUM)
    profile = TrustProfile.objects.get()
    core = snapshot.CURRENT.tenant(made.tenant.path)
    assert core is not None
    subject, now = person_of(made).pk, time.time()
    proof = Proof(subject, Assurance.ONE_FACTOR, (), "203.0.113.7", "a browser", profile.pk)
    text = sign_ins.begin(core, proof, number=snapshot.CURRENT.confirm(), now=now)
    made.person.http.cookies[cookies.SIGN_IN] = text or ""
    return made


def test_scope_within_the_maximum_is_granted_and_refreshed(flow: CodeFlow) -> None:
    tokens = flow.tokens(scope="openid read offline_access")
    answer = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert answer.status_code == 200, answer.content


def test_scope_beyond_the_maximum_is_refused_before_the_person_agrees(flow: CodeFlow) -> None:
    assert answer_of(flow.ask(scope="openid write"))["error"] == "invalid_scope"


def test_code_is_worth_nothing_once_the_issuer_is_trusted_no_more(flow: CodeFlow) -> None:
    code = flow.code()
    TrustProfile.objects.update(is_enabled=False)
    snapshot.CURRENT.forget()
    refused = flow.redeem(code)
    assert refused.status_code == 400
