"""draft-ietf-oauth-client-id-metadata-document: a client's id is the address of its document."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from tenants.models import Client, ClientRegistration
from tenants.records import SYSTEM
from tenants.services import changes, idle_registrations
from tests.factories.code_flow import EMAIL, CodeFlow, answer_of, make_web_client
from tests.factories.people import make_subject_with_password
from tests.factories.policies import make_policy
from tests.factories.tenants import MadeClient, make_api, make_tenant
from tests.registering import CALLBACK, Documents, serve_documents
from tokens.client_documents import explain_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse
    from pytest_django import Settings

    from tenants.models import Tenant

pytestmark = pytest.mark.django_db
DRAFT = "draft-ietf-oauth-client-id-metadata-document"
NOON = "2026-03-01T12:00:00Z"


@pytest.fixture
def documents(tmp_path: Path, settings: Settings) -> Iterator[Documents]:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = ["127.0.0.0/8"]
    settings.TENANTS_OUTGOING_CA_FILE = str(tmp_path / "ca.pem")
    yield from serve_documents(tmp_path)


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant(allow_client_metadata_documents=True)
    make_api(tenant)
    make_subject_with_password(tenant, EMAIL)
    make_policy(tenant, "documents", client_kinds=["dynamic"])
    return tenant


def flow_of(tenant: Tenant, client_id: str) -> CodeFlow:
    return CodeFlow(tenant, MadeClient(Client(client_id=client_id), ""))


def ask(flow: CodeFlow, **parameters: Any) -> HttpResponse:  # noqa: ANN401 - any parameter.
    return flow.ask(redirect_uri=CALLBACK, **parameters)


def is_refused(page: HttpResponse) -> bool:
    return page.status_code == 400 and b"checked" in page.content


@pytest.mark.requirement(DRAFT, "3", "an address is a client_id")
def test_person_signs_in_to_a_client_that_nobody_registered(
    tenant: Tenant, documents: Documents
) -> None:
    flow = flow_of(tenant, documents.describe())
    flow.sign_in()

    page = ask(flow)

    assert b'id="client-host"' in page.content
    assert b"<strong>127.0.0.1</strong>" in page.content
    code = answer_of(flow.agree(page))["code"]
    answer = flow.redeem(code, redirect_uri=CALLBACK)
    assert answer.json()["scope"] == "openid read", answer.content
    client = Client.objects.get(client_id=flow.client.client_id)
    assert (client.kind, client.token_endpoint_auth_method) == ("dynamic", "none")
    assert client.registration.source == "document"
    # Consent and the token request fetch nothing again.
    assert documents.asked == ["/app"]


def test_metadata_say_whether_documents_are_taken(tenant: Tenant) -> None:
    flow = flow_of(tenant, "x")
    described = flow.oauth.get("/.well-known/oauth-authorization-server").json()
    assert described["client_id_metadata_document_supported"] is True


def test_nothing_is_fetched_where_the_tenant_takes_no_documents(documents: Documents) -> None:
    tenant = make_tenant()
    page = ask(flow_of(tenant, documents.describe()))
    assert (page.status_code, documents.asked) == (400, [])


def test_no_known_document_is_taken_any_more_once_that_is_switched_off(
    tenant: Tenant, documents: Documents
) -> None:
    flow = flow_of(tenant, documents.describe())
    assert ask(flow).status_code == 200
    tenant.allow_client_metadata_documents = False
    changes.save(tenant, actor=SYSTEM)
    assert ask(flow).status_code == 400


def test_operators_client_with_such_an_id_stays_the_operators(
    tenant: Tenant, documents: Documents
) -> None:
    client_id = documents.describe()
    make_web_client(tenant, client_id, redirect_uris=CALLBACK, is_allowed=False)
    assert ask(flow_of(tenant, client_id)).status_code == 200
    assert documents.asked == []


WRONG: dict[str, dict[str, Any]] = {
    "another client_id": {"client_id": "https://other.example/app"},
    "no client_id": {"client_id": None},
    "a secret": {"client_secret": "x"},
    "a secret's end": {"client_secret_expires_at": 0},
    "authenticated by secret": {"token_endpoint_auth_method": "client_secret_basic"},
    "authenticated by a list": {"token_endpoint_auth_method": []},
    "authenticated by an object": {"token_endpoint_auth_method": {}},
    "authenticated by no name": {"token_endpoint_auth_method": ""},
    "another redirect URI": {"redirect_uris": ["http://far.example/"]},
    "no redirect URI": {"redirect_uris": None},
    "wrong type": {"redirect_uris": {"a": 1}},
    "more than 5 kB": {"client_name": "a", "padding": "a" * 5_200},
    "implicit": {"grant_types": ["implicit"]},
    "private key": {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [{"kty": "EC", "d": "a"}]},
    },
}


@pytest.mark.requirement(DRAFT, "4", "client_id equals the address; no secrets")
@pytest.mark.parametrize("members", WRONG.values(), ids=WRONG.keys())
def test_wrong_documents_are_refused(
    tenant: Tenant, documents: Documents, members: dict[str, Any]
) -> None:
    page = ask(flow_of(tenant, documents.describe(**members)))
    assert is_refused(page)
    assert not ClientRegistration.objects.exists()


def test_member_that_is_null_is_as_if_left_out(tenant: Tenant, documents: Documents) -> None:
    client_id = documents.describe()
    document = json.loads(documents.answers["/app"])
    documents.put("/app", document | {"token_endpoint_auth_method": None, "jwks": None})
    assert ask(flow_of(tenant, client_id)).status_code == 200
    assert Client.objects.get(client_id=client_id).token_endpoint_auth_method == "none"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":1}', b"\xff" * 10], ids=range(5))
def test_what_is_no_document_is_refused(tenant: Tenant, documents: Documents, body: bytes) -> None:
    documents.answers["/app"] = body
    assert is_refused(ask(flow_of(tenant, documents.address + "/app")))


def test_web_page_is_no_document(tenant: Tenant, documents: Documents) -> None:
    documents.media_type = "text/html"
    assert is_refused(ask(flow_of(tenant, documents.describe())))


@pytest.mark.requirement(DRAFT, "8.6", "special-use addresses are not fetched")
def test_inside_addresses_are_not_fetched(
    tenant: Tenant, documents: Documents, settings: Settings
) -> None:
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = []
    assert is_refused(ask(flow_of(tenant, documents.describe())))
    assert documents.asked == []


@pytest.mark.requirement(DRAFT, "3", "a path, no fragment, no credentials, no dot segments")
@pytest.mark.parametrize(
    ("client_id", "is_good"),
    [
        ("https://new.example/app", True),
        ("https://new.example:8443/app?v=1", True),
        ("https://new.example", False),
        ("https://new.example/", False),
        ("https://new.example/app#x", False),
        ("https://new.example/app#", False),
        ("https://ana@new.example/app", False),
        ("https://new.example/a/../app", False),
        ("https://new.example/./app", False),
        ("https://new.example/a/%2e%2E/app", False),
        ("https:///app", False),
        ("https://new.example:0/app", False),
        ("https://new.example:x/app", False),
        ("https://[/app", False),
        ("https://new.example/ä", False),
        ("https://new.example/" + "a" * 255, False),
    ],
    ids=range(16),
)
def test_address_of_a_document(client_id: str, is_good: bool) -> None:  # noqa: FBT001 - a table.
    assert (explain_address(client_id) == "") is is_good


def test_malformed_addresses_show_a_page(tenant: Tenant) -> None:
    for client_id in ("https://", "https://[", "https://x.example/../a", "https://" + "a" * 5000):
        assert ask(flow_of(tenant, client_id)).status_code == 400
    raw = f"response_type=code&client_id={quote('https://x.example/a')}%00"
    page = flow_of(tenant, "x").person.open(f"/oauth/authorize?{raw}")
    assert page.status_code == 400


def test_failure_is_remembered_for_a_moment(tenant: Tenant, documents: Documents) -> None:
    flow = flow_of(tenant, documents.address + "/app")
    assert is_refused(ask(flow))
    assert is_refused(ask(flow))
    assert documents.asked == ["/app"]
    cache.clear()
    documents.describe()
    assert ask(flow).status_code == 200


@pytest.mark.requirement(DRAFT, "4.3", "documents are cached within bounds")
def test_changed_document_holds_within_an_hour(tenant: Tenant, documents: Documents) -> None:
    flow = flow_of(tenant, documents.describe())
    with time_machine.travel(NOON, tick=False) as clock:
        assert ask(flow).status_code == 200
        documents.describe(redirect_uris=["https://new.example/moved"], client_name="Moved")
        assert ask(flow).status_code == 200

        clock.shift(3601)
        page = ask(flow)
        assert page.status_code == 400
        assert Client.objects.get(client_id=flow.client.client_id).name == "Moved"
    assert documents.asked == ["/app", "/app"]


def test_unreachable_document_holds_for_a_day(tenant: Tenant, documents: Documents) -> None:
    flow = flow_of(tenant, documents.describe())
    with time_machine.travel(NOON, tick=False) as clock:
        assert ask(flow).status_code == 200
        documents.answers.clear()
        clock.shift(23 * 3600)
        assert ask(flow).status_code == 200
        cache.clear()
        clock.shift(3601)
        assert is_refused(ask(flow))


def test_disabled_client_stays_disabled(tenant: Tenant, documents: Documents) -> None:
    flow = flow_of(tenant, documents.describe())
    assert ask(flow).status_code == 200
    client = Client.objects.get(client_id=flow.client.client_id)
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    page = ask(flow)
    assert (page.status_code, documents.asked) == (400, ["/app"])


def test_new_documents_have_a_quota_and_a_rate(documents: Documents) -> None:
    tenant = make_tenant(allow_client_metadata_documents=True, max_registrations_per_day=1)
    make_api(tenant)
    assert ask(flow_of(tenant, documents.describe("/a"))).status_code == 200
    assert is_refused(ask(flow_of(tenant, documents.describe("/b"))))
    with time_machine.travel(NOON, tick=False):
        pages = [ask(flow_of(tenant, f"{documents.address}/n{n}")) for n in range(62)]
    assert {page.status_code for page in pages[:50]} == {400}
    assert pages[-1].status_code == 429


def test_client_that_idleness_has_disabled_comes_back_by_its_document(
    tenant: Tenant, documents: Documents
) -> None:
    flow = flow_of(tenant, documents.describe())
    assert ask(flow).status_code == 200
    for days in (40, 50):
        idle_registrations.advance(timezone.now() + timedelta(days=days), limit=10)
    assert not Client.objects.get(client_id=flow.client.client_id).is_enabled

    assert ask(flow).status_code == 200

    assert Client.objects.get(client_id=flow.client.client_id).is_enabled
    assert ClientRegistration.objects.get().stage == "live"
