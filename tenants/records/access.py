"""Who asks for what: the request that a grant makes and `policy.decide` judges."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from tenants.records.vocabulary import NO_HEADERS
from tenants.request_records import request_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from tenants.records.clients import ClientRecord
    from tenants.records.sign_in import Authentication, ConsumedGrant
    from tenants.records.subjects import MembershipRecord, SubjectRecord
    from tenants.records.vocabulary import JSON


@request_record(frozen=True, slots=True)
class AccessRequest:
    """For whom and for what a token is asked; made by a grant, judged by `policy.decide`.

    `scope_ceiling` bounds the scope by what a parent holds (a refresh token, an assertion) and
    `expires_at_ceiling` (seconds since the epoch) the life by a parent's. A refresh names its
    session: id, end (seconds since the epoch) and the grant with which it began. `app_tenant_id`
    and `app_subject_id` are the customer's own names of whom a client acts for; they are claims,
    never a subject of ours. `groups` are slugs, None where nobody has read them; `claims` are those
    of a verified foreign token, `headers` have lower-case names, `now` is in seconds since the
    epoch. `actor` acts for the subject, before it did the `prior_actors`, the latest first, and
    `parent_id` is the token that was exchanged, `actor_token_id` the one by which the actor proved
    who it is. `usage_limit` tightens that of the scopes, and 0
    says nothing. `operation` is the grant type where it is empty;
    `caller` is who asks about another's token or call. `action`, `resource`, `context` and
    `access_subject` are as an evaluation request has them. `authentication` says how the person was
    recognised, `nonce` and `claims_request` (OpenID Connect Core section 5.5) what their ID token
    shall hold; `consumed` is the code with which a session begins.
    """

    grant_type: str
    client: ClientRecord
    subject: SubjectRecord | None = None
    requested_scopes: tuple[str, ...] | None = None
    requested_audiences: tuple[str, ...] = ()
    api_slug: str = ""
    scope_ceiling: frozenset[str] | None = None
    audience_ceiling: frozenset[str] | None = None
    expires_at_ceiling: int | None = None
    session_id: UUID | None = None
    trust_profile_id: UUID | None = None
    master_token_id: UUID | None = None
    address: str = ""
    user_agent: str = ""
    session_expires_at: int | None = None
    session_grant_type: str = ""
    app_tenant_id: str = ""
    app_subject_id: str = ""
    presented: PresentedRefreshToken | None = None
    operation: str = ""
    groups: tuple[str, ...] | None = None
    actor: str = ""
    prior_actors: tuple[str, ...] = ()
    parent_id: UUID | None = None
    actor_token_id: UUID | None = None
    usage_limit: int = 0
    claims: Mapping[str, JSON] | None = None
    method: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    now: float = 0
    caller: ClientRecord | None = None
    action: Mapping[str, JSON] | None = None
    resource: Mapping[str, JSON] | None = None
    context: Mapping[str, JSON] | None = None
    access_subject: Mapping[str, JSON] | None = None
    authentication: Authentication | None = None
    nonce: str = ""
    claims_request: Mapping[str, JSON] | None = None
    consumed: ConsumedGrant | None = None


@request_record(frozen=True, slots=True)
class PresentedRefreshToken:
    """A refresh token whose secret was right, and its session; times in seconds since the epoch.

    `client` is the client's row and `client_id` its name. `death` says why the token can't be used
    any more, apart from having been used (`consumed_at`); it is empty while the token lives.
    `groups` are the slugs of the subject's, `attributes` the text of a JSON object.
    """

    id: UUID
    secret: bytes = field(repr=False)
    session_id: UUID
    client: UUID
    client_id: str
    subject_id: UUID | None
    trust_profile_id: UUID | None
    grant_type: str
    scopes: Sequence[str]
    audiences: Sequence[str]
    cut_off_number: int
    issued_at: int
    expires_at: int
    session_expires_at: int
    consumed_at: float | None
    repeated_answer: bytes | None = field(repr=False)
    death: str
    groups: Sequence[str] = ()
    memberships: tuple[MembershipRecord, ...] = ()
    app_tenant_id: str = ""
    app_subject_id: str = ""
    attributes: str = field(default="", repr=False)
    authentication: Authentication | None = None
    claims_request: Mapping[str, JSON] | None = None
    standard_claims: str = field(default="", repr=False)
