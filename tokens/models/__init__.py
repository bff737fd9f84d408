"""What is issued: one entity per module. Import every model from here."""

from tokens.models.access_token import AccessToken
from tokens.models.authorization_code import AuthorizationCode
from tokens.models.consent import Consent
from tokens.models.device_code import DeviceCode
from tokens.models.foreign_token import ForeignToken
from tokens.models.limit_state import LimitState
from tokens.models.logout_delivery import LogoutDelivery
from tokens.models.master_token_quota import MasterTokenQuota
from tokens.models.refresh_token import RefreshToken
from tokens.models.refusal import Refusal, RefusalCount
from tokens.models.replayed_assertion import ReplayedAssertion
from tokens.models.session import Session
from tokens.models.sign_in import EmailLink, SignIn
from tokens.models.usage_counter import UsageCounter

__all__ = [
    "AccessToken",
    "AuthorizationCode",
    "Consent",
    "DeviceCode",
    "EmailLink",
    "ForeignToken",
    "LimitState",
    "LogoutDelivery",
    "MasterTokenQuota",
    "RefreshToken",
    "Refusal",
    "RefusalCount",
    "ReplayedAssertion",
    "Session",
    "SignIn",
    "UsageCounter",
]
