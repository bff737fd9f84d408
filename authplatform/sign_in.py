"""The sign-in of operators: nobody can guess, as each failure makes the next try wait longer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from tokens import limits

if TYPE_CHECKING:
    from django.http import HttpRequest


class SignInForm(AuthenticationForm):  # type: ignore[misc]  # the theme has no types.
    """Name and password; who has to wait is not checked, whether there is such an operator or not.

    `wait_seconds` is what the answer says in Retry-After.
    """

    request: HttpRequest
    wait_seconds = 0

    def clean(self) -> dict[str, Any]:
        """Check the operator, unless the name or the address has to wait.

        Raises:
            ValidationError: the name and password are wrong, or they came too often.
        """
        username = self.cleaned_data.get("username")
        if not username or not self.cleaned_data.get("password"):
            return dict(self.cleaned_data)
        address = self.request.META.get("REMOTE_ADDR", "")
        self._refuse_delayed(limits.sign_in_wait_seconds(username, address))
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            limits.count_sign_in_failure(username, address)
            raise
        limits.forget_sign_in_failures(username, address)
        return cleaned

    def _refuse_delayed(self, wait_seconds: float) -> None:
        self.wait_seconds = math.ceil(wait_seconds)
        if self.wait_seconds:
            raise ValidationError(
                "Too many attempts to sign in; try again in %(seconds)s seconds.",
                code="rate_limited",
                params={"seconds": self.wait_seconds},
            )
