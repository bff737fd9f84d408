"""What pages share to which a link in a mail leads: looking at them does nothing.

Mail scanners open links before people do, so only the page's form uses a link up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokens import email_link_store
from tokens.front_channel import arrivals
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.page import Page
from tokens.link_mails import PARAMETER

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tokens.email_link_store import FoundLink
    from tokens.front_channel.page import Visit


class FollowedLinkPage(Page):
    """A page that a mailed link of one purpose opens, in the browser that asked for it."""

    purpose: ClassVar[str]

    def render_link(self, visit: Visit, link: FoundLink) -> HttpResponse:
        """Show what following the link will do, with the form that does it."""
        raise NotImplementedError

    def follow(self, visit: Visit, link: FoundLink) -> HttpResponse:
        """Do it."""
        raise NotImplementedError

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Show the page."""
        return self.render_link(visit, self._find(visit))

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Take the page's form."""
        return self.follow(visit, self._find(visit))

    @staticmethod
    def use(visit: Visit, link: FoundLink) -> None:
        """Use the link up.

        Raises:
            PageRefused: somebody was faster.
        """
        if not email_link_store.use(link, now=visit.now):
            raise PageRefused("link_dead", status=410)

    @staticmethod
    def form_targets(visit: Visit, link: FoundLink) -> tuple[str, ...]:
        """Answer where the redirects after the form may end."""
        return arrivals.describe(visit, link.sealed_request).form_targets

    def _find(self, visit: Visit) -> FoundLink:
        """Find the link, and who follows it.

        Raises:
            PageRefused: it is not alive, is for something else, or this is not the browser.
        """
        text = visit.request.GET.get(PARAMETER, "")
        link = email_link_store.find(visit.tenant.id, text, now=visit.now)
        if link is None or link.purpose != self.purpose:
            raise PageRefused("link_dead", status=410)
        if not link.is_followed_by(visit.browser):
            raise PageRefused("other_browser", status=403)
        return link
