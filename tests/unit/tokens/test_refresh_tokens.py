"""A refresh token works once, again within the grace, and ends its family after it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.models import Api
from tenants.records import SYSTEM
from tenants.services import cut_offs
from tests.factories.tokens import Issuer, make_issuer, make_subject, subject_record
from tokens import gate, sessions
from tokens.errors import InvalidGrant
from tokens.models import AccessToken, RefreshToken, Session

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def issuer() -> Issuer:
    return make_issuer(refresh_token_enabled=True)


def begin(issuer: Issuer, **changes: Any) -> str:  # noqa: ANN401 - fields of the request.
    return str(issuer.issue(requested_scopes=("read",), **changes)["refresh_token"])


def is_alive(issuer: Issuer, answer: dict[str, Any]) -> bool:
    return gate.accept(issuer.core, str(answer["access_token"])) is not None


def test_refresh_answers_a_new_pair_of_the_same_session(issuer: Issuer) -> None:
    first = issuer.issue(requested_scopes=("read",))
    second = issuer.refresh(str(first["refresh_token"]))
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == "read"
    assert Session.objects.count() == 1
    assert set(AccessToken.objects.values_list("session_id", flat=True)) == {
        Session.objects.get().pk
    }
    assert is_alive(issuer, first)
    assert is_alive(issuer, second)


def test_refresh_is_one_read_and_one_write(issuer: Issuer) -> None:
    text = begin(issuer)
    with CaptureQueriesContext(connection) as captured:
        issuer.refresh(text)
    # The others are the test's snapshot, which a process has read long before.
    own = [query["sql"].split()[0] for query in captured if "tokens_" in query["sql"]]
    assert own == ["SELECT", "WITH"]


def test_session_keeps_its_cut_off_number_and_its_end(issuer: Issuer) -> None:
    subject = make_subject(issuer.tenant)
    text = begin(issuer, subject=subject_record(subject.pk, cut_off_number=41), cut_off_number=40)
    before = Session.objects.get()
    issuer.refresh(text, now=time.time() + 3)
    after = Session.objects.get()
    # The smaller of the two: the configuration by which it was judged may be the older one.
    assert (after.cut_off_number, after.expires_at) == (40, before.expires_at)
    assert after.last_used_at > before.last_used_at


def test_retry_within_the_grace_gets_the_same_answer(issuer: Issuer) -> None:
    text = begin(issuer)
    answer = issuer.refresh(text)
    assert issuer.refresh(text, now=time.time() + 5) == answer
    assert AccessToken.objects.count() == 2


def test_kept_answer_is_unreadable_without_the_presented_token(issuer: Issuer) -> None:
    text = begin(issuer)
    answer = issuer.refresh(text)
    kept = bytes(RefreshToken.objects.get(consumed_at__isnull=False).repeated_answer or b"")
    assert kept
    for secret in (str(answer["access_token"]), str(answer["refresh_token"])):
        assert secret.encode() not in kept


def test_reuse_after_the_grace_ends_the_family(issuer: Issuer) -> None:
    text = begin(issuer)
    answer = issuer.refresh(text)
    with pytest.raises(InvalidGrant):
        issuer.refresh(text, now=time.time() + 11)
    session = Session.objects.get()
    assert session.ended_at is not None
    assert session.ended_reason == "reuse"
    assert not is_alive(issuer, answer)
    with pytest.raises(InvalidGrant):
        issuer.refresh(str(answer["refresh_token"]))
    with pytest.raises(InvalidGrant):
        issuer.refresh(text)


def test_grace_is_a_setting(issuer: Issuer, settings: Settings) -> None:
    settings.TOKENS_REFRESH_GRACE_SECONDS = 0
    text = begin(issuer)
    issuer.refresh(text)
    with pytest.raises(InvalidGrant):
        issuer.refresh(text, now=time.time() + 0.1)


def test_refresh_token_of_another_client_or_tenant_is_refused(issuer: Issuer) -> None:
    other = make_issuer("initech", refresh_token_enabled=True)
    text = begin(issuer)
    with pytest.raises(InvalidGrant):
        other.refresh(text)
    Session.objects.update(client_id=other.client.id)
    with pytest.raises(InvalidGrant):
        issuer.refresh(text)


@pytest.mark.parametrize("text", ["", "art_", "art_" + "A" * 64, "acs_" + "A" * 64, "x" * 9999])
def test_unknown_text_is_refused(issuer: Issuer, text: str) -> None:
    with pytest.raises(InvalidGrant):
        issuer.refresh(text)


def test_wrong_secret_is_refused_and_ends_nothing(issuer: Issuer) -> None:
    text = begin(issuer)
    with pytest.raises(InvalidGrant):
        issuer.refresh(text[:30] + "A" * (len(text) - 30))
    assert Session.objects.get().ended_at is None


def test_unused_refresh_token_ends_before_its_session(issuer: Issuer) -> None:
    text = begin(issuer)
    with pytest.raises(InvalidGrant):
        issuer.refresh(text, now=time.time() + 8 * 86_400)
    assert Session.objects.get().expires_at.timestamp() > time.time() + 20 * 86_400


def test_refresh_never_outlives_the_session(issuer: Issuer) -> None:
    text = begin(issuer, now=time.time() - 60)
    Session.objects.update(expires_at="2020-01-01T00:00:00Z")
    with pytest.raises(InvalidGrant):
        issuer.refresh(text)


@pytest.mark.parametrize("selector", ["client_id", "subject_id", "api_id", "session_id", ""])
def test_cut_off_ends_the_session(issuer: Issuer, selector: str) -> None:
    subject = make_subject(issuer.tenant)
    text = begin(issuer, subject=subject_record(subject.pk))
    session = Session.objects.get()
    chosen: dict[str, Any] = {
        "client_id": session.client_id,
        "subject_id": subject.pk,
        "api_id": Api.objects.get(slug="orders").pk,
        "session_id": session.pk,
    }
    selectors = {selector: chosen[selector]} if selector else {}
    cut_offs.end(issuer.tenant.pk, actor=SYSTEM, **selectors)
    with pytest.raises(InvalidGrant):
        issuer.refresh(text)


def test_cut_off_of_one_key_or_token_ends_no_session(issuer: Issuer) -> None:
    text = begin(issuer)
    token = AccessToken.objects.get()
    cut_offs.end(issuer.tenant.pk, actor=SYSTEM, signing_key_id=token.signing_key_id)
    cut_offs.end(issuer.tenant.pk, actor=SYSTEM, token_id=token.pk)
    answer = issuer.refresh(text)
    # The new token is of the same key but was begun after the cut-off; its session was not.
    assert not is_alive(issuer, answer)


def test_disabled_subject_ends_the_refresh(issuer: Issuer) -> None:
    subject = make_subject(issuer.tenant)
    text = begin(issuer, subject=subject_record(subject.pk))
    type(subject).objects.update(is_enabled=False)
    with pytest.raises(InvalidGrant):
        issuer.refresh(text)


def test_ended_session_refuses_even_the_repeated_answer(issuer: Issuer) -> None:
    text = begin(issuer)
    issuer.refresh(text)
    sessions.end_session(issuer.core.id, Session.objects.get().pk, ended_reason="revoked")
    with pytest.raises(InvalidGrant):
        issuer.refresh(text)


@committed
def test_twenty_concurrent_refreshes_end_in_one_family_state() -> None:
    issuer = make_issuer(refresh_token_enabled=True)
    text = begin(issuer)
    barrier = Barrier(20)

    def refresh(_: int) -> dict[str, Any]:
        try:
            connection.ensure_connection()
            barrier.wait()
            return issuer.refresh(text)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(refresh, range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert RefreshToken.objects.filter(consumed_at__isnull=True).count() == 1
    assert RefreshToken.objects.count() == 2
    assert AccessToken.objects.count() == 2
    assert issuer.refresh(str(answers[0]["refresh_token"]))["scope"] == "read"


@committed
def test_session_that_ends_during_a_refresh_takes_its_tokens_with_it() -> None:
    issuer = make_issuer(refresh_token_enabled=True)
    outcomes = []
    for _ in range(5):
        text = begin(issuer)
        session_id = Session.objects.get(ended_at=None).pk
        barrier = Barrier(2)

        def refresh(text: str = text, barrier: Barrier = barrier) -> dict[str, Any] | None:
            try:
                barrier.wait()
                return issuer.refresh(text)
            except InvalidGrant:
                return None
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(refresh)
            barrier.wait()
            sessions.end_session(issuer.core.id, session_id, ended_reason="revoked")
            answer = future.result()
        outcomes.append(answer is not None and is_alive(issuer, answer))
    assert outcomes == [False] * 5


class Family:
    """What a family of refresh tokens must do, told without any SQL."""

    def __init__(self, first: str) -> None:
        self.now = time.time()
        self.texts = [first]
        self.consumed_at: dict[int, float] = {}
        self.answers: dict[int, dict[str, Any]] = {}
        self.is_ended = False

    def expects(self, index: int) -> str:
        if self.is_ended:
            return "refused"
        if index not in self.consumed_at:
            return "new"
        return "same" if self.now - self.consumed_at[index] <= 10 else "reuse"


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0, 3, 20])), max_size=8))
def test_any_order_of_refreshes_keeps_the_family_consistent(
    issuer: Issuer, steps: list[tuple[int, int]]
) -> None:
    family = Family(begin(issuer))
    for choice, seconds in steps:
        family.now += seconds
        index = choice % len(family.texts)
        expected = family.expects(index)
        if expected in {"refused", "reuse"}:
            with pytest.raises(InvalidGrant):
                issuer.refresh(family.texts[index], now=family.now)
            family.is_ended = True
            continue
        answer = issuer.refresh(family.texts[index], now=family.now)
        if expected == "same":
            assert answer == family.answers[index]
        else:
            family.consumed_at[index] = family.now
            family.answers[index] = answer
            family.texts.append(str(answer["refresh_token"]))
    for answer in family.answers.values():
        assert is_alive(issuer, answer) is not family.is_ended
