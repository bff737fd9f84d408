"""The one way in which an entity is written: checked, versioned, audited and announced."""

from __future__ import annotations

import base64
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import BigIntegerField, F, Func, TextField
from django.db.models.deletion import ProtectedError
from django.db.models.functions import Cast

from tenants import audit, models
from tenants.errors import Conflict, InvalidEntity
from tenants.services import cut_offs
from tenants.services.announcements import announce
from tenants.services.consistency import find_contradictions
from tenants.services.policy_targets import find_emptied_policies
from tenants.services.standard_scopes import find_taken_over

if TYPE_CHECKING:
    from django.db.models import Model

    from tenants.records import JSON, Actor

Links: TypeAlias = Mapping[str, Sequence["Model"]]
Kind = models.ConfigurationChange.ScopeKind
# What a change never keeps: the history must not outlive a deleted secret.
SECRET_FIELDS = frozenset(
    (
        "secret_hash",
        "typed_secret_hash",
        "token_hash",
        "private_ciphertext",
        "shared_secret_ciphertext",
        "introspection_secret_ciphertext",
        "sign_in_secret_ciphertext",
        "pairwise_salt",
        "password",
        "password_hash",
    )
)
# What other transactions write meanwhile; an update with an older value would turn it back.
COUNTED_FIELDS = frozenset(("version", "last_used_at", "last_login", "registered_clients"))
# The selector of the cut-off that ends what was issued for, by or through an entity.
ENDED_WITH: dict[type[Model], str] = {
    models.Api: "api_id",
    models.Client: "client_id",
    models.MasterToken: "master_token_id",
    models.Subject: "subject_id",
    models.TrustProfile: "trust_profile_id",
}
DISABLED_BY_SWITCH = frozenset((*ENDED_WITH, models.Tenant)) - {models.Api}
# Facts that a grant reads, and rights of operators: audited, but no configuration.
UNVERSIONED = (
    models.Subject,
    models.SubjectIdentity,
    models.SubjectPassword,
    models.Passkey,
    models.Group,
    models.Membership,
    models.User,
    models.ClientRegistration,
)


def save(
    entity: Model, *, actor: Actor, reason: str = "", links: Links | None = None, event: str = ""
) -> None:
    """Create or update an entity and its links in one transaction.

    Raises:
        InvalidEntity: naming each field that is wrong and how to mend it.
        Conflict: the entity was deleted meanwhile.
    """
    links = links or {}
    is_new = entity._state.adding  # noqa: SLF001 - Django's documented way to ask this.
    with transaction.atomic():
        audit.lock_chain(_tenant_id(entity))
        if is_new and isinstance(entity, models.Scope):
            _make_room(entity, actor=actor, reason=reason)
        _validate(entity, links)
        is_disabled = not is_new and _is_being_disabled(entity)
        _store(entity, links)
        if is_disabled:
            _end_what_came_of(entity, actor=actor, reason=reason, verb="disabled")
        verb = event or f"{kind_of(entity)}.{'created' if is_new else 'updated'}"
        _record(entity, verb, _state_of(entity), actor=actor, reason=reason)


def delete(entity: Model, *, actor: Actor, reason: str = "", event: str = "") -> None:
    """Delete an entity in one transaction.

    Raises:
        Conflict: something that must not lose it still refers to it.
    """
    with transaction.atomic():
        audit.lock_chain(_tenant_id(entity))
        _end_what_came_of(entity, actor=actor, reason=reason, verb="deleted")
        for policy in find_emptied_policies(entity):
            delete(policy, actor=actor, reason=reason)
        verb = event or f"{kind_of(entity)}.deleted"
        _record(entity, verb, None, actor=actor, reason=reason)
        try:
            entity.delete()
        except (IntegrityError, ProtectedError) as error:
            text = f"This {kind_of(entity)} is still in use and can't be deleted."
            raise Conflict(text) from error


def _make_room(scope: models.Scope, *, actor: Actor, reason: str) -> None:
    """Delete the standard scope whose name an Api takes over."""
    taken = find_taken_over(scope)
    if taken is not None:
        delete(taken, actor=actor, reason=reason)


def _is_being_disabled(entity: Model) -> bool:
    """Say whether the write disables what issues or holds tokens; an Api only gets no new ones."""
    if type(entity) not in DISABLED_BY_SWITCH:
        return False
    rows = type(entity)._default_manager.filter(pk=entity.pk)  # noqa: SLF001 - Django's public API.
    was_enabled = rows.values_list("is_enabled", flat=True).first()
    return bool(was_enabled) and not getattr(entity, "is_enabled", True)


def _end_what_came_of(entity: Model, *, actor: Actor, reason: str, verb: str) -> None:
    """End every token and session that names the entity; everything of a tenant."""
    tenant_id = _tenant_id(entity)
    selector = ENDED_WITH.get(type(entity))
    text = reason or f"{kind_of(entity)} {verb}"
    if selector and tenant_id:
        cut_offs.end(tenant_id, actor=actor, reason=text, **{selector: entity.pk})
    elif isinstance(entity, models.Tenant) and verb == "disabled":
        cut_offs.end(entity.pk, actor=actor, reason=text)


def kind_of(entity: Model) -> str:
    """Name the entity's kind as history, audit and YAML do: `client_secret`."""
    name = type(entity).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _tenant_id(entity: Model) -> uuid.UUID | None:
    if isinstance(entity, models.Tenant):
        return entity.pk
    return getattr(entity, "tenant_id", None)


def _validate(entity: Model, links: Links) -> None:
    try:
        entity.full_clean()
    except ValidationError as error:
        raise InvalidEntity(_plain_messages(error)) from error
    messages = find_contradictions(entity, links)
    if messages:
        raise InvalidEntity(messages)


def _plain_messages(error: ValidationError) -> dict[str, list[str]]:
    if not hasattr(error, "error_dict"):
        return {NON_FIELD_ERRORS: list(error.messages)}
    messages: dict[str, list[str]] = {}
    for name, mistakes in error.error_dict.items():
        for mistake in mistakes:
            messages.setdefault(_place_of(mistake, name), []).extend(mistake.messages)
    return messages


def _place_of(mistake: ValidationError, name: str) -> str:
    """Name the field of a mistake; what is taken within a tenant is named by itself."""
    if mistake.code == "unique_together" and mistake.params:
        *_, name = mistake.params["unique_check"]
    return name


def _store(entity: Model, links: Links) -> None:
    try:
        with transaction.atomic():
            entity.save(update_fields=_written_fields(entity))
    except IntegrityError as error:
        # Row-level security hides another tenant's row from the form's own check.
        text = "Another entity has one of these unique values already; choose another."
        raise InvalidEntity({NON_FIELD_ERRORS: [text]}) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # Django raises the plain class for no row at all.
            raise
        raise Conflict(f"This {kind_of(entity)} was deleted meanwhile.") from error
    for name, targets in links.items():
        getattr(entity, name).set(targets)


def _written_fields(entity: Model) -> list[str] | None:
    """Name what an update writes: never what others have counted on since it was read."""
    if entity._state.adding:  # noqa: SLF001 - Django's documented way to ask this.
        return None
    fields = entity._meta.concrete_fields  # noqa: SLF001 - Django's public API.
    return [f.name for f in fields if not f.primary_key and f.name not in COUNTED_FIELDS]


def _record(
    entity: Model, event: str, state: dict[str, JSON] | None, *, actor: Actor, reason: str
) -> None:
    recorded = audit.record_event(
        tenant_id=_tenant_id(entity),
        event=event,
        actor=actor,
        entity_kind=kind_of(entity),
        entity_id=str(entity.pk),
        reason=reason,
    )
    if not isinstance(entity, UNVERSIONED):
        _record_change(entity, state, actor, recorded)
    announce()


def _record_change(
    entity: Model, state: dict[str, JSON] | None, actor: Actor, recorded: models.AuditEvent
) -> None:
    scope_kind, scope = _scope_of(entity)
    models.ConfigurationChange.objects.create(
        transaction_id=Cast(
            Cast(Func(function="pg_current_xact_id"), TextField()), BigIntegerField()
        ),
        scope_kind=scope_kind,
        scope_id=str(scope.pk),
        tenant_id=_tenant_id(entity),
        version=_raise_version(scope),
        entity_kind=kind_of(entity),
        entity_id=str(entity.pk),
        state=state,
        actor_kind=actor.kind,
        actor_id=actor.id,
        audit_event=recorded,
    )


def _scope_of(entity: Model) -> tuple[str, Model]:
    match entity:
        case models.Environment():
            return Kind.ENVIRONMENT, entity
        case models.Tenant():
            return Kind.TENANT, entity
        case models.Client():
            return Kind.CLIENT, entity
        case models.ClientSecret() | models.ClientGrantSettings():
            return Kind.CLIENT, entity.client
        case models.Platform() | models.Project():
            return Kind.PLATFORM, models.Platform(pk=1)
        case _:
            return Kind.TENANT, entity.tenant  # type: ignore[attr-defined]  # all others have one.


def _raise_version(scope: Model) -> int:
    rows = type(scope)._default_manager.filter(pk=scope.pk)  # noqa: SLF001 - Django's public API.
    rows.update(version=F("version") + 1)
    version = int(rows.values_list("version", flat=True).get())
    scope.version = version  # type: ignore[attr-defined]  # each of the four kinds has one.
    return version


def _state_of(entity: Model) -> dict[str, JSON]:
    meta = entity._meta  # noqa: SLF001 - Django's public API.
    state: dict[str, JSON] = {
        field.attname: _plain(getattr(entity, field.attname))
        for field in meta.concrete_fields
        if field.name not in SECRET_FIELDS
    }
    for field in meta.many_to_many:
        targets = getattr(entity, field.name).values_list("pk", flat=True)
        state[field.name] = [*sorted(str(target) for target in targets)]
    return state


def _plain(value: object) -> JSON:
    match value:
        case uuid.UUID():
            return str(value)
        case dt.datetime():
            return value.isoformat()
        case bytes() | memoryview():
            return base64.b64encode(value).decode()
        case None | bool() | int() | float() | str() | list() | dict():
            return value
        case _:
            return str(value)
