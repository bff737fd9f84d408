"""Makes tenants with clients through the real services; a test states only what matters to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants.models import AccessPolicy, Api, Client, Environment, Project, Scope, Tenant
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.client_secrets import add_secret
from tenants.services.clients import save_client
from tenants.services.tenants import create_tenant

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class MadeClient:
    """A client and the text of its first secret, which is empty where it has none."""

    client: Client
    secret: str

    @property
    def client_id(self) -> str:
        """The client's id on the wire."""
        return self.client.client_id


def make_environment(project: str = "acme", slug: str = "production", **fields: Any) -> Environment:
    """Make an environment, or answer the one that is there."""
    made, _ = Project.objects.get_or_create(slug=project)
    found = Environment.objects.filter(project=made, slug=slug).first()
    if found:
        return found
    environment = Environment(project=made, slug=slug, **fields)
    changes.save(environment, actor=SYSTEM)
    return environment


def make_tenant(
    slug: str = "globex", *, environment: Environment | None = None, **fields: Any
) -> Tenant:
    """Make a tenant with its built-in Apis."""
    tenant = Tenant(environment=environment or make_environment(), slug=slug, **fields)
    return create_tenant(tenant, actor=SYSTEM)


def make_api(
    tenant: Tenant,
    slug: str = "orders",
    *,
    scopes: Sequence[str] = ("read", "write"),
    **fields: Any,
) -> Api:
    """Make an Api with scopes; its audience is a URL made of the slug."""
    fields.setdefault("audience", f"https://{slug}.example/")
    api = Api(tenant=tenant, slug=slug, **fields)
    changes.save(api, actor=SYSTEM)
    for name in scopes:
        changes.save(Scope(tenant=tenant, api=api, name=name), actor=SYSTEM)
    return api


def make_client(
    tenant: Tenant,
    client_id: str = "api-client",
    *,
    scopes: Sequence[str] = (),
    default_scopes: Sequence[str] | None = None,
    impersonation_scopes: Sequence[str] = (),
    is_allowed: bool = True,
    **fields: Any,
) -> MadeClient:
    """Make a client with the scopes, a secret where its method wants one, and a policy."""
    fields.setdefault("grant_types", ["client_credentials"])
    client = Client(tenant=tenant, client_id=client_id, **fields)
    names = scopes if default_scopes is None else default_scopes
    links = {"scopes": find_scopes(tenant, scopes), "default_scopes": find_scopes(tenant, names)}
    links["impersonation_scopes"] = find_scopes(tenant, impersonation_scopes)
    save_client(client, actor=SYSTEM, links=links)
    if is_allowed:
        allow(tenant, client)
    has_secret = client.token_endpoint_auth_method in {"client_secret_basic", "client_secret_post"}
    secret = add_secret(client, label="first", actor=SYSTEM)[1] if has_secret else ""
    return MadeClient(client, secret)


def allow(tenant: Tenant, *clients: Client, slug: str = "", effect: str = "allow") -> AccessPolicy:
    """Make an access policy that links the clients, or everybody."""
    slug = slug or (clients[0].client_id if clients else "everybody")
    policy = AccessPolicy(tenant=tenant, slug=slug, effect=effect)
    changes.save(policy, actor=SYSTEM, links={"clients": clients})
    return policy


def find_scopes(tenant: Tenant, names: Sequence[str]) -> list[Scope]:
    """Find scopes of the tenant by name; a name that is missing fails the test."""
    found = {scope.name: scope for scope in Scope.objects.filter(tenant=tenant, name__in=names)}
    return [found[name] for name in names]
