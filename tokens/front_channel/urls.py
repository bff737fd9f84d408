"""The addresses of the pages for people, below an issuer."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, path

from tokens.front_channel.account import AccountPage, AppPage
from tokens.front_channel.account_actions import (
    EndSessionPage,
    SignOutBrowserPage,
    SignOutOthersPage,
    WithdrawAllPage,
    WithdrawAppPage,
)
from tokens.front_channel.account_passkeys import PasskeyPage, RemovePasskeyPage
from tokens.front_channel.account_password import PasswordPage
from tokens.front_channel.authorize import AuthorizeView
from tokens.front_channel.branding import ClientLogoPage, LogoPage, StylePage
from tokens.front_channel.consent import ConsentView
from tokens.front_channel.device import DevicePage
from tokens.front_channel.email_links import EmailPage, ForgottenPage, SignInLinkPage
from tokens.front_channel.logout import LogoutView
from tokens.front_channel.passkeys import (
    AddPasskeyPage,
    NewPasskeyOptionsPage,
    PasskeyOptionsPage,
    PasskeySignInPage,
)
from tokens.front_channel.passwords import NewPasswordPage
from tokens.front_channel.sign_in import SignInPage
from tokens.front_channel.sign_up import NewAccountPage, SignUpPage
from tokens.front_channel.upstream import ProviderAnswerPage, ProviderPage

ISSUER: Final = "t/<issuer:issuer>"
ACCOUNT: Final = f"{ISSUER}/account"
ROW: Final = "<uuid:row_id>"
authorize = AuthorizeView.as_view()

urlpatterns: list[URLPattern] = [
    path(f"{ISSUER}/oauth/authorize", authorize, name="authorize"),
    path(f"{ISSUER}/apis/<slug:api>/oauth/authorize", authorize, name="api-authorize"),
    path(f"{ISSUER}/consent", ConsentView.as_view(), name="consent"),
    path(f"{ISSUER}/device", DevicePage.as_view(), name="device"),
    path(f"{ISSUER}/oauth/logout", LogoutView.as_view(), name="logout"),
    path(f"{ISSUER}/sign-in", SignInPage.as_view(), name="sign-in"),
    path(f"{ISSUER}/sign-in/email", EmailPage.as_view(), name="sign-in-email"),
    path(f"{ISSUER}/sign-in/link", SignInLinkPage.as_view(), name="sign-in-link"),
    path(f"{ISSUER}/sign-in/passkey", PasskeySignInPage.as_view(), name="sign-in-passkey"),
    path(
        f"{ISSUER}/sign-in/passkey/options",
        PasskeyOptionsPage.as_view(),
        name="sign-in-passkey-options",
    ),
    path(f"{ISSUER}/sign-in/with/<slug:provider>", ProviderPage.as_view(), name="sign-in-with"),
    path(
        f"{ISSUER}/sign-in/callback/<slug:provider>",
        ProviderAnswerPage.as_view(),
        name="sign-in-callback",
    ),
    path(f"{ISSUER}/sign-up", SignUpPage.as_view(), name="sign-up"),
    path(f"{ISSUER}/sign-up/new", NewAccountPage.as_view(), name="sign-up-new"),
    path(f"{ISSUER}/password/forgotten", ForgottenPage.as_view(), name="password-forgotten"),
    path(f"{ISSUER}/password/new", NewPasswordPage.as_view(), name="password-new"),
    path(ACCOUNT, AccountPage.as_view(), name="account"),
    path(f"{ACCOUNT}/password", PasswordPage.as_view(), name="account-password"),
    path(f"{ACCOUNT}/passkeys", AddPasskeyPage.as_view(), name="account-passkeys"),
    path(
        f"{ACCOUNT}/passkeys/options",
        NewPasskeyOptionsPage.as_view(),
        name="account-passkey-options",
    ),
    path(f"{ACCOUNT}/passkeys/{ROW}", PasskeyPage.as_view(), name="account-passkey"),
    path(
        f"{ACCOUNT}/passkeys/{ROW}/remove",
        RemovePasskeyPage.as_view(),
        name="account-passkey-remove",
    ),
    path(f"{ACCOUNT}/apps/withdraw", WithdrawAllPage.as_view(), name="account-withdraw-all"),
    path(f"{ACCOUNT}/apps/{ROW}", AppPage.as_view(), name="account-app"),
    path(f"{ACCOUNT}/apps/{ROW}/withdraw", WithdrawAppPage.as_view(), name="account-withdraw"),
    path(f"{ACCOUNT}/sessions/{ROW}/end", EndSessionPage.as_view(), name="account-end-session"),
    path(f"{ACCOUNT}/browsers/end", SignOutOthersPage.as_view(), name="account-end-browsers"),
    path(f"{ACCOUNT}/browsers/{ROW}/end", SignOutBrowserPage.as_view(), name="account-end-browser"),
    path(f"{ISSUER}/branding/style.css", StylePage.as_view(), name="branding-style"),
    path(f"{ISSUER}/branding/logo", LogoPage.as_view(), name="branding-logo"),
    path(
        f"{ISSUER}/branding/clients/<uuid:client>/logo",
        ClientLogoPage.as_view(),
        name="branding-client-logo",
    ),
]
