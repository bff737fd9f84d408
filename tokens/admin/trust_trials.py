"""Tries a pasted token on a trust profile and shows what each check says of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.admin import permissions
from tenants.models import TrustProfile
from tenants.queries.operators import reach_of, scope
from tenants.queries.trust_profiles import read_trust_profile
from tokens.foreign_trials import Outcome, try_token
from tokens.jose import MAXIMUM_TOKEN_CHARACTERS

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

    from tenants.records import Check
    from tokens.foreign_trials import Trial

KIND: Final = "trust_profile"
# What each check looks at, in the words of the form.
MEANINGS: Final = {
    "form": "The token is a signed JWT with an allowed algorithm.",
    "type": "The header does not say that it is another kind of token.",
    "key": "A key of the issuer fits.",
    "signature": "The signature is right.",
    "claims": "The registered claims are there and well-formed.",
    "times": "It lives now.",
    "prefix": "It begins with the profile's prefix.",
    "introspection": "The issuer says that it is active.",
    "issuer": "The issuer is the profile's.",
    "audience": "It is meant for the profile's audience.",
    "algorithm": "The algorithm is in the profile's list.",
    "maximum_age": "It was issued recently enough.",
    "lifetime": "It has begun, has not expired, and begins before it ends.",
    "maximum_lifetime": "It was made for no longer than the profile allows.",
    "required_claims": "It has the claims that the profile requires.",
    "subject": "It names a subject.",
    "scope": "Its scopes, if it names any, are well-formed.",
}
OUTCOMES: Final = {
    Outcome.KNOWN: "It stands for a user whom the profile knows.",
    Outcome.DISABLED: "It stands for a user who is disabled, and would be refused.",
    Outcome.LINKED: "It would be linked to a user by the verified e-mail address.",
    Outcome.CREATED: "It would create a user, as far as the profile's quota for today goes.",
    Outcome.UNKNOWN: "It names nobody whom the profile knows, and would be refused.",
}


class TokenForm(forms.Form):
    """The token to try."""

    token = forms.CharField(
        max_length=MAXIMUM_TOKEN_CHARACTERS,
        widget=UnfoldAdminTextareaWidget({"autocomplete": "off", "spellcheck": "false"}),
        help_text="A token of the issuer. It is neither stored nor logged.",
    )


def may_try(request: HttpRequest) -> bool:
    """Say whether the operator may see trust profiles anywhere."""
    return permissions.is_allowed(reach_of(request), KIND, "view")


@never_cache
@sensitive_post_parameters("token")
@sensitive_variables("form", "token")
def show_trial(request: HttpRequest, profile_id: UUID) -> HttpResponse:
    """Ask for a token, and show what each check of the profile says of it."""
    profile = _require_profile(request, profile_id)
    form = TokenForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Test a token of {profile.slug}",
        "profile": profile,
        "form": form,
    }
    if form.is_valid():
        record = read_trust_profile(
            profile.tenant_id, profile.pk, base_url=settings.TENANTS_BASE_URL
        )
        if record is None:
            raise Http404
        token: str = form.cleaned_data["token"]
        trial = try_token(profile.tenant_id, record, token, time.time())
        may_see_users = permissions.is_allowed(
            reach_of(request), "subject", "view", profile.tenant_id
        )
        context |= _describe(trial) | {"subject_id": trial.subject_id if may_see_users else None}
        # The page does not repeat the token.
        context["form"] = TokenForm()
    return TemplateResponse(request, "console/trust_trial.html", context)


def _require_profile(request: HttpRequest, profile_id: UUID) -> TrustProfile:
    if not may_try(request):
        raise PermissionDenied
    seen = permissions.tenants_for(reach_of(request), KIND, "view")
    rows = TrustProfile.objects.filter(pk=profile_id).select_related("tenant")
    profile = scope(rows, seen, "tenant_id").first()
    if profile is None:
        raise Http404
    return profile


def _describe(trial: Trial) -> dict[str, Any]:
    return {
        "is_tried": True,
        "is_accepted": trial.is_accepted,
        "checks": [_describe_check(check) for check in trial.checks],
        "outcome": OUTCOMES[trial.outcome] if trial.outcome else "",
        "given": sorted(trial.scopes.given or ()) if trial.scopes else [],
        "names_no_scopes": trial.scopes is not None and trial.scopes.given is None,
        "dropped": list(trial.scopes.dropped) if trial.scopes else [],
        "claims_text": json.dumps(trial.signed.claims, indent=2) if trial.signed else "",
    }


def _describe_check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name.replace("_", " "),
        "meaning": MEANINGS[check.name],
        "passed": check.passed,
        "reason": check.reason,
        "detail": check.detail,
    }
