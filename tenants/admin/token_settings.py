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
LIMITS: Any = (
    "Limits",
    {
        "classes": ("collapse",),
        "description": "How many requests may be sent, and how many at once. An empty field leaves "
        "the decision to the level above; a maximum binds every level below.",
        "fields": (
            ("client_requests_per_minute", "max_client_requests_per_minute"),
            ("client_request_burst", "max_client_request_burst"),
            ("address_requests_per_minute", "max_address_requests_per_minute"),
            ("address_request_burst", "max_address_request_burst"),
        ),
    },
)
CLIENT_LIMITS: Any = (
    "Limits",
    {
        "classes": ("collapse",),
        "description": "Beyond these the client is told to wait. An empty field leaves the "
        "decision to the tenant.",
        "fields": (("client_requests_per_minute", "client_request_burst"),),
    },
)
TOKEN_CHOICES = ("access_token_format", "claim_profile")
