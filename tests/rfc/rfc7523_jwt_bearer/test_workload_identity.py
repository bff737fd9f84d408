"""RFC 7523 section 2.2: the token of the platform on which a client runs proves the client."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.utils import timezone

from tenants.models import Client, TrustProfile
from tenants.records import SYSTEM
from tenants.services import changes
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import MadeClient, find_scopes, make_client, make_tenant
from tests.oauth_client import OAuthClient
from tests.rfc.signers import CLIENT_ASSERTION, GRANT, assertion_claims, make_signer
from tests.rfc.verification import issuer_of, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

    from tenants.models import Api, Tenant
    from tests.rfc.signers import Signer

GITHUB = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:octo-org/octo-repo:environment:production"
SIGNER = make_signer("RS256")
FAILED = "Client authentication failed; check the client_id and its secret or key."


def trust_github(tenant: Tenant, **fields: Any) -> TrustProfile:  # noqa: ANN401 - of a profile.
    values = {"slug": "github", "issuer": GITHUB, "algorithms": ["RS256"], **fields}
    profile = TrustProfile(tenant=tenant, **{"jwks": [SIGNER.jwk], **values})
    return save_trust_profile(profile, actor=SYSTEM)


def make_workload(profile: TrustProfile, client_id: str = "deploy", **fields: Any) -> MadeClient:  # noqa: ANN401 - of a client.
    values = {
        "kind": "workload",
        "token_endpoint_auth_method": "workload_identity",
        "workload_trust_profile": profile,
        "workload_subject": SUBJECT,
        "scopes": ["read"],
        **fields,
    }
    return make_client(profile.tenant, client_id, **values)


@pytest.fixture
def profile(api: Api) -> TrustProfile:
    """An issuer whose tokens prove workloads."""
    return trust_github(api.tenant)


@pytest.fixture
def deploy(profile: TrustProfile) -> MadeClient:
    """A client that has no secret: what it runs on speaks for it."""
    return make_workload(profile)


def _sign(tenant: Tenant, *, signer: Signer = SIGNER, **changes: Any) -> str:  # noqa: ANN401 - claims.
    return signer.sign(assertion_claims(GITHUB, SUBJECT, issuer_of(tenant), **changes))


def _send(text: str, client_id: str = "deploy") -> dict[str, str]:
    named = {"client_id": client_id} if client_id else {}
    return {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": text, **named}


def _assert_refused(response: HttpResponse, description: str = FAILED) -> None:
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.json()["error_description"] == description


@pytest.mark.usefixtures("deploy")
@pytest.mark.requirement("RFC 7523", "2.2", "An assertion of a trusted issuer proves the client.")
def test_the_platforms_token_gets_a_token(oauth: OAuthClient, tenant: Tenant) -> None:
    response = oauth.token(**_send(_sign(tenant)))
    assert response.status_code == 200, response.content
    assert verify(oauth, response.json()["access_token"])["client_id"] == "deploy"


@pytest.mark.usefixtures("deploy")
def test_every_endpoint_with_clients_takes_the_platforms_token(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    token = oauth.token(**_send(_sign(tenant))).json()["access_token"]
    assert oauth.introspect(None, token, **_send(_sign(tenant))).json()["active"] is True
    assert oauth.revoke(None, token, **_send(_sign(tenant))).status_code == 200
    assert oauth.introspect(None, token, **_send(_sign(tenant))).json() == {"active": False}


@pytest.mark.usefixtures("deploy")
@pytest.mark.requirement("RFC 7523", "3", "An assertion can be refused when it is used again.")
@pytest.mark.parametrize("jti", ["one", None], ids=["by its jti", "by its text"])
def test_the_platforms_token_works_once(
    oauth: OAuthClient, tenant: Tenant, jti: str | None
) -> None:
    text = _sign(tenant, jti=jti)
    assert oauth.token(**_send(text)).status_code == 200
    used = "The assertion was used before; make a new one for each request."
    _assert_refused(oauth.token(**_send(text)), used)


@pytest.mark.usefixtures("deploy")
def test_a_token_that_proved_a_client_is_no_grant_afterwards(
    oauth: OAuthClient, tenant: Tenant, profile: TrustProfile
) -> None:
    profile.provisioning = "create"
    links = {"maximum_scopes": find_scopes(tenant, ["read"])}
    save_trust_profile(profile, actor=SYSTEM, links=links)
    text = _sign(tenant)
    assert oauth.token(**_send(text)).status_code == 200
    swap = make_client(
        tenant, "app", kind="spa", grant_types=[GRANT], token_endpoint_auth_method="none"
    )
    response = oauth.token(grant_type=GRANT, assertion=text, client_id=swap.client_id)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another repository": {"sub": "repo:octo-org/other:environment:production"},
    "another environment": {"sub": "repo:octo-org/octo-repo:environment:staging"},
    "another case": {"sub": SUBJECT.upper()},
    "a longer subject": {"sub": f"{SUBJECT}-2"},
    "a shorter subject": {"sub": SUBJECT[:-1]},
    "a subject in a list": {"sub": [SUBJECT]},
    "no subject": {"sub": None},
    "another issuer": {"iss": "https://other.example"},
    "an issuer with a slash": {"iss": f"{GITHUB}/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "https://other.example"},
    "no audience": {"aud": None},
    "expired": {"exp": 1_000_000_000, "iat": 999_999_999},
    "no exp": {"exp": None},
    "no iat": {"iat": None},
    "too old": {"iat": 1_000_000_000},
    "not yet valid": {"nbf": 4_000_000_000},
    "a refresh token": {"typ": "Refresh"},
}


@pytest.mark.usefixtures("deploy")
@pytest.mark.requirement("RFC 7523", "3", "iss, sub, aud and the times are checked.")
@pytest.mark.parametrize("changes", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_wrong_claims_are_refused_in_the_same_words(
    oauth: OAuthClient, tenant: Tenant, changes: dict[str, Any]
) -> None:
    _assert_refused(oauth.token(**_send(_sign(tenant, **changes))))
    assert oauth.token(**_send(_sign(tenant))).status_code == 200


STRANGER = make_signer("RS256", kid="x")
OTHER = make_signer("ES256")
FORGERIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "no signature": lambda c: f"{SIGNER.sign(c).rpartition('.')[0]}.",
    "a key of another algorithm": OTHER.sign,
    "another kid": lambda c: SIGNER.sign(c, kid="second"),
    "wrong typ": lambda c: SIGNER.sign(c, typ="at+jwt"),
    "own key in the header": lambda c: OTHER.sign(c, jwk=OTHER.jwk),
    "keys from elsewhere": lambda c: STRANGER.sign(c, jku="https://evil.example/jwks"),
    "crit": lambda c: SIGNER.sign(c, crit=["exp"]),
    "a changed payload": lambda c: SIGNER.sign(c).replace(".", ".AAAA", 1),
    "alg none": lambda c: f"eyJhbGciOiJub25lIn0.{SIGNER.sign(c).split('.')[1]}.",
    "garbage": lambda _c: "garbage",
    "huge": lambda c: SIGNER.sign(c) + "A" * 20_000,
}


@pytest.mark.usefixtures("deploy")
@pytest.mark.requirement("RFC 7523", "3", "The assertion must be signed by the issuer's key.")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forged_tokens_are_refused_in_the_same_words(
    oauth: OAuthClient, tenant: Tenant, forge: Callable[[dict[str, Any]], str]
) -> None:
    claims = assertion_claims(GITHUB, SUBJECT, issuer_of(tenant))
    _assert_refused(oauth.token(**_send(forge(claims))))


@pytest.mark.usefixtures("deploy")
def test_a_secret_of_one_algorithm_family_never_verifies_another(
    oauth: OAuthClient, tenant: Tenant, profile: TrustProfile
) -> None:
    """A public key of the profile must not pass for the secret of HS256."""

    def encode(raw: bytes) -> str:
        return urlsafe_b64encode(raw).rstrip(b"=").decode()

    head = encode(json.dumps({"alg": "HS256", "kid": "first"}).encode())
    claims = assertion_claims(GITHUB, SUBJECT, issuer_of(tenant))
    signed = f"{head}.{encode(json.dumps(claims).encode())}"
    key = json.dumps(profile.jwks[0]).encode()
    proof = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    _assert_refused(oauth.token(**_send(f"{signed}.{encode(proof)}")))


@pytest.mark.usefixtures("deploy")
@pytest.mark.requirement("RFC 7521", "4.2", "client_id names the client; here it is needed.")
def test_the_client_is_named_beside_the_token(oauth: OAuthClient, tenant: Tenant) -> None:
    response = oauth.token(**_send(_sign(tenant), client_id=""))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert "send the client_id" in response.json()["error_description"]


@pytest.mark.usefixtures("deploy")
def test_an_unknown_client_is_refused_like_a_wrong_token(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    unknown = oauth.token(**_send(_sign(tenant), client_id="nobody"))
    wrong = oauth.token(**_send(_sign(tenant, sub="repo:octo-org/other")))
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.content == wrong.content


def test_a_workload_proves_itself_and_no_other(
    oauth: OAuthClient, tenant: Tenant, profile: TrustProfile, deploy: MadeClient
) -> None:
    make_workload(profile, "other", workload_subject="repo:octo-org/other")
    make_client(tenant, "with-a-secret", scopes=["read"])
    make_client(
        tenant, "public", kind="spa", grant_types=[GRANT], token_endpoint_auth_method="none"
    )
    for client_id in ("other", "with-a-secret", "public"):
        _assert_refused(oauth.token(**_send(_sign(tenant), client_id=client_id)))
    _assert_refused(oauth.token(client_id=deploy.client_id, client_secret="something"))
    _assert_refused(oauth.token(client_id=deploy.client_id))


CLAIM_PATTERNS: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "the same": ({"ref": "refs/heads/main"}, {"ref": "refs/heads/main"}, 200),
    "one of two": ({"ref": {"$enum": ["a", "b"]}}, {"ref": "b"}, 200),
    "another": ({"ref": "refs/heads/main"}, {"ref": "refs/heads/evil"}, 401),
    "absent": ({"ref": "refs/heads/main"}, {}, 401),
    "of another type": ({"run": "1"}, {"run": 1}, 401),
    "anchored": ({"ref": {"$regex": "refs/tags/v.*"}}, {"ref": "x/refs/tags/v1"}, 401),
    "too large to read": (
        {"ref": "refs/heads/main"},
        {"ref": "refs/heads/main", "padding": [0] * 3_000},
        401,
    ),
}


@pytest.mark.parametrize(
    ("pattern", "claims", "status"), CLAIM_PATTERNS.values(), ids=CLAIM_PATTERNS
)
def test_the_claims_contain_the_clients_pattern(
    oauth: OAuthClient,
    profile: TrustProfile,
    pattern: dict[str, Any],
    claims: dict[str, Any],
    status: int,
) -> None:
    make_workload(profile, workload_claims=pattern)
    assert oauth.token(**_send(_sign(profile.tenant, **claims))).status_code == status


@pytest.mark.usefixtures("deploy")
def test_a_disabled_profile_proves_nobody(
    oauth: OAuthClient, tenant: Tenant, profile: TrustProfile
) -> None:
    text = _sign(tenant)
    profile.is_enabled = False
    changes.save(profile, actor=SYSTEM)
    _assert_refused(oauth.token(**_send(text)))
    profile.is_enabled = True
    changes.save(profile, actor=SYSTEM)
    assert oauth.token(**_send(text)).status_code == 200


def test_a_disabled_client_is_proven_in_vain(
    oauth: OAuthClient, tenant: Tenant, deploy: MadeClient
) -> None:
    client = Client.objects.get(pk=deploy.client.pk)
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    _assert_refused(oauth.token(**_send(_sign(tenant))))


@pytest.mark.usefixtures("deploy")
def test_a_token_for_one_tenant_is_worth_nothing_in_another(
    oauth: OAuthClient, tenant: Tenant
) -> None:
    neighbour = make_tenant("initech")
    make_workload(trust_github(neighbour), scopes=())
    text = _sign(tenant)
    _assert_refused(OAuthClient(neighbour).token(**_send(text)))
    assert oauth.token(**_send(text)).status_code == 200


@pytest.mark.usefixtures("deploy")
def test_the_profile_says_how_old_a_token_may_be(
    oauth: OAuthClient, tenant: Tenant, profile: TrustProfile
) -> None:
    profile.maximum_age_seconds = 60
    save_trust_profile(profile, actor=SYSTEM)
    now = int(timezone.now().timestamp())
    text = _sign(tenant, iat=now, exp=now + 600)
    with time_machine.travel(now + 120, tick=False):
        _assert_refused(oauth.token(**_send(text)))


def test_the_subject_may_stand_in_another_claim(oauth: OAuthClient, api: Api) -> None:
    profile = trust_github(api.tenant, subject_claim="workflow_ref")
    make_workload(profile, workload_subject="octo-org/octo-repo/deploy.yml")
    named = _sign(api.tenant, workflow_ref="octo-org/octo-repo/deploy.yml", sub="x")
    assert oauth.token(**_send(named)).status_code == 200
    _assert_refused(oauth.token(**_send(_sign(api.tenant))))


def test_a_client_may_have_the_subject_as_its_id(
    oauth: OAuthClient, tenant: Tenant, profile: TrustProfile
) -> None:
    name = "deploy-job"
    make_workload(profile, name, workload_subject=name)
    text = _sign(tenant, sub=name)
    assert oauth.token(**_send(text, client_id=name)).status_code == 200


@pytest.mark.usefixtures("deploy")
def test_the_metadata_keep_to_the_standards_names(oauth: OAuthClient) -> None:
    document = oauth.get("/.well-known/oauth-authorization-server").json()
    assert "private_key_jwt" in document["token_endpoint_auth_methods_supported"]
    assert "workload_identity" not in document["token_endpoint_auth_methods_supported"]
