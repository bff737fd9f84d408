"""Gives clients the tokens of people who have signed in, past the pages."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from django.db import connection
from django.utils import timezone

from tenants import snapshot
from tenants.assurance import Assurance
from tenants.credentials import CredentialKind, parse_credential
from tenants.models import Subject
from tenants.policy import decide
from tenants.queries.subjects import find_subjects, standard_claims_of
from tenants.records import AccessRequest, Authentication, ConsumedGrant, GrantType
from tests.factories.tenants import make_client
from tokens import sign_ins
from tokens.issuance import issue
from tokens.models import AuthorizationCode
from tokens.parameters import EndpointRequest, Parameters
from tokens.sign_ins import Proof

if TYPE_CHECKING:
    from tenants.models import Tenant
    from tenants.records import Decision, SubjectRecord, TenantSnapshot
    from tests.factories.tenants import MadeClient

OPENID = ("openid", "profile", "email", "address", "phone")
CALLBACK = "https://app.example/callback"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """A client to which a person has signed in."""

    tenant: Tenant
    made: MadeClient
    subject: Subject

    @property
    def core(self) -> TenantSnapshot:
        """The tenant as it is now."""
        snapshot.CURRENT.renew()
        core = snapshot.CURRENT.tenant(self.tenant.path)
        assert core is not None
        return core

    def recognise(
        self, acr: str = Assurance.ONE_FACTOR, amr: tuple[str, ...] = ("pwd",)
    ) -> Authentication:
        """Sign the person in."""
        proof = Proof(self.subject.pk, acr, amr, "203.0.113.7", "a browser")
        now = time.time()
        text = sign_ins.begin(self.core, proof, number=snapshot.CURRENT.confirm(), now=now)
        credential = parse_credential(CredentialKind.SIGN_IN, text or "")
        assert credential is not None
        return Authentication(credential.row_id, int(now), acr, amr)

    def ask(self, authentication: Authentication, *scopes: str, **changes: Any) -> AccessRequest:
        """Ask for a token as one who redeems a code."""
        client = snapshot.CURRENT.client(self.core, self.made.client_id)
        assert client is not None
        code = AuthorizationCode.objects.create(
            id=uuid.uuid4(),
            tenant_id=self.tenant.pk,
            client_id=client.id,
            subject_id=self.subject.pk,
            pepper_id="",
            secret_hash=b"",
            redirect_uri=CALLBACK,
            scopes=[*scopes],
            audiences=[],
            cut_off_number=0,
            created_at=timezone.now(),
            expires_at=timezone.now() + timedelta(seconds=60),
        )
        consumed = ConsumedGrant(GrantType.AUTHORIZATION_CODE, code.pk, uuid.uuid4())
        asked: dict[str, Any] = {
            "grant_type": GrantType.AUTHORIZATION_CODE.value,
            "client": client,
            "subject": read_subject(self.subject),
            "requested_scopes": scopes,
            "authentication": authentication,
            "consumed": consumed,
        }
        return AccessRequest(**(asked | changes))

    def judge(self, asked: AccessRequest) -> Decision:
        """Decide about a request."""
        return decide(asked, self.core)

    def begin(self, *scopes: str, now: float | None = None, **changes: Any) -> dict[str, Any]:
        """Answer the tokens of a session that begins; the person signs in for it."""
        authentication = changes.pop("authentication", None) or self.recognise()
        asked = self.ask(authentication, *(scopes or OPENID), **changes)
        decision = self.judge(asked)
        assert decision.is_allowed, decision.refusal
        moment = time.time() if now is None else now
        number = snapshot.CURRENT.confirm()
        request = EndpointRequest(self.core, Parameters(), now=moment, cut_off_number=number)
        return issue(asked, decision, request)


def make_party(tenant: Tenant, client_id: str = "web-app", **fields: Any) -> RelyingParty:
    """Make a web client with the standard scopes, and a person."""
    person = fields.pop("subject", None) or make_person(tenant)
    fields.setdefault("grant_types", ["authorization_code", "refresh_token"])
    fields.setdefault("redirect_uris", CALLBACK)
    scopes = fields.pop("scopes", [*OPENID, "offline_access"])
    return RelyingParty(tenant, make_client(tenant, client_id, scopes=scopes, **fields), person)


def make_person(tenant: Tenant, **fields: Any) -> Subject:
    """Make a person of whom all the standard claims are known."""
    known: dict[str, Any] = {
        "name": "Ada Lovelace",
        "email": f"ada-{uuid.uuid4().hex[:8]}@people.example",
        "is_email_verified": True,
        "attributes": {
            "given_name": "Ada",
            "family_name": "Lovelace",
            "address": {"locality": "London", "country": "GB"},
            "phone_number": "+44 20 7946 0000",
            "phone_number_verified": True,
            "birthdate": "1815-12-10",
        },
    }
    return Subject.objects.create(tenant=tenant, **(known | fields))


def read_subject(subject: Subject) -> SubjectRecord:
    """Read a person as a grant does that tells of standard claims."""
    found = find_subjects(subject.tenant_id, [subject.pk])[subject.pk]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {standard_claims_of('s')} FROM tenants_subject s WHERE id = %s",  # noqa: S608
            [subject.pk],
        )
        (text,) = cursor.fetchone()
    return replace(found, standard_claims=text)


def claims_of(subject: Subject) -> dict[str, Any]:
    """Answer what is kept of a person, by the names of the standard claims."""
    held: dict[str, Any] = orjson.loads(read_subject(subject).standard_claims)
    return held
