"""Loads the demo's tenants where they are missing, and says how each of them is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tenants import models
from tenants.configuration import demo_issuer, demo_users
from tenants.configuration.application import apply_documents
from tenants.configuration.demo_repair import repair
from tenants.configuration.demo_secrets import (
    ISSUER_KEY,
    find_makers,
    make_missing,
    read_assignments,
    write_assignments,
)
from tenants.configuration.documents import Document, Entry, read_bytes
from tenants.records import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenants.records import JSON

DEMO_FILE = Path(__file__).with_name("demo.yaml")
JWKS_PLACE = "$DEMO_ISSUER_JWKS"
# What the example resource server is: a gateway of this tenant.
EXAMPLE_PATH = "demo/seeds/ideavate"
EXAMPLE = {
    "RESOURCE_SERVER_AUDIENCE": "https://api.ideavate.example/",
    "RESOURCE_SERVER_CLIENT_ID": "gateway",
}
EXAMPLE_SECRET = "DEMO_IDEAVATE_GATEWAY_SECRET"  # noqa: S105 - the name of a variable.


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """A tenant of the demo with its first client and that client's secret."""

    path: str
    issuer: str
    client_id: str
    secret: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo offers, the private key of its outside issuer, and its secrets by name."""

    tenants: Sequence[DemoTenant]
    issuer_key: str
    secrets: Mapping[str, str] = field(repr=False)


def load(path: Path, *, base_url: str) -> Demo:
    """Load the tenants that are missing, with the secrets that the file at the path keeps.

    Tenants that exist stay as people have changed them, but where the file was deleted they get
    its new secrets.
    """
    text = DEMO_FILE.read_text(encoding="utf-8")
    variables = _complete(path, text)
    jwks = demo_issuer.write_jwks(variables[ISSUER_KEY])
    content = text.replace(JWKS_PLACE, jwks).encode()
    documents = read_bytes(content, file=DEMO_FILE.name, directory=DEMO_FILE.parent)
    described = [(document, _describe(document, variables, base_url)) for document in documents]
    here = [(document, tenant) for document, tenant in described if not _has_left(tenant.path)]
    # The file comes first: a secret that is stored as a hash only can't be read again.
    write_assignments(path, {**variables, **_describe_example(variables, base_url)})
    missing = []
    for document, tenant in here:
        stored = models.Tenant.objects.filter(path=tenant.path).first()
        if stored is None or not stored.clients.exists():
            missing.append(document)
        else:
            repair(stored, tenant.entry, variables)
    apply_documents(missing, actor=SYSTEM, variables=variables)
    if any(tenant.path == demo_users.PATH for document, tenant in here if document in missing):
        demo_users.make_user()
    return Demo([tenant for _, tenant in here], variables[ISSUER_KEY], variables)


def _has_left(path: str) -> bool:
    """Say whether a tenant of the demo was offboarded; its issuer is never given again."""
    if models.Tenant.objects.filter(path=path).exists():
        return False
    return models.IssuerReservation.objects.filter(path=path).exists()


def _complete(path: Path, text: str) -> dict[str, str]:
    """Answer all that the file keeps, and new secrets for what it lacks."""
    known = read_assignments(path)
    return known | make_missing(known, {**find_makers(text), ISSUER_KEY: demo_issuer.make_key})


def _describe(document: Document, variables: Mapping[str, str], base_url: str) -> DemoTenant:
    entry = Entry(document, (), cast("dict[str, JSON]", document.content))
    slugs = []
    for name in ("projects", "environments", "tenants"):
        entry = next(entry.entries(name))
        slugs.append(entry.text("slug"))
    client = next(entry.entries("clients"))
    secret = next(client.entries("secrets"))
    text = secret.text("value") if "value" in secret else variables[secret.text("value_from_env")]
    path = "/".join(slugs)
    return DemoTenant(path, f"{base_url}/t/{path}", client.text("client_id"), text, entry)


def _describe_example(variables: Mapping[str, str], base_url: str) -> dict[str, str]:
    return {
        **EXAMPLE,
        "RESOURCE_SERVER_ISSUER": f"{base_url}/t/{EXAMPLE_PATH}",
        "RESOURCE_SERVER_CLIENT_SECRET": variables[EXAMPLE_SECRET],
    }
