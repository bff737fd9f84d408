"""The part of a form that every level of the token settings shares."""

from __future__ import annotations

from typing import Any

LIFETIMES: Any = (
    "Lifetimes",
    {
        "classes": ("collapse",),
        "description": "In seconds. An empty field leaves the decision to the level above; "
        "a maximum binds every level below.",
        "fields": (
            ("access_token_lifetime_seconds", "max_access_token_lifetime_seconds"),
            ("refresh_token_lifetime_seconds", "max_refresh_token_lifetime_seconds"),
            ("refresh_token_idle_lifetime_seconds", "max_refresh_token_idle_lifetime_seconds"),
        ),
    },
)
TOKEN_CHOICES = ("access_token_format", "claim_profile")
