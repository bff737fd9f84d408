"""Describes the management API. Source: OpenAPI 3.0.3."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.api import problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from drf_spectacular.openapi import AutoSchema
    from rest_framework.request import Request

    # Path, regular expression of the path, method, view.
    Endpoint = tuple[str, str, str, Callable[..., object]]

PREFIX: Final = "/api/v1/"
DOCUMENT_TYPE: Final = "application/vnd.oai.openapi+json"
ALWAYS: Final = (400, 401, 403, 429, 503)
BODY: Final = (413, 415, 422)
AUTHENTICATION: Final = cast("list[str]", settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"])
IF_MATCH: Final = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag that was read."
)
IF_MATCH_REQUIRED: Final = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag that was read.",
)


class ProblemDocument(serializers.Serializer[Any]):
    """What every error looks like. Source: RFC 9457 section 3."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.ChoiceField(choices=[(kind.code, kind.title) for kind in problems.ALL])
    instance = serializers.CharField(required=False, help_text="Names the request.")
    errors = serializers.DictField(  # type: ignore[assignment]  # the metaclass takes it away.
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def answers(
    status: int, document: type[serializers.Serializer[Any]] | None, *errors: int
) -> dict[Any, Any]:
    """List the answers of an operation: the good one and the problems that it may end with."""
    described: dict[Any, Any] = {status: OpenApiResponse(document, description="Done.")}
    for error in sorted({*ALWAYS, *errors}):
        titles = " / ".join(kind.title for kind in problems.ALL if kind.status == error)
        described[error, problems.MEDIA_TYPE] = OpenApiResponse(ProblemDocument, titles)
    return described


class ManagementTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as it ships.
    """Describes the bearer tokens; the class itself lives in the tokens package."""

    target_class = AUTHENTICATION[0]
    name = "managementToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """Describe the scheme. Source: RFC 6750 section 2.1."""
        del auto_schema
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of the tenant whose only audience is its management "
            "Api, issued to a client by client_credentials.",
        }


def keep_own_paths(endpoints: list[Endpoint], **_options: object) -> list[Endpoint]:
    """Leave the OAuth endpoints to their RFCs and metadata."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(PREFIX)]


@cache
def build_document() -> dict[str, Any]:
    """Build the OpenAPI document, once per process."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # the library has no types.
    document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # as above.
    return document


def write_yaml() -> str:
    """Write the document as docs/openapi.yaml holds it."""
    rendered: bytes = OpenApiYamlRenderer().render(build_document(), renderer_context={})  # type: ignore[no-untyped-call]  # as above.
    return rendered.decode()


class SchemaView(APIView):
    """The description of this API; it is public, as the documentation is."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ["get", "head"]
    schema = None

    def get(self, request: Request) -> Response:
        """Answer the OpenAPI document as JSON."""
        del request
        return Response(build_document(), content_type=DOCUMENT_TYPE)


class NothingView(APIView):
    """Every other path below the API: a problem document instead of a page."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Name no methods: there are none."""
        return {}

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Refuse whatever the method.

        Raises:
            Problem: always.
        """
        super().initial(request, *args, **kwargs)
        raise problems.Problem(problems.NOT_FOUND, "The API has no such path.")
