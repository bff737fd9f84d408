"""What is wrong in a configuration file: where it stands, and how to mend it."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tenants.errors import TenantsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Path: TypeAlias = "tuple[str | int, ...]"
MAX_LISTED_NAMES = 12
# In `{value: one, two}` an unquoted secret has become a value and a key.
SECRET_PLACES = frozenset(("secrets", "master_tokens", "shared_secret", "signing_keys"))
MAX_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake; lines count from 1, and line 0 stands for the file as a whole."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.text) if part)


class InvalidConfiguration(TenantsError):
    """The files can't be applied; nothing has been changed."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        """Keep the mistakes in the order of the files' lines, each of them once."""
        self.mistakes: Sequence[Mistake] = tuple(dict.fromkeys(sorted(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


def may_hold_secrets(path: Path) -> bool:
    """Say whether what stands at a path, even a key there, may be part of a secret."""
    return not SECRET_PLACES.isdisjoint(map(str, path))


def write_path(path: Path) -> str:
    """Write a path as `projects[0].environments[1].slug`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def quote(value: object) -> str:
    """Show a value as JSON on one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}..."


def suggest(name: object, known: Iterable[str]) -> str:
    """Write the ending of a message that names what was probably meant."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    if near:
        return f"; did you mean {quote(near[0])}?"
    if 0 < len(names) <= MAX_LISTED_NAMES:
        return f"; use one of {', '.join(names)}"
    return ""
