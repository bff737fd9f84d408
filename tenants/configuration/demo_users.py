"""Makes the one user that the demo needs; users are no configuration, so no file can say them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tenants.models import Group, Subject, Tenant
from tenants.records import SYSTEM
from tenants.services.groups import add_member
from tenants.services.subjects import save_subject

if TYPE_CHECKING:
    from uuid import UUID

PATH: Final = "demo/seeds/onewelcome"
EXTERNAL_ID: Final = "anna"
GROUP: Final = "buyers"


def make_user() -> None:
    """Make the user and put them into the demo's group, where its tenant was just loaded."""
    tenant = Tenant.objects.get(path=PATH)
    subject = Subject(tenant=tenant, external_id=EXTERNAL_ID, name="Anna Demo")
    save_subject(subject, actor=SYSTEM)
    add_member(Group.objects.get(tenant=tenant, slug=GROUP), subject.pk, actor=SYSTEM)


def find_user(path: str) -> UUID | None:
    """Find the user of the tenant, whom somebody may have erased or renamed since."""
    return (
        Subject.objects.filter(tenant__path=path, external_id=EXTERNAL_ID, is_enabled=True)
        .values_list("pk", flat=True)
        .first()
    )
