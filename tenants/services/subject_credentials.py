"""Sets the passwords of end users, and makes the accounts of those who sign up."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import audit
from tenants.credentials import TYPED_SECRET_LENGTHS, hash_typed_secret
from tenants.errors import Conflict, InvalidEntity, NotFound
from tenants.models import Subject, SubjectPassword
from tenants.queries import subject_credentials
from tenants.services import changes, cut_offs

if TYPE_CHECKING:
    from uuid import UUID

    from tenants.records import Actor

FIELD: Final = "password"
MIN_CHARACTERS: Final = 12
UNTYPED: Final = frozenset(("Cc", "Cs"))  # Controls and halves of characters.


class DissimilarityValidator(password_validation.UserAttributeSimilarityValidator):
    """Refuses what anybody could guess who knows the person, in words of the pages."""

    def get_error_message(self) -> str:
        """Say all that it must not resemble: Django would name a column, in English."""
        return _("This password is too much like your name or address.")


VALIDATORS: Final = (
    password_validation.MinimumLengthValidator(MIN_CHARACTERS),
    password_validation.CommonPasswordValidator(),
    DissimilarityValidator(("name", "email", "external_id")),
)


def set_password(tenant_id: UUID, subject_id: UUID, password: str, *, actor: Actor) -> int:
    """Set a password, which ends every sign-in, session and token of the person.

    Answers the number of the cut-off: who signs in under it stays.

    Raises:
        NotFound: the tenant has no such subject, or it is disabled.
        InvalidEntity: the password is too weak, in the language that is active.
        CredentialCheckBusy: nothing was changed.
    """
    with transaction.atomic():
        # Whoever changes it at the same time waits, and everybody takes the chain first.
        audit.lock_chain(tenant_id)
        subject = Subject.objects.filter(
            tenant_id=tenant_id, pk=subject_id, is_enabled=True, erased_at=None
        ).first()
        if subject is None:
            raise NotFound("There is no such user.")
        _store(subject, password, actor)
        cut_off = cut_offs.end(
            tenant_id, actor=actor, reason="password changed", subject_id=subject_id
        )
    return cut_off.number


def sign_up(tenant_id: UUID, email: str, name: str, password: str, *, actor: Actor) -> Subject:
    """Make the account of a person who has proven to have the e-mail address.

    Without a password they sign in by mail or passkey.

    Raises:
        Conflict: somebody has the address by now.
        InvalidEntity: the name or the password won't do.
        CredentialCheckBusy: nothing was changed.
    """
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        if subject_credentials.is_email_taken(tenant_id, email):
            raise Conflict("There is an account with this address.")
        subject = Subject(tenant_id=tenant_id, email=email, is_email_verified=True, name=name)
        changes.save(subject, actor=actor, event="subject.signed_up")
        if password:
            _store(subject, password, actor)
    return subject


def verify_email(tenant_id: UUID, subject_id: UUID, email: str, *, actor: Actor) -> None:
    """Note that a person has the e-mail address, if it still is theirs."""
    with transaction.atomic():
        audit.lock_chain(tenant_id)
        subject = Subject.objects.filter(
            tenant_id=tenant_id, pk=subject_id, email=email, is_email_verified=False
        ).first()
        if subject is not None:
            subject.is_email_verified = True
            changes.save(subject, actor=actor, event="subject.email_verified")


def check_password(subject: Subject, password: str) -> None:
    """Refuse a password that is too weak, with sentences in the language that is active.

    Raises:
        InvalidEntity: it is.
    """
    try:
        _check_characters(password)
        # Of a user the validators want nothing but the attributes that are named above.
        password_validation.validate_password(password, subject, VALIDATORS)  # type: ignore[arg-type]
    except ValidationError as error:
        raise InvalidEntity({FIELD: list(error.messages)}) from error


def _check_characters(password: str) -> None:
    if len(password) >= TYPED_SECRET_LENGTHS.stop:
        raise ValidationError(_("This password is too long: 512 characters are enough."))
    if any(unicodedata.category(character) in UNTYPED for character in password):
        raise ValidationError(_("This password contains a character that can't be typed."))


def _store(subject: Subject, password: str, actor: Actor) -> None:
    """Store the password's hash beside its subject."""
    normal = subject_credentials.normalise_password(password)
    check_password(subject, normal)
    known = SubjectPassword.objects.filter(tenant_id=subject.tenant_id, subject=subject).first()
    row = known or SubjectPassword(tenant_id=subject.tenant_id, subject=subject)
    row.password_hash = hash_typed_secret(normal)
    row.changed_at = timezone.now()
    changes.save(row, actor=actor)
