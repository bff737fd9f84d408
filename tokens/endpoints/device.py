"""A device without browser asks for two codes: one for itself, one for its person to type.

Source: RFC 8628 section 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from tenants.records import AccessRequest, GrantType
from tokens import device_codes
from tokens.answers import Answer
from tokens.client_authentication import authenticate
from tokens.device_codes import INTERVAL_SECONDS, LIFETIME_SECONDS, NewDevice, TooManyPending
from tokens.endpoints.view import EndpointView
from tokens.errors import RateLimited
from tokens.front_channel.authorization_decisions import OF_PERSONS
from tokens.limits.devices import admit_device
from tokens.refusals import raise_denied
from tokens.remembered_decisions import decide

if TYPE_CHECKING:
    from tenants.records import ClientRecord
    from tokens.device_codes import IssuedCodes
    from tokens.parameters import EndpointRequest

PAGE: Final = "device"
USER_CODE: Final = "user_code"
TOO_MANY_PENDING: Final = "Too many devices of this client wait for a person; try again later."
RETRY_SECONDS: Final = 60


def answer_device_authorization(request: EndpointRequest) -> Answer:
    """Say who asks; judge what no person could change; make the codes.

    Raises:
        OAuthError: the client may not ask for this.
        RateLimited: too many devices of the client wait.
    """
    client = authenticate(request)
    admit_device(request.tenant, client, request.address)
    _check(request, client)
    issued = _make_codes(request, client)
    page = f"{request.tenant.issuer}/{PAGE}"
    return Answer(
        {
            "device_code": issued.device_code,
            "user_code": issued.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{USER_CODE}={issued.user_code}",
            "expires_in": LIFETIME_SECONDS,
            "interval": INTERVAL_SECONDS,
        }
    )


def _check(request: EndpointRequest, client: ClientRecord) -> None:
    """Refuse now what would be refused whoever approved it."""
    asked = AccessRequest(
        grant_type=GrantType.DEVICE_CODE.value,
        client=client,
        requested_scopes=request.requested_scopes,
        requested_audiences=request.requested_audiences,
        api_slug=request.api_slug,
        address=request.address,
        user_agent=request.user_agent,
        method=request.method,
        headers=request.headers,
        now=request.now,
    )
    decision = decide(asked, request.tenant)
    if not decision.is_allowed and decision.refusal.name not in OF_PERSONS:
        raise_denied(asked, decision)


def _make_codes(request: EndpointRequest, client: ClientRecord) -> IssuedCodes:
    """Store what is asked for; names that are narrowed away are not worth keeping."""
    known = request.tenant.scopes
    device = NewDevice(
        client_id=client.id,
        api_slug=request.api_slug,
        scopes=tuple(name for name in request.requested_scopes or () if name in known),
        audiences=request.requested_audiences,
        address=request.address,
        user_agent=request.user_agent,
        cut_off_number=request.cut_off_number,
    )
    try:
        return device_codes.make_codes(request.tenant, device, now=request.now)
    except TooManyPending as error:
        raise RateLimited(
            TOO_MANY_PENDING, detail=str(error), retry_after_seconds=RETRY_SECONDS
        ) from error


class DeviceAuthorizationView(EndpointView):
    """`/oauth/device`, and the same below `/apis/{api}`."""

    operation: ClassVar[str] = "device"

    def answer(self, request: EndpointRequest) -> Answer:
        """Answer by the core."""
        return answer_device_authorization(request)
