"""The customer of the demo's shop, and the addresses that a browser opens to meet them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from tenants.models import Subject, Tenant
from tenants.records import SYSTEM
from tenants.services.subject_credentials import set_password
from tenants.services.subjects import save_subject

if TYPE_CHECKING:
    from tenants.configuration.demo import Demo, DemoTenant

PATH: Final = "demo/people/shop"
EXTERNAL_ID: Final = "customer-1"
EMAIL: Final = "ben@shop.example"
PASSWORD_NAME: Final = "DEMO_SHOP_PASSWORD"  # noqa: S105 - the name of a variable.
PASSWORD_BYTES: Final = 12
CALLBACK: Final = "http://localhost:3000/callback"
# The verifier and its challenge are RFC 7636's own example (appendix B), for everybody to read.
VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE: Final = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass(frozen=True, slots=True)
class Visit:
    """An address for a browser, and what it shows."""

    title: str
    url: str


def make_password() -> str:
    """Make the customer's password for this installation."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def make_person(password: str) -> None:
    """Make the customer, where the shop was just loaded."""
    tenant = Tenant.objects.get(path=PATH)
    person = Subject(tenant=tenant, external_id=EXTERNAL_ID, name="Ben Demo", email=EMAIL)
    person.is_email_verified = True
    save_subject(person, actor=SYSTEM)
    set_password(tenant.pk, person.pk, password, actor=SYSTEM)


def replace_password(password: str) -> None:
    """Give the customer the password of a file that was made anew, if they are still there."""
    person = _find_person()
    if person is not None:
        set_password(person.tenant_id, person.pk, password, actor=SYSTEM)


def list_visits(demo: Demo, tenant: DemoTenant) -> list[Visit]:
    """List what a browser can open at a tenant; nothing where nobody signs in."""
    if tenant.path != PATH or _find_person() is None:
        return []
    who = f"as {EMAIL} with {demo.secrets[PASSWORD_NAME]}"
    return [
        Visit(f"A customer signs in {who}", f"{tenant.issuer}/sign-in"),
        Visit("The shop's own site asks nobody for consent", _ask(tenant, "web", "openid profile")),
        Visit(
            "A partner's site asks for consent, and how long for",
            _ask(tenant, "partner", "openid profile offline_access orders:read orders:write"),
        ),
    ]


def _find_person() -> Subject | None:
    people = Subject.objects.filter(tenant__path=PATH, external_id=EXTERNAL_ID)
    return people.filter(is_enabled=True).first()


def _ask(tenant: DemoTenant, client_id: str, scope: str) -> str:
    """Write an authorization request. Source: RFC 6749 section 4.1.1, RFC 7636 section 4.3."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": scope,
        "state": "demo",
        "nonce": "demo",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{tenant.issuer}/oauth/authorize?{urlencode(query)}"
