"""The errors that the tenants package raises; the tokens package maps them to the wire."""

from __future__ import annotations


class TenantsError(Exception):
    """An error of the configuration or of its stores."""


class NotFound(TenantsError):
    """An entity does not exist, or belongs to another tenant."""


class Conflict(TenantsError):
    """A write contradicts what is stored, such as a key that is still in use."""


class Forbidden(TenantsError):
    """The actor's role does not allow the write."""


class InvalidEntity(TenantsError):
    """A write is refused; each message names the field and the fix."""

    def __init__(self, messages: dict[str, list[str]]) -> None:
        """Keep the messages by field name; `__all__` holds those of the whole entity."""
        super().__init__(
            "; ".join(f"{name}: {' '.join(texts)}" for name, texts in messages.items())
        )
        self.messages = messages


class QuotaUsedUp(TenantsError):
    """A day's quota is used up; `retry_after_seconds` is when the next one begins."""

    def __init__(self, text: str, *, retry_after_seconds: int) -> None:
        """Keep when to try again, in seconds."""
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class SnapshotUnconfirmed(TenantsError):
    """This process could not confirm its configuration for too long and must not answer."""


class UnknownKeyEncryptionKey(TenantsError):
    """A ciphertext names a key encryption key that this installation does not hold."""


class InvalidCiphertext(TenantsError):
    """A ciphertext was altered, or belongs to another context."""


class CredentialCheckBusy(TenantsError):
    """Too many typed secrets are being checked at once; the caller may try again."""


class OutgoingRefused(TenantsError):
    """An outgoing fetch is against the rules, whoever answers; `reason` is a fixed code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Keep the reason code and what the log may say besides it."""
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class OutgoingFailed(TenantsError):
    """An outgoing fetch was tried and brought nothing: no answer, a bad one, or too late."""
