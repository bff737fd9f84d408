"""Says for whom of its application a client may ask for tokens. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import re2

from tenants.records import ImpersonationRight

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from uuid import UUID

MAX_PATTERNS: Final = 100
MAX_PATTERN_CHARACTERS: Final = 255
MAX_NAME_CHARACTERS: Final = 255
PATTERN_BYTES_OF_MEMORY: Final = 1 << 20


def build_right(
    *,
    tenants: Iterable[str],
    subjects: Iterable[str],
    scope_ids: Collection[UUID],
    max_lifetime_seconds: int | None,
) -> ImpersonationRight:
    """Build a client's right with its filters compiled, once for every request."""
    tenant_patterns, subject_patterns = tuple(tenants), tuple(subjects)
    return ImpersonationRight(
        tenants=tenant_patterns,
        subjects=subject_patterns,
        scope_ids=frozenset(scope_ids),
        max_lifetime_seconds=max_lifetime_seconds,
        allows_tenant=compile_filter(tenant_patterns),
        allows_subject=compile_filter(subject_patterns),
    )


def compile_filter(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Compile a filter: a name passes that one of the patterns matches from end to end.

    Without a pattern nobody passes, and a pattern that can't be compiled passes nobody.
    """
    compiled = [one for pattern in patterns if (one := _compile(pattern)) is not None]

    def allows(name: str) -> bool:
        return any(one.fullmatch(name) is not None for one in compiled)

    return allows


def explain_pattern(pattern: str) -> str:
    """Answer what is wrong with a pattern; empty where it can be used."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return f"Use at most {MAX_PATTERN_CHARACTERS} characters for a pattern."
    if _compile(pattern) is None:
        return "This is no pattern in the syntax of RE2; escape what stands for itself by \\."
    return ""


def is_name(text: str) -> bool:
    """Say whether a text can name a tenant or subject of an application."""
    return 0 < len(text) <= MAX_NAME_CHARACTERS and text.isprintable()


def _compile(pattern: str) -> Any:  # noqa: ANN401 - the library has no types.
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PATTERN_BYTES_OF_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None
