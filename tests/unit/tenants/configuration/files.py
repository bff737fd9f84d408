"""Writes configuration files for tests and applies them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenants.configuration.application import apply_documents
from tenants.configuration.documents import read_bytes
from tenants.configuration.mistakes import InvalidConfiguration
from tenants.models import AuditEvent, ConfigurationChange, CutOff
from tenants.records import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.records import Actor

HEAD = """\
projects:
- slug: acme
  environments:
  - slug: production
    tenants:
    - slug: globex
"""
# The line on which the text that is given to `tenant` begins.
FIRST_LINE = HEAD.count("\n") + 1
PATH = "projects[0].environments[0].tenants[0]"


def tenant(text: str = "") -> str:
    """Write a file with the tenant acme/production/globex and this about it."""
    return HEAD + textwrap.indent(textwrap.dedent(text), "      ")


def apply(
    text: str,
    *,
    variables: Mapping[str, str] | None = None,
    is_dry_run: bool = False,
    directory: Path = Path("nowhere"),
    actor: Actor = SYSTEM,
) -> list[str]:
    """Apply a file and answer the lines of the difference."""
    documents = read_bytes(text.encode(), file="globex.yaml", directory=directory)
    differences = apply_documents(
        documents, actor=actor, variables=variables or {}, is_dry_run=is_dry_run
    )
    return [str(difference) for difference in differences]


def refuse(text: str, *, directory: Path = Path("nowhere")) -> list[str]:
    """Apply a file that is wrong, make sure that nothing changed, and answer the mistakes."""
    before = count_writes()
    with pytest.raises(InvalidConfiguration) as caught:
        apply(text, directory=directory)
    assert count_writes() == before
    return [str(mistake) for mistake in caught.value.mistakes]


def count_writes() -> tuple[int, int, int]:
    """Count the rows that every write leaves behind."""
    return (
        ConfigurationChange.objects.count(),
        AuditEvent.objects.count(),
        CutOff.objects.count(),
    )
