"""Which algorithm signs an ID token, and how it binds the access token."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from tenants.policy import decide
from tenants.records import (
    Authentication,
    ConsumedGrant,
    GrantType,
    InteractiveRecord,
)
from tests.factories.records import (
    make_api,
    make_client,
    make_request,
    make_scope,
    make_signing_key,
    make_subject,
    make_tenant,
    make_token_record,
)
from tokens import id_tokens
from tokens.claim_profiles import RFC9068
from tokens.plan import MissingSigningKey, plan
from tokens.preview import KID_TO_COME, plan_with_any_key

TENANT = make_tenant()


@pytest.mark.parametrize(
    ("allowed", "own", "wanted", "chosen"),
    [
        ((), "ES256", "", "RS256"),
        ((), "ES256", "EdDSA", "EdDSA"),
        ((), "ES256", "HS256", "ES256"),
        (("ES256", "PS256"), "PS256", "", "PS256"),
        (("ES256", "PS256"), "HS256", "", "ES256"),
        (("HS256", "EdDSA"), "HS256", "RS256", "EdDSA"),
        (("HS256",), "HS256", "HS256", "ES256"),
    ],
)
def test_algorithm_is_one_that_is_allowed_and_never_symmetric(
    allowed: tuple[str, ...], own: str, wanted: str, chosen: str
) -> None:
    tenant = replace(TENANT, allowed_algorithms=frozenset(allowed), signing_algorithm=own)
    client = make_client(interactive=InteractiveRecord(id_token_algorithm=wanted))
    assert id_tokens.algorithm_of(tenant, client) == chosen


@pytest.mark.requirement("OIDC Core", "A.3", "The example of the specification.")
def test_at_hash_is_that_of_the_specification() -> None:
    text = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    for algorithm in ("RS256", "ES256", "PS256"):
        assert id_tokens.hash_token(text, algorithm) == "77QmUPtjPfzWtF2AnpK9RQ"
    assert len(id_tokens.hash_token(text, "EdDSA")) == 43


def test_id_token_needs_somebody_who_was_recognised() -> None:
    request = make_request(make_client(), "read")
    with pytest.raises(ValueError, match="recognised"):
        id_tokens.build_claims(request, make_token_record(), RFC9068, TENANT)


def test_two_rings_may_be_missing() -> None:
    """The access token's and the ID token's; a preview names both keys as still to come."""
    api = make_api("openid", built_in="openid")
    scope = make_scope(api, "openid")
    client = make_client(scope, grant_types=frozenset((GrantType.AUTHORIZATION_CODE,)))
    request = make_request(
        client,
        "openid",
        grant_type=GrantType.AUTHORIZATION_CODE,
        subject=make_subject(),
        authentication=Authentication(uuid4(), 1_700_000_000, "", ()),
        consumed=ConsumedGrant("authorization_code", uuid4(), uuid4()),
    )
    tenant = make_tenant([api], [scope], keys=())
    decision = decide(request, tenant)
    for present, missing in (((), "ES256"), ((make_signing_key(),), "RS256")):
        with pytest.raises(MissingSigningKey, match=missing):
            plan(request, decision, replace(tenant, keys=present), now=0, entropy=bytes(10))
    planned = plan_with_any_key(request, decision, tenant, now=0, entropy=bytes(10))
    assert planned.id_token is not None
    assert planned.id_token.header == {"alg": "RS256", "typ": "JWT", "kid": KID_TO_COME}
