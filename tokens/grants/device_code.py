"""A device asks whether its person has agreed meanwhile. Source: RFC 8628 section 3.4."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NoReturn

from tenants.records import AccessRequest, ConsumedGrant, GrantType
from tokens import device_codes, sessions, token_store
from tokens.agreed_scopes import select_scopes, vouched_scopes
from tokens.errors import (
    AuthorizationPending,
    DeviceDenied,
    ExpiredToken,
    InvalidGrant,
    SlowDown,
)
from tokens.session_store import DEVICE, OFFLINE_ACCESS

if TYPE_CHECKING:
    from tenants.records import Authentication, ClientRecord, SubjectRecord
    from tokens.device_codes import PolledDevice
    from tokens.parameters import EndpointRequest

logger = logging.getLogger(__name__)

GRANT_TYPE: Final = GrantType.DEVICE_CODE.value
EXPIRED: Final = "expired"
REFUSAL: Final = (
    "The device code is invalid, already used, ended, or another client's. Begin again at the "
    "device authorization endpoint."
)
PENDING: Final = "The person has not decided yet; ask again after the interval."
TOO_OFTEN: Final = "The person has not decided yet; from now on wait 5 seconds longer each time."
TOO_LATE: Final = "Nobody decided in time. Begin again at the device authorization endpoint."
DENIED: Final = "The person did not agree."


def request_access(request: EndpointRequest, client: ClientRecord) -> AccessRequest:
    """Ask for what the person agreed to; the code is used up only when the tokens are stored.

    Raises:
        AuthorizationPending: nobody has decided yet.
        SlowDown: nobody has, and the device asks too often.
        DeviceDenied: the person said no.
        ExpiredToken: nobody decided in time.
        InvalidGrant: the code is no good.
    """
    text = request.parameters.require("device_code")
    device = device_codes.poll(request.tenant.id, client, text, now=request.now)
    if device is None:
        raise InvalidGrant(REFUSAL, detail="unknown device code, or another client's")
    subject, authentication = _read_approval(request, device)
    agreed = frozenset(device.scopes)
    vouched = vouched_scopes(request.tenant, device.trust_profile_id)
    return AccessRequest(
        grant_type=GRANT_TYPE,
        client=client,
        subject=subject,
        requested_scopes=select_scopes(request.tenant, device.scopes, request.requested_audiences),
        requested_audiences=request.requested_audiences,
        api_slug=_select_api(request, device),
        usage_limit=request.requested_usage_limit,
        scope_ceiling=agreed if vouched is None else agreed & vouched,
        audience_ceiling=frozenset(device.audiences),
        expires_at_ceiling=_offline_end(request, client, device),
        trust_profile_id=device.trust_profile_id,
        address=request.address,
        user_agent=request.user_agent,
        groups=subject.groups,
        method=request.method,
        headers=request.headers,
        now=request.now,
        authentication=authentication,
        consumed=ConsumedGrant(DEVICE, device.id, token_store.new_id()),
    )


def _read_approval(
    request: EndpointRequest, device: PolledDevice
) -> tuple[SubjectRecord, Authentication]:
    """Answer who has agreed, or say what keeps the device from its tokens."""
    if device.status == "used":
        _end_what_came_of(request, device)
    if device.status == "denied":
        raise DeviceDenied(DENIED, detail=f"device code {device.id}")
    if device.death == EXPIRED:
        raise ExpiredToken(TOO_LATE, detail=f"device code {device.id}")
    if device.death:
        raise InvalidGrant(REFUSAL, detail=f"device code {device.id}: {device.death}")
    if device.is_early:
        raise SlowDown(TOO_OFTEN, detail=f"device code {device.id}")
    if device.subject is None or device.authentication is None:
        raise AuthorizationPending(PENDING, detail=f"device code {device.id}")
    return device.subject, device.authentication


def _end_what_came_of(request: EndpointRequest, device: PolledDevice) -> NoReturn:
    """End every token that came of a code which is presented again, as for other codes.

    Raises:
        InvalidGrant: always.
    """
    if device.session_id is not None:
        sessions.end_session(request.tenant.id, device.session_id, ended_reason="reuse")
    logger.warning("device code reused", extra={"session_id": str(device.session_id)})
    raise InvalidGrant(REFUSAL, detail=f"device code {device.id}: reused")


def _select_api(request: EndpointRequest, device: PolledDevice) -> str:
    """Hold the Api of this endpoint against the one at which the device began."""
    if device.api_slug and request.api_slug not in {"", device.api_slug}:
        raise InvalidGrant(REFUSAL, detail=f"device code {device.id}: of the Api {device.api_slug}")
    return device.api_slug or request.api_slug


def _offline_end(
    request: EndpointRequest, client: ClientRecord, device: PolledDevice
) -> int | None:
    """Answer when offline access ends, in seconds since the epoch: the first time on offer.

    The page for devices tells it and gives no choice, so nobody has chosen longer.
    """
    choices = client.interactive.offline_lifetimes_seconds
    if not choices or OFFLINE_ACCESS not in device.scopes:
        return None
    return int(request.now) + min(choices)
