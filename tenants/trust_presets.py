"""Well-known outside issuers as data: what a trust profile begins with. Pure.

A capital word in angle brackets is what nobody but the tenant's admin knows. Each required claim is
a hint: without one, everybody to whom the issuer gives a token is let in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tenants.records import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import JSON


@dataclass(frozen=True, slots=True)
class TrustPreset:
    """What is known of an issuer beforehand; `fields` are those of a trust profile."""

    slug: str
    title: str
    fields: Mapping[str, JSON]
    advice: str
    source: str
    linking: Mapping[str, JSON] = field(default_factory=lambda: NOTHING)

    @property
    def all_fields(self) -> dict[str, JSON]:
        """The fields of a new profile, with a name for it."""
        return {"slug": self.slug, "name": self.title, **self.fields, **self.linking}


GITHUB_ACTIONS: Final = TrustPreset(
    "github-actions",
    "GitHub Actions",
    {
        "issuer": "https://token.actions.githubusercontent.com",
        "algorithms": ["RS256"],
        "jwks_uri": "https://token.actions.githubusercontent.com/.well-known/jwks",
        "subject_claim": "sub",
        "required_claims": {"repository": "<OWNER/REPOSITORY>"},
        "maximum_age_seconds": 600,
        "maximum_lifetime_seconds": 3600,
        "provisioning": "refuse",
    },
    "The job asks for the audience, so leave it empty here and let the job ask for this tenant's "
    "issuer. Name a repository or repository_owner_id, or any job on GitHub is let in.",
    "https://docs.github.com/en/actions/reference/security/oidc",
)
GITLAB_CI: Final = TrustPreset(
    "gitlab-ci",
    "GitLab CI",
    {
        "issuer": "https://gitlab.com",
        "algorithms": ["RS256"],
        "jwks_uri": "https://gitlab.com/oauth/discovery/keys",
        "subject_claim": "sub",
        "required_claims": {"project_path": "<GROUP/PROJECT>"},
        "maximum_age_seconds": 3600,
        "maximum_lifetime_seconds": 86400,
        "provisioning": "refuse",
    },
    "The job names the audience below id_tokens. A GitLab of your own has its own address as "
    "issuer and serves its keys there. Add ref_protected to let protected branches in only.",
    "https://docs.gitlab.com/ci/secrets/id_token_authentication/",
)
KUBERNETES: Final = TrustPreset(
    "kubernetes",
    "Kubernetes service accounts",
    {
        "issuer": "https://kubernetes.default.svc.cluster.local",
        "algorithms": ["RS256"],
        "jwks_uri": "https://<CLUSTER>/openid/v1/jwks",
        "subject_claim": "sub",
        "required_claims": {"kubernetes.io": {"namespace": "<NAMESPACE>"}},
        "maximum_age_seconds": 3600,
        "maximum_lifetime_seconds": 86400,
        "provisioning": "refuse",
    },
    "Each cluster has its own issuer: see its /.well-known/openid-configuration. Where it can't be "
    "reached from here, put the keys of /openid/v1/jwks into jwks instead. Project a token with "
    "this tenant's issuer as audience.",
    "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
)
GOOGLE: Final = TrustPreset(
    "google",
    "Google",
    {
        "issuer": "https://accounts.google.com",
        "audience": "<CLIENT ID>",
        "algorithms": ["RS256"],
        "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
        "subject_claim": "sub",
        "required_claims": {"hd": "<WORKSPACE DOMAIN>"},
        "maximum_age_seconds": 3600,
        "maximum_lifetime_seconds": 3600,
        "provisioning": "refuse",
    },
    "The audience is the client id of your application at Google. Without hd every Google account "
    "is let in. Accounts may change their address, so the subject is sub.",
    "https://developers.google.com/identity/openid-connect/openid-connect",
    {"linking_claim": "email", "linking_verified_claim": "email_verified"},
)
ENTRA: Final = TrustPreset(
    "entra",
    "Microsoft Entra ID",
    {
        "issuer": "https://login.microsoftonline.com/<DIRECTORY ID>/v2.0",
        "audience": "<APPLICATION ID>",
        "algorithms": ["RS256"],
        "jwks_uri": "https://login.microsoftonline.com/<DIRECTORY ID>/discovery/v2.0/keys",
        "subject_claim": "oid",
        "required_claims": {"tid": "<DIRECTORY ID>", "ver": "2.0"},
        "maximum_age_seconds": 7200,
        "maximum_lifetime_seconds": 7200,
        "provisioning": "refuse",
    },
    "Write the directory's id, never common or organizations. The subject is oid, because sub "
    "differs from application to application. Entra verifies no e-mail, so nobody is linked.",
    "https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference",
)
PRESETS: Final[Mapping[str, TrustPreset]] = {
    preset.slug: preset for preset in (GITHUB_ACTIONS, GITLAB_CI, KUBERNETES, GOOGLE, ENTRA)
}
