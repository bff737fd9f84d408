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
        _("Open it again, then send it again. Your browser must accept cookies."),
    ),
    "stale_request": (
        _("This took too long"),
        _("Go back to the application you came from and begin again."),
    ),
    "not_offered": (
        _("Not offered here"),
        _("This way to sign in is not offered. Go back and choose another one."),
    ),
    "vouched_elsewhere": (
        _("Sign in another way first"),
        _(
            "Your identity provider signed you in. Sign in with a password or an e-mail link "
            "of your own before you add a new way to sign in."
        ),
    ),
    "wrong_credentials": (
        _("You can't sign in"),
        _("Go back and try again, or ask for help."),
    ),
    "passkey_refused": (
        _("This passkey does not work here"),
        _("It is not known here, or it took too long. Go back and try again."),
    ),
    "provider_refused": (
        _("You are not signed in"),
        _("The provider did not sign you in. Try again, or choose another way."),
    ),
    "provider_unknown": (
        _("You have no account here"),
        _("The provider knows you, but nobody here does. Ask whoever runs this service."),
    ),
    "provider_unavailable": (
        _("No answer from the provider"),
        _("It could not confirm who you are. Try again in a minute, or choose another way."),
    ),
    "link_dead": (
        _("This link does not work any more"),
        _("It was used already, or is too old. Ask for a new one."),
    ),
    "other_browser": (
        _("Open the link in the other browser"),
        _(
            "The link works only in the browser in which you asked for it. Copy its address there, "
            "or ask for a new link here."
        ),
    ),
    "too_large": (_("Too much at once"), _("The request is too large. Begin again.")),
    "too_many": (_("Too many attempts"), _("Wait a moment, then try again.")),
    "unavailable": (
        _("Not available right now"),
        _("The service can't answer for the moment. Try again in a minute."),
    ),
    "unreadable_request": (
        _("This link is broken"),
        _("Go back to the application you came from, and tell its makers if it happens again."),
    ),
    "unknown_client": (
        _("Unknown application"),
        _("The application you came from is not known here, or was switched off."),
    ),
    "client_document": (
        _("This application can't be checked"),
        _(
            "What it says of itself could not be read. Try again later, and tell its makers if "
            "it happens again."
        ),
    ),
    "unknown_redirect_uri": (
        _("Unknown way back"),
        _("The application wants to be answered at an address that is not registered for it."),
    ),
    "missing_redirect_uri": (
        _("No way back"),
        _("The application does not say at which of its addresses it wants to be answered."),
    ),
    "device_not_allowed": (
        _("This device can't be connected"),
        _("Your account may not give it what it asks for. Ask whoever runs the application."),
    ),
    "too_many_sessions": (
        _("Signed in too often"),
        _("You can't be signed in there more often. End one of your sessions, then try again."),
    ),
    "unexpected": (_("Something went wrong here"), _("Try again later, or tell the support.")),
    "bad_logout": (
        _("You are not signed out"),
        _("The application's request to sign you out is wrong. You can sign out by yourself."),
    ),
    "bad_logout_address": (
        _("You are not signed out"),
        _("The application wants to send you to an address that it has not registered."),
    ),
}
