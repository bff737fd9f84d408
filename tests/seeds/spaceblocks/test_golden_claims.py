"""Our claims are those of the two samples that Space Blocks shows, claim for claim."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tests.factories.records import make_token_record
from tokens.claim_profiles import get
from tokens.claims import build_claims

REGULAR = {
    "aud": ["https://localhost:5001/"],
    "client_id": "foo",
    "exp": 1659711999,
    "ext": {
        "spaceblocks_project_id": "bar",
        "spaceblocks_environment_id": "lorem",
        "spaceblocks_tenant_id": "foo",
        "app_tenant_id": "",
        "app_subject_id": "",
    },
    "iat": 1659708398,
    "iss": "https://auth.spaceblocks.cloud/issuer/",
    "jti": "b23e7969-2f24-4622-8513-e34858696f1e",
    "nbf": 1659708398,
    "scp": ["foo:bar"],
    "sub": "foo",
}
IMPERSONATED = REGULAR | {
    "ext": {
        "spaceblocks_project_id": "bar",
        "spaceblocks_environment_id": "lorem",
        "spaceblocks_tenant_id": "foo",
        "app_tenant_id": "tenant-123",
        "app_subject_id": "user-123",
    }
}
RECORD = make_token_record(
    token_id=UUID("b23e7969-2f24-4622-8513-e34858696f1e"),
    issuer="https://auth.spaceblocks.cloud/issuer",
    project_slug="bar",
    environment_slug="lorem",
    tenant_slug="foo",
    client_id="foo",
    audiences=("https://localhost:5001/",),
    scopes=("foo:bar",),
    issued_at=1659708398,
    expires_at=1659711999,
)


def test_regular_token_is_the_sample() -> None:
    assert build_claims(get("spaceblocks"), RECORD) == REGULAR


@pytest.mark.parametrize("subject", ["", "5f3c2f2e-6d0c-4f0e-8c57-0d7c2b8a0f11"])
def test_impersonated_token_is_the_sample(subject: str) -> None:
    record = replace(RECORD, subject=subject, app_tenant_id="tenant-123", app_subject_id="user-123")
    assert build_claims(get("spaceblocks"), record) == IMPERSONATED
