"""What pages say where something can't be done: a title, and a sentence that says what to do."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

SENTENCES: Final = {
    "not_found": (_("Nothing here"), _("This address leads nowhere. Check the link you followed.")),
    "method": (_("Not like this"), _("Open this page from a link, not from a form.")),
    "foreign_form": (
        _("That form was not ours"),
        _("It was sent by another website. Go back and open this page yourself."),
    ),
    "stale_form": (
        _("This page is too old"),
        _("Reload it and try again. Your browser must accept cookies."),
    ),
    "stale_request": (
        _("This took too long"),
        _("Go back to the application you came from and begin again."),
    ),
    "too_large": (_("Too much at once"), _("The request is too large. Begin again.")),
    "too_many": (_("Too many attempts"), _("Wait a moment, then try again.")),
    "unavailable": (
        _("Not available right now"),
        _("The service can't answer for the moment. Try again in a minute."),
    ),
    "unexpected": (_("Something went wrong here"), _("Try again later, or tell the support.")),
}
