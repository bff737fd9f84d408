"""OneWelcome: the page "signed-in devices" lists a user's tokens and consents and ends them."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from tenants.models import Subject
from tests.factories.master_tokens import Application, make_application
from tokens.models import Consent

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Application:
    return make_application()


@pytest.fixture
def path(app: Application) -> str:
    return f"/users/{app.add_user(name='Anna')['user']['id']}"


def test_tokens_say_for_whom_and_for_what_they_are(app: Application, path: str) -> None:
    (token,) = app.send("GET", f"{path}/tokens", app.private).json()["items"]
    assert (token["client_id"], token["scope"]) == ("application", "read:accounts")
    assert {"jti", "issued_at", "expires_at"} <= set(token)


def test_one_token_is_ended_and_the_others_stay(app: Application, path: str) -> None:
    app.send("POST", f"{path}/tokens", app.private, {})
    first, second = app.send("GET", f"{path}/tokens", app.private).json()["items"]
    assert app.send("DELETE", f"{path}/tokens/{first['jti']}", app.private).status_code == 204
    assert app.send("GET", f"{path}/tokens", app.private).json()["items"] == [second]


def test_user_without_tokens_has_an_empty_list_and_nobody_has_none(
    app: Application, path: str
) -> None:
    """There, both were a 404, and no page could tell them apart."""
    assert app.send("DELETE", f"{path}/tokens", app.private).status_code == 204
    for what in ("tokens", "consents"):
        empty = app.send("GET", f"{path}/{what}", app.private)
        assert (empty.status_code, empty.json()["items"]) == (200, [])
        assert app.send("GET", f"/users/{uuid4()}/{what}", app.private).status_code == 404


def test_withdrawn_consent_ends_the_tokens_that_came_of_it(app: Application, path: str) -> None:
    now = timezone.now()
    consent = Consent.objects.create(
        tenant=app.tenant,
        client=app.client,
        subject=Subject.objects.get(),
        scopes=["read:accounts"],
        granted_at=now,
        expires_at=now + timedelta(days=1),
    )
    (listed,) = app.send("GET", f"{path}/consents", app.private).json()["items"]
    assert (listed["id"], listed["client_id"]) == (str(consent.pk), "application")
    ended = app.send("DELETE", f"{path}/consents/{consent.pk}", app.private)
    assert ended.status_code == 204
    for what in ("tokens", "consents"):
        assert app.send("GET", f"{path}/{what}", app.private).json()["items"] == []
