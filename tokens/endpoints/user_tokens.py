"""The tokens and consents of one user: an empty list is an answer, an unknown user is none."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from tokens import user_tokens, users
from tokens.answers import Answer
from tokens.callers import find_caller
from tokens.endpoints import user_documents
from tokens.endpoints.document_view import DocumentView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from tenants.records import JSON
    from tokens.endpoints.document_view import Core
    from tokens.parameters import EndpointRequest

ENDED = Answer(None, HTTPStatus.NO_CONTENT)


def _id_of(request: EndpointRequest, name: str = "user_id") -> UUID:
    return user_documents.read_id(request.parameters.require(name))


def create_token(request: EndpointRequest) -> Answer:
    """Issue a token for a user who exists."""
    caller = find_caller(request)
    wanted = user_documents.read_wanted_token(request)
    answer = users.add_token(request, caller, _id_of(request), wanted)
    return Answer(answer, HTTPStatus.CREATED)


def list_tokens(request: EndpointRequest) -> Answer:
    """List a user's living tokens, a page at a time."""
    caller = find_caller(request)
    after, size = user_documents.read_page(request)
    found = user_tokens.list_tokens(request, caller, _id_of(request), after=after, limit=size + 1)
    items: list[JSON] = [user_documents.write_token(token) for token in found]
    last = found[size - 1].id if len(found) > size else None
    return Answer(user_documents.write_page(items, last, size=size))


def read_token(request: EndpointRequest) -> Answer:
    """Read what is known about one living token."""
    caller = find_caller(request)
    found = user_tokens.find_token(request, caller, _id_of(request), _id_of(request, "token_id"))
    return Answer(user_documents.write_token(found))


def end_tokens(request: EndpointRequest) -> Answer:
    """End every token and session of a user."""
    caller = find_caller(request)
    user_tokens.end_all_tokens(request, caller, _id_of(request))
    return ENDED


def end_token(request: EndpointRequest) -> Answer:
    """End one token, with its session."""
    caller = find_caller(request)
    user_tokens.end_token(request, caller, _id_of(request), _id_of(request, "token_id"))
    return ENDED


def list_consents(request: EndpointRequest) -> Answer:
    """List what a user has agreed to."""
    caller = find_caller(request)
    found = user_tokens.list_consents(request, caller, _id_of(request))
    return Answer({"items": [user_documents.write_consent(consent) for consent in found]})


def withdraw_consents(request: EndpointRequest) -> Answer:
    """Withdraw everything that a user has agreed to."""
    caller = find_caller(request)
    user_tokens.withdraw_all_consents(request, caller, _id_of(request))
    return ENDED


def withdraw_consent(request: EndpointRequest) -> Answer:
    """Withdraw one consent, and end what came of it."""
    caller = find_caller(request)
    consent_id = _id_of(request, "consent_id")
    user_tokens.withdraw_consent(request, caller, _id_of(request), consent_id)
    return ENDED


class UserTokensView(DocumentView):
    """`/users/{id}/tokens`."""

    operation: ClassVar[str] = "user_tokens"
    http_method_names = ["get", "post", "delete", "options"]
    cores: ClassVar[Mapping[str, Core]] = {
        "GET": list_tokens,
        "POST": create_token,
        "DELETE": end_tokens,
    }


class UserTokenView(DocumentView):
    """`/users/{id}/tokens/{jti}`."""

    operation: ClassVar[str] = "user_tokens"
    http_method_names = ["get", "delete", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"GET": read_token, "DELETE": end_token}


class UserConsentsView(DocumentView):
    """`/users/{id}/consents`."""

    operation: ClassVar[str] = "user_consents"
    http_method_names = ["get", "delete", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"GET": list_consents, "DELETE": withdraw_consents}


class UserConsentView(DocumentView):
    """`/users/{id}/consents/{consent}`."""

    operation: ClassVar[str] = "user_consents"
    http_method_names = ["delete", "options"]
    cores: ClassVar[Mapping[str, Core]] = {"DELETE": withdraw_consent}
