"""The URLs of the management API."""

from __future__ import annotations

from django.urls import path, re_path

from tenants.api.claims import (
    ClaimProfilesView,
    ClaimProfileView,
    ClaimRulesView,
    ClaimRuleView,
)
from tenants.api.client_secrets import ClientSecretsView, ClientSecretView
from tenants.api.clients import ClientsView, ClientView
from tenants.api.groups import GroupMembersView, GroupMemberView, GroupsView, GroupView
from tenants.api.master_tokens import MasterTokensView, MasterTokenView
from tenants.api.openapi import NothingView, SchemaView
from tenants.api.policies import PoliciesView, PolicyView
from tenants.api.policy_trials import PolicyTrialView
from tenants.api.registration_tokens import InitialAccessTokensView, InitialAccessTokenView
from tenants.api.subjects import SubjectErasureView, SubjectsView, SubjectView
from tenants.api.trust_profiles import TrustProfilesView, TrustProfileView

TENANT = "tenants/<slug:project>/<slug:environment>/<slug:tenant>"
CLIENT = f"{TENANT}/clients/<uuid:id>"
GROUP = f"{TENANT}/groups/<uuid:id>"
POLICIES = f"{TENANT}/policies"

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path(f"{TENANT}/clients", ClientsView.as_view(), name="api-clients"),
    path(CLIENT, ClientView.as_view(), name="api-client"),
    path(f"{CLIENT}/secrets", ClientSecretsView.as_view(), name="api-client-secrets"),
    path(
        f"{CLIENT}/secrets/<uuid:secret_id>", ClientSecretView.as_view(), name="api-client-secret"
    ),
    path(f"{TENANT}/claim-rules", ClaimRulesView.as_view(), name="api-claim-rules"),
    path(f"{TENANT}/claim-rules/<uuid:id>", ClaimRuleView.as_view(), name="api-claim-rule"),
    path(f"{TENANT}/claim-profiles", ClaimProfilesView.as_view(), name="api-claim-profiles"),
    path(
        f"{TENANT}/claim-profiles/<uuid:id>", ClaimProfileView.as_view(), name="api-claim-profile"
    ),
    path(POLICIES, PoliciesView.as_view(), name="api-policies"),
    path(f"{POLICIES}/test", PolicyTrialView.as_view(), name="api-policy-test"),
    path(f"{POLICIES}/<uuid:id>", PolicyView.as_view(), name="api-policy"),
    path(f"{TENANT}/subjects", SubjectsView.as_view(), name="api-subjects"),
    path(f"{TENANT}/subjects/<uuid:id>", SubjectView.as_view(), name="api-subject"),
    path(
        f"{TENANT}/subjects/<uuid:id>/erasure",
        SubjectErasureView.as_view(),
        name="api-subject-erasure",
    ),
    path(f"{TENANT}/groups", GroupsView.as_view(), name="api-groups"),
    path(GROUP, GroupView.as_view(), name="api-group"),
    path(f"{GROUP}/members", GroupMembersView.as_view(), name="api-group-members"),
    path(f"{GROUP}/members/<uuid:subject_id>", GroupMemberView.as_view(), name="api-group-member"),
    path(f"{TENANT}/trust-profiles", TrustProfilesView.as_view(), name="api-trust-profiles"),
    path(
        f"{TENANT}/trust-profiles/<uuid:id>", TrustProfileView.as_view(), name="api-trust-profile"
    ),
    path(f"{TENANT}/master-tokens", MasterTokensView.as_view(), name="api-master-tokens"),
    path(f"{TENANT}/master-tokens/<uuid:id>", MasterTokenView.as_view(), name="api-master-token"),
    path(
        f"{TENANT}/initial-access-tokens",
        InitialAccessTokensView.as_view(),
        name="api-initial-access-tokens",
    ),
    path(
        f"{TENANT}/initial-access-tokens/<uuid:id>",
        InitialAccessTokenView.as_view(),
        name="api-initial-access-token",
    ),
    re_path("", NothingView.as_view(), name="api-nothing"),
]
