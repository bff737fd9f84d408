"""OneWelcome: apps a person allowed, on their page and over the users API; bounded sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories.code_flow import EMAIL, CodeFlow, make_web_client
from tests.factories.master_tokens import Application, make_application
from tests.factories.people import make_subject_with_password
from tokens.models import Session

if TYPE_CHECKING:
    from tenants.models import Subject

pytestmark = pytest.mark.django_db
ASKED = "openid read:accounts offline_access"


@pytest.fixture
def app() -> Application:
    return make_application()


@pytest.fixture
def user(app: Application) -> Subject:
    return make_subject_with_password(app.tenant, EMAIL)


@pytest.fixture
def flow(app: Application) -> CodeFlow:
    """An application to which a person goes, beside the one that manages users."""
    scopes = ASKED.split()
    return CodeFlow(app.tenant, make_web_client(app.tenant, "portal", scopes=scopes))


def consents_of(app: Application, user: Subject) -> list[dict[str, object]]:
    found: list[dict[str, object]] = app.send(
        "GET", f"/users/{user.pk}/consents", app.private
    ).json()["items"]
    return found


def test_consent_of_the_page_stands_in_the_users_api_and_ends_there(
    app: Application, user: Subject, flow: CodeFlow
) -> None:
    tokens = flow.tokens(scope=ASKED)
    (consent,) = consents_of(app, user)
    assert consent["client_id"] == "portal"
    assert set(str(consent["scope"]).split()) == set(ASKED.split())
    path = f"/users/{user.pk}/consents/{consent['id']}"
    assert app.send("DELETE", path, app.private).status_code == 204
    refused = flow.oauth.token(
        flow.client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert refused.json()["error"] == "invalid_grant"
    assert "No application has access" in flow.person.open("/account").content.decode()


def test_consent_that_is_withdrawn_on_the_page_is_gone_from_the_users_api(
    app: Application, user: Subject, flow: CodeFlow
) -> None:
    flow.tokens(scope=ASKED)
    page = flow.person.open(f"/account/apps/{flow.client.client.pk}/withdraw")
    flow.person.submit(page, "question-form")
    assert consents_of(app, user) == []
    tokens = app.send("GET", f"/users/{user.pk}/tokens", app.private)
    assert tokens.json()["items"] == []


@pytest.mark.usefixtures("user")
def test_simultaneous_sessions_are_bounded(app: Application) -> None:
    """There, nobody says what happens at `max_simultaneous_sessions`; here the client does."""
    client = make_web_client(
        app.tenant, "portal", scopes=["openid"], max_sessions=2, on_session_limit="end_oldest"
    )
    flow = CodeFlow(app.tenant, client)
    for _ in range(3):
        flow.tokens(scope="openid")
    assert Session.objects.filter(ended_at=None).count() == 2
    assert Session.objects.get(ended_reason="session_limit").client_id == client.client.pk
