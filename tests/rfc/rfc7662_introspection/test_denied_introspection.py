"""Introspection needs no policy that allows it, but honours one that denies it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import AccessPolicy, Group
from tenants.records import SYSTEM
from tenants.services import changes
from tests.factories.policies import make_policy
from tests.factories.tenants import make_api, make_client
from tests.factories.tokens import Issuer, make_subject, subject_record
from tokens.models import Refusal

if TYPE_CHECKING:
    from tenants.models import Api, Tenant
    from tests.factories.tenants import MadeClient
    from tests.oauth_client import OAuthClient

INACTIVE = {"active": False}
OPERATIONS = {"effect": "deny", "operations": ["introspection"]}


def is_active(oauth: OAuthClient, caller: MadeClient, token: str) -> bool:
    answer = oauth.introspect(caller, token)
    assert answer.status_code == 200
    assert answer.json() == INACTIVE or answer.json()["active"] is True
    assert "X-Refusal-Trace" not in answer
    return bool(answer.json()["active"])


def token_of(oauth: OAuthClient, client: MadeClient, **parameters: Any) -> str:  # noqa: ANN401 - as sent.
    return str(oauth.token(client, **parameters).json()["access_token"])


def test_a_denied_introspection_is_inactive_for_everybody(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, gateway: MadeClient
) -> None:
    token = token_of(oauth, service)
    assert is_active(oauth, gateway, token)
    assert is_active(oauth, service, token)
    policy = make_policy(tenant, "no", clients=[service.client], **OPERATIONS)
    assert not is_active(oauth, gateway, token)
    assert not is_active(oauth, service, token)
    refusal = Refusal.objects.filter(tenant=tenant.pk).first()
    assert refusal is not None
    assert (refusal.operation, refusal.reason) == ("introspect", "policy_denied")
    policy.mode = AccessPolicy.Mode.SHADOW
    changes.save(policy, actor=SYSTEM)
    assert is_active(oauth, gateway, token)


def test_a_deny_of_other_clients_operations_or_scopes_changes_nothing(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, gateway: MadeClient
) -> None:
    bills = make_api(tenant, "bills", scopes=["pay"])
    token = token_of(oauth, service)
    make_policy(tenant, "other-client", clients=[gateway.client], **OPERATIONS)
    make_policy(tenant, "other-api", apis=[bills], **OPERATIONS)
    make_policy(tenant, "other-operation", effect="deny", operations=["access"])
    assert is_active(oauth, gateway, token)
    assert is_active(oauth, service, token)


def test_a_resource_server_is_denied_only_what_concerns_it(
    oauth: OAuthClient, tenant: Tenant, api: Api, gateway: MadeClient
) -> None:
    bills = make_api(tenant, "bills", scopes=["pay"])
    client = make_client(tenant, scopes=["read", "pay"])
    token = token_of(oauth, client, scope="read pay")
    make_policy(tenant, "no-bills", apis=[bills], **OPERATIONS)
    assert is_active(oauth, gateway, token)
    assert not is_active(oauth, client, token)
    make_policy(tenant, "no-orders", apis=[api], **OPERATIONS)
    assert not is_active(oauth, gateway, token)


def test_the_groups_of_the_tokens_subject_count(
    oauth: OAuthClient, tenant: Tenant, api: Api, service: MadeClient, gateway: MadeClient
) -> None:
    member, stranger = make_subject(tenant), make_subject(tenant)
    group = Group(tenant=tenant, slug="suspended")
    changes.save(group, actor=SYSTEM, links={"subjects": [member]})
    make_policy(tenant, "suspended", groups=[group], **OPERATIONS)
    issuer = Issuer(tenant, api, service.client_id)
    tokens = [
        str(issuer.issue(subject=subject_record(person.pk))["access_token"])
        for person in (member, stranger)
    ]
    assert [is_active(oauth, gateway, token) for token in tokens] == [False, True]
    assert is_active(oauth, gateway, token_of(oauth, service))


def test_a_rule_knows_who_asks(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient, gateway: MadeClient
) -> None:
    rule = {"caller": {"$present": True, "client_id": gateway.client_id}}
    make_policy(tenant, "not-the-gateway", rule=rule, **OPERATIONS)
    token = token_of(oauth, service)
    assert not is_active(oauth, gateway, token)
    assert is_active(oauth, service, token)


def test_a_refresh_token_is_denied_as_well(
    oauth: OAuthClient, tenant: Tenant, refresher: MadeClient
) -> None:
    token = str(oauth.token(refresher).json()["refresh_token"])
    assert is_active(oauth, refresher, token)
    make_policy(tenant, "no", clients=[refresher.client], **OPERATIONS)
    assert not is_active(oauth, refresher, token)


@pytest.mark.usefixtures("gateway")
def test_policies_cost_introspection_no_statement(
    oauth: OAuthClient, tenant: Tenant, service: MadeClient
) -> None:
    make_policy(tenant, "no", effect="deny", operations=["access"])
    token = token_of(oauth, service)
    oauth.introspect(service, token)
    with CaptureQueriesContext(connection) as statements:
        assert is_active(oauth, service, token)
    # The first renews the snapshot, as each request does in tests.
    assert len(statements) <= 2, [q["sql"] for q in statements]
