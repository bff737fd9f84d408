"""OpenID Connect Core section 5.3: what a client may know of the person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants import snapshot
from tenants.models import Group, Scope
from tenants.records import SYSTEM, GrantType
from tenants.services import changes
from tests.factories.openid import OPENID, make_party, make_person
from tests.factories.tenants import make_api, make_client, make_tenant
from tests.oauth_client import FORM
from tests.rfc.verification import issuer_of, verify

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Tenant
    from tests.oauth_client import OAuthClient

PATH = "/oauth/userinfo"


def ask(oauth: OAuthClient, token: str, **headers: str) -> HttpResponse:
    return oauth.get(PATH, Authorization=f"Bearer {token}", **headers)


def claims_of(oauth: OAuthClient, answer: dict[str, Any]) -> dict[str, Any]:
    response = ask(oauth, answer["access_token"])
    assert response.status_code == 200, response.content
    claims: dict[str, Any] = response.json()
    return claims


@pytest.mark.requirement("OIDC Core", "5.3.2", "sub is always there; the answer is JSON.")
@pytest.mark.requirement("OIDC Core", "5.3.1", "GET and POST, the token in the header.")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_by_the_header(oauth: OAuthClient, tenant: Tenant, method: str) -> None:
    party = make_party(tenant)
    token = party.begin("openid")["access_token"]
    response = oauth.http.generic(
        method, f"{oauth.base}{PATH}", headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {"sub": str(party.subject.pk)}


@pytest.mark.requirement("RFC 6750", "2.2", "A form body may bring the token.")
def test_userinfo_by_a_form(oauth: OAuthClient, tenant: Tenant) -> None:
    token = make_party(tenant).begin("openid")["access_token"]
    assert oauth.post(PATH, access_token=token).status_code == 200


@pytest.mark.requirement("RFC 6750", "2", "One method of sending the token only.")
@pytest.mark.requirement("RFC 9700", "4.3.2", "No token in the query.")
def test_token_comes_by_one_way_and_never_in_the_query(oauth: OAuthClient, tenant: Tenant) -> None:
    token = make_party(tenant).begin("openid")["access_token"]
    both = oauth.http.post(
        f"{oauth.base}{PATH}", {"access_token": token}, headers={"Authorization": f"Bearer {token}"}
    )
    assert both.status_code == 415  # Django's test client sends multipart.
    twice = oauth.post_raw(PATH, f"access_token={token}", Authorization=f"Bearer {token}")
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    for method in ("GET", "POST"):
        response = oauth.http.generic(method, f"{oauth.base}{PATH}?access_token={token}")
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    body = oauth.http.generic("GET", f"{oauth.base}{PATH}", f"access_token={token}", FORM)
    assert body.status_code == 401


@pytest.mark.requirement("OIDC Core", "5.4", "Each scope gives its claims.")
def test_each_scope_gives_its_claims(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(tenant)
    sub = {"sub": str(party.subject.pk)}
    given: dict[str, dict[str, Any]] = {
        "profile": {
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "birthdate": "1815-12-10",
            "updated_at": int(party.subject.updated_at.timestamp()),
        },
        "email": {"email": party.subject.email, "email_verified": True},
        "address": {"address": {"locality": "London", "country": "GB"}},
        "phone": {"phone_number": "+44 20 7946 0000", "phone_number_verified": True},
    }
    for scope, claims in given.items():
        assert claims_of(oauth, party.begin("openid", scope)) == claims | sub
    everything = {name: value for claims in given.values() for name, value in claims.items()}
    assert claims_of(oauth, party.begin(*OPENID)) == everything | sub


ILL_TYPED = {
    "address": "10 Downing Street",
    "phone_number": 123,
    "phone_number_verified": True,
    "email_verified": "yes",
    "birthdate": ["1815"],
    "website": {},
    "picture": "",
    "locale": None,
    "updated_at": "now",
    "sub": "somebody else",
    "iss": "https://evil.example",
    "nickname": "A\u0308da",
}


@pytest.mark.requirement("OIDC Core", "5.1", "Claims have their types; none is null or empty.")
def test_attributes_of_other_types_are_not_told(oauth: OAuthClient, tenant: Tenant) -> None:
    person = make_person(tenant, name="", email="", attributes=ILL_TYPED, is_email_verified=False)
    party = make_party(tenant, subject=person)
    told = claims_of(oauth, party.begin(*OPENID))
    assert set(told) == {"sub", "nickname", "updated_at"}
    assert told["sub"] == str(person.pk)


@pytest.mark.requirement("OIDC Core", "5.5", "claims asks for single claims of userinfo.")
def test_single_claims_come_of_the_request(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(tenant, refresh_token_enabled=True)
    asked = {
        "userinfo": {"email": {"essential": True}, "gender": None, "given_name": None},
        "id_token": {"birthdate": None},
    }
    answer = party.begin("openid", "offline_access", claims_request=asked)
    expected = {"sub": str(party.subject.pk), "email": party.subject.email, "given_name": "Ada"}
    assert claims_of(oauth, answer) == expected
    again = oauth.token(
        party.made, grant_type="refresh_token", refresh_token=answer["refresh_token"]
    ).json()
    assert claims_of(oauth, again) == expected


@pytest.mark.requirement("OIDC Core", "5.5", "A claim is no way around the scope that gives it.")
def test_single_claims_are_those_that_the_client_may_have(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    make_api(tenant, "mailer", scopes=["phone"])
    party = make_party(tenant, scopes=["openid", "email", "phone", "offline_access"])
    members = dict.fromkeys(("name", "email", "address", "phone_number"))
    answer = party.begin("openid", claims_request={"userinfo": members, "id_token": members})
    inside = verify(oauth, answer["id_token"], audience="web-app")
    for told in (claims_of(oauth, answer), inside):
        assert told["email"] == party.subject.email
        assert {"name", "address", "phone_number"}.isdisjoint(told)


def test_claims_end_with_the_clients_scope(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(tenant)
    answer = party.begin("openid", claims_request={"userinfo": {"email": None}})
    assert "email" in claims_of(oauth, answer)
    rest = list(Scope.objects.filter(tenant=tenant, name="openid"))
    changes.save(party.made.client, actor=SYSTEM, links={"scopes": rest, "default_scopes": []})
    snapshot.CURRENT.renew()
    assert set(claims_of(oauth, answer)) == {"sub"}


def test_scope_that_an_api_took_over_is_a_right_of_the_api(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    make_api(tenant, "mailer", scopes=["email"])
    assert Scope.objects.filter(tenant=tenant, name="email").count() == 1
    party = make_party(tenant, scopes=["openid", "profile", "email"])
    told = claims_of(oauth, party.begin("openid", "email"))
    assert told == {"sub": str(party.subject.pk)}


def test_groups_are_told_as_in_the_id_token(oauth: OAuthClient, tenant: Tenant) -> None:
    make_api(tenant, claim_profile="onewelcome")
    party = make_party(tenant, scopes=["openid", "read"])
    for number in range(60):
        group = Group(tenant=tenant, slug=f"group-{number}", permissions=["x" * 60])
        changes.save(group, actor=SYSTEM, links={"subjects": [party.subject]})
    answer = party.begin("openid", "read")
    told = claims_of(oauth, answer)
    assert len(told["urn:onegini.com:oidc:group_policies"]["groups"]) == 60
    # They are too many for an ID token, which says where they can be had.
    bounded = verify(oauth, answer["id_token"], audience="web-app")
    assert "urn:onegini.com:oidc:group_policies" in bounded["_claim_names"]


@pytest.mark.requirement("OIDC Core", "5.3.2", "A signed answer has iss and aud.")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_answer_is_signed_where_the_client_wants_it(
    oauth: OAuthClient, tenant: Tenant, algorithm: str
) -> None:
    party = make_party(
        tenant, userinfo_signed_response_alg=algorithm, id_token_signed_response_alg="EdDSA"
    )
    response = ask(oauth, party.begin("openid", "email")["access_token"])
    assert response["Content-Type"] == "application/jwt"
    assert verify(oauth, response.content.decode(), audience="web-app") == {
        "iss": issuer_of(tenant),
        "aud": "web-app",
        "sub": str(party.subject.pk),
        "email": party.subject.email,
        "email_verified": True,
    }


@pytest.mark.requirement("RFC 6750", "3", "Without a token the challenge names no error.")
def test_missing_token_is_challenged(oauth: OAuthClient, tenant: Tenant) -> None:
    response = oauth.get(PATH)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == f'Bearer realm="{issuer_of(tenant)}"'


BAD = {
    "garbage": "garbage",
    "NUL": "a%00b",
    "opaque": "0" * 64,
    "dots": "a.b.c",
    "long": "x" * 20_000,
}


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_bad_token_is_an_invalid_token(oauth: OAuthClient, text: str) -> None:
    for response in (ask(oauth, text), oauth.post_raw(PATH, f"access_token={text}")):
        assert response.status_code in {400, 401}
        assert response.json()["error"] in {"invalid_token", "invalid_request"}


BODIES = {
    "JSON": ("application/json", '{"access_token": "x"}', 415),
    "array": (FORM, "access_token[]=x", 401),
    "twice": (FORM, "access_token=x&access_token=y", 400),
    "no UTF-8": (FORM, "access_token=%ff", 400),
    "broken escape": (FORM, "access_token=%zz", 401),
    "megabyte": (FORM, "access_token=" + "x" * 1_000_000, 413),
    "other type": ("text/plain", "x", 415),
}


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize(("content_type", "body", "status"), BODIES.values(), ids=BODIES)
def test_hostile_bodies_are_refused(
    oauth: OAuthClient, content_type: str, body: str, status: int
) -> None:
    assert oauth.post_raw(PATH, body, content_type=content_type).status_code == status


def test_token_without_openid_does_not_reach_far_enough(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(tenant)
    response = ask(oauth, party.begin("profile")["access_token"])
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in response["WWW-Authenticate"]


def test_token_of_a_program_tells_of_nobody(oauth: OAuthClient, tenant: Tenant) -> None:
    program = make_client(tenant, "program", scopes=["openid"])
    token = oauth.token(program, scope="openid").json()["access_token"]
    assert ask(oauth, token).json()["error"] == "insufficient_scope"


def test_symmetric_limited_and_foreign_tokens_are_refused(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    make_api(tenant, "shared", scopes=["search"], signing_algorithm="HS256")
    symmetric = make_party(tenant, "shared-app", scopes=["search"]).begin("search")["access_token"]
    party = make_party(tenant)
    Scope.objects.filter(tenant=tenant, name="phone").update(usage_limit=3)
    limited = party.begin("openid", "phone")["access_token"]
    foreign = make_party(make_tenant("initech")).begin("openid")["access_token"]
    for token in (symmetric, limited, foreign):
        response = ask(oauth, token)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in response["WWW-Authenticate"]


def test_ended_session_disabled_person_and_disabled_client_end_it(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    party = make_party(tenant)
    first = party.begin("openid")["access_token"]
    assert ask(oauth, first).status_code == 200
    oauth.end_session(first)
    assert ask(oauth, first).status_code == 401
    second = party.begin("openid")["access_token"]
    party.subject.is_enabled = False
    changes.save(party.subject, actor=SYSTEM)
    assert ask(oauth, second).status_code == 401


def test_id_token_is_no_access_token(oauth: OAuthClient, tenant: Tenant) -> None:
    answer = make_party(tenant).begin("openid")
    assert ask(oauth, answer["id_token"]).status_code == 401


@pytest.mark.requirement("OIDC Core", "5.3", "A page of the client may ask by CORS.")
def test_a_clients_own_pages_may_ask(oauth: OAuthClient, tenant: Tenant) -> None:
    origin = "https://app.example"
    party = make_party(tenant, cors_allowed_origins=[origin])
    token = party.begin("openid")["access_token"]
    response = ask(oauth, token, Origin=origin)
    assert response["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Credentials" not in response
    other = ask(oauth, token, Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in other
    preflight = oauth.http.options(f"{oauth.base}{PATH}", headers={"Origin": origin})
    assert preflight["Access-Control-Allow-Headers"] == "Authorization, Content-Type"


def test_one_statement_beyond_the_gate(oauth: OAuthClient, tenant: Tenant) -> None:
    token = make_party(tenant).begin(*OPENID)["access_token"]
    ask(oauth, token)
    with CaptureQueriesContext(connection) as statements:
        assert ask(oauth, token).status_code == 200
    about_people = [query["sql"] for query in statements if "tenants_subject" in query["sql"]]
    assert len(about_people) == 2
    assert "FROM tokens_accesstoken" in about_people[0]
    assert "claims_request" in about_people[1]


def test_exchanged_token_still_tells_by_its_scopes(oauth: OAuthClient, tenant: Tenant) -> None:
    party = make_party(
        tenant, grant_types=[GrantType.AUTHORIZATION_CODE.value, GrantType.TOKEN_EXCHANGE.value]
    )
    answer = party.begin("openid", "email", claims_request={"userinfo": {"name": None}})
    exchanged = oauth.token(
        party.made,
        grant_type=GrantType.TOKEN_EXCHANGE.value,
        subject_token=answer["access_token"],
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        scope="openid email",
    ).json()
    assert "id_token" not in exchanged
    told = claims_of(oauth, exchanged)
    assert set(told) == {"sub", "email", "email_verified"}
    inside = verify(oauth, exchanged["access_token"], audience=None)
    assert {"acr", "auth_time"}.isdisjoint(inside), json.dumps(inside)
