import pytest
from tests.factories.master_tokens import *

pytestmark = pytest.mark.django_db


def test_it():
    app = make_application()
    a = app.send("POST", "/users", app.public, {"name": "A", "scope": "read:accounts"})
    print(a.status_code, a.content, a.headers)
    a = app.query(app.public, ADD_USER, scope="read:accounts download:documents")
    print(a.status_code, a.content)
    user = a.json()["data"]["addUserAndAccessToken"]
    a = app.query(app.private, ADD_TOKEN, user=user["user"]["id"])
    print(a.status_code, a.content)
    tok = a.json()["data"]["addAccessToken"]["accessToken"]
    a = app.query(tok, "{getAuthorisedUser { scope clientId user {id attributes} }}")
    print(a.status_code, a.content)
    for path in (
        "/me",
        "/users",
        "/users/" + user["user"]["id"],
        "/users/" + user["user"]["id"] + "/tokens",
        "/users/" + user["user"]["id"] + "/consents",
    ):
        for t in (tok, app.private, app.public):
            a = app.send("GET", path, t)
            print(path, a.status_code, a.content[:300])
    a = app.query(app.private, "{__schema{types{name}}}")
    print(a.status_code, a.content[:200])
    a = app.query(app.public, "{__schema{types{name}}}")
    print(a.status_code, a.content[:200])
    a = app.query(app.private, "{foo}")
    print(a.status_code, a.content[:200])
