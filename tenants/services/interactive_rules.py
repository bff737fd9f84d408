"""What must hold for a client that sends people to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from tenants import models
from tenants.models.fields import GrantTypeChoice as Grant
from tenants.services.redirect_uris import LOOPBACK_HOSTS, explain_redirect_uri
from tenants.services.trust_scope_rules import linked
from tenants.services.web_addresses import explain_endpoint, explain_page, find_wrong_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import Model

Messages: TypeAlias = "dict[str, list[str]]"
PAGES: Final = ("client_uri", "policy_uri", "tos_uri")
# Source: OpenID Connect Core section 4, OpenID Connect Back-Channel Logout section 2.2.
ENDPOINTS: Final = ("logo_uri", "initiate_login_uri", "backchannel_logout_uri")
ALGORITHMS: Final = ("id_token_signed_response_alg", "userinfo_signed_response_alg")
PROFILE_LINKS: Final = ("sign_in_profiles", "excluded_sign_in_profiles")
# What runs in a person's hands keeps no secret. Source: RFC 6749 section 2.1.
PUBLIC_KINDS: Final = frozenset((models.Client.Kind.SPA, models.Client.Kind.NATIVE))
PEOPLES_GRANTS: Final = frozenset((Grant.AUTHORIZATION_CODE, Grant.DEVICE_CODE))


def check_interactive(client: models.Client, links: Mapping[str, Sequence[Model]]) -> Messages:
    """Answer what is wrong with the part of a client that people meet, by field."""
    return {
        **find_wrong_addresses(client, PAGES, explain_page),
        **find_wrong_addresses(client, ENDPOINTS, explain_endpoint),
        **_check_redirection(client),
        **_check_proof(client),
        **_check_sector(client),
        **_check_algorithms(client),
        **_check_choices(client),
        **_check_profiles(client, links),
    }


def _check_redirection(client: models.Client) -> Messages:
    if Grant.AUTHORIZATION_CODE in client.grant_types and not (client.redirect_uris or "").split():
        return {"redirect_uris": ["authorization_code needs an address to which codes are sent."]}
    return {}


def _check_proof(client: models.Client) -> Messages:
    """Hold who keeps no secret public, and whoever is public to PKCE. Source: RFC 9700 2.1.1."""
    messages: Messages = {}
    is_public = client.token_endpoint_auth_method == models.Client.AuthenticationMethod.NONE
    sends_people = bool(PEOPLES_GRANTS.intersection(client.grant_types))
    if client.kind in PUBLIC_KINDS and sends_people and not is_public:
        text = "What runs at people's own keeps no secret; choose none (RFC 8252 section 8.5)."
        messages["token_endpoint_auth_method"] = [text]
    if client.is_pkce_exempt and is_public:
        messages["is_pkce_exempt"] = ["A public client has nothing but PKCE; switch this off."]
    return messages


def _check_sector(client: models.Client) -> Messages:
    """Demand whose pairwise ids a client shares, where its redirect URIs don't say it.

    Source: OpenID Connect Core section 8.1. A loopback address is everybody's.
    """
    is_pairwise = client.subject_type == models.Client.SubjectType.PAIRWISE
    if not is_pairwise or client.sector_identifier:
        return {}
    hosts = {_host_of(uri) for uri in (client.redirect_uris or "").split()}
    if len(hosts) == 1 and not hosts & {"", *LOOPBACK_HOSTS}:
        return {}
    text = "Name the host whose pairwise ids these are: the redirect URIs don't share one."
    return {"sector_identifier": [text]}


def _host_of(uri: str) -> str:
    """Answer the host of a web address; empty for what is none."""
    if explain_redirect_uri(uri):
        return ""
    parts = urlsplit(uri)
    return (parts.hostname or "") if parts.scheme in {"https", "http"} else ""


def _check_algorithms(client: models.Client) -> Messages:
    allowed = client.tenant.environment.allowed_signing_algorithms
    return {
        name: [f"The environment allows {', '.join(allowed)} only."]
        for name in ALGORITHMS
        if (stated := getattr(client, name)) and allowed and stated not in allowed
    }


def _check_choices(client: models.Client) -> Messages:
    choices = client.offline_lifetimes_seconds
    if len(set(choices)) < len(choices):
        return {"offline_lifetimes_seconds": ["A duration is repeated; write it once."]}
    return {}


def _check_profiles(client: models.Client, links: Mapping[str, Sequence[Model]]) -> Messages:
    if not links.keys() & set(PROFILE_LINKS):
        return {}
    offered, excluded = ({p.pk for p in linked(client, links, name)} for name in PROFILE_LINKS)
    if offered & excluded:
        text = "A profile can't be offered and left out at once; remove it from one of the lists."
        return {"excluded_sign_in_profiles": [text]}
    return {}
