"""Operators who are signed in to the admin, as the tests' browser."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client as Browser

from tenants.models import Membership, User

if TYPE_CHECKING:
    from tenants.models import Tenant

PASSWORD = "a long enough pass phrase"
ADDRESS = "198.51.100.7"
GIVE_ROLE_BACK = (
    "SELECT set_config('role', 'none', true), set_config('app.tenant_ids', '', true), "
    "set_config('app.platform_operator', '', true), set_config('app.operator_id', '', true)"
)


class OperatorBrowser(Browser):
    """A signed-in operator.

    A test's transaction stands for many: in production the console's role ends with the request's
    own transaction, here it is given back by hand.
    """

    def __init__(self, user: User, **options: Any) -> None:  # noqa: ANN401 - any field.
        super().__init__(REMOTE_ADDR=ADDRESS, **options)
        self.user = user
        self.force_login(user)

    def request(self, **request: Any) -> Any:  # noqa: ANN401 - any field.
        try:
            return super().request(**request)
        finally:
            if not connection.needs_rollback:
                with connection.cursor() as cursor:
                    cursor.execute(GIVE_ROLE_BACK)


@cache
def hashed_password() -> str:
    """Hash the tests' password once: it is slow on purpose."""
    return make_password(PASSWORD)


def make_operator(name: str, *roles: tuple[Tenant, str], **fields: Any) -> User:  # noqa: ANN401 - any field.
    """Make an operator with these roles; the password is the tests' one."""
    user = User(username=name, is_staff=True, **fields)
    user.password = hashed_password()
    user.save()
    for tenant, role in roles:
        Membership.objects.create(tenant=tenant, user=user, role=role)
    return user


def sign_in(name: str, *roles: tuple[Tenant, str], **fields: Any) -> OperatorBrowser:  # noqa: ANN401 - any field.
    """Make an operator and sign them in."""
    return OperatorBrowser(make_operator(name, *roles, **fields))
