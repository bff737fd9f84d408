"""Sessions that begin with a code, also when the connection is lost on the way."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.factories.openid import make_party
from tests.factories.tenants import make_tenant
from tests.lost_connections import locked_table
from tokens import session_store
from tokens.database import ConnectionLost
from tokens.issuance import plan_token
from tokens.models import AccessToken, AuthorizationCode, Session
from tokens.token_store import NewAccessToken

if TYPE_CHECKING:
    from tests.factories.openid import RelyingParty

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def plan_row(party: RelyingParty) -> NewAccessToken:
    """Plan the token of somebody who redeems a code."""
    core = party.core
    asked = party.ask(party.recognise(), "openid")
    planned = plan_token(asked, party.judge(asked), core, now=time.time())
    return NewAccessToken(core.id, planned, asked, cut_off_number=0)


def begin(token: NewAccessToken) -> None:
    """Begin the session that the code names."""
    consumed = token.request.consumed
    assert consumed is not None
    end = token.plan.expires_at
    session = session_store.NewSession(consumed.session_id, end, cut_off_number=0)
    session_store.begin_session(token, session, None)


def begin_while_the_connection_goes(token: NewAccessToken) -> None:
    with locked_table() as end_the_waiting, ThreadPoolExecutor(1) as pool:
        ending = pool.submit(end_the_waiting)
        try:
            begin(token)
        finally:
            ending.result()


@pytest.mark.parametrize("is_stored", [False, True], ids=["first run undone", "first run stored"])
def test_code_whose_connection_is_lost_works_exactly_once(*, is_stored: bool) -> None:
    token = plan_row(make_party(make_tenant()))
    if is_stored:
        begin(token)
    begin_while_the_connection_goes(token)
    session = Session.objects.get()
    assert (session.ended_at, AccessToken.objects.count()) == (None, 1)
    assert AuthorizationCode.objects.get().session_id == session.pk


def test_code_still_works_where_the_lost_connection_held_the_count_of_sessions() -> None:
    token = plan_row(make_party(make_tenant(), max_sessions=1))
    with pytest.raises(ConnectionLost):
        begin_while_the_connection_goes(token)
    assert not Session.objects.exists()
    begin(token)
    assert AuthorizationCode.objects.get().session_id == Session.objects.get().pk
