"""Loads the demo's tenants where they are missing, and says how each of them is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tenants import models
from tenants.configuration import (
    demo_certificate,
    demo_issuer,
    demo_people,
    demo_provider,
    demo_users,
)
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
    from collections.abc import Collection, Mapping, Sequence

    from tenants.records import JSON

DEMO_FILE = Path(__file__).with_name("demo.yaml")
JWKS_PLACE = "$DEMO_ISSUER_JWKS"
PROVIDER_PLACE = "$DEMO_PROVIDER_ENDPOINT"
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
    """What the demo offers, and the secrets of its installation by name.

    `issuer_key` is the private key of its outside issuer; `provider_url` is empty where no outside
    provider runs.
    """

    tenants: Sequence[DemoTenant]
    issuer_key: str
    provider_url: str
    secrets: Mapping[str, str] = field(repr=False)


def load(path: Path, *, base_url: str, provider_url: str = "") -> Demo:
    """Load the tenants that are missing, with the secrets that the file at the path keeps.

    Tenants that exist stay as people have changed them, but where the file was deleted they get
    its new secrets.
    """
    text = DEMO_FILE.read_text(encoding="utf-8")
    known = read_assignments(path)
    variables = _complete(known, text)
    jwks = demo_issuer.write_jwks(variables[ISSUER_KEY])
    asked = (provider_url or demo_provider.ISSUER) + demo_provider.PATH
    content = text.replace(JWKS_PLACE, jwks).replace(PROVIDER_PLACE, asked).encode()
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
    loaded = {tenant.path for document, tenant in here if document in missing}
    _complete_tenants(loaded, variables)
    if demo_people.PASSWORD_NAME not in known and demo_people.PATH not in loaded:
        demo_people.replace_password(variables[demo_people.PASSWORD_NAME])
    return Demo([tenant for _, tenant in here], variables[ISSUER_KEY], provider_url, variables)


def _complete_tenants(loaded: Collection[str], variables: Mapping[str, str]) -> None:
    """Make what no file can say, in the tenants that were just loaded."""
    if demo_users.PATH in loaded:
        demo_users.make_user()
    if demo_certificate.PATH in loaded:
        demo_certificate.bring_key()
    if demo_people.PATH in loaded:
        demo_people.make_person(variables[demo_people.PASSWORD_NAME])


def _has_left(path: str) -> bool:
    """Say whether a tenant of the demo was offboarded; its issuer is never given again."""
    if models.Tenant.objects.filter(path=path).exists():
        return False
    return models.IssuerReservation.objects.filter(path=path).exists()


def _complete(known: Mapping[str, str], text: str) -> dict[str, str]:
    """Answer all that the file keeps, and new secrets for what it lacks."""
    others = {
        ISSUER_KEY: demo_issuer.make_key,
        demo_provider.KEY_NAME: demo_provider.make_key,
        demo_people.PASSWORD_NAME: demo_people.make_password,
    }
    return {**known, **make_missing(known, find_makers(text) | others)}


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
