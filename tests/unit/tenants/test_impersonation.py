"""For whom a client may ask: filters that match whole names, and nobody where they are empty."""

from __future__ import annotations

import re
import string
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.impersonation import build_right, compile_filter, explain_pattern, is_name
from tenants.policy import decide
from tenants.records import ClientRecord, ImpersonationRight, TenantSnapshot, TokenSettings
from tests.factories.records import make_api, make_client, make_request, make_scope, make_tenant

NAMES = st.text(string.ascii_letters + string.digits + "-_@.", min_size=1, max_size=20)


@given(st.lists(NAMES, max_size=4), NAMES)
def test_filter_of_plain_names_allows_exactly_those(names: list[str], asked: str) -> None:
    allows = compile_filter(re.escape(name) for name in names)
    assert allows(asked) == (asked in names)


@pytest.mark.parametrize("pattern", ["user-[0-9]+", "^user-[0-9]+", "user-[0-9]+$", "x|user-1"])
@pytest.mark.parametrize("name", ["a user-1", "user-1 b", "user-1\n", "xuser-1", ""])
def test_pattern_matches_from_end_to_end(pattern: str, name: str) -> None:
    allows = compile_filter([pattern])
    assert allows("user-1")
    assert not allows(name)


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"\1", "[z-a]", "a" * 256, "x{100000}"])
def test_what_is_no_pattern_is_explained(pattern: str) -> None:
    assert explain_pattern(pattern)


def test_pattern_that_is_no_more_understood_allows_nobody() -> None:
    assert not compile_filter(["("])("(")
    assert not compile_filter([])("")
    assert not ImpersonationRight().allows_subject("")


@pytest.mark.parametrize("text", ["", "a\n", "a\x00", "\ud800", "x" * 256])
def test_what_can_name_nobody(text: str) -> None:
    assert not is_name(text)
    assert is_name("Jos\xe9 O'Brien <j@example.com>")


def world(**right: object) -> tuple[TenantSnapshot, ClientRecord]:
    api = make_api()
    read, write = make_scope(api, "read"), make_scope(api, "write")
    values = {
        "tenants": ["t-1"],
        "subjects": ["u-.*"],
        "scope_ids": {read.id},
        "max_lifetime_seconds": 60,
        **right,
    }
    client = make_client(read, write, impersonation=build_right(**values))  # type: ignore[arg-type]  # as chosen.
    return make_tenant([api], [read, write]), client


@pytest.mark.parametrize("own", [30, 60, 3600])
def test_lifetime_is_cut_and_never_raised(own: int) -> None:
    tenant, client = world()
    client = make_client(
        *tenant.scopes.values(),
        impersonation=client.impersonation,
        settings=TokenSettings(access_token_lifetime_seconds=own),
    )
    named = decide(make_request(client, "read", app_tenant_id="t-1", app_subject_id="u-1"), tenant)
    plain = decide(make_request(client, "read"), tenant)
    assert named.settings
    assert plain.settings
    assert named.settings.access_token_lifetime_seconds == min(own, 60)
    assert plain.settings.access_token_lifetime_seconds == own


def test_scopes_are_narrowed_where_the_tenant_narrows() -> None:
    tenant, client = world()
    asked = {"app_tenant_id": "t-1", "app_subject_id": "u-1"}
    strict = decide(make_request(client, "read", "write", **asked), tenant)
    assert strict.refusal.reason == "scope_not_for_impersonation"
    lenient = make_tenant(
        list(tenant.apis.values()), list(tenant.scopes.values()), scope_excess="narrow"
    )
    assert decide(make_request(client, "read", "write", **asked), lenient).granted_scopes == (
        "read",
    )


def test_tenant_may_be_left_out_where_the_filter_says_so() -> None:
    tenant, client = world(tenants=["(t-1)?"])
    assert decide(make_request(client, "read", app_subject_id="u-1"), tenant).is_allowed
    only = decide(make_request(client, "read", app_tenant_id="t-1"), tenant)
    assert only.refusal.reason == "impersonated_subject_not_allowed"


def test_scope_that_is_none_of_the_tenant_gives_nothing() -> None:
    tenant, client = world(scope_ids={uuid4()})
    asked = make_request(client, "read", app_tenant_id="t-1", app_subject_id="u-1")
    assert decide(asked, tenant).refusal.reason == "scope_not_for_impersonation"
