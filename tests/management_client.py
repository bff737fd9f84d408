"""The management API over HTTP, as one client of one tenant uses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.test import Client as HttpClient

from tenants.database_roles import APP
from tests.factories.tenants import make_client
from tests.oauth_client import OAuthClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from tenants.models import Tenant
    from tests.factories.tenants import MadeClient

READ = "management:clients:read"
WRITE = "management:clients:write"
# A request ends with its transaction and so does the console's role; a test's own goes on. Web
# processes work as the `app` role, so the request begins with it.
SET_ROLE_SQL = (
    "SELECT set_config('role', %s, true), set_config('app.tenant_ids', '', true), "
    "set_config('app.platform_operator', '', true), set_config('app.operator_id', '', true)"
)


class ManagementClient:
    """Speaks to the management API of one tenant; each verb answers Django's response."""

    def __init__(self, tenant: Tenant, scopes: Sequence[str] = (READ, WRITE)) -> None:
        """Make a client with the scopes and get its token from the tenant's token endpoint."""
        self.made: MadeClient = make_client(tenant, f"manager-{len(scopes)}", scopes=scopes)
        answer = OAuthClient(tenant).token(self.made)
        assert answer.status_code == 200, answer.content
        self.token: str = answer.json()["access_token"]
        self.base = f"/api/v1/tenants/{tenant.path}/clients"
        self.http = HttpClient(raise_request_exception=False)

    def get(self, path: str = "", **headers: str) -> Answer:
        """Read a path below the tenant's clients."""
        return self.send("GET", path, None, **headers)

    def post(self, path: str, document: object) -> Answer:
        """Send a document."""
        return self.send("POST", path, json.dumps(document))

    def patch(self, path: str, document: object, version: int | str | None = None) -> Answer:
        """Send changes of a version; a number is written as its ETag."""
        tag = f'"{version}"' if isinstance(version, int) else version
        headers = {} if tag is None else {"If-Match": tag}
        return self.send("PATCH", path, json.dumps(document), **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        """Delete a path below the tenant's clients."""
        return self.send("DELETE", path, None, **headers)

    def send(
        self,
        method: str,
        path: str,
        body: str | bytes | None,
        *,
        content_type: str = "application/json",
        **headers: str,
    ) -> Answer:
        """Send a body as it is."""
        set_role(APP)
        try:
            return self.http.generic(
                method,
                path if path.startswith("/api/") else f"{self.base}{path}",
                body or b"",
                content_type=content_type,
                headers={"Authorization": f"Bearer {self.token}", **headers},
            )
        finally:
            set_role("none")

    def create(self, client_id: str = "orders-worker", **members: object) -> dict[str, Any]:
        """Create a client and answer its document."""
        answer = self.post("", {"client_id": client_id, **members})
        assert answer.status_code == 201, answer.content
        document: dict[str, Any] = answer.json()
        return document


def set_role(role: str) -> None:
    """Take a role until the transaction ends, without any tenant."""
    with connection.cursor() as cursor:
        cursor.execute(SET_ROLE_SQL, [role])


def read_problem(answer: Answer) -> dict[str, Any]:
    """Answer the problem document, which must be a whole one that nobody caches."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    assert answer["Cache-Control"] == "no-store"
    document: dict[str, Any] = json.loads(answer.content)
    assert document["status"] == answer.status_code
    assert document["instance"] == f"urn:authplatform:request:{answer['X-Request-Id']}"
    return document
