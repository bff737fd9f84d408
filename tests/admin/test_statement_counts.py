"""A page asks the database as often for many rows as for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants.models import (
    AuditEvent,
    ClaimRule,
    ClientSecret,
    ConfigurationChange,
    Membership,
    SubjectIdentity,
)
from tenants.records import Actor
from tenants.services.client_secrets import add_secret
from tests.admin.addresses import MODELS, address
from tests.admin.operators import OperatorBrowser, make_operator
from tests.factories.tenants import make_client
from tests.factories.tokens import make_subject

if TYPE_CHECKING:
    from tests.admin.tenant_worlds import TenantWorld

# Login, operator, roles, savepoint, role of the console, count, rows, end of savepoint, role back.
MOST_STATEMENTS = 13


def count_statements(browser: OperatorBrowser, url: str) -> int:
    """Open a page once to warm up what is kept, then count."""
    assert browser.get(url).status_code in {200, 302}
    with CaptureQueriesContext(
        connection,
    ) as captured:
        browser.get(url)
    return len(captured)


def fill_tables(globex: TenantWorld, owner: OperatorBrowser) -> None:
    """Add rows of the kinds whose lists show other entities."""
    actor = Actor("operator", id=str(owner.user.pk))
    for number in range(8):
        made = make_client(globex.tenant, f"service-{number}", scopes=["read"])
        add_secret(made.client, label="second", actor=actor)
        rule = ClaimRule(
            tenant=globex.tenant,
            slug=f"rule-{number}",
            claim="https://c",
            value=1,
            api=globex.issuer.api,
            client=made.client,
        )
        rule.save()
        subject = make_subject(globex.tenant, name=f"subject {number}")
        profile = globex.tenant.trust_profiles.get()
        SubjectIdentity.objects.create(
            tenant=globex.tenant, subject=subject, trust_profile=profile, sub=f"sub-{number}"
        )
        make_operator(f"colleague-{number}", (globex.tenant, Membership.Role.AUDITOR))
        globex.issuer.issue()


def test_lists_cost_the_same_for_many_rows(globex: TenantWorld, owner: OperatorBrowser) -> None:
    urls = [address(model, "changelist") for model in MODELS]
    urls = [url for url in urls if owner.get(url).status_code == 200]
    few = {url: count_statements(owner, url) for url in urls}
    fill_tables(globex, owner)
    many = {url: count_statements(owner, url) for url in urls}
    # Where the few rows were made by nobody, the many may need one statement to name their makers.
    named = {address(model, "changelist") for model in (AuditEvent, ConfigurationChange)}
    assert {url: n for url, n in many.items() if url not in named} == {
        url: n for url, n in few.items() if url not in named
    }
    assert max(many.values()) <= MOST_STATEMENTS


def test_sessions_and_tokens_cost_the_same_for_many_rows(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    url = reverse("admin:sessions_and_tokens")
    few = count_statements(owner, url)
    fill_tables(globex, owner)
    assert count_statements(owner, url) == few
    assert few <= MOST_STATEMENTS


def test_a_clients_page_costs_the_same_for_many_secrets(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    url = address(type(globex.client), "change", globex.client.pk)
    few = count_statements(owner, url)
    for number in range(5):
        add_secret(globex.client, label=str(number), actor=Actor("system"))
    assert ClientSecret.objects.filter(client=globex.client).count() == 6
    assert count_statements(owner, url) == few


@pytest.mark.usefixtures("globex")
def test_a_platform_operators_roles_cost_no_statement(
    platform_operator: OperatorBrowser, owner: OperatorBrowser
) -> None:
    url = reverse("admin:index")
    assert count_statements(platform_operator, url) == count_statements(owner, url) - 1
