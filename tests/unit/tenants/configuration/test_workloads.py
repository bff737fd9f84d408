"""Clients without a secret in configuration files: whose tokens prove them."""

from __future__ import annotations

import pytest

from tenants.configuration.export import export
from tenants.models import Client, TrustProfile
from tests.unit.tenants.configuration.files import PATH, apply, refuse, tenant

pytestmark = pytest.mark.django_db
PROFILE = """\
trust_profiles: [{slug: github, issuer: "https://token.actions.githubusercontent.com",
  algorithms: [RS256], jwks_uri: "https://token.actions.githubusercontent.com/.well-known/jwks"}]
"""
CLIENT = """\
clients:
- client_id: deploy
  kind: workload
  grant_types: [client_credentials]
  token_endpoint_auth_method: workload_identity
  workload_trust_profile: github
  workload_subject: "repo:octo-org/octo-repo:ref:refs/heads/main"
  workload_claims: {event_name: {$enum: [push, workflow_dispatch]}}
"""


def test_a_file_makes_a_workload_with_its_issuer_in_any_order() -> None:
    apply(tenant(CLIENT + PROFILE))
    client = Client.objects.get()
    assert client.workload_trust_profile == TrustProfile.objects.get()
    assert client.workload_subject == "repo:octo-org/octo-repo:ref:refs/heads/main"
    assert client.workload_claims == {"event_name": {"$enum": ["push", "workflow_dispatch"]}}
    written = export()
    assert "workload_trust_profile: github" in written
    assert apply(written) == []
    assert apply(tenant(PROFILE + CLIENT)) == []


def test_a_workload_leaves_with_its_issuer() -> None:
    apply(tenant(PROFILE + CLIENT))
    apply(tenant("clients: []\ntrust_profiles: []\n"))
    assert not Client.objects.exists()
    assert not TrustProfile.objects.exists()


def test_an_issuer_that_proves_a_client_is_not_removed_alone() -> None:
    apply(tenant(PROFILE + CLIENT))
    (mistake,) = refuse(tenant(f"trust_profiles: []\n{CLIENT}"))
    assert "github" in mistake
    assert "in use" in mistake


WRONG = {
    "an unknown issuer": (PROFILE + CLIENT.replace("profile: github", "profile: gitlab"), "gitlab"),
    "no subject": (
        PROFILE + CLIENT.replace('"repo:octo-org/octo-repo:ref:refs/heads/main"', '""'),
        "exact subject",
    ),
    "a pattern that is none": (
        PROFILE + CLIENT.replace("$enum: [push, workflow_dispatch]", "$like: push"),
        "$like is no operator",
    ),
    "another method": (PROFILE + CLIENT.replace("  token_endpoint", "  # "), "workload_identity"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_what_proves_nobody_is_refused_by_its_place(text: str, words: str) -> None:
    mistakes = refuse(tenant(text))
    assert all(f"{PATH}.clients[0].workload_" in mistake for mistake in mistakes)
    assert any(words in mistake for mistake in mistakes)
