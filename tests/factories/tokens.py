"""Issues real tokens of real tenants, past the HTTP endpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants import snapshot
from tenants.models import Subject
from tenants.policy import decide
from tenants.records import AccessRequest, GrantType, SubjectRecord
from tests.factories.tenants import make_api, make_client, make_tenant
from tokens import refresh_tokens
from tokens.issuance import issue
from tokens.parameters import EndpointRequest, Parameters

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.models import Api, Tenant
    from tenants.records import JSON, ClientRecord, TenantSnapshot


@dataclass(frozen=True, slots=True)
class Issuer:
    """A tenant with an Api and a client that may read it."""

    tenant: Tenant
    api: Api
    client_id: str

    @property
    def core(self) -> TenantSnapshot:
        """The tenant as it is now."""
        snapshot.CURRENT.renew()
        core = snapshot.CURRENT.tenant(self.tenant.path)
        assert core is not None
        return core

    @property
    def client(self) -> ClientRecord:
        """The client as it is now."""
        client = snapshot.CURRENT.client(self.core, self.client_id)
        assert client is not None
        return client

    def issue(self, **changes: Any) -> dict[str, JSON]:
        """Issue a token for the client, or for what the changes of the request say."""
        now = changes.pop("now", time.time())
        cut_off_number = changes.pop("cut_off_number", None)
        asked = AccessRequest(
            **{"grant_type": GrantType.CLIENT_CREDENTIALS.value, "client": self.client, **changes}
        )
        return self.answer(asked, now=now, cut_off_number=cut_off_number)

    def refresh(self, text: str, *, now: float | None = None) -> dict[str, JSON]:
        """Swap a refresh token as the grant does."""
        moment = time.time() if now is None else now
        client = self.client
        presented = refresh_tokens.present(self.core.id, client.id, text, now=moment)
        asked = AccessRequest(
            grant_type=GrantType.REFRESH_TOKEN.value,
            client=client,
            subject=subject_record(presented.subject_id, presented.cut_off_number),
            requested_scopes=tuple(presented.scopes),
            scope_ceiling=frozenset(presented.scopes),
            audience_ceiling=frozenset(presented.audiences),
            session_id=presented.session_id,
            session_expires_at=presented.session_expires_at,
            session_grant_type=presented.grant_type,
            presented=presented,
        )
        return self.answer(asked, now=moment)

    def answer(
        self, asked: AccessRequest, *, now: float, cut_off_number: int | None = None
    ) -> dict[str, JSON]:
        """Judge and issue."""
        core = self.core
        held = snapshot.CURRENT.confirm() if cut_off_number is None else cut_off_number
        decision = decide(asked, core)
        assert decision.is_allowed, decision.refusal
        request = EndpointRequest(core, Parameters(), now=now, cut_off_number=held)
        return issue(asked, decision, request)


def make_issuer(
    slug: str = "globex", *, api: dict[str, Any] | None = None, **client: Any
) -> Issuer:
    """Make a tenant, an Api and a client; `api` and the rest are fields of the latter two."""
    tenant = make_tenant(slug)
    made_api = make_api(tenant, **(api or {}))
    client.setdefault("grant_types", ["client_credentials", "refresh_token"])
    made = make_client(tenant, scopes=["read", "write"], **client)
    return Issuer(tenant, made_api, made.client_id)


def make_subject(tenant: Tenant, **fields: Any) -> Subject:
    """Make an enabled end user."""
    return Subject.objects.create(tenant=tenant, **fields)


def subject_record(subject_id: UUID | None, cut_off_number: int = 0) -> SubjectRecord | None:
    """Name a subject as a grant has read it."""
    if subject_id is None:
        return None
    return SubjectRecord(subject_id, is_enabled=True, cut_off_number=cut_off_number)
