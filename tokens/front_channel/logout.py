"""Signs people out: at once where a client shows whom it means, else when they say so.

Source: OpenID Connect RP-Initiated Logout 1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from tokens.front_channel import cookies, form_tokens
from tokens.front_channel.logout_requests import read_logout
from tokens.front_channel.page import Page
from tokens.front_channel.responses import form_target
from tokens.sign_out import SIGNED_OUT, sign_out

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tokens.front_channel.logout_requests import LogoutRequest
    from tokens.front_channel.page import Visit

PATH: Final = "oauth/logout"
QUESTION: Final = "front_channel/logout.html"
DONE: Final = "front_channel/logout_done.html"


class LogoutView(Page):
    """The end session endpoint."""

    # Source: section 2: clients may send their request by POST.
    takes_foreign_posts: ClassVar[bool] = True

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Sign out whom the client has shown to mean; ask everybody else. Source: section 2."""
        asked = read_logout(visit)
        if visit.sign_in is None or asked.means(visit):
            return _leave(visit, asked)
        context = {"client": asked.client, "address": asked.address}
        targets = (form_target(asked.address),) if asked.address else ()
        return visit.render(QUESTION, context, form_targets=targets)

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Take the answer to our question; a client's own form is looked at like its link.

        Its request came without our cookie, which a browser adds only where it follows on.
        """
        form = visit.request.POST
        if form_tokens.FIELD not in form:
            return visit.redirect(f"{visit.address_of(PATH)}?{form.urlencode()}")
        form_tokens.check(visit.request, cookies.read_browser(visit.request))
        return _leave(visit, read_logout(visit))


def _leave(visit: Visit, asked: LogoutRequest) -> HttpResponse:
    """End the sign-in and go where the client wants, or say that it is done."""
    person = visit.sign_in
    if person is not None:
        sign_in_id = person.authentication.sign_in_id
        sign_out(visit.tenant.id, sign_in_id, ended_reason=SIGNED_OUT, now=visit.now)
        visit.sign_in = None
    if asked.address:
        response = visit.redirect(asked.address)
    else:
        response = visit.render(DONE, {"client": asked.client})
    cookies.forget_sign_in(response, visit.tenant)
    return response
