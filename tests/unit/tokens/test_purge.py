"""What has expired goes in bounded batches; what may still matter stays."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tenants.models import CutOff
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.factories.tokens import make_issuer
from tokens import purge, tasks
from tokens.models import (
    AuthorizationCode,
    Consent,
    DeviceCode,
    ForeignToken,
    RefreshToken,
    ReplayedAssertion,
    Session,
    SignIn,
)

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=8)
RECENTLY = NOW - timedelta(days=6)
LATER = NOW + timedelta(days=1)


def make_session(**fields: Any) -> Session:  # noqa: ANN401 - its own.
    values = {
        "tenant_id": uuid.uuid4(),
        "client_id": uuid.uuid4(),
        "grant_type": "client_credentials",
        "scopes": [],
        "audiences": [],
        "api_ids": [],
        "cut_off_number": 0,
        "started_at": LONG_AGO,
        "last_used_at": LONG_AGO,
        "expires_at": LATER,
    }
    return Session.objects.create(**{**values, **fields})


def make_refresh(session: Session, **fields: Any) -> RefreshToken:  # noqa: ANN401 - its own.
    values = {
        "id": uuid.uuid4(),
        "tenant_id": session.tenant_id,
        "session": session,
        "pepper_id": "p",
        "secret_hash": b"h",
        "created_at": LONG_AGO,
        "expires_at": session.expires_at,
    }
    return RefreshToken.objects.create(**{**values, **fields})


def make_sign_in(**fields: Any) -> SignIn:  # noqa: ANN401 - its own.
    values = {
        "tenant_id": uuid.uuid4(),
        "subject_id": uuid.uuid4(),
        "pepper_id": "p",
        "secret_hash": b"h",
        "acr": "",
        "amr": [],
        "cut_off_number": 0,
        "started_at": LONG_AGO,
        "authenticated_at": LONG_AGO,
        "last_used_at": LONG_AGO,
        "expires_at": LATER,
    }
    return SignIn.objects.create(**(values | fields))


def make_assertions(count: int, expires_at: datetime) -> None:
    ReplayedAssertion.objects.bulk_create(
        ReplayedAssertion(
            tenant_id=uuid.uuid4(),
            issuer_id=uuid.uuid4(),
            assertion_hash=bytes(32),
            expires_at=expires_at,
        )
        for _ in range(count)
    )


def test_sessions_go_with_their_refresh_tokens_after_the_retention() -> None:
    gone = [make_session(expires_at=LONG_AGO), make_session(ended_at=LONG_AGO)]
    kept = [make_session(expires_at=RECENTLY), make_session(ended_at=RECENTLY), make_session()]
    for session in gone + kept:
        make_refresh(session, expires_at=LATER)
    purged = purge.purge_expired(NOW, max_batches=5)
    assert purged.is_complete
    assert (purged.rows["expired sessions"], purged.rows["ended sessions"]) == (1, 1)
    assert set(Session.objects.values_list("pk", flat=True)) == {session.pk for session in kept}
    assert RefreshToken.objects.count() == 3


def test_expired_refresh_tokens_go_and_consumed_living_ones_stay() -> None:
    session = make_session()
    make_refresh(session, expires_at=LONG_AGO)
    consumed = make_refresh(session, consumed_at=LONG_AGO)
    purge.purge_expired(NOW, max_batches=5)
    assert RefreshToken.objects.get() == consumed


def test_repeated_answers_are_forgotten_after_the_grace_only() -> None:
    session = make_session()
    old = make_refresh(session, consumed_at=NOW - timedelta(seconds=11), repeated_answer=b"a")
    fresh = make_refresh(session, consumed_at=NOW - timedelta(seconds=9), repeated_answer=b"a")
    purge.purge_expired(NOW, max_batches=5)
    for token in (old, fresh):
        token.refresh_from_db()
    assert old.repeated_answer is None
    assert fresh.repeated_answer is not None


def test_codes_consents_and_assertions_go() -> None:
    common = {"tenant_id": uuid.uuid4(), "client_id": uuid.uuid4(), "scopes": []}
    code = {"pepper_id": "p", "secret_hash": b"h", "audiences": [], "cut_off_number": 0}
    for moment in (LONG_AGO, LATER):
        AuthorizationCode.objects.create(
            **common,
            **code,
            id=uuid.uuid4(),
            subject_id=uuid.uuid4(),
            redirect_uri="https://a",
            created_at=LONG_AGO,
            expires_at=moment,
        )
        DeviceCode.objects.create(
            **common,
            **code,
            id=uuid.uuid4(),
            user_code_hash=uuid.uuid4().bytes,
            created_at=LONG_AGO,
            expires_at=moment,
        )
        Consent.objects.create(
            **common, subject_id=uuid.uuid4(), granted_at=LONG_AGO, expires_at=moment
        )
        make_assertions(1, moment)
    purge.purge_expired(NOW, max_batches=5)
    for model in (AuthorizationCode, DeviceCode, Consent, ReplayedAssertion):
        assert model.objects.get().expires_at == LATER


def test_outside_tokens_go_when_nobody_asks_about_them_any_more() -> None:
    for number, moment in enumerate((LONG_AGO, RECENTLY, LATER)):
        ForeignToken.objects.create(
            id=uuid.uuid4(),
            tenant_id=uuid.uuid4(),
            trust_profile_id=uuid.uuid4(),
            token_hash=bytes([number]) * 32,
            content_hash=bytes(32),
            api_ids=[],
            scopes=[],
            issued_at=LONG_AGO,
            expires_at=moment,
            accepted_at=LONG_AGO,
            cut_off_number=0,
        )
    purge.purge_expired(NOW, max_batches=5)
    kept = ForeignToken.objects.order_by("expires_at").values_list("expires_at", flat=True)
    assert list(kept) == [RECENTLY, LATER]


def test_newest_cut_off_of_the_platform_always_stays() -> None:
    tenants = [make_issuer(slug).tenant for slug in ("globex", "initech")]
    made = [cut_offs.end(tenant.pk, actor=SYSTEM) for tenant in tenants]
    living = cut_offs.end(tenants[0].pk, actor=SYSTEM)
    CutOff.objects.exclude(pk=living.pk).update(purge_after=LONG_AGO)
    newest = cut_offs.end(tenants[1].pk, actor=SYSTEM)
    CutOff.objects.filter(pk=newest.pk).update(purge_after=LONG_AGO)
    purge.purge_expired(NOW, max_batches=5)
    numbers = set(CutOff.objects.values_list("number", flat=True))
    assert numbers == {living.number, newest.number}
    assert not numbers & {cut_off.number for cut_off in made}


def test_cut_off_outlives_the_sign_ins_that_it_ends() -> None:
    tenant = make_issuer().tenant
    ending, unneeded = (cut_offs.end(tenant.pk, actor=SYSTEM) for _ in range(2))
    cut_offs.end(tenant.pk, actor=SYSTEM)
    CutOff.objects.update(purge_after=LONG_AGO)
    old = make_sign_in(tenant_id=tenant.pk, cut_off_number=ending.number - 1)
    make_sign_in(tenant_id=tenant.pk, cut_off_number=0, expires_at=RECENTLY)
    make_sign_in(cut_off_number=0)
    purge.purge_expired(NOW, max_batches=5)
    assert CutOff.objects.filter(pk__in=[ending.pk, unneeded.pk]).count() == 2
    SignIn.objects.filter(pk=old.pk).update(cut_off_number=ending.number)
    purge.purge_expired(NOW, max_batches=5)
    assert not CutOff.objects.filter(pk=ending.pk).exists()
    assert CutOff.objects.filter(pk=unneeded.pk).exists()


def test_expired_sign_ins_go_after_the_retention() -> None:
    kept = [make_sign_in(expires_at=RECENTLY), make_sign_in(ended_at=LONG_AGO)]
    make_sign_in(expires_at=LONG_AGO)
    assert purge.purge_expired(NOW, max_batches=5).rows["sign-ins"] == 1
    assert set(SignIn.objects.values_list("pk", flat=True)) == {row.pk for row in kept}


def test_purge_is_bounded_and_resumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH_ROWS", 10)
    make_assertions(35, LONG_AGO)
    first = purge.purge_expired(NOW, max_batches=2)
    assert (first.rows["replayed assertions"], first.is_complete) == (20, False)
    second = purge.purge_expired(NOW, max_batches=2)
    assert (second.rows["replayed assertions"], second.is_complete) == (15, True)
    assert not ReplayedAssertion.objects.exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_row_that_somebody_holds_is_passed_over() -> None:
    make_assertions(3, LONG_AGO)
    held = ReplayedAssertion.objects.order_by("pk").first()
    assert held is not None
    other = connection.copy()
    try:
        other.set_autocommit(autocommit=False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM tokens_replayedassertion WHERE id = %s FOR UPDATE", [held.pk]
            )
        tasks.purge_expired()
        assert ReplayedAssertion.objects.get() == held
    finally:
        other.close()
    tasks.purge_expired()
    assert not ReplayedAssertion.objects.exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True, databases=["default", "owner"])
def test_command_purges_everything_and_says_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH_ROWS", 1)
    make_assertions(60, LONG_AGO)
    output = StringIO()
    call_command("purge", stdout=output)
    assert "replayed assertions: 50" in output.getvalue()
    assert "replayed assertions: 10" in output.getvalue()
    assert "partitions: 0 made, 0 dropped, 0 busy" in output.getvalue()
    assert not ReplayedAssertion.objects.exists()


@pytest.mark.parametrize("purge_kind", purge.PURGES, ids=lambda kind: kind.name)
def test_every_batch_uses_an_index(purge_kind: purge.Purge) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + purge_kind.sql, {"before": NOW, "rows": 1000})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Limit" in plan
    assert not re.search("Seq Scan on (tokens_|tenants_cutoff)", plan), plan
