"""What a person came to sign in for: which application waits, and what it lets them choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.records.sign_in import NOT_INTERACTIVE
from tokens.front_channel import continuations, responses
from tokens.front_channel.authorization_errors import AuthorizationRefused
from tokens.front_channel.authorization_requests import AuthorizationRequest, read_authorization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenants.records import TenantSnapshot
    from tokens.front_channel.page import Visit

CREATE: Final = "create"


@dataclass(frozen=True, slots=True)
class Provider:
    """An outside issuer with which a person may sign in."""

    slug: str
    label: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What brought a person here; `asked` is None where no application waits.

    `sealed` is the continuation as the address has it, empty for none.
    """

    sealed: str
    asked: AuthorizationRequest | None
    providers: tuple[Provider, ...]

    @property
    def application(self) -> str:
        """How the application that waits is called; empty where none does."""
        if self.asked is None:
            return ""
        client = self.asked.client
        return client.interactive.name or client.client_id

    @property
    def login_hint(self) -> str:
        """Whom the application expects."""
        return self.asked.login_hint if self.asked else ""

    @property
    def form_targets(self) -> tuple[str, ...]:
        """Where the redirects after a form may end, as CSP sources."""
        return (responses.form_target(self.asked.redirect_uri),) if self.asked else ()

    @property
    def hinted_provider(self) -> Provider | None:
        """The provider that the application names, if it is offered."""
        hint = self.asked.provider_hint if self.asked else ""
        return next((each for each in self.providers if each.slug == hint), None)

    @property
    def wants_account(self) -> bool:
        """Whether the application asks for a new account. Source: OIDC Prompt Create 1.0."""
        return self.asked is not None and CREATE in self.asked.prompts

    @property
    def query(self) -> str:
        """What the addresses of the pages beside this one end with."""
        return f"?{continuations.PARAMETER}={self.sealed}" if self.sealed else ""


def read_arrival(visit: Visit) -> Arrival:
    """Read what the address of a page says of where the person goes on.

    Raises:
        PageRefused: the continuation is stale or was changed.
    """
    sealed = visit.request.GET.get(continuations.PARAMETER, "")
    return describe(visit, sealed)


def describe(visit: Visit, sealed: str) -> Arrival:
    """Describe a sealed continuation; what is wrong with a request is told to the client later.

    Raises:
        PageRefused: the continuation is stale or was changed.
    """
    asked = _read_request(visit, sealed) if sealed else None
    return Arrival(sealed, asked, tuple(_list_providers(visit.tenant, asked)))


def _read_request(visit: Visit, sealed: str) -> AuthorizationRequest | None:
    continuation = continuations.unseal(visit.tenant, sealed)
    if not continuation.is_authorization:
        return None
    try:
        return read_authorization(visit, continuation.query, continuation.api_slug)
    except AuthorizationRefused:
        return None


def _list_providers(
    tenant: TenantSnapshot, asked: AuthorizationRequest | None
) -> Iterator[Provider]:
    """List the providers that the tenant offers, the client allows and the request wants."""
    client = asked.client.interactive if asked else NOT_INTERACTIVE
    for profile in tenant.trust_profiles:
        if profile.upstream is None or profile.id in client.excluded_sign_in_profile_ids:
            continue
        if client.sign_in_profile_ids and profile.id not in client.sign_in_profile_ids:
            continue
        if asked is None or asked.offers(profile.slug):
            yield Provider(profile.slug, profile.upstream.label)
