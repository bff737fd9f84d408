"""What the documents of all entities share: unknown members are mistakes."""

from __future__ import annotations

from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model
from rest_framework import serializers

from tenants.api import problems
from tenants.api.problems import Problem
from tenants.errors import InvalidEntity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rest_framework.request import Request

ModelType = TypeVar("ModelType", bound=Model)
MAX_NAMED = 10
MAX_NAME_CHARACTERS = 60


class Document(serializers.Serializer[ModelType]):
    """A JSON object with the members that it declares and no other."""

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401 - what the caller sent.
        """Refuse unknown and read-only members, naming the nearest one that there is."""
        if isinstance(data, dict):
            writable = [name for name, field in self.fields.items() if not field.read_only]
            unknown = [name for name in data if name not in writable]
            if unknown:
                raise serializers.ValidationError(
                    {_shorten(name): _explain(name, writable) for name in unknown[:MAX_NAMED]}
                )
        return super().to_internal_value(data)


def read_body(
    request: Request, document: type[Document[ModelType]], *, is_partial: bool = False
) -> dict[str, Any]:
    """Read the request's body as that document.

    Raises:
        ValidationError: naming each wrong member.
    """
    reader = document(data=request.data, partial=is_partial)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def read_query(request: Request, document: type[Document[ModelType]]) -> dict[str, Any]:
    """Read the query parameters as that document.

    Raises:
        Problem: one of them is unknown, repeated or wrong.
    """
    lists = dict(request.query_params.lists())
    repeated = [name for name, values in lists.items() if len(values) > 1]
    if repeated:
        _refuse({_shorten(name): ["Send it once."] for name in repeated[:MAX_NAMED]})
    reader = document(data={name: values[0] for name, values in lists.items()})
    if not reader.is_valid():
        _refuse({name: [str(text) for text in texts] for name, texts in reader.errors.items()})
    return dict(reader.validated_data)


@contextmanager
def renamed_members(names: Mapping[str, str]) -> Iterator[None]:
    """Name the members of a service's refusal as the document does."""
    try:
        yield
    except InvalidEntity as error:
        messages = {names.get(name, name): texts for name, texts in error.messages.items()}
        raise InvalidEntity(messages) from error


def _refuse(errors: Mapping[str, list[str]]) -> None:
    raise Problem(
        problems.INVALID_PARAMETER, "Correct the parameters that `errors` names.", errors=errors
    )


def _explain(name: str, writable: list[str]) -> list[str]:
    nearest = get_close_matches(name[:MAX_NAME_CHARACTERS], writable, n=1)
    question = f" Did you mean {nearest[0]}?" if nearest else ""
    return [f"This can't be set.{question}"]


def _shorten(name: str) -> str:
    return name[:MAX_NAME_CHARACTERS]
