"""The forms of a client: a short one for a new client, and one for a new secret."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from tenants.admin.forms import EntityForm
from tenants.models import Client

if TYPE_CHECKING:
    from collections.abc import Collection

Method = Client.AuthenticationMethod
SECRET_METHODS = frozenset((Method.CLIENT_SECRET_BASIC, Method.CLIENT_SECRET_POST))
NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")
MAX_SLUG_LENGTH = 63
LIFETIMES_IN_DAYS = (
    ("", "never"),
    ("30", "in 30 days"),
    ("90", "in 90 days"),
    ("365", "in a year"),
)


def todays_label() -> str:
    """Name a new secret by today's date."""
    return timezone.localdate().isoformat()


def suggest_label(taken: Collection[str]) -> str:
    """Name a new secret by today's date, numbered where the client has one of today."""
    today = todays_label()
    names = (today, *(f"{today} ({number})" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def make_slug(client_id: str) -> str:
    """Write a client_id as the slug of its first access policy."""
    return NOT_IN_SLUGS.sub("-", client_id.lower()).strip("-")[:MAX_SLUG_LENGTH].strip("-")


class NewClientForm(EntityForm):
    """A new client with all that its first token needs."""

    allow_client = forms.BooleanField(
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        label="Allow this client",
        help_text="Writes its first access policy: it may get tokens for every scope you give it. "
        "Without any policy it gets none.",
    )


class NewSecretForm(forms.Form):
    """A new secret beside those that the client has."""

    label = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="To tell it apart from the client's other secrets.",
    )
    expires_in_days = forms.ChoiceField(
        required=False,
        choices=LIFETIMES_IN_DAYS,
        widget=UnfoldAdminSelectWidget,
        label="Expires",
        help_text="All secrets work side by side until they expire or are removed.",
    )

    @property
    def expires_at(self) -> Any:  # noqa: ANN401 - a moment, or None for never.
        """When the secret expires."""
        days = self.cleaned_data["expires_in_days"]
        return timezone.now() + timedelta(days=int(days)) if days else None
