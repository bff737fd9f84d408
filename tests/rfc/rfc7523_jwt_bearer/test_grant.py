"""RFC 7523 section 2.1: an outside issuer's assertion is swapped for a token of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.utils import timezone

from tenants.models import Group, Subject, SubjectIdentity, TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes, groups
from tenants.services.subjects import save_subject
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, find_scopes
from tests.rfc.signers import GRANT, Signer, assertion_claims, make_signer
from tests.rfc.verification import issuer_of, verify
from tokens.purge import purge_expired

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient

PARTNER = "https://partner.example"
SIGNER = make_signer()
SHARED = "a shared secret of thirty-two by"


def trust(tenant: Tenant, *, shared_secret: str = "", **fields: Any) -> TrustProfile:  # noqa: ANN401 - of a profile.
    """Make a trust profile with the partner, who may give `read` at most."""
    keys = {} if shared_secret else {"jwks": [SIGNER.jwk], "algorithms": ["ES256"]}
    values = {"slug": "partner", "issuer": PARTNER, "provisioning": "create", **keys, **fields}
    profile = TrustProfile(tenant=tenant, **values)
    links = {"maximum_scopes": find_scopes(tenant, ["read"])}
    return save_trust_profile(profile, actor=SYSTEM, links=links, shared_secret=shared_secret)


def _sign(tenant: Tenant, *, signer: Signer = SIGNER, **changes: Any) -> str:  # noqa: ANN401 - claims.
    return signer.sign(assertion_claims(PARTNER, "alice", issuer_of(tenant), **changes))


def _swap(
    oauth: OAuthClient,
    assertion: str,
    client: str = "app",
    **more: Any,  # noqa: ANN401 - as sent.
) -> HttpResponse:
    return oauth.token(grant_type=GRANT, assertion=assertion, client_id=client, **more)


def _assert_refused(response: HttpResponse, code: str = "invalid_grant") -> None:
    assert (response.status_code, response.json()["error"]) == (400, code)


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 7523", "2.1", "An assertion of a trusted issuer brings a token.")
def test_a_user_gets_a_token_at_first_sight(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant)
    response = _swap(oauth, _sign(tenant))
    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["scope"] == "read"
    claims = verify(oauth, answer["access_token"])
    subject = Subject.objects.get()
    assert claims["sub"] == str(subject.pk)
    assert claims["client_id"] == "app"
    again = verify(oauth, _swap(oauth, _sign(tenant)).json()["access_token"])
    assert again["sub"] == claims["sub"]
    other = verify(oauth, _swap(oauth, _sign(tenant, sub="bob")).json()["access_token"])
    assert other["sub"] != claims["sub"]


@pytest.mark.usefixtures("app")
def test_an_unknown_user_is_refused_where_the_profile_says_so(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    profile = trust(tenant, provisioning="refuse")
    _assert_refused(_swap(oauth, _sign(tenant)))
    assert not Subject.objects.exists()
    subject = save_subject(Subject(tenant=tenant), actor=SYSTEM)
    SubjectIdentity.objects.create(
        tenant=tenant, subject=subject, trust_profile=profile, sub="alice"
    )
    claims = verify(oauth, _swap(oauth, _sign(tenant)).json()["access_token"])
    assert claims["sub"] == str(subject.pk)


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 7521", "4.1", "The scope never goes beyond what the issuer may give.")
def test_the_profile_bounds_the_scope(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant)
    _assert_refused(_swap(oauth, _sign(tenant), scope="write"), "invalid_scope")
    _assert_refused(_swap(oauth, _sign(tenant), scope="read write"), "invalid_scope")
    assert _swap(oauth, _sign(tenant), scope="read").json()["scope"] == "read"
    widened = _swap(oauth, _sign(tenant, scope="read write"))
    assert widened.json()["scope"] == "read"
    _assert_refused(_swap(oauth, _sign(tenant, scope="write")), "invalid_scope")
    _assert_refused(_swap(oauth, _sign(tenant, scope="")), "invalid_scope")


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 7523", "3", "An assertion that was used is refused.")
@pytest.mark.parametrize("jti", ["one", None])
def test_an_assertion_works_once(oauth: OAuthClient, tenant: Tenant, jti: str | None) -> None:
    trust(tenant)
    text = _sign(tenant, jti=jti)
    assert _swap(oauth, text).status_code == 200
    Subject.objects.all().delete()
    _assert_refused(_swap(oauth, text))
    assert not Subject.objects.exists()


@pytest.mark.usefixtures("app")
def test_a_client_without_the_grant_brings_nobody_into_being(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    trust(tenant)
    text = _sign(tenant)
    response = oauth.token(service, grant_type=GRANT, assertion=text)
    _assert_refused(response, "unauthorized_client")
    assert not Subject.objects.exists()
    assert _swap(oauth, text).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "issuer with a slash": {"iss": PARTNER + "/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "https://other.example"},
    "no audience": {"aud": None},
    "no subject": {"sub": None},
    "subject is a number": {"sub": 1},
    "subject with a line break": {"sub": "a\nb"},
    "a long subject": {"sub": "x" * 256},
    "no exp": {"exp": None},
    "expired": {"iat": 999_999_999, "exp": 1_000_000_000},
    "exp before iat": {"exp": 1_000_000_000},
    "no iat": {"iat": None},
    "iat to come": {"iat": 4_000_000_000, "exp": 4_000_000_100},
    "nbf to come": {"nbf": 4_000_000_000},
    "scope is a number": {"scope": 5},
    "scope is no scope": {"scope": ["ok", 5]},
    "typ of a refresh token": {"typ": "refresh"},
}


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 7523", "3", "Each claim of an assertion is checked.")
@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_wrong_assertion_is_refused(
    oauth: OAuthClient, tenant: Tenant, changes: dict[str, Any]
) -> None:
    trust(tenant)
    _assert_refused(_swap(oauth, _sign(tenant, **changes)))
    assert not Subject.objects.exists()


@pytest.mark.usefixtures("app")
def test_an_assertion_ages(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, maximum_age_seconds=60, clock_skew_seconds=0)
    with time_machine.travel(timezone.now()) as clock:
        text, later = (_sign(tenant, exp=4_000_000_000) for _ in range(2))
        clock.shift(55)
        assert _swap(oauth, text).status_code == 200
        clock.shift(10)
        _assert_refused(_swap(oauth, later))


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 7523", "3", "An assertion that was used is refused.")
def test_a_used_assertion_stays_used_when_its_profile_allows_a_greater_age(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    profile = trust(tenant, maximum_age_seconds=60, clock_skew_seconds=0)
    with time_machine.travel(timezone.now()) as clock:
        used, unused = (_sign(tenant, exp=4_000_000_000) for _ in range(2))
        assert _swap(oauth, used).status_code == 200
        clock.shift(3_600)
        purge_expired(timezone.now(), max_batches=1)
        profile.maximum_age_seconds = 86_400
        save_trust_profile(profile, actor=SYSTEM)
        _assert_refused(_swap(oauth, used))
        assert _swap(oauth, unused).status_code == 200


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 7523", "3", "An assertion that was used is refused.")
def test_a_used_assertion_stays_used_when_its_issuer_gets_another_profile(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    trust(tenant)
    text = _sign(tenant)
    assert _swap(oauth, text).status_code == 200
    trust(tenant, slug="a-first-one", audience="https://other.example")
    _assert_refused(_swap(oauth, text))
    assert _swap(oauth, _sign(tenant)).status_code == 200


GARBAGE = {
    "missing": ("", "invalid_request"),
    "no JWT": ("garbage", "invalid_grant"),
    "unsigned": ("eyJhbGciOiJub25lIn0.e30.", "invalid_grant"),
    "empty claims": ("e30.e30.AA", "invalid_grant"),
    "not ASCII": ("ü.ü.ü", "invalid_grant"),
    "huge": ("a." * 10_000, "invalid_grant"),
    "claims are a list": ("e30.W10.AA", "invalid_grant"),
}


@pytest.mark.usefixtures("app")
@pytest.mark.requirement("RFC 6749", "5.2", "An assertion that is none is an invalid_grant.")
@pytest.mark.parametrize("row", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused(oauth: OAuthClient, tenant: Tenant, row: tuple[str, str]) -> None:
    trust(tenant)
    text, code = row
    _assert_refused(_swap(oauth, text), code)


@pytest.mark.usefixtures("app")
def test_a_shared_secret_can_be_trusted_as_well(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, shared_secret=SHARED, algorithms=["HS256"])
    good, bad = (Signer(secret.encode(), "HS256") for secret in (SHARED, SHARED[::-1]))
    assert _swap(oauth, _sign(tenant, signer=good)).status_code == 200
    _assert_refused(_swap(oauth, _sign(tenant, signer=bad)))
    _assert_refused(_swap(oauth, _sign(tenant)))


@pytest.mark.usefixtures("app")
def test_the_audience_may_be_another_than_the_issuer(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, audience="https://globex.example")
    assert _swap(oauth, _sign(tenant, aud="https://globex.example")).status_code == 200
    _assert_refused(_swap(oauth, _sign(tenant)))


@pytest.mark.usefixtures("app")
def test_what_an_issuer_brought_ends_with_the_trust_in_it(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient
) -> None:
    for number, end in enumerate((_disable, _delete)):
        profile = trust(tenant, slug=f"partner-{number}", audience=f"https://{number}.example")
        answer = _swap(oauth, _sign(tenant, aud=profile.audience)).json()
        assert oauth.introspect(gateway, answer["access_token"]).json()["active"] is True
        end(profile)
        assert oauth.introspect(gateway, answer["access_token"]).json() == {"active": False}
        refreshed = oauth.token(
            grant_type="refresh_token", refresh_token=answer["refresh_token"], client_id="app"
        )
        _assert_refused(refreshed)
        _assert_refused(_swap(oauth, _sign(tenant, aud=profile.audience)))


def _disable(profile: TrustProfile) -> None:
    profile.is_enabled = False
    save_trust_profile(profile, actor=SYSTEM)


def _delete(profile: TrustProfile) -> None:
    changes.delete(profile, actor=SYSTEM)


@pytest.mark.usefixtures("app")
def test_a_disabled_user_gets_nothing_and_keeps_nothing(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient
) -> None:
    trust(tenant)
    answer = _swap(oauth, _sign(tenant)).json()
    subject = Subject.objects.get()
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert oauth.introspect(gateway, answer["access_token"]).json() == {"active": False}
    _assert_refused(_swap(oauth, _sign(tenant)))
    _assert_refused(
        oauth.token(
            grant_type="refresh_token", refresh_token=answer["refresh_token"], client_id="app"
        )
    )


@pytest.mark.usefixtures("app")
def test_a_public_client_refreshes_what_it_was_given(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant)
    first = _swap(oauth, _sign(tenant)).json()
    second = oauth.token(
        grant_type="refresh_token", refresh_token=first["refresh_token"], client_id="app"
    ).json()
    assert second["scope"] == "read"
    assert (
        verify(oauth, second["access_token"])["sub"] == verify(oauth, first["access_token"])["sub"]
    )


@pytest.mark.usefixtures("app")
def test_a_policy_denies_assertions_in_their_own_words(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant)
    tenant.access_policies.all().delete()
    _assert_refused(_swap(oauth, _sign(tenant)))
    assert not Subject.objects.exists(), "what is refused leaves nobody behind"


@pytest.mark.usefixtures("app")
def test_policies_judge_who_is_to_be_linked_by_their_own_groups(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    email = "alice@globex.example"
    named: dict[str, Any] = {"email": email, "email_verified": True}
    linking = {"linking_claim": "email", "linking_verified_claim": "email_verified"}
    trust(tenant, provisioning="refuse", **linking)
    person = Subject(tenant=tenant, email=email, is_email_verified=True)
    save_subject(person, actor=SYSTEM)
    tenant.access_policies.all().delete()
    staff = groups.save_group(Group(tenant=tenant, slug="staff"), actor=SYSTEM)
    make_policy(tenant, "staff", groups=[staff])
    _assert_refused(_swap(oauth, _sign(tenant, **named)))
    assert not SubjectIdentity.objects.exists()
    groups.add_member(staff, person.pk, actor=SYSTEM)
    claims = verify(oauth, _swap(oauth, _sign(tenant, **named)).json()["access_token"])
    assert claims["sub"] == str(person.pk)
