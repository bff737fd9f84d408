"""The users of a tenant: made by master tokens, read by those who manage them, or by themselves."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from tenants.queries.subject_details import SubjectFilter
from tokens import users
from tokens.answers import NO_STORE, Answer
from tokens.callers import find_caller, find_self
from tokens.endpoints import user_documents
from tokens.endpoints.document_view import DocumentView
from tokens.errors import UserNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON
    from tokens.endpoints.document_view import Core
    from tokens.parameters import EndpointRequest


def create_user(request: EndpointRequest) -> Answer:
    """Make a user; a master token gets the user's first token with it."""
    caller = find_caller(request)
    made = users.add_user(request, caller, *user_documents.read_new_user(request))
    document: dict[str, JSON] = {"user": user_documents.write_user(made.user, caller)}
    location = f"{request.tenant.issuer}/users/{made.user.id}"
    headers = {**NO_STORE, "Location": location}
    return Answer({**document, **made.answer}, HTTPStatus.CREATED, headers)


def list_users(request: EndpointRequest) -> Answer:
    """List users, a page at a time."""
    caller = find_caller(request)
    after, size = user_documents.read_page(request)
    parameters = request.parameters
    wanted = SubjectFilter(
        groups=caller.user_groups,
        external_id=parameters.get("external_id"),
        email=parameters.get("email"),
    )
    found = users.list_users(request, caller, wanted, after=after, limit=size + 1)
    items: list[JSON] = [user_documents.write_user(user, caller) for user in found]
    last = found[size - 1].id if len(found) > size else None
    return Answer(user_documents.write_page(items, last, size=size))


def read_user(request: EndpointRequest) -> Answer:
    """Read one user."""
    caller = find_caller(request)
    user_id = user_documents.read_id(request.parameters.require("user_id"))
    user = users.find_user(request, caller, user_id)
    return Answer(user_documents.write_user(user, caller))


def read_me(request: EndpointRequest) -> Answer:
    """Say who the presented token speaks for, and what it may do.

    Raises:
        UserNotFound: it speaks for no user.
    """
    caller = find_self(request)
    held = user_documents.write_held_token(caller)
    if held is None or caller.subject_id is None:
        raise UserNotFound("This token speaks for no user.")
    user = users.find_user(request, caller, caller.subject_id)
    return Answer({**user_documents.write_user(user, caller), **held})


class UsersView(DocumentView):
    """`/users`."""

    operation: ClassVar[str] = "users"
    http_method_names = ["get", "post", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"GET": list_users, "POST": create_user}


class UserView(DocumentView):
    """`/users/{id}`."""

    operation: ClassVar[str] = "users"
    http_method_names = ["get", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"GET": read_user}


class MeView(DocumentView):
    """`/me`."""

    operation: ClassVar[str] = "me"
    http_method_names = ["get", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"GET": read_me}
