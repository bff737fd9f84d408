"""The part of a client's document that concerns people who sign in.

The names are those of the registry of RFC 7591 where it has one.
"""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from tenants.api.document import Document
from tenants.api.fields import Choice, Count, Flag, Seconds, Text
from tenants.api.links import LinkNames
from tenants.models import Client
from tenants.models.fields import MAX_REFRESH_TOKEN_LIFETIME_SECONDS, SigningAlgorithm
from tenants.models.interactive_client import MAX_AGE_SECONDS, MAX_OFFLINE_CHOICES, MAX_SESSIONS
from tenants.queries.managed_clients import PROFILE_LINKS

ADDRESS: Final[dict[str, Any]] = {"max_length": 500, "allow_blank": True, "required": False}
ALGORITHMS: Final = [choice for choice in SigningAlgorithm.choices if choice[0] != "HS256"]
ALGORITHM: Final[dict[str, Any]] = {"choices": ALGORITHMS, "allow_blank": True, "required": False}
INTERACTIVE_NAMES: Final = {"default_max_age_seconds": "default_max_age"}


class Durations(serializers.ListField):
    """A JSON array of durations in seconds; the service refuses repetitions."""

    child = Seconds(min_value=60, max_value=MAX_REFRESH_TOKEN_LIFETIME_SECONDS)

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - the framework's options.
        """Bound the array."""
        super().__init__(max_length=MAX_OFFLINE_CHOICES, **options)


class InteractiveDocument(Document[Client]):
    """The members of a client that sends people to sign in."""

    skip_authorization = Flag(required=False)
    client_uri = Text(**ADDRESS)
    logo_uri = Text(**ADDRESS)
    policy_uri = Text(**ADDRESS)
    tos_uri = Text(**ADDRESS)
    initiate_login_uri = Text(**ADDRESS)
    is_pkce_exempt = Flag(required=False)
    requires_offline_access = Flag(required=False)
    offline_lifetimes_seconds = Durations(required=False)
    subject_type = Choice(choices=Client.SubjectType.choices, required=False)
    sector_identifier = Text(max_length=253, allow_blank=True, required=False)
    id_token_signed_response_alg = Choice(**ALGORITHM)
    userinfo_signed_response_alg = Choice(**ALGORITHM)
    default_max_age = Seconds(
        source="default_max_age_seconds",
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MAX_AGE_SECONDS,
    )
    require_auth_time = Flag(required=False)
    backchannel_logout_uri = Text(**ADDRESS)
    backchannel_logout_session_required = Flag(required=False)
    max_sessions = Count(required=False, allow_null=True, min_value=1, max_value=MAX_SESSIONS)
    on_session_limit = Choice(choices=Client.OnSessionLimit.choices, required=False)
    sign_in_profiles = LinkNames(PROFILE_LINKS["sign_in_profiles"], required=False)
    excluded_sign_in_profiles = LinkNames(
        PROFILE_LINKS["excluded_sign_in_profiles"], required=False
    )
