"""What every resource of a tenant shares: authentication, scopes, the console's role."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from rest_framework.permissions import BasePermission
from rest_framework.views import APIView

from tenants.api.caller import Caller, insufficient_scope
from tenants.queries.console import console_role
from tenants.queries.operators import ConsoleReach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_framework.request import Request
    from rest_framework.response import Response

Method = TypeVar("Method", bound="Callable[..., Response]")
# OPTIONS is not among them: no browser calls this API.
METHODS = ["get", "head", "post", "patch", "delete"]
SAFE_METHODS = frozenset(("GET", "HEAD"))


class HoldsScope(BasePermission):
    """Lets a caller pass who holds every scope that the view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Say yes.

        Raises:
            Problem: one is missing. Source: RFC 6750 section 3.1.
        """
        caller = caller_of(request)
        scopes: Mapping[str, str] = getattr(view, "scopes", {})
        needed = scopes["read" if request.method in SAFE_METHODS else "write"]
        if not caller.scopes.issuperset(needed.split(" ")):
            raise insufficient_scope(caller.tenant.issuer, needed)
        return True


class TenantView(APIView):
    """A resource of one tenant; `scopes` names what reading and writing it need.

    Where one right alone would lead to more, it names several, with spaces between them.
    """

    permission_classes = (HoldsScope,)
    http_method_names = METHODS
    scopes: ClassVar[Mapping[str, str]]

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Keep every answer out of caches, and name the methods that there are."""
        return {**super().default_response_headers, "Cache-Control": "no-store"}


def caller_of(request: Request) -> Caller:
    """Answer who calls; authentication has refused everybody else."""
    caller: object = request.user
    if not isinstance(caller, Caller):
        raise TypeError("the management API is authenticated by management tokens only")
    return caller


def in_console(method: Method) -> Method:
    """Run a method of a view in one transaction that sees the caller's tenant only."""

    @wraps(method)
    def run(view: TenantView, request: Request, **path: Any) -> Response:  # noqa: ANN401 - ids.
        if request.method not in SAFE_METHODS:
            # Read it now: a slow sender must not hold a transaction.
            _ = request.data
        tenant_id = caller_of(request).tenant.id
        with console_role(ConsoleReach(roles={tenant_id: frozenset()})):
            return method(view, request, **path)

    return cast("Method", run)
