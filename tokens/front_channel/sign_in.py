"""The page on which people sign in, by whatever means their tenant offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tokens.front_channel import passwords, signing_in
from tokens.front_channel.arrivals import Arrival, read_arrival
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.page import Page

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tokens.front_channel.page import Visit

TEMPLATE: Final = "front_channel/sign_in.html"
IDENTIFIER: Final = "identifier"
PASSWORD: Final = "password"  # noqa: S105 - a field's name.
MAX_SHOWN_CHARACTERS: Final = 255
# Whoever comes back from a provider that was hinted at wants to choose another way.
CHOOSE: Final = "choose"


class SignInPage(Page):
    """Offers what the tenant allows and the application that waits wants."""

    def show(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Show the page, or go straight on to where the application points."""
        arrival = read_arrival(visit)
        shortcut = _find_shortcut(visit, arrival)
        if shortcut and CHOOSE not in visit.request.GET:
            return visit.redirect(f"{visit.address_of(shortcut)}{arrival.query}")
        return _render(visit, arrival, arrival.login_hint)

    def submit(self, visit: Visit, **_fixed: str) -> HttpResponse:
        """Take name and password."""
        arrival = read_arrival(visit)
        if not visit.tenant.sign_in.allows_password:
            raise PageRefused("not_offered", status=404)
        identifier = visit.request.POST.get(IDENTIFIER, "").strip()
        proof = passwords.prove(visit, identifier, visit.request.POST.get(PASSWORD, ""))
        if proof is None:
            return _render(visit, arrival, identifier, has_failed=True)
        return signing_in.complete(visit, proof, arrival.sealed)


def _find_shortcut(visit: Visit, arrival: Arrival) -> str:
    """Answer the path of the page to which the application points; empty for this one."""
    if arrival.hinted_provider is not None:
        return f"sign-in/with/{arrival.hinted_provider.slug}"
    if arrival.wants_account and visit.tenant.sign_in.allows_sign_up:
        return "sign-up"
    return ""


def _render(
    visit: Visit, arrival: Arrival, identifier: str, *, has_failed: bool = False
) -> HttpResponse:
    context = {
        "rules": visit.tenant.sign_in,
        "arrival": arrival,
        "identifier": identifier[:MAX_SHOWN_CHARACTERS],
        "has_failed": has_failed,
    }
    return visit.render(
        TEMPLATE,
        context,
        status=403 if has_failed else 200,
        form_targets=arrival.form_targets,
    )
