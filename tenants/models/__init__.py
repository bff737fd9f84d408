"""What exists: one entity per module. Import every model from here, never from a module below."""

from tenants.models.access_policy import AccessPolicy
from tenants.models.api import Api, Scope
from tenants.models.audit import AuditDetail, AuditEvent
from tenants.models.claims import ClaimProfile, ClaimRule
from tenants.models.client import Client, ClientGrantSettings
from tenants.models.client_secret import ClientSecret
from tenants.models.configuration_change import ConfigurationChange
from tenants.models.cut_off import CutOff
from tenants.models.master_token import MasterToken
from tenants.models.offboarding import Offboarding
from tenants.models.operator import Membership, User
from tenants.models.platform import Environment, Platform, Project
from tenants.models.registration import ClientRegistration, InitialAccessToken
from tenants.models.signing_key import SigningKey
from tenants.models.subject import Group, Subject, SubjectIdentity
from tenants.models.subject_credentials import Passkey, SubjectPassword
from tenants.models.subject_quota import SubjectQuota
from tenants.models.tenant import IssuerReservation, Tenant
from tenants.models.trust_profile import TrustProfile

__all__ = [
    "AccessPolicy",
    "Api",
    "AuditDetail",
    "AuditEvent",
    "ClaimProfile",
    "ClaimRule",
    "Client",
    "ClientGrantSettings",
    "ClientRegistration",
    "ClientSecret",
    "ConfigurationChange",
    "CutOff",
    "Environment",
    "Group",
    "InitialAccessToken",
    "IssuerReservation",
    "MasterToken",
    "Membership",
    "Offboarding",
    "Passkey",
    "Platform",
    "Project",
    "Scope",
    "SigningKey",
    "Subject",
    "SubjectIdentity",
    "SubjectPassword",
    "SubjectQuota",
    "Tenant",
    "TrustProfile",
    "User",
]
