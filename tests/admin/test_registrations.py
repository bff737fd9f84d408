"""The admin shows which clients made themselves known, and keeps one that is about to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.models import AuditEvent, ClientRegistration, Membership
from tests.admin.addresses import address
from tests.admin.operators import sign_in

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld

Stage = ClientRegistration.Stage


def keep_address(registration: ClientRegistration) -> str:
    return address(ClientRegistration, "keep", registration.pk)


def test_list_says_how_close_to_its_removal_a_client_is(
    globex: TenantWorld, owner: OperatorBrowser
) -> None:
    ClientRegistration.objects.update(stage=Stage.PROPOSED)
    page = owner.get(address(ClientRegistration, "changelist")).content.decode()
    assert "proposed for removal" in page
    assert globex.client.client_id in page


def test_client_manager_keeps_a_client(globex: TenantWorld) -> None:
    manager = sign_in("manager", (globex.tenant, Membership.Role.CLIENT_MANAGER))
    registration = globex.one(ClientRegistration)
    ClientRegistration.objects.filter(pk=registration.pk).update(stage=Stage.PROPOSED)

    assert manager.get(keep_address(registration)).status_code == 200
    answer = manager.post(keep_address(registration), {"reason": "needed in May"})

    assert answer.status_code == 302
    registration.refresh_from_db()
    assert registration.stage == Stage.LIVE
    event = AuditEvent.objects.get(event="client_registration.live")
    assert event.actor_kind == "operator"


def test_others_keep_nothing(globex: TenantWorld, initech: TenantWorld) -> None:
    registration = globex.one(ClientRegistration)
    auditor = sign_in("auditor", (globex.tenant, Membership.Role.AUDITOR))
    stranger = sign_in("stranger", (initech.tenant, Membership.Role.OWNER))
    for operator in (auditor, stranger):
        assert operator.post(keep_address(registration), {"reason": "x"}).status_code in {302, 403}
    assert not AuditEvent.objects.filter(event="client_registration.live").exists()
