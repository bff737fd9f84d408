"""The URLs below an issuer, and the well-known ones before it."""

from __future__ import annotations

from django.urls import path, register_converter

from tokens.endpoints.access import EvaluationsView, EvaluationView
from tokens.endpoints.access_metadata import AccessMetadataView
from tokens.endpoints.aliases import AidboxSessionView, AidboxTokenView, SpaceBlocksTokenView
from tokens.endpoints.converters import IssuerPathConverter
from tokens.endpoints.introspect import IntrospectView
from tokens.endpoints.jwks import JwksView
from tokens.endpoints.metadata import MetadataView
from tokens.endpoints.revoke import RevokeView
from tokens.endpoints.session import SessionView
from tokens.endpoints.token import TokenView

register_converter(IssuerPathConverter, "issuer")

metadata = MetadataView.as_view()
token = TokenView.as_view()
METADATA = ".well-known/oauth-authorization-server"

urlpatterns = [
    path("t/<issuer:issuer>/oauth/token", token, name="token"),
    path("t/<issuer:issuer>/oauth/introspect", IntrospectView.as_view(), name="introspect"),
    path("t/<issuer:issuer>/oauth/revoke", RevokeView.as_view(), name="revoke"),
    path("t/<issuer:issuer>/jwks", JwksView.as_view(), name="jwks"),
    path("t/<issuer:issuer>/access/v1/evaluation", EvaluationView.as_view(), name="evaluation"),
    path("t/<issuer:issuer>/access/v1/evaluations", EvaluationsView.as_view(), name="evaluations"),
    path(
        ".well-known/authzen-configuration/t/<issuer:issuer>",
        AccessMetadataView.as_view(),
        name="access-metadata",
    ),
    path("t/<issuer:issuer>/session", SessionView.as_view(), name="session"),
    path("t/<issuer:issuer>/apis/<slug:api>/oauth/token", token, name="api-token"),
    path(f"t/<issuer:issuer>/{METADATA}", metadata, name="metadata"),
    path(f"{METADATA}/t/<issuer:issuer>", metadata, name="metadata-before-issuer"),
    path(
        "t/<issuer:issuer>/token-manager/token",
        SpaceBlocksTokenView.as_view(),
        name="spaceblocks-token",
    ),
    path("t/<issuer:issuer>/auth/token", AidboxTokenView.as_view(), name="aidbox-token"),
    path("t/<issuer:issuer>/Session", AidboxSessionView.as_view(), name="aidbox-session"),
]
