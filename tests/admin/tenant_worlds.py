"""A tenant that has one entity of every kind, to look at and to attack."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.utils import timezone

from tenants.models import (
    AuditEvent,
    ClaimProfile,
    ClaimRule,
    ClientGrantSettings,
    ClientRegistration,
    ConfigurationChange,
    CutOff,
    Group,
    InitialAccessToken,
    MasterToken,
    Membership,
    Offboarding,
    Passkey,
    SigningKey,
    SubjectIdentity,
    TrustProfile,
)
from tenants.records import SYSTEM
from tenants.services import (
    changes,
    cut_offs,
    master_tokens,
    registration_tokens,
    trust_profiles,
)
from tests.admin.operators import make_operator
from tests.factories.tokens import Issuer, make_issuer, make_subject

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.models import Model

    from tenants.models import Client, Tenant, User

SHARED_SECRET = "a shared secret of the partner, 32 bytes"


class TenantWorld:
    """One tenant, with one entity of every kind."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.issuer: Issuer = make_issuer(slug, client_id=f"{slug}-client")
        self.answer = self.issuer.issue()
        self.tenant: Tenant = self.issuer.tenant
        self.client: Client = self.tenant.clients.get(client_id=f"{slug}-client")
        self.secret_text = ""
        self.owner: User = make_operator(f"{slug}-owner", (self.tenant, Membership.Role.OWNER))
        self.entities: list[Model] = [*self._configuration(), *self._people(), *self._record()]

    def one(self, model: type[Model]) -> Any:  # noqa: ANN401 - any field.
        """Answer this tenant's entity of a kind."""
        return next(entity for entity in self.entities if isinstance(entity, model))

    def _configuration(self) -> list[Model]:
        tenant, client, api = self.tenant, self.client, self.issuer.api
        profile = TrustProfile(
            tenant=tenant, slug="partner", issuer="https://partner.example", algorithms=["HS256"]
        )
        trust_profiles.save_trust_profile(profile, actor=SYSTEM, shared_secret=SHARED_SECRET)
        token = MasterToken(
            tenant=tenant,
            client=client,
            label="app",
            kind=MasterToken.Kind.PRIVATE,
            expires_at=timezone.now() + timedelta(days=30),
        )
        self.master_token_text = master_tokens.create_master_token(token, actor=SYSTEM)
        registration = InitialAccessToken(
            tenant=tenant, label="partners", expires_at=timezone.now() + timedelta(days=30)
        )
        registration_tokens.create_initial_access_token(registration, actor=SYSTEM)
        now = timezone.now()
        arrival = ClientRegistration(
            tenant=tenant,
            client=client,
            source=ClientRegistration.Source.REGISTERED,
            stage_since=now,
            registered_at=now,
            last_used_at=now,
        )
        made: list[Model] = [
            ClientGrantSettings(tenant=tenant, client=client, grant_type="refresh_token"),
            ClaimProfile(tenant=tenant, slug="own", base="aidbox"),
            arrival,
            ClaimRule(tenant=tenant, slug="region", claim="https://r.example", value="eu", api=api),
        ]
        for entity in made:
            changes.save(entity, actor=SYSTEM)
        return [
            *(tenant, client, api, *api.scopes.all(), *client.secrets.all()),
            *(*tenant.access_policies.all(), profile, token, registration, *made),
            *SigningKey.objects.filter(tenant=tenant),
        ]

    def _people(self) -> list[Model]:
        subject = make_subject(self.tenant, name=f"{self.slug} person", email="p@example.com")
        profile = TrustProfile.objects.get(tenant=self.tenant)
        identity = SubjectIdentity.objects.create(
            tenant=self.tenant, subject=subject, trust_profile=profile, sub=f"{self.slug}-sub"
        )
        passkey = Passkey.objects.create(
            tenant=self.tenant,
            subject=subject,
            label="Phone",
            credential_id=subject.pk.bytes,
            public_key=b"a key",
        )
        group = Group(tenant=self.tenant, slug="staff", permissions=["read"])
        changes.save(group, actor=SYSTEM, links={"subjects": [subject]})
        return [subject, identity, passkey, group, *self.tenant.memberships.all(), self.owner]

    def _record(self) -> list[Model]:
        cut_off = cut_offs.end(
            self.tenant.pk, actor=SYSTEM, reason="drill", subject_id=self._no_one
        )
        event = AuditEvent.objects.filter(tenant_id=self.tenant.pk).first()
        change = ConfigurationChange.objects.filter(tenant_id=self.tenant.pk).first()
        assert event is not None
        assert change is not None
        # A tenant that leaves is the platform's business and none of this one's entities.
        Offboarding.objects.create(
            pk=uuid4(),
            path=f"acme/production/{self.slug}-old",
            delete_after=timezone.now() + timedelta(days=1),
        )
        return [CutOff.objects.get(pk=cut_off.pk), event, change]

    @property
    def _no_one(self) -> UUID:
        return self.tenant.pk
