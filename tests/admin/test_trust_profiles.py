"""Trust profiles in the admin: presets, secrets that are written only, and "test a token"."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.urls import reverse

from tenants.models import AuditEvent, Membership, Subject, SubjectIdentity, TrustProfile
from tenants.records import SYSTEM
from tenants.services.clients import save_client
from tenants.services.subjects import save_subject
from tenants.services.trust_profiles import save_trust_profile
from tenants.trust_presets import PRESETS
from tests.admin.addresses import address
from tests.admin.filled_forms import fill
from tests.admin.operators import sign_in
from tests.factories.tenants import find_scopes, make_api, make_client
from tests.rfc.introspecting_issuer import CLIENT_ID, PREFIX, SECRET, serve_issuer
from tests.rfc.signers import assertion_claims, make_signer
from tests.rfc.verification import issuer_of
from tokens.models import ReplayedAssertion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import DjangoAssertNumQueries, Settings

    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld
    from tests.rfc.introspecting_issuer import Issuer

# What is sent, signed or stored may be anything.
# ruff: noqa: ANN401

PARTNER = "https://signing.example"
SIGNER = make_signer()
STRANGER = make_signer()
EMAIL = "alice@globex.example"


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_issuer()


def trust(world: TenantWorld, **fields: Any) -> TrustProfile:
    make_api(world.tenant, "parcels", scopes=["ship", "track"])
    links = {"maximum_scopes": find_scopes(world.tenant, ["ship"])}
    keys = {"jwks": [SIGNER.jwk], "algorithms": ["ES256"]}
    values = {"slug": "signing", "issuer": PARTNER, **keys, **fields}
    profile = TrustProfile(tenant=world.tenant, **values)
    return save_trust_profile(profile, actor=SYSTEM, links=links)


def sign(world: TenantWorld, signer: Any = SIGNER, **changes: Any) -> str:
    return str(signer.sign(assertion_claims(PARTNER, "alice", issuer_of(world.tenant), **changes)))


def try_on(browser: OperatorBrowser, profile: TrustProfile, token: str) -> HttpResponse:
    return browser.post(reverse("admin:trust_profile_trial", args=[profile.pk]), {"token": token})


def text_of(page: HttpResponse) -> str:
    assert page.status_code == 200
    return page.content.decode()


def failed(page: HttpResponse) -> list[str]:
    """List the reasons of the checks that failed."""
    context: Any = page.context
    return [check["reason"] for check in context["checks"] if not check["passed"]]


def test_every_check_of_a_good_token_has_passed_and_nothing_is_kept(
    owner: OperatorBrowser,
    globex: TenantWorld,
    caplog: pytest.LogCaptureFixture,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    profile = trust(globex, provisioning="create")
    caplog.set_level(logging.DEBUG)
    before = (Subject.objects.count(), AuditEvent.objects.count())
    token = sign(globex, scope="ship track")
    with django_assert_max_num_queries(20):
        page = try_on(owner, profile, token)
    assert failed(page) == []
    text = text_of(page)
    assert "It would create a user" in text
    assert re.search(r"given: <code>ship</code>", text)
    assert re.search(r"dropped: <code>track</code>", text)
    assert token not in text
    assert page["Cache-Control"].count("no-store") == 1
    assert (Subject.objects.count(), AuditEvent.objects.count()) == before
    assert not ReplayedAssertion.objects.exists()
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert token.split(".")[1] not in written
    assert failed(try_on(owner, profile, token)) == [], "it was not used up"


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "another key": ({"signer": STRANGER}, ["bad_signature"]),
    "another audience": ({"aud": "https://x.example"}, ["wrong_audience"]),
    "a claim that is malformed": ({"sub": 7}, ["invalid_claim", "not_judged"]),
    "several at once": (
        {"aud": "https://x.example", "sub": None, "scope": 7},
        ["wrong_audience", "invalid_subject", "invalid_scope"],
    ),
    "expired and from elsewhere": (
        {"iss": "https://x.example", "iat": 1_000_000_000, "exp": 1_000_000_060},
        ["expired", "wrong_issuer", "too_old", "expired"],
    ),
    "without what is required": ({"org": None}, ["required_claims_absent"]),
}


@pytest.mark.parametrize(("changes", "reasons"), BAD.values(), ids=BAD)
def test_each_check_that_fails_says_why(
    owner: OperatorBrowser, globex: TenantWorld, changes: dict[str, Any], reasons: list[str]
) -> None:
    profile = trust(globex, required_claims={"org": "globex"})
    page = try_on(owner, profile, sign(globex, **({"org": "globex"} | changes)))
    assert failed(page) == reasons
    assert "This token would be refused." in text_of(page)


GARBAGE = {
    "no JWT": "garbage",
    "unsigned": "eyJhbGciOiJub25lIn0.e30.",
    "symmetric": "eyJhbGciOiJIUzI1NiJ9.e30.AA",
    "script": "<script>alert(1)</script>",
    "huge": "a." * 8_000,
    "not ASCII": "ü.ü.ü",
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_explained_and_never_echoed(
    owner: OperatorBrowser, globex: TenantWorld, token: str
) -> None:
    page = try_on(owner, trust(globex), token)
    assert "not_judged" in failed(page)
    assert token not in text_of(page)


def test_what_is_too_long_or_missing_is_a_mistake_of_the_form(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    profile = trust(globex)
    for token in ("", "x" * 20_000):
        page = try_on(owner, profile, token)
        assert page.context["form"].errors
        assert "is_tried" not in page.context


def test_the_page_says_who_the_token_stands_for(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    linking = {"linking_claim": "email", "linking_verified_claim": "email_verified"}
    profile = trust(globex, **linking)
    token = sign(globex, email=EMAIL, email_verified=True)
    assert "names nobody whom the profile knows" in text_of(try_on(owner, profile, token))
    subject = Subject(tenant=globex.tenant, email=EMAIL, is_email_verified=True)
    save_subject(subject, actor=SYSTEM)
    page = text_of(try_on(owner, profile, token))
    assert "would be linked" in page
    assert str(subject.pk) in page
    assert not SubjectIdentity.objects.filter(subject=subject).exists()
    SubjectIdentity.objects.create(
        tenant=globex.tenant, subject=subject, trust_profile=profile, sub="alice"
    )
    assert "whom the profile knows" in text_of(try_on(owner, profile, token))
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert "who is disabled" in text_of(try_on(owner, profile, token))


def test_who_may_not_see_users_sees_no_id(globex: TenantWorld) -> None:
    profile = trust(globex)
    subject = save_subject(Subject(tenant=globex.tenant), actor=SYSTEM)
    SubjectIdentity.objects.create(
        tenant=globex.tenant, subject=subject, trust_profile=profile, sub="alice"
    )
    custodian = sign_in("keys", (globex.tenant, Membership.Role.KEY_CUSTODIAN))
    page = text_of(try_on(custodian, profile, sign(globex)))
    assert "whom the profile knows" in page
    assert str(subject.pk) not in page


def test_an_opaque_token_is_asked_about(
    owner: OperatorBrowser, globex: TenantWorld, issuer: Issuer
) -> None:
    profile = TrustProfile(
        tenant=globex.tenant,
        slug="opaque",
        kind="opaque",
        issuer=PARTNER,
        introspection_endpoint=issuer.endpoint,
        introspection_client_id=CLIENT_ID,
        token_prefix=PREFIX,
    )
    save_trust_profile(profile, actor=SYSTEM, introspection_secret=SECRET)
    token = issuer.put(f"{PREFIX}one", aud=issuer_of(globex.tenant))
    assert failed(try_on(owner, profile, token)) == []
    assert failed(try_on(owner, profile, f"{PREFIX}two")) == ["inactive"]
    assert failed(try_on(owner, profile, "other")) == ["wrong_prefix"]
    assert issuer.asked == [token, f"{PREFIX}two"]
    issuer.answers.clear()
    assert failed(try_on(owner, profile, token)) == ["inactive"], "no answer was remembered"


def test_a_disabled_profile_can_be_tried_before_it_is_enabled(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    profile = trust(globex, is_enabled=False)
    assert failed(try_on(owner, profile, sign(globex))) == []


def test_a_foreign_profile_is_not_found(owner: OperatorBrowser, initech: TenantWorld) -> None:
    profile = trust(initech)
    assert try_on(owner, profile, sign(initech)).status_code == 404
    assert owner.get(reverse("admin:trust_profile_trial", args=[profile.pk])).status_code == 404
    nobody = sign_in("nobody")
    assert try_on(nobody, profile, sign(initech)).status_code == 403


@pytest.mark.parametrize("name", ["maximum_scopes", "direct_apis"])
def test_scopes_and_apis_of_another_tenant_can_not_be_linked(
    owner: OperatorBrowser, globex: TenantWorld, initech: TenantWorld, name: str
) -> None:
    make_api(initech.tenant, "theirs", scopes=["their-scope"])
    theirs = {
        "maximum_scopes": initech.tenant.scopes.get(name="their-scope"),
        "direct_apis": initech.tenant.apis.get(slug="theirs"),
    }
    profile = trust(globex)
    url = address(TrustProfile, "change", profile.pk)
    answer = owner.post(url, fill(owner, url, **{name: [str(theirs[name].pk)]}))
    assert name in answer.context["adminform"].errors
    assert not getattr(profile, name).filter(pk=theirs[name].pk).exists()


def test_the_form_leads_to_the_trial(owner: OperatorBrowser, globex: TenantWorld) -> None:
    profile = trust(globex)
    page = text_of(owner.get(address(TrustProfile, "change", profile.pk)))
    assert reverse("admin:trust_profile_trial", args=[profile.pk]) in page
    assert "Start from a preset" not in page


@pytest.mark.parametrize("slug", PRESETS)
def test_a_new_profile_starts_from_a_preset(
    owner: OperatorBrowser, globex: TenantWorld, slug: str
) -> None:
    url = f"{address(TrustProfile, 'add')}?tenant={globex.tenant.pk}&preset={slug}"
    preset = PRESETS[slug]
    page = text_of(owner.get(url))
    assert f"preset={slug}" in page
    stored = owner.post(url, fill(owner, url, jwks_uri="https://keys.example/jwks"))
    assert stored.status_code == 302, stored.context["adminform"].errors
    profile = TrustProfile.objects.get(tenant=globex.tenant, slug=slug)
    for name, value in preset.all_fields.items():
        if name != "jwks_uri":
            assert getattr(profile, name) == value, name


def test_an_unknown_preset_is_an_empty_form(owner: OperatorBrowser, globex: TenantWorld) -> None:
    url = f"{address(TrustProfile, 'add')}?tenant={globex.tenant.pk}&preset=<script>"
    page = text_of(owner.get(url))
    assert "<script>" not in page.replace("<script ", "")
    assert "GitHub Actions" in page


def test_an_introspection_secret_is_written_and_never_shown(
    owner: OperatorBrowser, globex: TenantWorld
) -> None:
    url = f"{address(TrustProfile, 'add')}?tenant={globex.tenant.pk}"
    form = {
        "slug": "opaque",
        "kind": "opaque",
        "issuer": PARTNER,
        "introspection_endpoint": "https://signing.example/introspect",
        "introspection_client_id": "us",
        "token_prefix": "pat_",
        "introspection_secret": "a canary",
        "scope_mapping": "",
        "required_claims": "",
    }
    stored = owner.post(url, fill(owner, url, **form))
    assert stored.status_code == 302, stored.context["adminform"].errors
    profile = TrustProfile.objects.get(slug="opaque")
    assert (profile.scope_mapping, profile.required_claims) == ({}, {})
    change = address(TrustProfile, "change", profile.pk)
    assert "a canary" not in text_of(owner.get(change))
    sealed = bytes(profile.introspection_secret_ciphertext or b"")
    owner.post(change, fill(owner, change, name="renamed"))
    profile.refresh_from_db()
    assert (profile.name, bytes(profile.introspection_secret_ciphertext or b"")) == (
        "renamed",
        sealed,
    )
    moved = owner.post(change, fill(owner, change, introspection_endpoint="https://x.example/i"))
    assert "another address" in json.dumps(moved.context["adminform"].errors)
    kept = owner.post(change, fill(owner, change, remove_secrets="on"))
    assert "introspection_secret" in json.dumps(kept.context["adminform"].errors)


def test_who_keeps_the_keys_does_not_become_a_client_that_manages(globex: TenantWorld) -> None:
    profile = trust(globex)
    workload = make_client(
        globex.tenant,
        "operator",
        kind="workload",
        token_endpoint_auth_method="workload_identity",
        workload_trust_profile=profile,
        workload_subject="system:operator",
        scopes=["management:clients:write"],
    )
    custodian = sign_in("keys", (globex.tenant, Membership.Role.KEY_CUSTODIAN))
    url = address(TrustProfile, "change", profile.pk)
    mine = json.dumps([make_signer(kid="mine").jwk])
    refused = custodian.post(url, fill(custodian, url, jwks=mine))
    assert "only an owner changes it" in text_of(refused)
    custodian.post(address(TrustProfile, "delete", profile.pk), {"post": "yes"})
    profile.refresh_from_db()
    assert profile.jwks == [SIGNER.jwk]
    save_client(workload.client, actor=SYSTEM, links={"scopes": [], "default_scopes": []})
    assert custodian.post(url, fill(custodian, url, jwks=mine)).status_code == 302


def test_a_public_key_is_pasted_as_pem(owner: OperatorBrowser, globex: TenantWorld) -> None:
    profile = trust(globex, jwks=[STRANGER.jwk])
    pem = SIGNER.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    url = address(TrustProfile, "change", profile.pk)
    stored = owner.post(url, fill(owner, url, jwks="[]", public_key_pem=pem.decode()))
    assert stored.status_code == 302, stored.context["adminform"].errors
    profile.refresh_from_db()
    assert [set(key) for key in profile.jwks] == [{"pem"}]
    assert failed(try_on(owner, profile, sign(globex))) == []
