"""The named checks of a decision that look at the person for whom a token is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants import assurance
from tenants.refusal_reasons import Reason

if TYPE_CHECKING:
    from tenants.policy_checks import Refusal, Walk


def subject_enabled(walk: Walk) -> Refusal:
    """Pass where nobody is acted for, or somebody who is enabled."""
    subject = walk.request.subject
    if subject is None or subject.is_enabled:
        return None
    return Reason.SUBJECT_DISABLED, str(subject.id)


def assurance_reached(walk: Walk) -> Refusal:
    """Pass where the person proved who they are as surely as each granted scope asks for.

    Of whom nobody knows how they were recognised, nothing is believed. Source: RFC 9470 section 1.
    """
    request = walk.request
    if request.subject is None:
        return None
    acr = request.authentication.acr if request.authentication else ""
    for name, scope in (walk.granted or {}).items():
        if not assurance.reaches(acr, scope.min_acr):
            return Reason.ASSURANCE_TOO_LOW, f"{name} needs {scope.min_acr}"
    return None
