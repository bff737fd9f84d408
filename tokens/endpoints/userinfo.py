"""What a client may know of the person who signed in. Source: OpenID Connect Core section 5.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from tenants import snapshot
from tokens import gate, id_tokens, limits, userinfo
from tokens.answers import Answer
from tokens.callers import NOT_ACCEPTED, read_bearer
from tokens.endpoints import cross_origin
from tokens.endpoints.view import EndpointView, write_answer
from tokens.errors import InsufficientScope, InvalidRequest, InvalidToken
from tokens.step_up import require_assurance
from tokens.tenant_signatures import sign_claims

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from tenants.records import JSON, ClientRecord, TenantSnapshot
    from tokens.endpoints.view import HTTPRequest
    from tokens.gate import AcceptedToken
    from tokens.parameters import EndpointRequest

PARAMETER: Final = "access_token"  # RFC 6750 section 2.2
NO_PERSON: Final = "This token speaks for no person; ask for one that comes of a sign-in."
NO_OPENID: Final = "This token lacks the scope openid."
JWT: Final = "JWT"


def answer_userinfo(request: EndpointRequest) -> Answer:
    """Tell about the person, as JSON or signed as the client wants it.

    Raises:
        TokenMissing: no token is presented.
        InvalidToken: it is none of this tenant's, or none that authorises here.
        InsufficientScope: it lacks the scope openid, or speaks for nobody.
        InsufficientUserAuthentication: the person has to prove more surely who they are.
        RateLimited: the caller sends too many requests, or the same bad token again and again.
    """
    tenant = request.tenant
    text = _read_token(request)
    with limits.watch_token(tenant, text, request.address):
        token = gate.accept(tenant, text)
        client = snapshot.CURRENT.client(tenant, token.client_id) if token else None
        if token is None or client is None or client.id != token.client:
            raise InvalidToken(NOT_ACCEPTED)
    limits.admit_token(tenant, token, request.address)
    _require_person(tenant, token)
    claims = userinfo.describe_person(tenant, client, token)
    if claims is None:
        raise InvalidToken(NOT_ACCEPTED, detail="the person is gone")
    return _write(tenant, client, claims)


def _read_token(request: EndpointRequest) -> str:
    """Read the token by one method only. Source: RFC 6750 sections 2.1 and 2.2."""
    in_body = request.parameters.get(PARAMETER) if request.method == "POST" else ""
    if not in_body:
        return read_bearer(request)
    if request.authorization:
        raise InvalidRequest("Send the token in the header or in the body, not in both.")
    return in_body


def _require_person(tenant: TenantSnapshot, token: AcceptedToken) -> None:
    if token.subject_id is None:
        raise InsufficientScope(NO_PERSON)
    if id_tokens.OPENID not in token.scopes:
        raise InsufficientScope(NO_OPENID)
    require_assurance(tenant, token)


def _write(tenant: TenantSnapshot, client: ClientRecord, claims: dict[str, JSON]) -> Answer:
    """Write JSON, or a JWT for the client. Source: OpenID Connect Core section 5.3.2."""
    wanted = client.interactive.userinfo_algorithm
    if not wanted:
        return Answer(claims)
    named = {"iss": tenant.issuer, "aud": client.client_id, **claims}
    algorithm = id_tokens.choose_algorithm(tenant, wanted)
    return Answer(named, jwt=sign_claims(tenant, named, algorithm=algorithm, token_type=JWT))


class UserinfoView(EndpointView):
    """`/oauth/userinfo`."""

    operation: ClassVar[str] = "userinfo"
    http_method_names = ["get", "post", "options"]
    is_cross_origin: ClassVar[bool] = True

    def get(self, request: HttpRequest, issuer: str) -> HttpResponse:
        """Answer the bearer of a token."""
        return write_answer(self.answer_http(request, issuer))

    def allows_json(self, _tenant: TenantSnapshot) -> bool:
        """Take forms only, whatever the tenant takes elsewhere. Source: RFC 6750 section 2.2."""
        return False

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_userinfo(request)

    def allow_origin(self, request: HTTPRequest, read: EndpointRequest, answer: Answer) -> Answer:
        """Let the origins of the tenant's clients read the answer."""
        return cross_origin.allow_listed_origin(request, read, answer)
