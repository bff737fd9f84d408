"""Space Blocks: a backend asks for a token in the name of its own user, and support ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.records import APP_SUBJECT_CLAIM, APP_TENANT_CLAIM, SYSTEM
from tenants.services import changes, cut_offs
from tenants.services.clients import save_client
from tests.factories.tenants import (
    MadeClient,
    make_api,
    make_client,
    make_environment,
    make_tenant,
)
from tests.oauth_client import OAuthClient
from tests.seeds.wire import post_json, read_jwt
from tokens.models import AccessToken, Refusal, Session

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
TOKEN_PATH = "/token-manager/token"
AUDIENCE = "https://localhost:5001/"
NAMES = {"app_tenant_id": "tenant-123", "app_subject_id": "user-123"}


@dataclass(frozen=True, slots=True)
class Backend:
    """A customer's backend that may act for some of its users, and the blocks that it calls."""

    tenant: Tenant
    oauth: OAuthClient
    client: MadeClient
    gateway: MadeClient

    def ask(self, **more: str) -> Response:
        body = {"client_id": "foo", "client_secret": self.client.secret, **more}
        return post_json(self.oauth, TOKEN_PATH, body)

    def get_token(self, **more: str) -> str:
        answer = self.ask(**(NAMES | more))
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])

    def is_active(self, token: str) -> bool:
        return bool(self.oauth.introspect(self.gateway, token).json()["active"])

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - fields of a model.
        for name, value in fields.items():
            setattr(self.client.client, name, value)
        save_client(self.client.client, actor=SYSTEM)


def make_backend(claim_profile: str = "spaceblocks", **rights: Any) -> Backend:  # noqa: ANN401 - fields of a model.
    tenant = make_tenant(
        "foo",
        environment=make_environment("bar", "lorem"),
        claim_profile=claim_profile,
        signing_algorithm="RS256",
        allow_spaceblocks_alias=True,
    )
    api = make_api(tenant, "foo-block", audience=AUDIENCE, scopes=["foo:bar", "foo:write"])
    gateway = make_client(tenant, "gateway", is_allowed=False)
    changes.save(api, actor=SYSTEM, links={"resource_server_clients": [gateway.client]})
    fields: dict[str, Any] = {
        "grant_types": ["client_credentials", "refresh_token"],
        "may_impersonate": True,
        "impersonated_tenants": ["tenant-[0-9]+", "other"],
        "impersonated_subjects": ["user-[0-9]+"],
        "max_impersonated_token_lifetime_seconds": 900,
    }
    client = make_client(
        tenant,
        "foo",
        scopes=["foo:bar", "foo:write"],
        default_scopes=["foo:bar"],
        impersonation_scopes=["foo:bar"],
        token_endpoint_auth_method="client_secret_post",
        **(fields | rights),
    )
    return Backend(tenant, OAuthClient(tenant), client, gateway)


@pytest.fixture
def backend() -> Backend:
    return make_backend()


def test_token_is_as_the_sample_has_it_and_lives_shorter(backend: Backend) -> None:
    answer = backend.ask(**NAMES).json()
    assert answer["expires_in"] == 900
    claims = read_jwt(backend.oauth, answer["access_token"], audience=AUDIENCE, algorithm="RS256")
    assert (claims["sub"], claims["client_id"]) == ("foo", "foo")
    assert claims["ext"] == {
        "spaceblocks_project_id": "bar",
        "spaceblocks_environment_id": "lorem",
        "spaceblocks_tenant_id": "foo",
        **NAMES,
    }
    assert backend.ask().json()["expires_in"] == 3600


def test_introspection_tells_in_whose_name_the_client_acts(backend: Backend) -> None:
    answer = backend.oauth.introspect(backend.gateway, backend.get_token()).json()
    assert (answer["active"], answer["sub"]) == (True, "foo")
    assert answer["ext"]["app_subject_id"] == "user-123"


def test_rfc9068_has_names_of_its_own_and_keeps_the_client_as_subject() -> None:
    backend = make_backend("rfc9068")
    token = backend.get_token()
    claims = read_jwt(backend.oauth, token, audience=AUDIENCE, algorithm="RS256")
    assert (claims["sub"], claims[APP_TENANT_CLAIM], claims[APP_SUBJECT_CLAIM]) == (
        "foo",
        "tenant-123",
        "user-123",
    )
    assert "act" not in claims
    plain = str(backend.ask().json()["access_token"])
    assert not {APP_TENANT_CLAIM, APP_SUBJECT_CLAIM} & set(
        read_jwt(backend.oauth, plain, audience=AUDIENCE, algorithm="RS256")
    )


REFUSED = {
    "no such tenant": ({"app_tenant_id": "tenant-x"}, "impersonated_tenant_not_allowed"),
    "tenant left out": ({"app_tenant_id": ""}, "impersonated_tenant_not_allowed"),
    "subject left out": ({"app_subject_id": ""}, "impersonated_subject_not_allowed"),
    "no such subject": ({"app_subject_id": "admin"}, "impersonated_subject_not_allowed"),
    "something before": ({"app_subject_id": "x-user-1"}, "impersonated_subject_not_allowed"),
    "something behind": ({"app_subject_id": "user-1x"}, "impersonated_subject_not_allowed"),
    "alternative unanchored": (
        {"app_tenant_id": "tenant-1 other"},
        "impersonated_tenant_not_allowed",
    ),
    "scope of the client only": ({"scope": "foo:write"}, "scope_not_for_impersonation"),
    "one scope too many": ({"scope": "foo:bar foo:write"}, "scope_not_for_impersonation"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED)
def test_right_ends_where_its_filters_do(
    backend: Backend, change: dict[str, str], reason: str
) -> None:
    refused = backend.ask(**(NAMES | change))
    error = "invalid_scope" if "scope" in change else "unauthorized_client"
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert Refusal.objects.get(tenant=backend.tenant).reason == reason
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "rights",
    [
        {"may_impersonate": False},
        {"impersonated_tenants": []},
        {"impersonated_subjects": []},
    ],
    ids=["no right", "no tenants", "no subjects"],
)
def test_empty_filter_allows_nobody(rights: dict[str, Any]) -> None:
    refused = make_backend(**rights).ask(**NAMES)
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


def test_without_scopes_nothing_can_be_asked_in_another_name(backend: Backend) -> None:
    save_client(backend.client.client, actor=SYSTEM, links={"impersonation_scopes": []})
    assert backend.ask(**NAMES).json()["error"] == "invalid_scope"
    assert backend.ask().status_code == 200


HOSTILE = {
    "line break": "user-1\n",
    "too long": "user-" + "1" * 300,
    "not printable": "user-1\u202e",
    "control": "user-1\x07",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("parameter", NAMES)
def test_what_can_be_no_name_is_refused(backend: Backend, parameter: str, name: str) -> None:
    backend.change(impersonated_tenants=["(?s).*"], impersonated_subjects=["(?s).*"])
    refused = backend.ask(**(NAMES | {parameter: name}))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_support_ends_everything_in_the_name_of_one_subject(backend: Backend) -> None:
    ended, same_tenant = backend.get_token(), backend.get_token(app_subject_id="user-4")
    own = str(backend.ask().json()["access_token"])
    cut_offs.end(backend.tenant.pk, actor=SYSTEM, reason="T-1", app_subject_id="user-123")
    assert [backend.is_active(token) for token in (ended, same_tenant, own)] == [False, True, True]
    cut_offs.end(backend.tenant.pk, actor=SYSTEM, reason="T-2", app_tenant_id="tenant-123")
    assert [backend.is_active(token) for token in (same_tenant, own)] == [False, True]
    assert backend.is_active(backend.get_token())


def test_session_keeps_the_names_and_ends_with_them() -> None:
    backend = make_backend(refresh_token_enabled=True)
    first = backend.ask(**NAMES).json()
    session = Session.objects.get()
    assert (session.app_tenant_id, session.app_subject_id) == ("tenant-123", "user-123")
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = backend.ask(**refresh).json()
    claims = read_jwt(backend.oauth, second["access_token"], audience=AUDIENCE, algorithm="RS256")
    assert (claims["ext"]["app_subject_id"], second["expires_in"]) == ("user-123", 900)
    cut_offs.end(backend.tenant.pk, actor=SYSTEM, reason="T-3", app_subject_id="user-123")
    ended = backend.ask(**(refresh | {"refresh_token": second["refresh_token"]}))
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant")
    assert not backend.is_active(second["access_token"])


def test_session_is_refreshed_only_while_the_right_lasts() -> None:
    backend = make_backend(refresh_token_enabled=True)
    first = backend.ask(**NAMES).json()
    backend.change(may_impersonate=False)
    refused = backend.ask(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused.json()["error"] in {"unauthorized_client", "invalid_grant"}


def test_name_of_the_application_is_no_user_of_ours(backend: Backend) -> None:
    token = backend.get_token()
    row = AccessToken.objects.get()
    assert (row.subject_id, row.app_tenant_id, row.app_subject_id) == (
        None,
        "tenant-123",
        "user-123",
    )
    assert backend.is_active(token)


def test_token_in_another_name_is_one_statement_like_any_other(backend: Backend) -> None:
    backend.get_token()
    with CaptureQueriesContext(connection) as captured:
        backend.get_token()
    statements = [query["sql"] for query in captured if "tokens_" in query["sql"]]
    assert [text.split()[0] for text in statements] == ["INSERT"]
