"""A person is erased and a tenant leaves, by the admin: asked twice, proved afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tenants.models import Membership, Offboarding, Subject, Tenant
from tests.admin.addresses import address
from tests.admin.operators import sign_in

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

ADD = "admin:tenants_offboarding_add"


def erase_address(subject: Subject) -> str:
    return f"{address(Subject, 'change', subject.pk).removesuffix('change/')}erase/"


def test_owner_erases_a_user_and_sees_the_proof(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    subject: Subject = globex.one(Subject)
    page = owner.get(address(Subject, "change", subject.pk)).content.decode()
    assert erase_address(subject) in page
    form = owner.get(erase_address(subject)).content.decode()
    assert "Erase for good" in form
    answer = owner.post(
        erase_address(subject), {"confirmation": str(subject.pk), "reason": "ticket 5"}
    )
    text = answer.content.decode()
    assert "Nothing personal is left" in text
    assert "tenants.SubjectIdentity" in text
    subject.refresh_from_db()
    assert (subject.name, subject.email, subject.is_enabled) == ("", "", False)
    assert subject.erased_at is not None


@pytest.mark.parametrize(
    ("confirmation", "reason"),
    [("", "ticket"), ("globex", "ticket"), ("{id}", ""), ("{id}", "globex person asked")],
    ids=["no id", "another text", "no reason", "a reason with the name"],
)
def test_unconfirmed_erasure_changes_nothing(
    globex: TenantWorld, owner: OperatorBrowser, confirmation: str, reason: str
) -> None:
    subject: Subject = globex.one(Subject)
    given = {"confirmation": confirmation.format(id=subject.pk), "reason": reason}
    answer = owner.post(erase_address(subject), given)
    assert "Erase for good" in answer.content.decode()
    subject.refresh_from_db()
    assert subject.erased_at is None


@pytest.mark.parametrize("role", [Membership.Role.SUPPORT, Membership.Role.AUDITOR])
def test_others_do_not_erase(globex: TenantWorld, role: str) -> None:
    operator = sign_in("other", (globex.tenant, role))
    subject: Subject = globex.one(Subject)
    given = {"confirmation": str(subject.pk), "reason": "ticket"}
    assert operator.post(erase_address(subject), given).status_code == 403
    subject.refresh_from_db()
    assert subject.erased_at is None


def test_foreign_user_is_not_found(initech: TenantWorld, owner: OperatorBrowser) -> None:
    subject: Subject = initech.one(Subject)
    given = {"confirmation": str(subject.pk), "reason": "ticket"}
    assert owner.post(erase_address(subject), given).status_code in {302, 403, 404}
    subject.refresh_from_db()
    assert subject.erased_at is None


def test_platform_ends_a_tenant_and_takes_everything_along(
    globex: TenantWorld, platform_operator: OperatorBrowser
) -> None:
    path = globex.tenant.path
    assert "End this tenant" in platform_operator.get(reverse(ADD)).content.decode()
    given = {"path": path, "confirmation": path, "reason": "contract ended"}
    answer = platform_operator.post(reverse(ADD), given)
    assert answer.status_code == 302, answer.content
    leaving = Offboarding.objects.get(pk=globex.tenant.pk)
    assert not Tenant.objects.get(pk=globex.tenant.pk).is_enabled
    page = platform_operator.get(address(Offboarding, "change", leaving.pk)).content.decode()
    archive = reverse("admin:tenants_offboarding_archive", args=[leaving.pk])
    assert archive in page
    download = platform_operator.get(archive)
    lines = download.getvalue().splitlines()
    assert json.loads(lines[0])["tenant"] == path
    assert json.loads(lines[-1])["kind"] == "end"


@pytest.mark.parametrize(
    ("path", "confirmation"),
    [("{path}", "globex"), ("a/b/c", "a/b/c"), ("", "")],
    ids=["another path", "no such tenant", "nothing"],
)
def test_unconfirmed_end_changes_nothing(
    globex: TenantWorld, platform_operator: OperatorBrowser, path: str, confirmation: str
) -> None:
    given = {"path": path.format(path=globex.tenant.path), "confirmation": confirmation}
    answer = platform_operator.post(reverse(ADD), {**given, "reason": "ended"})
    assert answer.status_code == 200
    assert Tenant.objects.get(pk=globex.tenant.pk).is_enabled


def test_an_owner_neither_ends_nor_takes_along(globex: TenantWorld, owner: OperatorBrowser) -> None:
    path = globex.tenant.path
    given = {"path": path, "confirmation": path, "reason": "ended"}
    assert owner.post(reverse(ADD), given).status_code == 403
    leaving = Offboarding.objects.get(path__contains="globex")
    archive = reverse("admin:tenants_offboarding_archive", args=[leaving.pk])
    assert owner.get(archive).status_code == 403
    assert Tenant.objects.get(pk=globex.tenant.pk).is_enabled
