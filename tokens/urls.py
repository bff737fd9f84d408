"""The URLs below an issuer, and the well-known ones before it."""

from __future__ import annotations

from django.urls import include, path, register_converter

from tokens.endpoints.access import EvaluationsView, EvaluationView
from tokens.endpoints.access_metadata import AccessMetadataView
from tokens.endpoints.aliases import AidboxSessionView, AidboxTokenView, SpaceBlocksTokenView
from tokens.endpoints.converters import IssuerPathConverter
from tokens.endpoints.device import DeviceAuthorizationView
from tokens.endpoints.graphql import GraphQLView
from tokens.endpoints.introspect import IntrospectView
from tokens.endpoints.jwks import JwksView
from tokens.endpoints.metadata import MetadataView
from tokens.endpoints.protected_resource import ProtectedResourceView
from tokens.endpoints.register import RegisterView, RegistrationView
from tokens.endpoints.revoke import RevokeView
from tokens.endpoints.session import SessionView
from tokens.endpoints.token import TokenView
from tokens.endpoints.user_tokens import (
    UserConsentsView,
    UserConsentView,
    UserTokensView,
    UserTokenView,
)
from tokens.endpoints.userinfo import UserinfoView
from tokens.endpoints.users import MeView, UsersView, UserView

register_converter(IssuerPathConverter, "issuer")

metadata = MetadataView.as_view()
token = TokenView.as_view()
device = DeviceAuthorizationView.as_view()
resource = ProtectedResourceView.as_view()
METADATA = ".well-known/oauth-authorization-server"
OPENID_METADATA = ".well-known/openid-configuration"
RESOURCE_METADATA = ".well-known/oauth-protected-resource"
USER = "t/<issuer:issuer>/users/<uuid:user_id>"

urlpatterns = [
    path("t/<issuer:issuer>/oauth/token", token, name="token"),
    path("t/<issuer:issuer>/oauth/introspect", IntrospectView.as_view(), name="introspect"),
    path("t/<issuer:issuer>/oauth/revoke", RevokeView.as_view(), name="revoke"),
    path("t/<issuer:issuer>/oauth/device", device, name="device-authorization"),
    path("t/<issuer:issuer>/oauth/userinfo", UserinfoView.as_view(), name="userinfo"),
    path("t/<issuer:issuer>/oauth/register", RegisterView.as_view(), name="register"),
    path(
        "t/<issuer:issuer>/oauth/register/<uuid:registration_id>",
        RegistrationView.as_view(),
        name="registration",
    ),
    path(
        f"t/<issuer:issuer>/apis/<slug:api>/{RESOURCE_METADATA}",
        resource,
        name="protected-resource",
    ),
    path(
        f"{RESOURCE_METADATA}/t/<issuer:issuer>/apis/<slug:api>",
        resource,
        name="protected-resource-before-issuer",
    ),
    path("t/<issuer:issuer>/jwks", JwksView.as_view(), name="jwks"),
    path("t/<issuer:issuer>/access/v1/evaluation", EvaluationView.as_view(), name="evaluation"),
    path("t/<issuer:issuer>/access/v1/evaluations", EvaluationsView.as_view(), name="evaluations"),
    path(
        ".well-known/authzen-configuration/t/<issuer:issuer>",
        AccessMetadataView.as_view(),
        name="access-metadata",
    ),
    path("t/<issuer:issuer>/graphql", GraphQLView.as_view(), name="graphql"),
    path("t/<issuer:issuer>/me", MeView.as_view(), name="me"),
    path("t/<issuer:issuer>/users", UsersView.as_view(), name="users"),
    path(USER, UserView.as_view(), name="user"),
    path(f"{USER}/tokens", UserTokensView.as_view(), name="user-tokens"),
    path(f"{USER}/tokens/<uuid:token_id>", UserTokenView.as_view(), name="user-token"),
    path(f"{USER}/consents", UserConsentsView.as_view(), name="user-consents"),
    path(f"{USER}/consents/<uuid:consent_id>", UserConsentView.as_view(), name="user-consent"),
    path("t/<issuer:issuer>/session", SessionView.as_view(), name="session"),
    path("t/<issuer:issuer>/apis/<slug:api>/oauth/token", token, name="api-token"),
    path(
        "t/<issuer:issuer>/apis/<slug:api>/oauth/device",
        device,
        name="api-device-authorization",
    ),
    path(f"t/<issuer:issuer>/{METADATA}", metadata, name="metadata"),
    path(f"{METADATA}/t/<issuer:issuer>", metadata, name="metadata-before-issuer"),
    path(f"t/<issuer:issuer>/{OPENID_METADATA}", metadata, name="openid-configuration"),
    path(
        f"{OPENID_METADATA}/t/<issuer:issuer>",
        metadata,
        name="openid-configuration-before-issuer",
    ),
    path(
        "t/<issuer:issuer>/token-manager/token",
        SpaceBlocksTokenView.as_view(),
        name="spaceblocks-token",
    ),
    path("t/<issuer:issuer>/auth/token", AidboxTokenView.as_view(), name="aidbox-token"),
    path("t/<issuer:issuer>/Session", AidboxSessionView.as_view(), name="aidbox-session"),
    path("", include("tokens.front_channel.urls")),
]
