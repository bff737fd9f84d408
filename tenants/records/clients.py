"""A client as the snapshot holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenants.records.compiled import nobody
from tenants.records.settings import SILENT, UNLIMITED, RequestLimits, TokenSettings
from tenants.records.sign_in import NOT_INTERACTIVE, InteractiveRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from tenants.records.trust import WorkloadIdentity
    from tenants.records.vocabulary import JSON, KeyedHash


@dataclass(frozen=True, slots=True)
class ImpersonationRight:
    """For whom of its application a client may ask; an empty filter allows nobody.

    `tenants` and `subjects` are patterns that match whole names, and compiled as `allows_...`.
    """

    tenants: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    scope_ids: frozenset[UUID] = frozenset()
    max_lifetime_seconds: int | None = None
    allows_tenant: Callable[[str], bool] = field(default=nobody, compare=False, repr=False)
    allows_subject: Callable[[str], bool] = field(default=nobody, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ClientSecretRecord:
    """One live secret of a client; `expires_at` in seconds since the epoch, None for none."""

    id: UUID
    keyed_hash: KeyedHash | None = None
    typed_hash: str = ""
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client as the snapshot holds it."""

    id: UUID
    client_id: str
    kind: str
    version: int
    grant_types: frozenset[str]
    authentication_method: str
    is_enabled: bool = True
    secrets: tuple[ClientSecretRecord, ...] = ()
    jwks: tuple[Mapping[str, JSON], ...] = ()
    jwks_uri: str = ""
    scope_ids: frozenset[UUID] = frozenset()
    default_scope_ids: frozenset[UUID] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    settings: TokenSettings = SILENT
    grant_settings: Mapping[str, TokenSettings] = field(default_factory=dict)
    impersonation: ImpersonationRight | None = None
    group_claims: str = ""
    workload: WorkloadIdentity | None = None
    limits: RequestLimits = UNLIMITED
    interactive: InteractiveRecord = NOT_INTERACTIVE
