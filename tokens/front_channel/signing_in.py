"""What follows when a person has proven who they are, by whatever means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tokens import sign_ins
from tokens.front_channel import continuations, cookies
from tokens.front_channel.errors import PageRefused
from tokens.sign_out import sign_out

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tokens.front_channel.page import Visit
    from tokens.sign_ins import Proof

ACCOUNT: Final = "account"
REPLACED: Final = "replaced"


def complete(visit: Visit, proof: Proof, sealed: str, *, number: int | None = None) -> HttpResponse:
    """Sign a person in and send them on: to the sealed continuation, else to their account.

    The same person proves themselves anew; somebody else takes the browser over. Either way the
    cookie and the browser's secret are new, so whatever was planted before is worth nothing. A
    `number` is that of the cut-off which has just ended the person's sign-ins.

    Raises:
        PageRefused: the continuation is stale, or the person was disabled meanwhile.
    """
    address = find_address(visit, sealed)
    text = _prove_again(visit, proof) if number is None else None
    if text is None:
        text = _begin(visit, proof, visit.number if number is None else number)
    visit.browser, visit.is_new_browser = cookies.make_browser(), True
    response = visit.redirect(address)
    cookies.set_sign_in(response, visit.tenant, text)
    return response


def find_address(visit: Visit, sealed: str) -> str:
    """Answer where a person goes on after signing in.

    Raises:
        PageRefused: the continuation is stale or was changed.
    """
    if not sealed:
        return visit.address_of(ACCOUNT)
    continuation = continuations.unseal(visit.tenant, sealed)
    return continuations.address_of(visit.tenant, continuation)


def _prove_again(visit: Visit, proof: Proof) -> str | None:
    known = visit.sign_in
    if known is None or known.subject_id != proof.subject_id:
        return None
    return sign_ins.prove_again(visit.tenant, known.id, proof, number=visit.number, now=visit.now)


def _begin(visit: Visit, proof: Proof, number: int) -> str:
    if visit.sign_in is not None:
        sign_out(visit.tenant.id, visit.sign_in.id, ended_reason=REPLACED, now=visit.now)
    text = sign_ins.begin(visit.tenant, proof, number=number, now=visit.now)
    if text is None:
        raise PageRefused("wrong_credentials", status=403)
    return text
