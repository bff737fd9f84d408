"""Tests of the grants: each is found by its name, and judged before it makes anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.factories.records import make_client, make_tenant
from tokens import grants
from tokens.errors import InvalidRequest, UnauthorizedClient, UnsupportedGrantType
from tokens.parameters import EndpointRequest, Parameters

GRANT = "client_credentials"
CLIENT = replace(make_client(), grant_types=frozenset(grants.GRANTS))
TENANT = make_tenant()


def _request(grant_type: str, **parameters: str) -> EndpointRequest:
    values = {"grant_type": grant_type, **parameters}
    return EndpointRequest(
        TENANT,
        Parameters({name: (value,) for name, value in values.items() if value}),
        now=0.0,
        cut_off_number=0,
        address="192.0.2.1",
        user_agent="curl",
    )


def test_a_request_says_who_asks_and_for_what() -> None:
    request = _request(GRANT, scope="a b a", audience="https://a.example")
    asked = grants.request_access(request, CLIENT)
    assert asked.grant_type == GRANT
    assert asked.client is CLIENT
    assert asked.subject is None
    assert asked.requested_scopes == ("a", "b")
    assert asked.requested_audiences == ("https://a.example",)
    assert (asked.address, asked.user_agent) == ("192.0.2.1", "curl")


def test_no_scope_is_not_an_empty_scope() -> None:
    assert grants.request_access(_request(GRANT), CLIENT).requested_scopes is None


def test_a_grant_must_be_named() -> None:
    with pytest.raises(InvalidRequest):
        grants.request_access(_request(""), CLIENT)


@pytest.mark.parametrize("grant_type", ["password", "implicit", "Client_Credentials", "x", "code"])
def test_an_unknown_grant_is_refused(grant_type: str) -> None:
    with pytest.raises(UnsupportedGrantType):
        grants.request_access(_request(grant_type), CLIENT)


@pytest.mark.parametrize("grant_type", grants.GRANTS)
def test_what_the_client_lacks_is_refused_before_anything_is_read(grant_type: str) -> None:
    with pytest.raises(UnauthorizedClient):
        grants.request_access(_request(grant_type), replace(CLIENT, grant_types=frozenset()))


@pytest.mark.parametrize("grant_type", grants.GRANTS)
def test_what_the_environment_forbids_is_refused_too(grant_type: str) -> None:
    others = frozenset(grants.GRANTS) - {grant_type}
    tenant = replace(TENANT, allowed_grant_types=others)
    with pytest.raises(UnauthorizedClient):
        grants.request_access(replace(_request(grant_type), tenant=tenant), CLIENT)


def test_a_public_client_has_no_credentials_of_its_own() -> None:
    public = replace(CLIENT, authentication_method="none")
    with pytest.raises(UnauthorizedClient):
        grants.request_access(_request(GRANT), public)
