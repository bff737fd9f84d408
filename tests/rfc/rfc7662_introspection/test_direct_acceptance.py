"""RFC 7662: a resource server introspects the token of a trusted outside issuer as it is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import AuditEvent, Subject, SubjectIdentity
from tenants.records import SYSTEM
from tenants.services import changes, cut_offs
from tenants.services.subjects import save_subject
from tests.factories.outside import Partner, make_partner
from tests.factories.tenants import MadeClient, make_api, make_client
from tests.rfc.signers import GRANT
from tests.rfc.verification import issuer_of
from tokens.models import ForeignToken

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tenants.models import Api, Tenant
    from tests.oauth_client import OAuthClient

INACTIVE = {"active": False}


class Ended(NamedTuple):
    """The ids by which a cut-off may select."""

    profile: UUID
    subject: str
    api: UUID
    token: str


@pytest.fixture
def partner(api: Api, gateway: MadeClient) -> Partner:  # noqa: ARG001 - it serves the Api.
    """An issuer whose tokens work at the Api as they are, for reading at most."""
    return make_partner(api.tenant, [api], ["read"])


def _tell(oauth: OAuthClient, client: MadeClient, text: str) -> dict[str, Any]:
    response = oauth.introspect(client, text)
    assert response.status_code == 200, response.content
    told: dict[str, Any] = response.json()
    return told


@pytest.mark.requirement("RFC 7662", "2.2", "The answer describes the token by standard names.")
def test_the_outside_token_is_described_as_the_tenants_own_view_of_it(
    oauth: OAuthClient, tenant: Tenant, api: Api, gateway: MadeClient, partner: Partner
) -> None:
    now = int(timezone.now().timestamp())
    text = partner.sign("alice", scope="read write", iat=now, exp=now + 600)
    told = _tell(oauth, gateway, text)
    subject, row = Subject.objects.get(), ForeignToken.objects.get()
    assert told == {
        "active": True,
        "scope": "read",
        "token_type": "Bearer",
        "exp": now + 600,
        "iat": now,
        "sub": str(subject.pk),
        "aud": api.audience,
        "iss": issuer_of(tenant),
        "jti": str(row.pk),
    }
    assert (row.subject_id, row.scopes, row.api_ids) == (subject.pk, ["read"], [api.pk])
    assert row.expires_at.timestamp() == now + 600
    assert _tell(oauth, gateway, text) == told
    assert ForeignToken.objects.count() == Subject.objects.count() == 1


def test_a_new_token_of_the_same_user_is_the_same_subject(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    first = _tell(oauth, gateway, partner.sign("alice"))
    second = _tell(oauth, gateway, partner.sign("alice"))
    assert first["sub"] == second["sub"]
    assert first["jti"] != second["jti"]
    assert _tell(oauth, gateway, partner.sign("bob"))["sub"] != first["sub"]


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt"])
@pytest.mark.requirement("RFC 9068", "2.1", "Access tokens may say so in their type.")
def test_access_tokens_may_say_what_they_are(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner, typ: str
) -> None:
    assert _tell(oauth, gateway, partner.sign("alice", headers={"typ": typ}))["active"] is True


@pytest.mark.parametrize("typ", ["client-authentication+jwt", "logout+jwt", "dpop+jwt", "x"])
def test_what_is_meant_for_something_else_is_no_token(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner, typ: str
) -> None:
    assert _tell(oauth, gateway, partner.sign("alice", headers={"typ": typ})) == INACTIVE


def test_without_jti_the_signed_text_stands_for_the_token(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    first, second = (partner.sign("alice", jti=None, nonce=nonce) for nonce in ("a", "b"))
    jtis = [_tell(oauth, gateway, text)["jti"] for text in (first, second, first)]
    assert jtis[0] == jtis[2] != jtis[1]


def test_it_lives_no_longer_than_the_profile_says(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    partner.change(maximum_age_seconds=300, clock_skew_seconds=60)
    now = int(timezone.now().timestamp())
    text = partner.sign("alice", iat=now, exp=now + 3_600)
    assert _tell(oauth, gateway, text)["exp"] == now + 300
    with time_machine.travel(now + 299, tick=False):
        assert _tell(oauth, gateway, text)["active"] is True
    with time_machine.travel(now + 300, tick=False):
        assert _tell(oauth, gateway, text) == INACTIVE


def test_it_expires_when_it_says_so_whatever_the_skew(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    partner.change(clock_skew_seconds=300)
    now = int(timezone.now().timestamp())
    text = partner.sign("alice", iat=now, exp=now + 60)
    assert _tell(oauth, gateway, text)["exp"] == now + 60
    with time_machine.travel(now + 60, tick=False):
        assert _tell(oauth, gateway, text) == INACTIVE


SCOPES: dict[str, tuple[object, str | None]] = {
    "a text": ("read", "read"),
    "an array": (["read"], "read"),
    "more than the maximum": ("read write", "read"),
    "beyond the maximum": ("write", None),
    "unknown": ("nothing", None),
    "of the management": ("management:users:read", None),
    "empty": ("", None),
    "none": (None, None),
    "malformed": ({"read": True}, None),
}


@pytest.mark.parametrize(("claim", "scope"), SCOPES.values(), ids=SCOPES)
def test_the_scope_is_what_the_token_names_within_the_maximum(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner, claim: object, scope: str | None
) -> None:
    told = _tell(oauth, gateway, partner.sign("alice", scope=claim))
    assert told.get("scope") == scope
    assert told["active"] is (scope is not None)
    assert Subject.objects.exists() is (scope is not None)


def test_each_api_sees_its_own_part(
    oauth: OAuthClient, tenant: Tenant, api: Api, gateway: MadeClient
) -> None:
    archive = make_client(tenant, "archive")
    other = make_api(tenant, "files", scopes=["fetch"])
    changes.save(other, actor=SYSTEM, links={"resource_server_clients": [archive.client]})
    partner = make_partner(tenant, [api, other], ["read", "fetch"])
    both, first = partner.sign("alice", scope="read fetch"), partner.sign("alice", scope="read")
    assert _tell(oauth, gateway, both)["scope"] == "read"
    told = _tell(oauth, archive, both)
    assert (told["scope"], told["aud"]) == ("fetch", other.audience)
    assert _tell(oauth, archive, first) == INACTIVE
    assert _tell(oauth, gateway, first)["active"] is True


def test_a_server_of_both_apis_sees_both(oauth: OAuthClient, tenant: Tenant, api: Api) -> None:
    server = make_client(tenant, "gateway")
    other = make_api(tenant, "files", scopes=["fetch"])
    for served in (api, other):
        changes.save(served, actor=SYSTEM, links={"resource_server_clients": [server.client]})
    partner = make_partner(tenant, [api, other], ["read", "fetch"])
    told = _tell(oauth, server, partner.sign("alice", scope="read fetch"))
    assert set(told["scope"].split()) == {"read", "fetch"}
    assert set(told["aud"]) == {api.audience, other.audience}


def test_a_user_who_is_unknown_is_created_only_where_the_profile_says_so(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient, partner: Partner
) -> None:
    partner.change(provisioning="refuse")
    text = partner.sign("alice")
    assert _tell(oauth, gateway, text) == INACTIVE
    assert not Subject.objects.exists()
    assert not ForeignToken.objects.exists()
    subject = save_subject(Subject(tenant=tenant), actor=SYSTEM)
    SubjectIdentity.objects.create(
        tenant=tenant, subject=subject, trust_profile=partner.profile, sub="alice"
    )
    assert _tell(oauth, gateway, text)["sub"] == str(subject.pk)


def test_creation_is_recorded_and_bounded(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    partner.change(max_subjects_per_day=1)
    assert _tell(oauth, gateway, partner.sign("alice"))["active"] is True
    assert AuditEvent.objects.filter(event="subject.provisioned").count() == 1
    assert _tell(oauth, gateway, partner.sign("bob")) == INACTIVE
    assert _tell(oauth, gateway, partner.sign("alice"))["active"] is True
    assert Subject.objects.count() == ForeignToken.objects.values("subject").distinct().count() == 1


@pytest.mark.requirement("RFC 7662", "2.2", "A revoked token is inactive at once.")
def test_the_user_ends_it_by_presenting_it(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    assert _tell(oauth, gateway, text)["active"] is True
    assert oauth.end_session(text).status_code == 204
    assert _tell(oauth, gateway, text) == INACTIVE
    assert oauth.end_session(text).status_code == 204
    assert _tell(oauth, gateway, partner.sign("alice"))["active"] is True


def test_what_was_ended_before_it_was_seen_stays_ended(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    assert oauth.end_session(text).status_code == 204
    assert _tell(oauth, gateway, text) == INACTIVE
    assert not Subject.objects.exists()


def test_what_was_ended_is_swapped_for_nothing(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient, partner: Partner
) -> None:
    make_client(
        tenant,
        "app",
        kind="spa",
        scopes=["read"],
        grant_types=[GRANT],
        token_endpoint_auth_method="none",
    )
    text, other = partner.sign("alice"), partner.sign("alice")
    assert _tell(oauth, gateway, text)["active"] is True
    oauth.end_session(text)
    swapped = oauth.token(grant_type=GRANT, assertion=text, client_id="app")
    assert (swapped.status_code, swapped.json()["error"]) == (400, "invalid_grant")
    assert oauth.token(grant_type=GRANT, assertion=other, client_id="app").status_code == 200


def test_users_see_themselves_by_a_token_that_an_api_has_accepted(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    headers = {"Authorization": f"Bearer {text}"}
    assert oauth.get("/me", **headers).status_code == 401
    told = _tell(oauth, gateway, text)
    me = oauth.get("/me", **headers)
    assert me.status_code == 200, me.content
    document = me.json()
    assert (document["id"], document["scope"]) == (told["sub"], "read")
    assert (document["client_id"], document["expires_at"]) == (None, told["exp"])
    oauth.end_session(text)
    assert oauth.get("/me", **headers).status_code == 401


def _query(oauth: OAuthClient, text: str, query: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {text}"}
    body = json.dumps({"query": query})
    asked = oauth.post_raw("/graphql", body, content_type="application/json", **headers)
    document: dict[str, Any] = asked.json()
    return document


def test_users_see_themselves_by_graphql_under_the_same_rule(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    query = "{ getAuthorisedUser { scope clientId expiresAt user { id } } }"
    assert _query(oauth, text, query)["errors"][0]["extensions"]["code"] == "INVALID_TOKEN"
    assert not Subject.objects.exists()
    told = _tell(oauth, gateway, text)
    assert _query(oauth, text, query) == {
        "data": {
            "getAuthorisedUser": {
                "scope": "read",
                "clientId": None,
                "expiresAt": told["exp"],
                "user": {"id": told["sub"]},
            }
        }
    }
    oauth.end_session(text)
    assert _query(oauth, text, query)["errors"][0]["extensions"]["code"] == "INVALID_TOKEN"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param('{ getUser(id: "%s") { id } }', "NOT_FOUND", id="the user by id"),
        pytest.param(
            'mutation { addAccessToken(user: "%s") { accessToken } }',
            "INSUFFICIENT_SCOPE",
            id="a token for the user",
        ),
        pytest.param(
            'mutation { addUserAndAccessToken(user: {externalId: "%s"}) { user { id } } }',
            "INSUFFICIENT_SCOPE",
            id="another user",
        ),
    ],
)
def test_graphql_tells_an_outside_token_nothing_else(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner, query: str, code: str
) -> None:
    text = partner.sign("alice")
    subject = _tell(oauth, gateway, text)["sub"]
    refused = _query(oauth, text, query % subject)
    assert refused["errors"][0]["extensions"]["code"] == code
    assert Subject.objects.count() == 1


def test_other_endpoints_take_tokens_of_this_tenant_only(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    subject = _tell(oauth, gateway, text)["sub"]
    headers = {"Authorization": f"Bearer {text}"}
    for path in ("/users", f"/users/{subject}", f"/users/{subject}/tokens"):
        assert oauth.get(path, **headers).status_code == 401, path
    managed = oauth.http.get(f"/api/v1/tenants/{tenant.path}/clients", headers=headers)
    assert managed.status_code == 401
    assert oauth.revoke(gateway, text).status_code == 200
    assert _tell(oauth, gateway, text)["active"] is True


ENDINGS: dict[str, Callable[[Ended], dict[str, object]]] = {
    "of the profile": lambda e: {"trust_profile_id": e.profile},
    "of the subject": lambda e: {"subject_id": e.subject},
    "of the Api": lambda e: {"api_id": e.api},
    "of the token": lambda e: {"token_id": e.token},
    "of profile and subject": lambda e: {"trust_profile_id": e.profile, "subject_id": e.subject},
    "of everything": lambda _e: {},
}


@pytest.mark.parametrize("selectors", ENDINGS.values(), ids=ENDINGS)
def test_cut_offs_end_it(
    oauth: OAuthClient,
    api: Api,
    gateway: MadeClient,
    partner: Partner,
    selectors: Callable[[Ended], dict[str, Any]],
) -> None:
    text, other = partner.sign("alice"), partner.sign("bob")
    told = _tell(oauth, gateway, text)
    chosen = selectors(Ended(partner.profile.pk, told["sub"], api.pk, told["jti"]))
    cut_offs.end(partner.profile.tenant_id, actor=SYSTEM, **chosen)
    assert _tell(oauth, gateway, text) == INACTIVE
    if "token_id" in chosen:
        assert _tell(oauth, gateway, other)["active"] is True


SPARING: dict[str, tuple[str, ...]] = {
    "of another token": ("token_id",),
    "of a client": ("client_id",),
    "of another subject": ("subject_id",),
    "of the profile with another subject": ("trust_profile_id", "subject_id"),
    "of the profile with a client": ("trust_profile_id", "client_id"),
}


@pytest.mark.parametrize("names", SPARING.values(), ids=SPARING)
def test_cut_offs_of_others_spare_it(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner, names: tuple[str, ...]
) -> None:
    text, unseen = partner.sign("alice"), partner.sign("alice")
    _tell(oauth, gateway, text)
    stranger = partner.profile.tenant_id
    chosen: dict[str, Any] = dict.fromkeys(names, stranger)
    if "trust_profile_id" in chosen:
        chosen["trust_profile_id"] = partner.profile.pk
    cut_offs.end(stranger, actor=SYSTEM, **chosen)
    assert _tell(oauth, gateway, text)["active"] is True
    assert _tell(oauth, gateway, unseen)["active"] is True


@pytest.mark.parametrize("seconds_after", [-60, 0, 30, 32])
@pytest.mark.parametrize("selector", ["trust_profile_id", "subject_id", "api_id", ""])
def test_a_token_first_seen_after_a_cut_off_must_be_younger_by_more_than_the_skew(
    oauth: OAuthClient,
    api: Api,
    gateway: MadeClient,
    partner: Partner,
    seconds_after: int,
    selector: str,
) -> None:
    is_active = seconds_after > partner.profile.clock_skew_seconds
    subject = _tell(oauth, gateway, partner.sign("alice"))["sub"]
    targets = {"trust_profile_id": partner.profile.pk, "subject_id": subject, "api_id": api.pk}
    chosen = {selector: targets[selector]} if selector else {}
    cut_off = cut_offs.end(partner.profile.tenant_id, actor=SYSTEM, **chosen)
    moment = int(cut_off.created_at.timestamp())
    iat = moment + seconds_after
    text = partner.sign("alice", iat=iat, exp=moment + 600)
    with time_machine.travel(moment + 60, tick=False):
        told = _tell(oauth, gateway, text)
        assert told["active"] is is_active
        assert _tell(oauth, gateway, text)["active"] is is_active
    assert Subject.objects.count() == 1


def test_a_cut_off_before_anybody_was_seen_creates_nobody(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    cut_offs.end(partner.profile.tenant_id, actor=SYSTEM, trust_profile_id=partner.profile.pk)
    assert _tell(oauth, gateway, text) == INACTIVE
    assert not Subject.objects.exists()
    assert not ForeignToken.objects.exists()


def test_disabling_the_subject_ends_its_tokens_and_those_to_come(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    subject = Subject.objects.get(pk=_tell(oauth, gateway, text)["sub"])
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert _tell(oauth, gateway, text) == INACTIVE
    assert _tell(oauth, gateway, partner.sign("alice")) == INACTIVE
    subject.is_enabled = True
    save_subject(subject, actor=SYSTEM)
    assert _tell(oauth, gateway, text) == INACTIVE
    moment = timezone.now() + timedelta(minutes=5)
    with time_machine.travel(moment, tick=False):
        assert _tell(oauth, gateway, partner.sign("alice"))["active"] is True


KILL_SWITCHES: dict[str, dict[str, Any]] = {
    "the profile": {"is_enabled": False},
    "direct acceptance": {"is_accepted_directly": False},
}


@pytest.mark.parametrize("fields", KILL_SWITCHES.values(), ids=KILL_SWITCHES)
def test_what_is_switched_off_ends_at_once(
    oauth: OAuthClient, gateway: MadeClient, partner: Partner, fields: dict[str, bool]
) -> None:
    text = partner.sign("alice")
    _tell(oauth, gateway, text)
    partner.change(**fields)
    assert _tell(oauth, gateway, text) == INACTIVE
    assert _tell(oauth, gateway, partner.sign("alice")) == INACTIVE


def test_an_api_that_is_no_longer_linked_accepts_nothing(
    oauth: OAuthClient, tenant: Tenant, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    _tell(oauth, gateway, text)
    other = make_api(tenant, "files", scopes=["fetch"])
    partner.change(links={"direct_apis": [other]})
    assert _tell(oauth, gateway, text) == INACTIVE


def test_a_disabled_api_accepts_nothing(
    oauth: OAuthClient, api: Api, gateway: MadeClient, partner: Partner
) -> None:
    text = partner.sign("alice")
    _tell(oauth, gateway, text)
    api.is_enabled = False
    changes.save(api, actor=SYSTEM)
    assert _tell(oauth, gateway, text) == INACTIVE


def test_a_limited_scope_is_out_of_reach(
    oauth: OAuthClient, api: Api, gateway: MadeClient, partner: Partner
) -> None:
    """Nobody would count its uses."""
    scope = api.scopes.get(name="read")
    scope.usage_limit = 1
    changes.save(scope, actor=SYSTEM)
    assert _tell(oauth, gateway, partner.sign("alice")) == INACTIVE


def _count(oauth: OAuthClient, client: MadeClient, text: str) -> int:
    """Count the statements of an introspection besides the snapshot's and transactions' own."""
    with CaptureQueriesContext(connection) as captured:
        oauth.introspect(client, text)
    skipped = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    asked = [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(skipped)]
    return sum("tokens_" in sql or "subjectidentity" in sql for sql in asked)


def test_the_statements_of_an_introspection_are_few(
    oauth: OAuthClient, service: MadeClient, gateway: MadeClient, partner: Partner
) -> None:
    own = oauth.token(service).json()["access_token"]
    text = partner.sign("alice", jti="a-name-that-is-no-id")
    _tell(oauth, gateway, text)
    assert _count(oauth, gateway, text) == 2
    assert _count(oauth, gateway, partner.sign("alice", jti="another")) == 3
    # What is nobody's costs what it did: nothing, or the look-up of the id that it claims to have.
    assert _count(oauth, gateway, "garbage") == 0
    assert _count(oauth, gateway, partner.sign("alice", iss="https://x.example", jti="y")) == 0
    assert _count(oauth, gateway, own) == 1
