"""Outside issuers that are hostile, slow or shared: nobody else pays for it, and nothing leaks."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import Subject, TrustProfile
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.introspecting_issuer import PREFIX, SECRET, serve_issuer
from tests.rfc.rfc7523_jwt_bearer.partner import (
    PARTNER,
    SIGNER,
    assert_refused,
    scope_of,
    swap,
    trust,
    trust_opaque,
)
from tests.rfc.signers import GRANT, assertion_claims
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

    from tenants.models import Tenant
    from tests.rfc.introspecting_issuer import Issuer

pytestmark = pytest.mark.django_db
TOKEN = f"{PREFIX}canary-one"


def make_side(slug: str) -> tuple[Tenant, OAuthClient]:
    """Make a tenant with a public client that swaps assertions."""
    tenant = make_tenant(slug)
    make_api(tenant)
    options: dict[str, Any] = {"kind": "spa", "token_endpoint_auth_method": "none"}
    make_client(tenant, "app", scopes=["read"], grant_types=[GRANT], **options)
    return tenant, OAuthClient(tenant)


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    yield from serve_issuer()


def test_what_one_tenant_was_answered_counts_for_no_other(issuer: Issuer) -> None:
    here, ours = make_side("globex")
    there, theirs = make_side("initech")
    for tenant in (here, there):
        trust_opaque(tenant, issuer, audience="https://shared.example")
    issuer.put(TOKEN, aud="https://shared.example")
    assert scope_of(swap(ours, TOKEN)) == "read"
    issuer.answers.clear()
    assert_refused(swap(theirs, TOKEN), "inactive")
    assert issuer.asked == [TOKEN, TOKEN]
    assert [subject.tenant_id for subject in Subject.objects.all()] == [here.pk]


def test_a_profile_of_another_tenant_asks_and_opens_nothing(issuer: Issuer) -> None:
    there, _ = make_side("initech")
    here, ours = make_side("globex")
    trust_opaque(there, issuer)
    trust(there, slug="signing", audience=issuer_of(here))
    issuer.put(TOKEN, aud=issuer_of(here))
    assert_refused(swap(ours, TOKEN))
    signed = SIGNER.sign(assertion_claims(PARTNER, "alice", issuer_of(here)))
    assert_refused(swap(ours, signed), "none that this tenant trusts")
    assert issuer.asked == []
    assert not Subject.objects.exists()


def test_a_silent_issuer_is_given_up_in_time(issuer: Issuer) -> None:
    tenant, oauth = make_side("globex")
    trust_opaque(tenant, issuer)
    issuer.put(TOKEN, aud=issuer_of(tenant))
    issuer.gate = threading.Event()
    began = time.monotonic()
    assert_refused(swap(oauth, TOKEN), "introspection unavailable")
    assert time.monotonic() - began < 5
    again = time.monotonic()
    assert_refused(swap(oauth, TOKEN), "introspection unavailable")
    assert time.monotonic() - again < 1
    assert len(issuer.asked) == 1


def test_neither_token_nor_secret_nor_address_is_logged(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tenant, oauth = make_side("globex")
    linking = {"linking_claim": "email", "linking_verified_claim": "email_verified"}
    trust_opaque(tenant, issuer, **linking)
    mail = {"email": "canary@globex.example", "email_verified": True}
    issuer.put(TOKEN, aud=issuer_of(tenant), **mail)
    issuer.put(f"{TOKEN}-bad", aud="https://elsewhere.example", **mail)
    assert scope_of(swap(oauth, TOKEN)) == "read"
    assert_refused(swap(oauth, f"{TOKEN}-bad"), "wrong audience")
    assert_refused(swap(oauth, f"{TOKEN}-unknown"), "inactive")
    issuer.status = 500
    assert_refused(swap(oauth, f"{TOKEN}-broken"), "introspection unavailable")
    written = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert caplog.records
    for secret in ("canary", SECRET, "Basic "):
        assert secret not in written


ADDRESSES = {
    "metadata of a cloud": ("http://169.254.169.254/latest", "scheme"),
    "a private address": ("https://10.0.0.1/introspect", "private_address"),
    "another port of ours": ("https://localhost:1/introspect", "private_address"),
    "credentials in it": ("https://us:secret@partner.example/introspect", "userinfo"),
    "a fragment": ("https://partner.example/introspect#x", "malformed_url"),
}


@pytest.mark.parametrize(("address", "reason"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_endpoint_never_reaches_inside(
    issuer: Issuer,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    address: str,
    reason: str,
) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    tenant, oauth = make_side("globex")
    profile = trust_opaque(tenant, issuer)
    # As if it had been written before there was a rule about it.
    TrustProfile.objects.filter(pk=profile.pk).update(introspection_endpoint=address)
    assert_refused(swap(oauth, TOKEN), "introspection unavailable")
    reasons = [vars(record).get("reason", "") for record in caplog.records]
    assert any(text.startswith(reason) for text in reasons), reasons
    assert issuer.asked == []
