import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.models import ClientSecret, Tenant
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.management_client import ManagementClient, read_problem
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def api(tenant: Tenant) -> ManagementClient:
    return ManagementClient(tenant)


@pytest.fixture
def worker(tenant: Tenant) -> MadeClient:
    return make_client(tenant, "worker", scopes=["read"])


def test_a_secret_is_replaced_without_an_outage(
    tenant: Tenant, api: ManagementClient, worker: MadeClient
) -> None:
    path = f"/{worker.client.pk}/secrets"
    answer = api.post(path, {"label": "second"})
    document = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert answer["Location"] == f"{api.base}{path}/{document['id']}"
    oauth = OAuthClient(tenant)
    second = MadeClient(worker.client, document["client_secret"])
    assert oauth.token(worker).status_code == oauth.token(second).status_code == 200

    first = ClientSecret.objects.get(client=worker.client, label="first")
    assert api.delete(f"{path}/{first.pk}").status_code == 204
    assert oauth.token(worker).status_code == 401
    assert oauth.token(second).status_code == 200


def test_a_list_shows_no_text_and_no_hash(api: ManagementClient, worker: MadeClient) -> None:
    [item] = api.get(f"/{worker.client.pk}/secrets").json()["items"]
    assert item.keys() == {"id", "label", "hint", "created_at", "expires_at", "last_used_at"}
    assert item["hint"] == worker.secret[-4:]


def test_a_secret_gives_its_client_a_new_version(api: ManagementClient, worker: MadeClient) -> None:
    path = f"/{worker.client.pk}"
    before = api.get(path)["ETag"]
    api.post(f"{path}/secrets", {"label": "second"})
    assert api.get(path)["ETag"] != before


def test_an_expiry_lies_ahead(api: ManagementClient, worker: MadeClient) -> None:
    path = f"/{worker.client.pk}/secrets"
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    assert api.post(path, {"label": "a", "expires_at": soon}).status_code == 201
    past = {"label": "b", "expires_at": "2020-01-01T00:00:00Z"}
    assert read_problem(api.post(path, past))["errors"].keys() == {"expires_at"}
    for extreme in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00Z"):
        refused = api.post(path, {"label": "c", "expires_at": extreme})
        assert read_problem(refused)["errors"].keys() == {"expires_at"}, extreme


def test_a_label_is_given_once_and_ten_are_enough(
    api: ManagementClient, worker: MadeClient
) -> None:
    path = f"/{worker.client.pk}/secrets"
    assert read_problem(api.post(path, {"label": "first"}))["errors"].keys() == {"label"}
    for number in range(9):
        assert api.post(path, {"label": f"l{number}"}).status_code == 201
    assert read_problem(api.post(path, {"label": "eleventh"}))["errors"].keys() == {"secrets"}


def test_a_client_with_another_method_gets_none(tenant: Tenant, api: ManagementClient) -> None:
    public = make_client(
        tenant, "app", token_endpoint_auth_method="none", grant_types=["refresh_token"]
    )
    refused = api.post(f"/{public.client.pk}/secrets", {"label": "a"})
    assert read_problem(refused)["code"] == "conflict"
    assert not ClientSecret.objects.filter(client=public.client).exists()


def test_a_secret_is_found_below_its_own_client_only(
    api: ManagementClient, worker: MadeClient
) -> None:
    other = api.create("other")
    secret = ClientSecret.objects.get(client=worker.client)
    below_other = f"/{other['id']}/secrets/{secret.pk}"
    for path in (below_other, f"/{worker.client.pk}/secrets/{uuid.uuid4()}"):
        assert read_problem(api.delete(path))["code"] == "not_found"
    assert ClientSecret.objects.filter(pk=secret.pk).exists()
