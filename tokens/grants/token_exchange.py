"""A token is swapped for another that can do no more. Source: RFC 8693 section 2.

Tokens of ours come through the gate, those of outside issuers through their trust profiles. With
an actor token the new one says who acts for whom; without, the actors of the subject token stay.
What is derived ends with any of ours that it was derived by, and theirs before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenants.pairwise import name_subject
from tenants.records import AccessRequest, GrantType, SubjectRecord
from tokens import foreign_subjects, gate, token_store
from tokens.errors import InvalidGrant, InvalidRequest, UnauthorizedClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from tenants.records import JSON, Authentication, ClientRecord, TenantSnapshot, TrustMatch
    from tokens.gate import AcceptedToken
    from tokens.parameters import EndpointRequest

GRANT_TYPE: Final = GrantType.TOKEN_EXCHANGE.value
# Source: RFC 8693 section 3.
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type's name.
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a type's name.
FOREIGN_TYPES: Final = frozenset((JWT, ID_TOKEN))
MAX_ACTORS: Final = 4
# The database looks at no more of them when it asks whether one is dead.
MAX_ANCESTORS: Final = 16


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """What a presented token stands for and bounds; the expiry in seconds since the epoch.

    `name` is what an `act` claim says of it; `actors` are those that act already, the latest first.
    `scopes` and `audiences` bound what comes of it, and None bounds nothing; `token_id` is None for
    an outside token. `first_match` is by what its subject is still to be linked or created.
    """

    name: str
    expires_at: int
    subject: SubjectRecord | None
    scopes: frozenset[str] | None
    audiences: frozenset[str] | None = None
    token_id: UUID | None = None
    trust_profile_id: UUID | None = None
    app_tenant_id: str = ""
    app_subject_id: str = ""
    actors: tuple[str, ...] = ()
    claims: Mapping[str, JSON] | None = None
    authentication: Authentication | None = None
    first_match: TrustMatch | None = None


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for a token that can do no more than the subject token, and ends with it.

    Raises:
        InvalidRequest: a presented token or its type is unacceptable. Source: RFC 8693 2.2.2.
        UnauthorizedClient: a public client has nothing that proves who it is.
    """
    if client.authentication_method == "none":
        raise UnauthorizedClient("A public client can't exchange tokens.")
    if request.parameters.get("requested_token_type") not in {"", ACCESS_TOKEN}:
        raise InvalidRequest(f"The requested_token_type can only be {ACCESS_TOKEN}.")
    subject = _read_subject_token(request, client)
    actor = _read_actor_token(request, client)
    _check_may_act(subject, actor, client)
    return _derive(request, client, subject, actor)


def _derive(
    request: EndpointRequest,
    client: ClientRecord,
    subject: PresentedToken,
    actor: PresentedToken | None,
) -> AccessRequest:
    actors = (actor.name, *subject.actors) if actor else subject.actors
    presented = [token for token in (subject, actor) if token]
    _check_depth(actors, [token.token_id for token in presented if token.token_id])
    asked = AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        subject=subject.subject,
        requested_scopes=request.requested_scopes,
        requested_audiences=request.requested_audiences,
        api_slug=request.api_slug,
        usage_limit=request.requested_usage_limit,
        scope_ceiling=subject.scopes,
        audience_ceiling=subject.audiences,
        expires_at_ceiling=_find_end(request, presented),
        parent_id=subject.token_id,
        actor_token_id=actor.token_id if actor else None,
        trust_profile_id=subject.trust_profile_id,
        app_tenant_id=subject.app_tenant_id,
        app_subject_id=subject.app_subject_id,
        actor=actors[0] if actors else "",
        prior_actors=actors[1:],
        groups=subject.subject.groups if subject.subject else None,
        claims=subject.claims,
        authentication=subject.authentication,
        address=request.address,
        user_agent=request.user_agent,
        method=request.method,
        headers=request.headers,
        now=request.now,
    )
    if subject.first_match is not None:
        return foreign_subjects.settle(request, asked, subject.first_match)
    return asked


def _find_end(request: EndpointRequest, presented: Sequence[PresentedToken]) -> int:
    """Answer when the first of the tokens ends, in seconds since the epoch.

    Raises:
        InvalidRequest: it has ended: a profile's clock skew lets in what has just expired.
    """
    ends_at = min(token.expires_at for token in presented)
    if ends_at <= request.now:
        raise InvalidRequest("A presented token has expired; nothing can outlive it.")
    return ends_at


def _check_depth(actors: Sequence[str], parent_ids: Sequence[UUID]) -> None:
    """Bound how often tokens are exchanged one after another; one statement.

    Raises:
        InvalidRequest: there would be more actors or ancestors than are looked after.
    """
    if len(actors) > MAX_ACTORS:
        raise InvalidRequest(f"At most {MAX_ACTORS} may act for one another.")
    if parent_ids and token_store.count_ancestors(parent_ids) > MAX_ANCESTORS:
        raise InvalidRequest(
            f"A token has at most {MAX_ANCESTORS} others before it; exchange an earlier one."
        )


def _read_subject_token(request: EndpointRequest, client: ClientRecord) -> PresentedToken:
    text, token_type = (request.parameters.require(n) for n in ("subject_token", _SUBJECT_TYPE))
    if _is_foreign(request, text, token_type):
        return _read_foreign(request, client, text, may_create=True)
    if token_type != ACCESS_TOKEN:
        raise InvalidRequest("The subject_token_type is none that can be exchanged here.")
    token = gate.accept(request.tenant, text)
    if token is None or not _may_present(request.tenant, client, token):
        raise InvalidRequest("The subject_token is not good, or is no business of this client.")
    if token.subject_id is None and token.client != client.id:
        # Its new token would say that the other client is the one that asks.
        raise InvalidRequest("A token without an end user is exchanged by its own client only.")
    return _describe(token, request.tenant, client)


def _read_actor_token(request: EndpointRequest, client: ClientRecord) -> PresentedToken | None:
    """Read who acts; without the token its type must be absent. Source: RFC 8693 section 2.1."""
    text, token_type = request.parameters.get("actor_token"), request.parameters.get(_ACTOR_TYPE)
    if not text and not token_type:
        return None
    if not text or not token_type:
        raise InvalidRequest("Send actor_token and actor_token_type together, or neither.")
    if _is_foreign(request, text, token_type):
        actor = _read_foreign(request, client, text, may_create=False)
        if actor.subject is None or not actor.subject.is_enabled:
            raise InvalidRequest("The actor_token's user may not act any more.")
        return actor
    if token_type != ACCESS_TOKEN:
        raise InvalidRequest("The actor_token_type is none that can act here.")
    token = gate.accept(request.tenant, text)
    if token is None or not _may_present(request.tenant, client, token):
        raise InvalidRequest("The actor_token is not good, or is no business of this client.")
    return _describe(token, request.tenant, client)


def _is_foreign(request: EndpointRequest, text: str, token_type: str) -> bool:
    """Say whether an outside issuer made a token; an opaque one by how it begins, as none of ours.

    Source: RFC 8693 section 3.
    """
    if token_type in FOREIGN_TYPES:
        return True
    is_ours = foreign_subjects.find_opaque_profile(request.tenant, text) is None
    return token_type == ACCESS_TOKEN and not is_ours


def _may_present(tenant: TenantSnapshot, client: ClientRecord, token: AcceptedToken) -> bool:
    """Say whether the token is the client's own, or was sent to it as a resource server.

    Else whoever finds a token could turn it into one of their own.
    """
    if token.client == client.id:
        return True
    apis = (tenant.apis.get(api_id) for api_id in token.api_ids)
    return any(api is not None and client.id in api.resource_server_ids for api in apis)


def _describe(token: AcceptedToken, tenant: TenantSnapshot, client: ClientRecord) -> PresentedToken:
    subject, name = None, token.client_id
    if token.subject_id is not None:
        name = name_subject(token.subject_id, client, tenant)
        subject = SubjectRecord(
            # A disabled one has ended the token.
            token.subject_id,
            is_enabled=True,
            cut_off_number=token.cut_off_number,
            groups=token.groups,
            memberships=token.memberships,
            attributes=token.attributes,
        )
    return PresentedToken(
        name=name,
        expires_at=token.expires_at,
        subject=subject,
        scopes=frozenset(token.scopes),
        audiences=frozenset(token.audiences),
        token_id=token.id,
        trust_profile_id=token.trust_profile_id,
        app_tenant_id=token.app_tenant_id,
        app_subject_id=token.app_subject_id,
        actors=token.actors,
        authentication=token.authentication,
    )


def _read_foreign(
    request: EndpointRequest, client: ClientRecord, text: str, *, may_create: bool
) -> PresentedToken:
    """Accept a token of an outside issuer. Source: RFC 8693 section 2.2.2 has another code."""
    try:
        found = foreign_subjects.accept(request, text, may_create=may_create)
    except InvalidGrant as error:
        raise InvalidRequest(error.description, detail=error.detail) from error
    return PresentedToken(
        name=name_subject(found.subject.id, client, request.tenant),
        expires_at=found.signed.expires_at,
        subject=found.subject,
        scopes=found.scope_ceiling,
        trust_profile_id=found.profile.id,
        claims=found.signed.claims,
        first_match=found.match if found.is_at_first_sight else None,
    )


def _check_may_act(
    subject: PresentedToken, actor: PresentedToken | None, client: ClientRecord
) -> None:
    """Honour who may act by the subject token's own word. Source: RFC 8693 section 4.4.

    Without an actor token it is the client that acts.

    Raises:
        InvalidRequest: somebody else does.
    """
    if subject.claims is None or "may_act" not in subject.claims:
        return
    stated = subject.claims["may_act"]
    names = _names_of(actor, client)
    is_named = isinstance(stated, dict) and bool(stated)
    if not is_named or any(names.get(claim) != value for claim, value in stated.items()):  # type: ignore[union-attr]  # as just asked.
        raise InvalidRequest("The subject_token's may_act names somebody else.")


def _names_of(actor: PresentedToken | None, client: ClientRecord) -> Mapping[str, JSON]:
    """Name the actor as its issuer does; one of ours by what `act` would say."""
    if actor is None:
        return {"sub": client.client_id, "client_id": client.client_id}
    if actor.claims is None:
        return {"sub": actor.name}
    return {name: actor.claims.get(name) for name in ("sub", "iss") if name in actor.claims}


_SUBJECT_TYPE: Final = "subject_token_type"
_ACTOR_TYPE: Final = "actor_token_type"
