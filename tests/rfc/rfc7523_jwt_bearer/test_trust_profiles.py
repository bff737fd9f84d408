"""RFC 7523 section 3: what a trust profile demands of a token, and what it gives for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import AuditEvent, Subject, SubjectIdentity
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.rfc7523_jwt_bearer.partner import (
    EMAIL,
    LINKING,
    NAMED,
    PARTNER,
    assert_refused,
    make_subject,
    scope_of,
    sign,
    swap,
    trust,
)
from tests.rfc.signers import GRANT, MAKERS, Signer, assertion_claims, make_signer
from tests.rfc.verification import issuer_of, verify

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from tenants.models import Tenant

pytestmark = pytest.mark.usefixtures("app")
MAPPING = {"plan": ["read"], "documents": ["read", "write"]}


def test_foreign_scope_names_are_mapped_to_ours(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, maximum=["read", "write"], scope_mapping=MAPPING)
    assert scope_of(swap(oauth, sign(tenant, scope="plan"))) == "read"
    assert scope_of(swap(oauth, sign(tenant, scope="plan documents"))) == "read write"
    assert scope_of(swap(oauth, sign(tenant, scope="documents"), scope="write")) == "write"


@pytest.mark.requirement("RFC 7521", "4.1", "The scope never goes beyond what the issuer may give.")
@pytest.mark.parametrize(
    "scope",
    [
        pytest.param("write", id="a name of ours"),
        pytest.param("management:clients:write", id="a management scope"),
        pytest.param("unknown", id="a name that is not mapped"),
        pytest.param("", id="nothing"),
    ],
)
def test_with_a_mapping_only_mapped_names_count(
    oauth: OAuthClient, tenant: Tenant, scope: str
) -> None:
    trust(tenant, maximum=["read", "write"], scope_mapping=MAPPING)
    assert_refused(swap(oauth, sign(tenant, scope=scope)), code="invalid_scope")
    assert_refused(
        swap(oauth, sign(tenant, scope=f"plan {scope}".strip()), scope="write"),
        code="invalid_scope",
    )


def test_management_scopes_never_come_from_outside_whatever_a_client_has(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    scope = "management:clients:write"
    manager = make_client(tenant, "manager", scopes=["read", scope], grant_types=[GRANT])
    trust(tenant)
    given = {"scope": (scope, None), "list": (["read", scope], "read"), "none": (None, "read")}
    for what, (claim, expected) in given.items():
        assertion = sign(tenant, scope=claim)
        response = oauth.token(manager, grant_type=GRANT, assertion=assertion)
        assert response.json().get("scope") == expected, what
        asked = oauth.token(
            manager, grant_type=GRANT, assertion=sign(tenant, scope=claim), scope=scope
        )
        assert_refused(asked, code="invalid_scope")


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        pytest.param({"org": "globex", "amr": ["pwd", "otp"]}, "", id="as required"),
        pytest.param({"org": "initech", "amr": ["otp"]}, "required claims differ", id="other"),
        pytest.param({"org": "globex", "amr": ["pwd"]}, "required claims differ", id="weak"),
        pytest.param({"org": "globex"}, "required claims absent", id="absent"),
        pytest.param({"org": ["globex"], "amr": ["otp"]}, "required claims absent", id="a list"),
    ],
)
def test_required_claims_are_required(
    oauth: OAuthClient, tenant: Tenant, claims: dict[str, Any], text: str
) -> None:
    trust(tenant, required_claims={"org": "globex", "amr": {"$contains": "otp"}})
    response = swap(oauth, sign(tenant, **claims))
    if text:
        assert_refused(response, text)
        assert not Subject.objects.exists()
    else:
        assert scope_of(response) == "read"


def test_a_token_that_was_made_for_too_long_is_refused(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, maximum_lifetime_seconds=600)
    now = int(time.time())
    assert_refused(swap(oauth, sign(tenant, exp=now + 700)), "lifetime too long")
    assert scope_of(swap(oauth, sign(tenant, iat=now, exp=now + 600))) == "read"


# --- Linking ---


def test_a_verified_address_links_who_is_there_already(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, provisioning="refuse", **LINKING)
    subject = make_subject(tenant)
    answer = swap(oauth, sign(tenant, **NAMED)).json()
    assert verify(oauth, answer["access_token"])["sub"] == str(subject.pk)
    again = swap(oauth, sign(tenant, email="another@globex.example", email_verified=False)).json()
    assert verify(oauth, again["access_token"])["sub"] == str(subject.pk)
    assert AuditEvent.objects.filter(event="subject.linked").count() == 1


LINKING_ATTACKS: dict[str, dict[str, Any]] = {
    "not verified": {"email_verified": False},
    "verified as a text": {"email_verified": "true"},
    "verified as a number": {"email_verified": 1},
    "nothing about it": {"email_verified": None},
    "several addresses": {"email": [EMAIL, "mallory@evil.example"]},
    "an address in capitals": {"email": EMAIL.upper()},
    "an address with a space": {"email": f" {EMAIL}"},
    "an address with a look-alike": {"email": EMAIL.replace("a", "\u0430", 1)},
    "a pattern": {"email": "%@globex.example"},
}


@pytest.mark.parametrize("claims", LINKING_ATTACKS.values(), ids=LINKING_ATTACKS)
@pytest.mark.parametrize("provisioning", ["refuse", "create"])
def test_an_address_that_is_not_proven_takes_nobody_over(
    oauth: OAuthClient, tenant: Tenant, provisioning: str, claims: dict[str, Any]
) -> None:
    trust(tenant, provisioning=provisioning, **LINKING)
    subject = make_subject(tenant)
    response = swap(oauth, sign(tenant, **(NAMED | claims)))
    assert not SubjectIdentity.objects.filter(subject=subject).exists()
    if provisioning == "refuse":
        assert_refused(response, "not known to this tenant")
    else:
        assert verify(oauth, response.json()["access_token"])["sub"] != str(subject.pk)


def test_linking_is_off_by_default(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant)
    subject = make_subject(tenant)
    answer = swap(oauth, sign(tenant, **NAMED)).json()
    assert verify(oauth, answer["access_token"])["sub"] != str(subject.pk)


def test_a_disabled_user_is_not_linked(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, provisioning="refuse", **LINKING)
    make_subject(tenant, is_enabled=False)
    assert_refused(swap(oauth, sign(tenant, **NAMED)), "not known to this tenant")


# --- Provisioning ---


def test_a_profile_has_a_quota_of_new_users(oauth: OAuthClient, tenant: Tenant) -> None:
    trust(tenant, max_subjects_per_day=2)
    for sub in ("one", "two"):
        assert scope_of(swap(oauth, sign(tenant, sub=sub))) == "read"
    response = swap(oauth, sign(tenant, sub="three"))
    assert (response.status_code, response.json()["error"]) == (429, "quota_exceeded")
    assert 0 < int(response["Retry-After"]) <= 86_400
    assert Subject.objects.count() == 2
    assert scope_of(swap(oauth, sign(tenant, sub="one"))) == "read"


def test_who_is_known_costs_no_statement_more(
    oauth: OAuthClient, tenant: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    trust(tenant, **LINKING, required_claims={"sub": {"$present": True}}, scope_mapping={})
    swap(oauth, sign(tenant, **NAMED))
    swap(oauth, sign(tenant, **NAMED))
    text = sign(tenant, **NAMED)
    # The snapshot's look, the replay, the subject, and token and session, which are stored by one.
    with django_assert_num_queries(4):
        assert swap(oauth, text).status_code == 200


# --- Vectors ---


@pytest.mark.parametrize("algorithm", sorted(MAKERS))
@pytest.mark.requirement("RFC 8725", "3.1", "Only algorithms that are allowed are accepted.")
def test_each_algorithm_opens_where_it_is_allowed_and_nowhere_else(
    oauth: OAuthClient, tenant: Tenant, algorithm: str
) -> None:
    signer = make_signer(algorithm)
    other = "ES256" if algorithm != "ES256" else "RS256"
    for slug, allowed, is_good in (("yes", algorithm, True), ("no", other, False)):
        audience = f"https://{slug}.example"
        trust(tenant, slug=slug, audience=audience, jwks=[signer.jwk], algorithms=[allowed])
        response = swap(oauth, signer.sign(assertion_claims(PARTNER, "alice", audience)))
        if is_good:
            assert scope_of(response) == "read"
        else:
            assert_refused(response)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.requirement("RFC 8725", "3.1", "Only algorithms that are allowed are accepted.")
def test_each_symmetric_algorithm_opens_by_a_secret_where_it_is_allowed(
    oauth: OAuthClient, tenant: Tenant, algorithm: str
) -> None:
    secret = "a shared secret of sixty-four bytes, which is enough for HS512.."
    signer = Signer(secret.encode(), algorithm)
    other = "HS256" if algorithm != "HS256" else "HS512"
    fields: dict[str, Any] = {"jwks": [], "shared_secret": secret}
    for slug, allowed, is_good in (("yes", algorithm, True), ("no", other, False)):
        audience = f"https://{slug}.example"
        trust(tenant, slug=slug, audience=audience, algorithms=[allowed], **fields)
        response = swap(oauth, signer.sign(assertion_claims(PARTNER, "alice", audience)))
        if is_good:
            assert scope_of(response) == "read"
        else:
            assert_refused(response, "algorithm not allowed")


# --- Tenants ---


@pytest.mark.requirement("RFC 7523", "3", "The audience identifies this authorization server.")
def test_a_profile_of_one_tenant_opens_nothing_at_another(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    trust(tenant)
    other = make_tenant("initech")
    make_api(other)
    make_client(
        other,
        "app",
        kind="spa",
        scopes=["read"],
        grant_types=[GRANT],
        token_endpoint_auth_method="none",
    )
    theirs = OAuthClient(other)
    assert_refused(swap(theirs, sign(tenant)), "none that this tenant trusts")
    trust(other, provisioning="create")
    assert_refused(swap(theirs, sign(tenant)), "aud")
    assert_refused(swap(oauth, sign(other)), "aud")
    assert issuer_of(other) != issuer_of(tenant)
    assert not Subject.objects.exists()
