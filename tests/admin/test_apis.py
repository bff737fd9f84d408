"""Whoever makes an Api weaker is warned in the answer, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tests.admin.filled_forms import fill

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"allow_limited_jwt": "on"}, "does not count its use"),
        ({"signing_algorithm": "HS256"}, "can sign with it too"),
    ],
    ids=["limited JWTs", "a shared key"],
)
def test_weaker_api_is_warned_of(
    owner: OperatorBrowser, globex: TenantWorld, change: dict[str, str], words: str
) -> None:
    address = reverse("admin:tenants_api_change", args=[globex.issuer.api.pk])
    listed = reverse("admin:tenants_api_changelist")
    assert owner.post(address, fill(owner, address, **change)).status_code == 302
    assert words in owner.get(listed).content.decode()
    assert owner.post(address, fill(owner, address, name="Renamed")).status_code == 302
    assert words not in owner.get(listed).content.decode()
