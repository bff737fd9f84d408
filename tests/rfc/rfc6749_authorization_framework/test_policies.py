"""Access policies on the wire: what their rules see of a token request, and what they change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.utils import timezone

from tenants.models import AccessPolicy, Group, Subject, SubjectIdentity
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.policies import make_policy
from tests.factories.tenants import find_scopes, make_client
from tests.rfc.signers import GRANT, assertion_claims, make_signer
from tests.rfc.verification import ORDERS, issuer_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Api, Tenant, TrustProfile
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

PARTNER = "https://partner.example"
SIGNER = make_signer()


def refusal_of(answer: HttpResponse) -> str:
    assert answer.status_code == 400, answer.content
    return str(answer.json()["error"])


def deny(tenant: Tenant, rule: dict[str, Any], slug: str = "no") -> AccessPolicy:
    return make_policy(tenant, slug, effect="deny", rule=rule)


@pytest.mark.parametrize(
    ("rule", "headers"),
    [
        ({"headers": {"user-agent": {"$present": True, "$regex": "curl/.*"}}}, "curl/8"),
        ({"method": {"$present": True, "$enum": ["POST"]}}, ""),
        ({"address": {"$present": True, "$enum": ["127.0.0.1"]}}, ""),
        ({"client": {"kind": "service"}, "operation": "client_credentials"}, ""),
    ],
    ids=["header", "method", "address", "client"],
)
def test_a_rule_sees_the_facts_of_a_request(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, rule: dict[str, Any], headers: str
) -> None:
    assert oauth.token(service).status_code == 200
    deny(tenant, rule)
    oauth.http.defaults["HTTP_USER_AGENT"] = headers or "other"
    assert refusal_of(oauth.token(service)) == "unauthorized_client"
    if headers:
        oauth.http.defaults["HTTP_USER_AGENT"] = "other"
        assert oauth.token(service).status_code == 200


def test_a_rule_knows_the_time_of_day(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    soon = timezone.now() + timedelta(hours=1)
    deny(tenant, {"time": {"$present": True, "hour": {"$present": True, "$enum": [soon.hour]}}})
    with time_machine.travel(soon, tick=False):
        assert refusal_of(oauth.token(service)) == "unauthorized_client"
    with time_machine.travel(soon + timedelta(hours=1), tick=False):
        assert oauth.token(service).status_code == 200


def test_limits_cut_scope_lifetime_and_audience(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    whole = oauth.token(service, scope="read write").json()
    assert (whole["scope"], whole["expires_in"]) == ("read write", 3600)
    make_policy(tenant, "read-only", effect="limit", limit_scopes=["read"])
    make_policy(tenant, "short", effect="limit", limit_lifetime_seconds=60)
    assert refusal_of(oauth.token(service, scope="write")) == "invalid_scope"
    make_policy(tenant, "orders-only", effect="limit", limit_audiences=[ORDERS])
    cut = oauth.token(service, scope="read write").json()
    assert (cut["scope"], cut["expires_in"]) == ("read", 60)


def test_links_to_kinds_scopes_and_operations_are_held(
    oauth: OAuthClient, tenant: Tenant, api: Api, service: MadeClient
) -> None:
    policy = make_policy(
        tenant,
        "no-writing-services",
        effect="deny",
        client_kinds=["service"],
        operations=["client_credentials"],
        scopes=[api.scopes.get(name="write")],
    )
    assert refusal_of(oauth.token(service, scope="read write")) == "invalid_scope"
    assert oauth.token(service, scope="read").status_code == 200
    policy.client_kinds = ["web"]
    changes.save(policy, actor=SYSTEM)
    assert oauth.token(service, scope="read write").status_code == 200


@pytest.fixture
def partner(tenant: Tenant, api: Api) -> TrustProfile:  # noqa: ARG001 - has the scope.
    """A trust profile whose subject `alice` is known, and a client that swaps its assertions."""
    from tenants.models import TrustProfile  # noqa: PLC0415 - beside its only use.

    profile = TrustProfile(
        tenant=tenant, slug="partner", issuer=PARTNER, algorithms=["ES256"], jwks=[SIGNER.jwk]
    )
    links = {"maximum_scopes": find_scopes(tenant, ["read", "write"])}
    save_trust_profile(profile, actor=SYSTEM, links=links)
    alice = Subject.objects.create(tenant=tenant)
    SubjectIdentity.objects.create(tenant=tenant, subject=alice, trust_profile=profile, sub="alice")
    make_client(
        tenant,
        "app",
        kind="spa",
        scopes=["read", "write"],
        grant_types=[GRANT, "refresh_token"],
        token_endpoint_auth_method="none",
        refresh_token_enabled=True,
    )
    return profile


def swap(oauth: OAuthClient, tenant: Tenant, **claims: Any) -> HttpResponse:  # noqa: ANN401 - claims.
    assertion = SIGNER.sign(assertion_claims(PARTNER, "alice", issuer_of(tenant), **claims))
    return oauth.token(grant_type=GRANT, assertion=assertion, client_id="app")


@pytest.mark.usefixtures("partner")
def test_a_rule_sees_the_verified_claims_of_an_assertion(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    deny(tenant, {"claims": {"$present": True, "level": {"$present": True, "$enum": ["low"]}}})
    assert swap(oauth, tenant, level="high").status_code == 200
    assert swap(oauth, tenant).status_code == 200
    assert refusal_of(swap(oauth, tenant, level="low")) == "invalid_grant"


def test_a_link_to_a_trust_profile_is_held(
    oauth: OAuthClient, tenant: Tenant, partner: TrustProfile, service: MadeClient
) -> None:
    make_policy(tenant, "no-partner", effect="deny", trust_profiles=[partner])
    assert refusal_of(swap(oauth, tenant)) == "invalid_grant"
    assert oauth.token(service).status_code == 200


@pytest.mark.usefixtures("partner")
def test_groups_count_when_a_session_begins_and_when_it_goes_on(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    group = Group(tenant=tenant, slug="suspended")
    changes.save(group, actor=SYSTEM)
    make_policy(tenant, "suspended", effect="deny", groups=[group])
    begun = swap(oauth, tenant).json()
    changes.save(group, actor=SYSTEM, links={"subjects": [Subject.objects.get()]})
    assert refusal_of(swap(oauth, tenant)) == "invalid_grant"
    refused = oauth.token(
        grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id="app"
    )
    assert refusal_of(refused) == "invalid_grant"
    changes.save(group, actor=SYSTEM, links={"subjects": []})
    again = oauth.token(
        grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id="app"
    )
    assert again.status_code == 200, again.content


@pytest.mark.usefixtures("partner")
def test_a_link_to_a_subject_is_held(oauth: OAuthClient, tenant: Tenant) -> None:
    policy = make_policy(tenant, "not-her", effect="deny", subjects=[Subject.objects.get()])
    assert refusal_of(swap(oauth, tenant)) == "invalid_grant"
    changes.save(policy, actor=SYSTEM, links={"subjects": [Subject.objects.create(tenant=tenant)]})
    assert swap(oauth, tenant).status_code == 200
