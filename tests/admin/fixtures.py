"""Two tenants, each with its operators. Models are imported late: Django is not set up yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.admin.operators import OperatorBrowser
    from tests.admin.tenant_worlds import TenantWorld


@pytest.fixture
def globex(db: None) -> TenantWorld:  # noqa: ARG001 - opens the database.
    """The operator's own tenant."""
    from tests.admin.tenant_worlds import TenantWorld  # noqa: PLC0415

    return TenantWorld("globex")


@pytest.fixture
def initech(db: None) -> TenantWorld:  # noqa: ARG001 - opens the database.
    """Somebody else's tenant."""
    from tests.admin.tenant_worlds import TenantWorld  # noqa: PLC0415

    return TenantWorld("initech")


@pytest.fixture
def owner(globex: TenantWorld) -> OperatorBrowser:
    """The owner of globex."""
    from tests.admin.operators import OperatorBrowser  # noqa: PLC0415

    return OperatorBrowser(globex.owner)


@pytest.fixture
def platform_operator(db: None) -> OperatorBrowser:  # noqa: ARG001 - opens the database.
    """An operator of the whole platform."""
    from tests.admin.operators import sign_in  # noqa: PLC0415

    return sign_in("root", is_superuser=True)
