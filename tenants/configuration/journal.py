"""What one application of configuration does: who does it, what differs, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tenants.configuration.mistakes import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.configuration.documents import Entry
    from tenants.configuration.mistakes import Mistake
    from tenants.errors import InvalidEntity
    from tenants.records import JSON, Actor


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of the difference between what is stored and what the files say."""

    sign: Literal["+", "-", "~"]
    path: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.path}{': ' if self.text else ''}{self.text}"


def changed(path: str, old: JSON, new: JSON) -> Difference:
    """Show a changed value."""
    return Difference("~", path, f"{quote(old)} -> {quote(new)}")


def changed_secret(path: str) -> Difference:
    """Show that a secret has changed, and nothing of it."""
    return Difference("~", path, "changed")


@dataclass(frozen=True, slots=True)
class Journal:
    """Collects differences and mistakes; any mistake undoes everything."""

    actor: Actor
    variables: Mapping[str, str]
    differences: list[Difference] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def refuse(self, entry: Entry, text: str, *names: str | int) -> None:
        """Note a mistake in an entry, or in what stands below these names in it."""
        self.mistakes.append(entry.mistake(text, *names))

    def refuse_entity(
        self, entry: Entry, error: InvalidEntity, paths: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Note what a service has refused, each message at the attribute behind its field."""
        for name, texts in error.messages.items():
            path = paths.get(name, (name,) if name in entry else ())
            prefix = "" if path or name == "__all__" else f"{name}: "
            for text in texts:
                steps, said = split_pointer(text)
                self.refuse(entry, f"{prefix}{said}", *path, *steps)


def split_pointer(text: str) -> tuple[tuple[str | int, ...], str]:
    """Part a message from the JSON pointer before it, as the linter of rules writes them.

    Source: RFC 6901 section 4.
    """
    pointer, colon, said = text.partition(": ")
    if not colon or not pointer.startswith("/"):
        return (), text
    steps = (step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))
    return tuple(int(step) if step.isdecimal() else step for step in steps), said
