"""Rows that are stored by one statement each, also when the connection is lost on the way."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tenants.database_roles import APP
from tenants.impersonation import build_right
from tenants.policy import decide
from tenants.records import KeyedHash
from tests.factories.records import make_request
from tests.factories.tokens import Issuer, make_issuer, make_subject, subject_record
from tests.lost_connections import locked_table
from tokens import gate, session_store, token_store
from tokens.errors import ServiceUnavailable
from tokens.issuance import plan_token
from tokens.models import AccessToken, RefreshToken, Session

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


@pytest.fixture
def issuer() -> Issuer:
    return make_issuer(refresh_token_enabled=True)


def writes_of(issue: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        issue()
    return [query["sql"].split()[0] for query in captured if "INTO tokens_" in query["sql"]]


def test_token_without_session_is_one_insert() -> None:
    issuer = make_issuer(refresh_token_enabled=False)
    issuer.issue(requested_scopes=("read",))
    assert writes_of(lambda: issuer.issue(requested_scopes=("read",))) == ["INSERT"]
    assert Session.objects.count() == 0


def test_token_with_session_is_one_statement(issuer: Issuer) -> None:
    issuer.issue(requested_scopes=("read",))
    assert writes_of(lambda: issuer.issue(requested_scopes=("read",))) == ["WITH"]
    assert (Session.objects.count(), RefreshToken.objects.count()) == (2, 2)


def test_row_keeps_what_the_token_is_explained_by(issuer: Issuer) -> None:
    subject = make_subject(issuer.tenant)
    core = issuer.core
    right = build_right(
        tenants=["a-1"],
        subjects=["s-1"],
        scope_ids=issuer.client.scope_ids,
        max_lifetime_seconds=None,
    )
    client = replace(issuer.client, impersonation=right)
    issuer.issue(
        client=client,
        requested_scopes=("read",),
        subject=subject_record(subject.pk, cut_off_number=3),
        cut_off_number=2,
        address="192.0.2.7",
        user_agent="curl/8",
        app_tenant_id="a-1",
        app_subject_id="s-1",
    )
    token, session = AccessToken.objects.get(), Session.objects.get()
    assert token.configuration_versions[3] == client.version
    assert token.configuration_versions[0] == core.platform_version
    assert token.facts["user_agent"] == "curl/8"
    for row in (token, session):
        assert (row.app_tenant_id, row.app_subject_id) == ("a-1", "s-1")
    assert (token.cut_off_number, session.cut_off_number) == (2, 2)
    assert (session.address, session.user_agent) == ("192.0.2.7", "curl/8")
    assert session.api_ids == token.api_ids == [issuer.api.pk]
    assert token.session_id == session.pk
    assert RefreshToken.objects.get().session_id == session.pk


def test_oversized_and_unstorable_request_texts_are_stored_safely(issuer: Issuer) -> None:
    issuer.issue(requested_scopes=("read",), user_agent="\x00" * 300, address="f" * 100)
    session = Session.objects.get()
    assert session.user_agent == "\ufffd" * 200
    assert len(session.address) == 45


def test_secrets_are_stored_as_keyed_hashes_only() -> None:
    issuer = make_issuer(refresh_token_enabled=True, access_token_format="opaque")
    answer = issuer.issue(requested_scopes=("read",))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_to_json(t)::text, row_to_json(r)::text FROM tokens_accesstoken t, "
            "tokens_refreshtoken r"
        )
        rows = " ".join(cursor.fetchone())
    assert str(answer["access_token"])[32:].lower() not in rows.lower()
    assert str(answer["refresh_token"])[-40:] not in rows


def test_app_role_may_do_all_that_the_token_path_does(issuer: Issuer) -> None:
    issuer.issue(requested_scopes=("read",))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {APP}")
        answer = issuer.issue(requested_scopes=("read",))
        answer = issuer.refresh(str(answer["refresh_token"]))
        assert gate.accept(issuer.core, str(answer["access_token"])) is not None
        cursor.execute("RESET ROLE")


def test_token_beyond_the_partitions_is_unavailable_and_no_server_error() -> None:
    issuer = make_issuer(refresh_token_enabled=False)
    beyond = time.time() + 400 * 86_400
    with pytest.raises(ServiceUnavailable), transaction.atomic():
        issuer.issue(requested_scopes=("read",), now=beyond)
    assert not AccessToken.objects.exists()


def plan_row(issuer: Issuer) -> token_store.NewAccessToken:
    """Plan a token that is not stored yet."""
    core = issuer.core
    asked = make_request(issuer.client, "read")
    planned = plan_token(asked, decide(asked, core), core, now=time.time())
    return token_store.NewAccessToken(core.id, planned, asked, cut_off_number=0)


def store_alone(token: token_store.NewAccessToken) -> None:
    token_store.insert_access_token(token)


def store_with_session(token: token_store.NewAccessToken) -> None:
    # The ids follow from the token's, so that the same call stores the same rows.
    end = token.plan.expires_at
    session = session_store.NewSession(token.plan.token_id, end, cut_off_number=0)
    refresh = token_store.NewRefreshToken(token.plan.token_id, KeyedHash("p", b"h"), end)
    session_store.begin_session(token, session, refresh)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("is_stored", [False, True], ids=["first run undone", "first run stored"])
@pytest.mark.parametrize("store", [store_alone, store_with_session])
def test_insert_whose_connection_is_lost_is_stored_exactly_once(
    store: Callable[[token_store.NewAccessToken], None], *, is_stored: bool
) -> None:
    token = plan_row(make_issuer())
    if is_stored:
        store(token)
    with locked_table() as end_the_waiting, ThreadPoolExecutor(1) as pool:
        ending = pool.submit(end_the_waiting)
        store(token)
        ending.result()
    assert AccessToken.objects.count() == 1
    has_session = store is store_with_session
    assert Session.objects.count() == RefreshToken.objects.count() == has_session
