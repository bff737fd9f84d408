"""What all endpoints share: from an HTTP request to a call of the core, and back.

Django REST Framework contributes method routing and error handling; negotiation, parsing and
rendering are fixed by the RFCs and so are left out.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import orjson
from django.http import HttpResponse
from django.http.request import UnreadablePostError
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.views import APIView

from tenants import snapshot
from tenants.policy_document import ALLOWED_HEADERS
from tokens import error_handler, limits
from tokens.answers import NO_STORE, Answer
from tokens.endpoints import cross_origin
from tokens.errors import InvalidRequest, IssuerNotFound
from tokens.parameters import MAX_BODY_BYTES, EndpointRequest, Parameters, read_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest
    from rest_framework.request import Request
    from rest_framework.response import Response

    from tenants.records import TenantSnapshot

MAX_USER_AGENT_CHARACTERS = 200
JWT_TYPE = "application/jwt"  # RFC 7519 section 10.3.1


class HTTPRequest(Protocol):
    """What an endpoint reads of a request: variables, method and body."""

    META: dict[str, Any]
    method: str | None

    def read(self, limit: int, /) -> bytes:
        """Read the body up to a limit."""


MAX_HEADER_CHARACTERS = 200
# The headers of the request document, and where WSGI leaves them. Source: PEP 3333.
HEADER_VARIABLES = tuple(
    (name, "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}")
    for name in sorted(ALLOWED_HEADERS)
)
# Where the wiring leaves the id that the answer carries as X-Request-Id.
REQUEST_ID = "authplatform.request_id"


class EndpointView(APIView):
    """An endpoint of a tenant; a subclass names its methods and how a request is answered."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ["post", "options"]
    operation: ClassVar[str] = ""
    is_cross_origin: ClassVar[bool] = False
    reads_body: ClassVar[bool] = True

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer the request; an endpoint that reads parameters brings its own."""
        raise IssuerNotFound("No such endpoint.", detail=request.tenant.path)

    def is_served(self, _tenant: TenantSnapshot) -> bool:
        """Say whether the tenant has this endpoint."""
        return True

    def allows_json(self, tenant: TenantSnapshot) -> bool:
        """Say whether the tenant takes JSON bodies here."""
        return tenant.allow_json_token_requests

    def read_parameters(self, body: bytes, content_type: str, tenant: TenantSnapshot) -> Parameters:
        """Read a form, or JSON where the tenant takes it."""
        return read_parameters(body, content_type, allow_json=self.allows_json(tenant))

    def post(self, request: HttpRequest, issuer: str, api: str = "") -> HttpResponse:
        """Read the request, call the core, write the answer."""
        return write_answer(self.answer_http(request, issuer, api))

    def options(  # type: ignore[override]  # nothing of DRF's request and response is used.
        self, request: HttpRequest, issuer: str, **_fixed: str
    ) -> HttpResponse:
        """Answer a preflight of a browser. Source: Fetch standard, CORS protocol."""
        tenant = self._find_tenant(issuer)
        headers = cross_origin.preflight_headers(request, tenant) if self.is_cross_origin else {}
        return HttpResponse(status=204, headers={"Allow": self._allow(), **headers})

    def answer_http(self, request: HTTPRequest, issuer: str, api: str = "") -> Answer:
        """Read a request, whoever received it, and answer it."""
        number = snapshot.CURRENT.confirm()
        tenant = self._find_tenant(issuer)
        read: EndpointRequest | None = None
        try:
            limits.admit_address(tenant, request.META.get("REMOTE_ADDR", ""))
            parameters = self._read_parameters(request, tenant)
            read = _describe(request, tenant, parameters, number=number, api=api)
            answer = self.answer(read)
        except Exception as error:  # noqa: BLE001 - the handler maps each and logs the unknown.
            # What could not be read is refused in the tenant's name all the same.
            read = read or _describe(request, tenant, Parameters(), number=number, api=api)
            answer = self.refuse(error, read)
        if self.is_cross_origin and "HTTP_ORIGIN" in request.META:
            return self.allow_origin(request, read, answer)
        return answer

    def refuse(self, error: Exception, request: EndpointRequest) -> Answer:
        """Answer what went wrong, and record it."""
        return error_handler.answer_refusal(error, request, operation=self.operation)

    def allow_origin(self, request: HTTPRequest, read: EndpointRequest, answer: Answer) -> Answer:
        """Let the origins of the client that asked read the answer."""
        return cross_origin.allow_origin(request, read, answer)

    def _find_tenant(self, issuer: str) -> TenantSnapshot:
        tenant = find_tenant(issuer)
        if not self.is_served(tenant):
            raise IssuerNotFound("No such endpoint.")
        return tenant

    def _allow(self) -> str:
        return ", ".join(name.upper() for name in self.http_method_names)

    def _read_parameters(self, request: HTTPRequest, tenant: TenantSnapshot) -> Parameters:
        if not self.reads_body:
            return Parameters()
        if request.META.get("QUERY_STRING") and "access_token=" in request.META["QUERY_STRING"]:
            raise InvalidRequest("Tokens in the query string are refused; use a header.")
        content_type = request.META.get("CONTENT_TYPE", "")
        return self.read_parameters(read_body(request), content_type, tenant)

    # The parts of Django REST Framework that these endpoints have no use for.

    def initialize_request(self, request: HttpRequest, *_args: object, **_named: object) -> Request:
        """Leave Django's request as it is."""
        return request  # type: ignore[return-value]  # nothing of DRF's request is used.

    def initial(self, *_args: object, **_named: object) -> None:
        """Skip negotiation, authentication, permissions and throttles."""

    def finalize_response(
        self,
        request: Request,  # noqa: ARG002 - the framework's signature, as are the two below.
        response: Response,
        *args: object,  # noqa: ARG002
        **kwargs: object,  # noqa: ARG002
    ) -> Response:
        """Leave the response as it is."""
        return response

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Add no headers of DRF's."""
        return {}

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # as above.
        """Answer what went wrong before the core was reached."""
        if isinstance(exc, MethodNotAllowed):
            allow = self._allow()
            body = {"error": "invalid_request", "error_description": f"Use {allow}."}
            return write_answer(Answer(body, 405, {**NO_STORE, "Allow": allow}))
        return write_answer(error_handler.answer_error(exc))


def _describe(
    request: HTTPRequest, tenant: TenantSnapshot, parameters: Parameters, *, number: int, api: str
) -> EndpointRequest:
    meta = request.META
    return EndpointRequest(
        tenant=tenant,
        parameters=parameters,
        now=time.time(),
        cut_off_number=number,
        authorization=meta.get("HTTP_AUTHORIZATION", ""),
        address=meta.get("REMOTE_ADDR", ""),
        user_agent=meta.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT_CHARACTERS],
        api_slug=api,
        request_id=meta.get(REQUEST_ID, ""),
        method=request.method or "",
        headers=read_headers(meta),
    )


def read_headers(meta: Mapping[str, str]) -> dict[str, str]:
    """Read the headers that policies may look at, each bounded."""
    return {
        name: meta[variable][:MAX_HEADER_CHARACTERS]
        for name, variable in HEADER_VARIABLES
        if meta.get(variable)
    }


def find_tenant(issuer: str) -> TenantSnapshot:
    """Answer the enabled tenant of an issuer path.

    Raises:
        IssuerNotFound: there is none, or it is disabled.
    """
    tenant = snapshot.CURRENT.tenant(issuer)
    if tenant is None or not tenant.is_enabled:
        raise IssuerNotFound("No tenant serves this issuer.")
    return tenant


def find_confirmed_tenant(issuer: str) -> TenantSnapshot:
    """Answer the tenant, unless this process may have missed a change for too long.

    Raises:
        IssuerNotFound: there is none, or it is disabled.
        SnapshotUnconfirmed: the configuration has been unconfirmed for 5 seconds.
    """
    snapshot.CURRENT.confirm()
    return find_tenant(issuer)


def read_body(request: HTTPRequest) -> bytes:
    """Read at most as many bytes as an endpoint takes, and one more to notice the excess.

    Raises:
        InvalidRequest: the caller went away while sending.
    """
    try:
        return request.read(MAX_BODY_BYTES + 1)
    except UnreadablePostError as error:
        raise InvalidRequest("The body could not be read.") from error


def write_answer(answer: Answer) -> HttpResponse:
    """Write an answer as JSON, or as the JWT that it brings."""
    if answer.jwt:
        return HttpResponse(
            answer.jwt,
            status=answer.status,
            headers=dict(answer.headers),
            content_type=JWT_TYPE,
        )
    content = b"" if answer.body is None else orjson.dumps(answer.body)
    response = HttpResponse(content, status=answer.status, headers=dict(answer.headers))
    if answer.body is None:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = "application/json"
    return response
