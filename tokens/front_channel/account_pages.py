"""What the pages of an account share: they are for whoever is signed in, and about nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import UUID

from tenants.errors import NotFound
from tokens.account import Owner
from tokens.front_channel import continuations
from tokens.front_channel.errors import PageRefused
from tokens.front_channel.page import Page
from tokens.front_channel.passwords import person_of
from tokens.front_channel.signing_in import ACCOUNT

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tenants.records import Actor
    from tokens.front_channel.page import Visit
    from tokens.sign_ins import SignInRecord

SIGN_IN: Final = "sign-in"
DONE: Final = "done"
# Within it nobody is asked again who they are before they change how they sign in.
RECENT_SECONDS: Final = 600
# Of no row at all. Source: RFC 9562 section 5.9.
NIL: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Own:
    """Who looks at their own account; `row_id` is what the page's address names, else nil."""

    visit: Visit
    person: SignInRecord
    row_id: UUID

    @property
    def tenant_id(self) -> UUID:
        """Where the account is."""
        return self.visit.tenant.id

    @property
    def subject_id(self) -> UUID:
        """Whose account it is."""
        return self.person.subject_id

    @property
    def owner(self) -> Owner:
        """The same, as what is read needs it."""
        return Owner(self.visit.tenant, self.subject_id, self.visit.now)

    @property
    def actor(self) -> Actor:
        """The person as who changes what is their own."""
        return person_of(self.visit, self.subject_id)


class PersonalPage(Page):
    """A page of a person's own account; whoever is not signed in does that first.

    A sensitive one wants a sign-in of the last minutes: it gives power over the account. Ending
    something takes power away, and nobody in a hurry should be kept from it.
    """

    is_sensitive: ClassVar[bool] = False

    def show_own(self, own: Own) -> HttpResponse:
        """Show the page to the person."""
        return super().show(own.visit)

    def submit_own(self, own: Own) -> HttpResponse:
        """Take the person's form."""
        return super().submit(own.visit)

    def show(self, visit: Visit, *, row_id: UUID = NIL, **_fixed: str) -> HttpResponse:  # type: ignore[override]  # The URL's converter makes a UUID.
        """Show the page, or the sign-in page that leads back here."""
        person = self._find_person(visit)
        if person is None:
            return _send_to_sign_in(visit, visit.request.META.get("QUERY_STRING", ""))
        return self.show_own(Own(visit, person, row_id))

    def submit(self, visit: Visit, *, row_id: UUID = NIL, **_fixed: str) -> HttpResponse:  # type: ignore[override]  # As above.
        """Take the form, or have the person sign in, after which they find the form again."""
        person = self._find_person(visit)
        if person is None:
            return _send_to_sign_in(visit, "")
        try:
            return self.submit_own(Own(visit, person, row_id))
        except NotFound as error:
            raise PageRefused("not_found", status=404) from error

    def _find_person(self, visit: Visit) -> SignInRecord | None:
        person = visit.sign_in
        if person is None or (self.is_sensitive and not is_recent(visit, person)):
            return None
        return person


def require_own_proof(visit: Visit) -> None:
    """Let nobody add a way to sign in by what an outside issuer vouches for.

    It would outlive the issuer's word, and the bounds of its trust profile.

    Raises:
        PageRefused: an outside issuer signed the person in.
    """
    if visit.sign_in is not None and visit.sign_in.trust_profile_id is not None:
        raise PageRefused("vouched_elsewhere", status=403)


def is_recent(visit: Visit, person: SignInRecord) -> bool:
    """Say whether a person has proven within the last minutes who they are."""
    return visit.now - person.authentication.authenticated_at <= RECENT_SECONDS


def go_back(visit: Visit, done: str) -> HttpResponse:
    """Lead back to the account, which says what was done by the key of a notice."""
    return visit.redirect(f"{visit.address_of(ACCOUNT)}?{DONE}={done}")


def page_number(visit: Visit, name: str) -> int:
    """Read which page of a list is wanted, the first where that is no number."""
    text = visit.request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 1  # noqa: PLR2004


def _send_to_sign_in(visit: Visit, query: str) -> HttpResponse:
    path = visit.request.path.removeprefix(f"/t/{visit.tenant.path}/")
    continuation = continuations.Continuation(path, query, int(visit.now))
    sealed = continuations.seal(visit.tenant, continuation)
    return visit.redirect(f"{visit.address_of(SIGN_IN)}?{continuations.PARAMETER}={sealed}")
