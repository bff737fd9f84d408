"""Writes the clients that make themselves known: registered ones, and those of documents.

Source: RFC 7591, RFC 7592.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from tenants import audit, credentials
from tenants.errors import NotFound, QuotaUsedUp
from tenants.models import Api, Client, ClientRegistration, InitialAccessToken, Scope
from tenants.records import Actor
from tenants.services import changes, client_secrets, clients

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from tenants.records import JSON, TenantSnapshot

Source = ClientRegistration.Source
Stage = ClientRegistration.Stage
Method = Client.AuthenticationMethod
SECRET_LABEL: Final = "registered"  # noqa: S105 - a name that everybody may see.
WITH_SECRET: Final = frozenset((Method.CLIENT_SECRET_BASIC, Method.CLIENT_SECRET_POST))
TOO_MANY_TODAY: Final = "Enough clients have registered for today; try again tomorrow."
GONE: Final = "the client was disabled or deleted"
NOT_GOOD: Final = "the initial access token is unknown, used up, disabled or expired"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client is to be: its fields, and names of scopes or None for the usual ones."""

    fields: Mapping[str, JSON]
    scopes: Collection[str] | None


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that has registered, and the texts that are shown once; empty where unchanged."""

    client: Client
    registration: ClientRegistration
    secret: str
    token: str = ""


def register(
    tenant: TenantSnapshot,
    wanted: Wanted,
    *,
    initial_access_token_id: UUID | None,
    address: str,
    now: datetime,
) -> Registered:
    """Make a client with its secret and the token by which it manages itself.

    Raises:
        NotFound: the initial access token is not good for another client.
        QuotaUsedUp: enough clients have registered today.
        InvalidEntity: naming each field that is wrong.
    """
    with transaction.atomic():
        audit.lock_chain(tenant.id)
        _take_quota(tenant, now)
        if initial_access_token_id is not None:
            _use_token(tenant, initial_access_token_id, now)
        client = _new_client(tenant, wanted, str(uuid4()))
        actor = _actor_of(client, address)
        clients.save_client(client, actor=actor, links=_links_of(client, wanted))
        registration = _new_registration(client, Source.REGISTERED, now)
        registration.initial_access_token_id = initial_access_token_id
        kind = credentials.CredentialKind.REGISTRATION
        issued = credentials.make_credential(kind, registration.pk)
        registration.pepper_id = issued.keyed_hash.pepper_id
        registration.token_hash = issued.keyed_hash.digest
        changes.save(registration, actor=actor)
        secret = _hold_secret(client, actor)
    return Registered(client, registration, secret, issued.text)


def update(registration: ClientRegistration, wanted: Wanted, *, address: str) -> Registered:
    """Replace what a registered client says of itself; it gets a secret if it now needs one.

    Raises:
        NotFound: the client was disabled or deleted meanwhile.
        InvalidEntity: naming each field that is wrong.
    Source: RFC 7592 section 2.2.
    """
    with transaction.atomic():
        audit.lock_chain(registration.tenant_id)
        client = _find_enabled(registration)
        actor = _actor_of(client, address)
        _write_changes(client, wanted, actor)
        secret = _hold_secret(client, actor)
    return Registered(client, registration, secret)


def remove(registration: ClientRegistration, *, address: str) -> None:
    """Delete a client that wants to go; everything that was issued to it ends.

    Source: RFC 7592 section 2.3.
    """
    client = registration.client
    clients.delete_client(client, actor=_actor_of(client, address), reason="it deregistered itself")


def save_document(
    tenant: TenantSnapshot,
    client_id: str,
    wanted: Wanted,
    *,
    address: str,
    fetched_at: datetime,
    expires_at: datetime,
) -> Client | None:
    """Make or renew the client of a metadata document; None where an operator's has this id.

    Raises:
        QuotaUsedUp: it would be new, and enough clients have made themselves known today.
        InvalidEntity: naming each field that is wrong.
    """
    with transaction.atomic():
        audit.lock_chain(tenant.id)
        client = Client.objects.filter(tenant=tenant.id, client_id=client_id).first()
        registration = ClientRegistration.objects.filter(client=client).first() if client else None
        if client is None:
            _take_quota(tenant, fetched_at)
            client, registration = _save_new_document(
                tenant, client_id, wanted, address, fetched_at
            )
        elif registration is None or registration.source != Source.DOCUMENT:
            return None
        else:
            _renew_document(client, registration, wanted, address)
        ClientRegistration.objects.filter(pk=registration.pk).update(
            document_fetched_at=fetched_at, document_expires_at=expires_at
        )
    return client


def keep(
    registration: ClientRegistration, *, actor: Actor, now: datetime, reason: str = ""
) -> None:
    """Take a client back from its removal; it counts as used now."""
    with transaction.atomic():
        audit.lock_chain(registration.tenant_id)
        ClientRegistration.objects.filter(pk=registration.pk).update(last_used_at=now)
        client = registration.client
        if registration.stage == Stage.DISABLED and not client.is_enabled:
            client.is_enabled = True
            clients.save_client(client, actor=actor, reason=reason)
        move(registration, Stage.LIVE, actor=actor, now=now, reason=reason)


def move(
    registration: ClientRegistration,
    stage: ClientRegistration.Stage,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """Bring the removal of a client to a stage."""
    if registration.stage == stage:
        return
    registration.stage = stage
    registration.stage_since = now
    event = f"client_registration.{stage.value}"
    changes.save(registration, actor=actor, reason=reason, event=event)


def _take_quota(tenant: TenantSnapshot, now: datetime) -> None:
    """Count what made itself known today; whoever writes holds the tenant's chain meanwhile."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = ClientRegistration.objects.filter(tenant=tenant.id, registered_at__gte=midnight)
    if today.count() >= tenant.registration.max_per_day:
        wait = midnight + timedelta(days=1) - now
        seconds = int(wait.total_seconds()) + 1
        raise QuotaUsedUp(TOO_MANY_TODAY, retry_after_seconds=seconds)


def _use_token(tenant: TenantSnapshot, token_id: UUID, now: datetime) -> None:
    """Count a client on an initial access token, in one statement."""
    good = InitialAccessToken.objects.filter(
        tenant=tenant.id,
        pk=token_id,
        is_enabled=True,
        expires_at__gt=now,
        registered_clients__lt=F("max_clients"),
    )
    counted = good.update(registered_clients=F("registered_clients") + 1, last_used_at=now)
    if not counted:
        raise NotFound(NOT_GOOD)


def _save_new_document(
    tenant: TenantSnapshot, client_id: str, wanted: Wanted, address: str, now: datetime
) -> tuple[Client, ClientRegistration]:
    client = _new_client(tenant, wanted, client_id)
    actor = _actor_of(client, address)
    clients.save_client(client, actor=actor, links=_links_of(client, wanted))
    registration = _new_registration(client, Source.DOCUMENT, now)
    changes.save(registration, actor=actor)
    return client, registration


def _renew_document(
    client: Client, registration: ClientRegistration, wanted: Wanted, address: str
) -> None:
    """Write what has changed in a document; a client that idleness had disabled comes back."""
    actor = _actor_of(client, address)
    _write_changes(client, wanted, actor)
    if registration.stage == Stage.DISABLED:
        keep(registration, actor=actor, now=datetime.now(UTC), reason="it is used again")


def _find_enabled(registration: ClientRegistration) -> Client:
    """Read the client as it is now: an operator's change must not be written over."""
    rows = Client.objects.filter(pk=registration.client_id, is_enabled=True)
    client = rows.select_related("tenant__environment").first()
    if client is None:
        raise NotFound(GONE)
    return client


def _write_changes(client: Client, wanted: Wanted, actor: Actor) -> None:
    """Write what differs; what is repeated makes no version, however often it is."""
    links = _links_of(client, wanted)
    held = {*client.scopes.values_list("pk", flat=True)}
    has_changed = any(getattr(client, name) != value for name, value in wanted.fields.items())
    if has_changed or {scope.pk for scope in links["scopes"]} != held:
        _write_fields(client, wanted)
        clients.save_client(client, actor=actor, links=links)


def _new_client(tenant: TenantSnapshot, wanted: Wanted, client_id: str) -> Client:
    client = Client(tenant_id=tenant.id, client_id=client_id, kind=Client.Kind.DYNAMIC)
    _write_fields(client, wanted)
    return client


def _write_fields(client: Client, wanted: Wanted) -> None:
    for name, value in wanted.fields.items():
        setattr(client, name, value)


def _new_registration(
    client: Client, source: ClientRegistration.Source, now: datetime
) -> ClientRegistration:
    return ClientRegistration(
        tenant_id=client.tenant_id,
        client=client,
        source=source,
        stage_since=now,
        registered_at=now,
        last_used_at=now,
    )


def _links_of(client: Client, wanted: Wanted) -> dict[str, list[Scope]]:
    """Find what it may ask for: named scopes that people's Apis have, else OpenID's own.

    Whether it gets any of them is for access policies to say, which link to the kind `dynamic`.
    """
    scopes = Scope.objects.filter(tenant=client.tenant_id)
    if wanted.scopes is None:
        return {"scopes": [*scopes.filter(api__built_in=Api.BuiltIn.OPENID)], "default_scopes": []}
    offered = scopes.exclude(api__built_in=Api.BuiltIn.MANAGEMENT)
    found = [*offered.filter(name__in=wanted.scopes)]
    return {"scopes": found, "default_scopes": found}


def _hold_secret(client: Client, actor: Actor) -> str:
    """Make a secret where the client needs one and has none, and remove those it has no use for."""
    needs_secret = client.token_endpoint_auth_method in WITH_SECRET
    held = [*client.secrets.all()]
    if needs_secret and not held:
        return client_secrets.add_secret(client, label=SECRET_LABEL, actor=actor)[1]
    for secret in held if not needs_secret else ():
        client_secrets.remove_secret(secret, actor=actor)
    return ""


def _actor_of(client: Client, address: str) -> Actor:
    return Actor("client", id=str(client.pk), label=client.client_id, address=address)
