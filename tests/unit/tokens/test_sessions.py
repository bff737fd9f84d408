"""Sessions and tokens are ended once, by one row, and audited where an operator does it."""

from __future__ import annotations

import uuid

import pytest

from tenants.models import AuditEvent
from tenants.records import Actor
from tests.factories.tokens import Issuer, make_issuer
from tokens import gate, sessions
from tokens.models import AccessToken, Session

pytestmark = pytest.mark.django_db

OPERATOR = Actor("operator", id=str(uuid.uuid4()), label="sam", address="192.0.2.1")


@pytest.fixture
def issuer() -> Issuer:
    return make_issuer(refresh_token_enabled=True)


def test_ended_session_takes_all_of_its_tokens_with_it(issuer: Issuer) -> None:
    first = issuer.issue(requested_scopes=("read",))
    second = issuer.refresh(str(first["refresh_token"]))
    session = Session.objects.get()
    assert sessions.end_session(issuer.tenant.pk, session.pk, ended_reason="revoked") is True
    for answer in (first, second):
        assert gate.accept(issuer.core, str(answer["access_token"])) is None
    session.refresh_from_db()
    assert session.ended_reason == "revoked"
    assert session.ended_at is not None


def test_second_ending_changes_nothing(issuer: Issuer) -> None:
    issuer.issue(requested_scopes=("read",))
    session, token = Session.objects.get(), AccessToken.objects.get()
    sessions.end_session(issuer.tenant.pk, session.pk, ended_reason="revoked")
    assert sessions.end_session(issuer.tenant.pk, session.pk, ended_reason="other") is False
    assert sessions.revoke_access_token(issuer.tenant.pk, token.pk) is True
    assert sessions.revoke_access_token(issuer.tenant.pk, token.pk) is False
    assert Session.objects.get().ended_reason == "revoked"


def test_foreign_tenant_ends_nothing(issuer: Issuer) -> None:
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    session, token = Session.objects.get(), AccessToken.objects.get()
    other = make_issuer("initech").tenant.pk
    assert sessions.end_session(other, session.pk, ended_reason="revoked", actor=OPERATOR) is False
    assert sessions.revoke_access_token(other, token.pk, actor=OPERATOR) is False
    assert sessions.end_by_token(other, token.pk, session.pk) is False
    assert gate.accept(issuer.core, text) is not None
    assert not AuditEvent.objects.filter(event__in=["session.ended", "access_token.revoked"])


def test_operators_ending_is_audited_with_its_reason(issuer: Issuer) -> None:
    issuer.issue(requested_scopes=("read",))
    session, token = Session.objects.get(), AccessToken.objects.get()
    sessions.revoke_access_token(issuer.tenant.pk, token.pk, actor=OPERATOR, reason="lost phone")
    sessions.end_session(
        issuer.tenant.pk, session.pk, ended_reason="support", actor=OPERATOR, reason="ticket 7"
    )
    revoked = AuditEvent.objects.get(event="access_token.revoked")
    ended = AuditEvent.objects.get(event="session.ended")
    assert (revoked.entity_kind, revoked.entity_id) == ("access_token", str(token.pk))
    assert (ended.entity_kind, ended.entity_id) == ("session", str(session.pk))
    assert (revoked.detail.reason, ended.detail.reason) == ("lost phone", "ticket 7")
    assert ended.actor_id == OPERATOR.id


def test_clients_own_revocation_leaves_no_audit_event(issuer: Issuer) -> None:
    issuer.issue(requested_scopes=("read",))
    before = AuditEvent.objects.count()
    sessions.revoke_access_token(issuer.tenant.pk, AccessToken.objects.get().pk)
    assert AuditEvent.objects.count() == before


def test_token_without_session_ends_itself() -> None:
    issuer = make_issuer(refresh_token_enabled=False)
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    accepted = gate.accept(issuer.core, text)
    assert accepted is not None
    assert sessions.end_by_token(issuer.tenant.pk, accepted.id, accepted.session_id) is True
    assert gate.accept(issuer.core, text) is None


def test_token_of_a_session_ends_the_session(issuer: Issuer) -> None:
    text = str(issuer.issue(requested_scopes=("read",))["access_token"])
    accepted = gate.accept(issuer.core, text)
    assert accepted is not None
    assert sessions.end_by_token(issuer.tenant.pk, accepted.id, accepted.session_id) is True
    assert Session.objects.get().ended_reason == "signed_out"
