"""The GraphQL schema, as Ideavate's callers know it; each resolver is one call of a service.

Annotations are read when the types are made, so they are no strings here.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import ExecutionContext, Info

from tenants.queries.subject_details import SubjectDetails
from tokens import users
from tokens.callers import Caller
from tokens.errors import InsufficientScope, InvalidRequest, UserNotFound
from tokens.parameters import EndpointRequest
from tokens.users import NewUser


@dataclass(frozen=True, slots=True)
class Context:
    """The request behind a document, and who sent it."""

    request: EndpointRequest
    caller: Caller


Asked = Info[Context, None]


@strawberry.type(description="A user of the tenant")
class User:
    """A user; the attributes are for those who manage users."""

    id: strawberry.ID
    external_id: str | None
    name: str
    email: str
    email_verified: bool
    enabled: bool
    groups: list[str]
    attributes: JSON | None


@strawberry.type(description="An access token, as RFC 6749 section 5.1 answers it")
class AccessToken:
    """A token that was just issued."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


@strawberry.type(description="A new user with their first token")
class UserAndAccessToken:
    """A user and a token of theirs."""

    user: User
    access_token: AccessToken


@strawberry.type(description="Who the presented token speaks for, and what it may do")
class AuthorisedUser:
    """The caller, as the caller's own token says."""

    user: User
    scope: str
    client_id: str | None
    expires_at: int


@strawberry.input(
    description="A user who is to be made. A public master token sends name and email only"
)
class UserInput:
    """What is said about a new user."""

    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    email_verified: bool = False
    attributes: JSON | None = None


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field(  # type: ignore[untyped-decorator]  # as it ships.
        description="A user by id: for private master tokens, management:users:read, or the user"
    )
    def get_user(self, info: Asked, id: strawberry.ID) -> User | None:  # noqa: A002 - its name.
        """Find one user."""
        request, caller = info.context.request, info.context.caller
        if caller.direct is not None:
            # As /users/{id}: by an outside token, users learn who they are, and nothing else.
            raise UserNotFound(users.NO_USER)
        return _write_user(users.find_user(request, caller, _read_id(id)), caller)

    @strawberry.field(  # type: ignore[untyped-decorator]  # as it ships.
        description="The user of the presented token; an outside one has no clientId"
    )
    def get_authorised_user(self, info: Asked) -> AuthorisedUser | None:
        """Describe the caller."""
        request, caller = info.context.request, info.context.caller
        held = caller.held
        if held is None or caller.subject_id is None:
            raise UserNotFound("This token speaks for no user.")
        user = users.find_user(request, caller, caller.subject_id)
        return AuthorisedUser(
            user=_write_user(user, caller),
            scope=" ".join(held.scopes),
            client_id=held.client_id,
            expires_at=held.expires_at,
        )


@strawberry.type
class Mutation:
    """What can be made; a document has one of these."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]  # as it ships.
        description="Make one user with one token, whose scope is a part of the master token's"
    )
    def add_user_and_access_token(
        self,
        info: Asked,
        user: UserInput | None = None,
        scope: str | None = None,
        audience: list[str] | None = None,
    ) -> UserAndAccessToken:
        """Make a user."""
        request, caller = info.context.request, info.context.caller
        if caller.master_token is None:
            raise InsufficientScope("Only a master token can ask for the token of a user.")
        made = users.add_user(
            request, caller, _read_user(user), users.want_token(scope or "", audience or ())
        )
        return UserAndAccessToken(
            user=_write_user(made.user, caller), access_token=_write_token(made.answer)
        )

    @strawberry.mutation(description="Issue a token for a user: for private master tokens")  # type: ignore[untyped-decorator]
    def add_access_token(
        self,
        info: Asked,
        user: strawberry.ID,
        scope: str | None = None,
        audience: list[str] | None = None,
    ) -> AccessToken:
        """Issue a token."""
        request, caller = info.context.request, info.context.caller
        wanted = users.want_token(scope or "", audience or ())
        return _write_token(users.add_token(request, caller, _read_id(user), wanted))


class UsersSchema(strawberry.Schema):
    """The schema; what goes wrong is logged where every refusal is."""

    def process_errors(
        self, errors: list[Any], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave errors to the endpoint."""


SCHEMA = UsersSchema(query=Query, mutation=Mutation)


def _read_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise UserNotFound(users.NO_USER) from error


def _read_user(given: UserInput | None) -> NewUser:
    if given is None:
        return NewUser()
    if given.attributes is not None and not isinstance(given.attributes, dict):
        raise InvalidRequest("The member attributes takes an object.")
    return NewUser(
        external_id=given.external_id or "",
        name=given.name or "",
        email=given.email or "",
        is_email_verified=given.email_verified,
        attributes=given.attributes or {},
    )


def _write_user(user: SubjectDetails, caller: Caller) -> User:
    shows_attributes = caller.reads_all or caller.writes_all
    return User(
        id=strawberry.ID(str(user.id)),
        external_id=user.external_id,
        name=user.name,
        email=user.email,
        email_verified=user.is_email_verified,
        enabled=user.is_enabled,
        groups=list(user.groups),
        attributes=JSON(dict(user.attributes)) if shows_attributes else None,
    )


def _write_token(answer: Mapping[str, Any]) -> AccessToken:
    return AccessToken(
        access_token=answer["access_token"],
        token_type=answer["token_type"],
        expires_in=answer["expires_in"],
        scope=answer["scope"],
    )
