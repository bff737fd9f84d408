"""A mailed link is found by its secret only, and used by one alone."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.factories.people import make_subject
from tests.factories.tenants import make_tenant
from tokens import email_link_store, purge
from tokens.email_link_store import ANY_BROWSER, NewLink, Purpose, hash_browser
from tokens.models import EmailLink, SignIn

pytestmark = pytest.mark.django_db
NOW = time.time()


@pytest.fixture
def link() -> NewLink:
    """A link for Ana to sign in."""
    tenant = make_tenant()
    return NewLink(
        id=uuid.uuid4(),
        tenant_id=tenant.pk,
        subject_id=make_subject(tenant).pk,
        purpose=Purpose.SIGN_IN,
        email="ana@example.org",
        browser_hash=hash_browser("a browser"),
        sealed_request="",
        cut_off_number=0,
        lifetime_seconds=600,
    )


def stored(link: NewLink) -> str:
    text = email_link_store.store(link, now=NOW)
    assert text is not None
    return text


def test_a_link_is_found_by_its_secret_in_its_tenant(link: NewLink) -> None:
    text = stored(link)
    found = email_link_store.find(link.tenant_id, text, now=NOW)
    assert found is not None
    assert (found.id, found.subject_id, found.purpose) == (link.id, link.subject_id, "sign_in")
    assert email_link_store.find(uuid.uuid4(), text, now=NOW) is None
    altered = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert email_link_store.find(link.tenant_id, altered, now=NOW) is None


@pytest.mark.parametrize("text", ["", "ael_", "asi_" + "A" * 64, "ael_" + "A" * 64, "\x00"])
def test_no_other_text_finds_anything(link: NewLink, text: str) -> None:
    stored(link)
    assert email_link_store.find(link.tenant_id, text, now=NOW) is None


def test_a_link_expires_to_the_second(link: NewLink) -> None:
    text = stored(link)
    assert email_link_store.find(link.tenant_id, text, now=NOW + 599) is not None
    assert email_link_store.find(link.tenant_id, text, now=NOW + 600) is None


def test_only_one_uses_a_link(link: NewLink) -> None:
    found = email_link_store.find(link.tenant_id, stored(link), now=NOW)
    assert found is not None
    assert email_link_store.use(found, now=NOW)
    assert not email_link_store.use(found, now=NOW)


def test_a_task_that_runs_again_replaces_the_secret_but_revives_nothing(link: NewLink) -> None:
    first, second = stored(link), stored(link)
    assert email_link_store.find(link.tenant_id, first, now=NOW) is None
    found = email_link_store.find(link.tenant_id, second, now=NOW)
    assert found is not None
    email_link_store.use(found, now=NOW)
    assert email_link_store.store(link, now=NOW) is None
    assert EmailLink.objects.count() == 1


def test_a_cut_off_of_the_person_ends_their_links(link: NewLink) -> None:
    text = stored(link)
    cut_offs.end(link.tenant_id, actor=SYSTEM, subject_id=uuid.uuid4())
    assert email_link_store.find(link.tenant_id, text, now=NOW) is not None
    cut_offs.end(link.tenant_id, actor=SYSTEM, subject_id=link.subject_id)
    assert email_link_store.find(link.tenant_id, text, now=NOW) is None


def test_a_link_belongs_to_its_browser_or_to_any(link: NewLink) -> None:
    found = email_link_store.find(link.tenant_id, stored(link), now=NOW)
    assert found is not None
    assert found.is_followed_by("a browser")
    assert not found.is_followed_by("another")
    assert replace(found, browser_hash=ANY_BROWSER).is_followed_by("another")


def test_old_links_and_sign_ins_are_purged(link: NewLink) -> None:
    now = timezone.now()
    stored(link)
    values: dict[str, Any] = {
        "tenant_id": link.tenant_id,
        "subject_id": link.subject_id,
        "pepper_id": "p",
        "secret_hash": bytes(32),
        "acr": "phr",
        "amr": [],
        "cut_off_number": 0,
        "started_at": now,
        "authenticated_at": now,
        "last_used_at": now,
    }
    SignIn.objects.create(**values, expires_at=now - timedelta(days=8))
    kept = SignIn.objects.create(**values, expires_at=now - timedelta(days=6))
    purge.purge_expired(now, max_batches=1)
    assert EmailLink.objects.count() == 1
    assert list(SignIn.objects.all()) == [kept]
    purge.purge_expired(now + timedelta(minutes=11), max_batches=1)
    assert not EmailLink.objects.exists()
