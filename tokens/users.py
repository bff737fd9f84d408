"""Makes, finds and lists users for those who call about them; REST and GraphQL share it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

import orjson
from django.db import transaction

from tenants.errors import InvalidEntity
from tenants.models import Subject
from tenants.policy import decide
from tenants.queries.subject_details import (
    SubjectFilter,
    find_details,
    is_external_id_taken,
    list_details,
)
from tenants.queries.subjects import find_subjects
from tenants.records import NOTHING, SubjectRecord
from tenants.services.subjects import save_subject
from tokens import issuance, master_token_quotas
from tokens.callers import WRITE
from tokens.errors import InsufficientScope, InvalidRequest, UserExists, UserNotFound
from tokens.grants import master_token
from tokens.parameters import MAX_SCOPE_CHARACTERS
from tokens.refusals import raise_denied

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from tenants.queries.subject_details import SubjectDetails
    from tenants.records import JSON, AccessRequest, Decision
    from tokens.callers import Caller
    from tokens.parameters import EndpointRequest

MAX_AUDIENCES: Final = 20
NO_USER: Final = "This tenant has no such user, or none that this token reaches."


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a caller says about a user who is to be made; nothing of it is believed of strangers."""

    external_id: str = ""
    name: str = ""
    email: str = ""
    is_email_verified: bool = False
    attributes: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)

    @property
    def is_claimed_by_anybody(self) -> bool:
        """Whether it has only what everybody may say of themselves."""
        return not (self.external_id or self.is_email_verified or self.attributes)


@dataclass(frozen=True, slots=True)
class WantedToken:
    """The scope and audiences that are asked for; None asks for the client's default scopes."""

    scopes: tuple[str, ...] | None = None
    audiences: tuple[str, ...] = ()


def want_token(scope: str, audiences: Collection[str]) -> WantedToken:
    """Read scope names with spaces between them, and audiences.

    Raises:
        InvalidRequest: there are too many of them.
    """
    if len(scope) > MAX_SCOPE_CHARACTERS or len(audiences) > MAX_AUDIENCES:
        raise InvalidRequest("The scope or the list of audiences is too long.")
    scopes = tuple(dict.fromkeys(scope.split(" "))) if scope else None
    return WantedToken(scopes, tuple(dict.fromkeys(audiences)))


@dataclass(frozen=True, slots=True)
class MadeUser:
    """A new user and the answer with their first token; without a master token there is none."""

    user: SubjectDetails
    answer: Mapping[str, JSON]


def add_user(
    request: EndpointRequest, caller: Caller, new: NewUser, wanted: WantedToken
) -> MadeUser:
    """Make one user with one token; a management scope makes the user alone.

    Everything is decided before the user is stored, and both are stored or none.

    Raises:
        InsufficientScope: the caller may not make users, or not with these members.
        QuotaExceeded: a public token has made enough of them today.
        UserExists: the external id is another user's, of whom nothing is told.
    """
    _check_maker(caller, new)
    _refuse_unstorable(new)
    if caller.is_public and caller.master_token is not None:
        master_token_quotas.take(
            request.tenant.id, caller.master_token, request.address, now=request.now
        )
    _refuse_taken(request, new)
    if caller.master_token is None:
        return MadeUser(_store(request, caller, new, uuid.uuid4()), NOTHING)
    subject = SubjectRecord(
        uuid.uuid4(),
        is_enabled=True,
        cut_off_number=request.cut_off_number,
        groups=(),
        attributes=orjson.dumps(dict(new.attributes)).decode(),
    )
    asked, decision = _decide(request, caller, subject, wanted)
    planned = issuance.plan_token(asked, decision, request.tenant, now=request.now)
    with transaction.atomic():
        user = _store(request, caller, new, subject.id)
        answer = issuance.store(
            asked,
            request.tenant,
            planned,
            now=request.now,
            cut_off_number=request.cut_off_number,
        )
    return MadeUser(user, answer)


def add_token(
    request: EndpointRequest, caller: Caller, user_id: UUID, wanted: WantedToken
) -> Mapping[str, JSON]:
    """Issue a token for a user who is there already.

    Raises:
        UserNotFound: a private master token reaches no such user.
        InsufficientScope: only private master tokens do this.
    """
    if caller.is_public:
        raise InsufficientScope("A public master token makes new users only.")
    find_user(request, caller, user_id)
    subject = find_subjects(request.tenant.id, [user_id]).get(user_id)
    if subject is None:
        raise UserNotFound(NO_USER)
    asked, decision = _decide(request, caller, subject, wanted)
    return issuance.issue(asked, decision, request)


def find_user(request: EndpointRequest, caller: Caller, user_id: UUID) -> SubjectDetails:
    """Find a user whom the caller may see: everybody's reader, or the user alone.

    Raises:
        UserNotFound: there is none, or none for this caller.
    """
    if not caller.reads_all and caller.subject_id != user_id:
        raise UserNotFound(NO_USER)
    return reach_user(request, caller, user_id)


def reach_user(request: EndpointRequest, caller: Caller, user_id: UUID) -> SubjectDetails:
    """Find a user within the caller's bounds; whether the caller may is decided before.

    Raises:
        UserNotFound: there is none, or none within the bounds.
    """
    user = find_details(request.tenant.id, user_id, caller.user_groups)
    if user is None or user.erased_at is not None:
        raise UserNotFound(NO_USER)
    return user


def list_users(
    request: EndpointRequest,
    caller: Caller,
    wanted: SubjectFilter,
    *,
    after: UUID | None,
    limit: int,
) -> list[SubjectDetails]:
    """List the users whom the caller reaches, in the order of their ids.

    Raises:
        InsufficientScope: the caller reaches nobody else.
    """
    if not caller.reads_all:
        raise InsufficientScope(
            "Listing users needs a private master token or the scope management:users:read."
        )
    return list_details(request.tenant.id, wanted, after=after, limit=limit)


def _check_maker(caller: Caller, new: NewUser) -> None:
    if caller.master_token is None and WRITE not in caller.scopes:
        raise InsufficientScope(
            "Making users needs a master token or the scope management:users:write."
        )
    if caller.is_public and not new.is_claimed_by_anybody:
        # Whoever holds the application could else take another's id, or an attribute's rights.
        raise InsufficientScope(
            "A public master token chooses no ids, no attributes and no verified addresses."
        )


def _refuse_unstorable(new: NewUser) -> None:
    """Refuse what PostgreSQL can't hold: NUL, halves of surrogate pairs, numbers beyond 64 bits."""
    try:
        written = orjson.dumps([new.external_id, new.name, new.email, dict(new.attributes)])
    except TypeError as error:
        raise InvalidRequest("A member holds a text or number that can't be stored.") from error
    if b"\\u0000" in written:
        raise InvalidRequest("A member holds a text or number that can't be stored.")


def _refuse_taken(request: EndpointRequest, new: NewUser) -> None:
    if new.external_id and is_external_id_taken(request.tenant.id, new.external_id):
        raise UserExists("A user with this external id exists; ask for a token by the user's id.")


def _decide(
    request: EndpointRequest, caller: Caller, subject: SubjectRecord, wanted: WantedToken
) -> tuple[AccessRequest, Decision]:
    asked = master_token.request_access(
        request, caller, subject, scopes=wanted.scopes, audiences=wanted.audiences
    )
    decision = decide(asked, request.tenant)
    if not decision.is_allowed:
        raise_denied(asked, decision)
    return asked, decision


def _store(request: EndpointRequest, caller: Caller, new: NewUser, user_id: UUID) -> SubjectDetails:
    subject = Subject(
        id=user_id,
        tenant_id=request.tenant.id,
        external_id=new.external_id or None,
        name=new.name,
        email=new.email,
        is_email_verified=new.is_email_verified,
        attributes=dict(new.attributes),
    )
    try:
        save_subject(subject, actor=caller.actor)
    except InvalidEntity as error:
        _refuse_taken(request, new)  # Somebody else may have been faster.
        _refuse_entity(error)
    found = find_details(request.tenant.id, user_id)
    if found is None:
        raise UserNotFound(NO_USER)
    return found


def _refuse_entity(error: InvalidEntity) -> NoReturn:
    name, texts = next(iter(error.messages.items()))
    raise InvalidRequest(f"The member {name} can't be stored: {texts[0]}") from error
