"""A client without a secret in the admin: whose token proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tenants.models import Client, TrustProfile
from tests.admin.addresses import address
from tests.admin.filled_forms import fill
from tests.admin.test_clients import form

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

ADD = address(Client, "add")


def _deploy(world: TenantWorld, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field.
    return form(
        kind="workload",
        token_endpoint_auth_method="workload_identity",
        workload_trust_profile=str(world.one(TrustProfile).pk),
        workload_subject="repo:a/b",
        **changes,
    )


def test_a_workload_is_made_without_a_secret(owner: OperatorBrowser, globex: TenantWorld) -> None:
    page = owner.post(ADD, _deploy(globex, workload_claims='{"ref": "main"}'))
    assert page.status_code == 302, page.content
    client = Client.objects.get(tenant=globex.tenant, client_id="billing")
    assert client.workload_trust_profile == globex.one(TrustProfile)
    assert client.workload_claims == {"ref": "main"}
    assert not client.secrets.exists()
    url = address(Client, "change", client.pk)
    changed = owner.post(url, fill(owner, url, workload_subject="repo:a/c", workload_claims=""))
    assert changed.status_code == 302, changed.content
    client.refresh_from_db()
    assert (client.workload_subject, client.workload_claims) == ("repo:a/c", {})


WRONG: dict[str, tuple[str, dict[str, str]]] = {
    "no subject": ("workload_subject", {"workload_subject": ""}),
    "another kind": ("kind", {"kind": "service"}),
    "no pattern": ("workload_claims", {"workload_claims": '{"ref": {"$like": "x"}}'}),
    "a NUL": ("workload_claims", {"workload_claims": '{"ref": "\\u0000"}'}),
}


@pytest.mark.parametrize(("field", "changes"), WRONG.values(), ids=WRONG)
def test_what_proves_nobody_is_shown_at_its_field(
    owner: OperatorBrowser, globex: TenantWorld, field: str, changes: dict[str, str]
) -> None:
    page = owner.post(ADD, {**_deploy(globex), **changes})
    assert field in page.context["adminform"].form.errors


def test_only_issuers_of_the_own_tenant_can_be_chosen(
    owner: OperatorBrowser, globex: TenantWorld, initech: TenantWorld
) -> None:
    theirs = initech.one(TrustProfile)
    page = owner.post(ADD, {**_deploy(globex), "workload_trust_profile": str(theirs.pk)})
    assert "workload_trust_profile" in page.context["adminform"].form.errors
    assert theirs.pk not in {
        choice.pk
        for choice in page.context["adminform"].form.fields["workload_trust_profile"].queryset
    }
