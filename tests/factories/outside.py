"""Makes outside issuers whose tokens are accepted as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants.models import TrustProfile
from tenants.records import SYSTEM
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import find_scopes
from tests.rfc.signers import assertion_claims, make_signer
from tests.rfc.verification import issuer_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tenants.models import Api, Tenant
    from tests.rfc.signers import Signer

PARTNER = "https://partner.example"


@dataclass(frozen=True, slots=True)
class Partner:
    """An outside issuer: its trust profile, and the key by which it signs."""

    profile: TrustProfile
    signer: Signer

    def sign(
        self,
        subject: str,
        *,
        headers: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Sign a token of a user that may read; a claim of None is left out."""
        tenant = self.profile.tenant
        audience = self.profile.audience or issuer_of(tenant)
        claims = assertion_claims(self.profile.issuer, subject, audience, scope="read")
        return self.signer.sign({**claims, **changes}, **(headers or {}))

    def change(self, **fields: Any) -> None:
        """Change the profile."""
        links = fields.pop("links", None)
        for name, value in fields.items():
            setattr(self.profile, name, value)
        save_trust_profile(self.profile, actor=SYSTEM, links=links)


def make_partner(
    tenant: Tenant,
    apis: Sequence[Api],
    scopes: Sequence[str],
    **fields: Any,
) -> Partner:
    """Make an issuer whose tokens work at the Apis as they are, and create users."""
    signer = make_signer()
    values = {
        "slug": "partner",
        "issuer": PARTNER,
        "algorithms": ["ES256"],
        "jwks": [signer.jwk],
        "provisioning": "create",
        "is_accepted_directly": True,
        **fields,
    }
    profile = TrustProfile(tenant=tenant, **values)
    links: dict[str, list[Any]] = {
        "direct_apis": list(apis),
        "maximum_scopes": find_scopes(tenant, scopes),
    }
    save_trust_profile(profile, actor=SYSTEM, links=links)
    return Partner(profile, signer)
