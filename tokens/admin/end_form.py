"""The form that asks why something ends."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.audit import MAX_REASON_LENGTH


class EndForm(forms.Form):
    """Why it ends: asked always, kept with the record."""

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget({"autofocus": ""}),
        help_text="Such as a ticket. It is kept with the record and not shown to the client.",
    )
