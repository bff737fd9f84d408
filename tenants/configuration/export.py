"""Writes the stored configuration as YAML: sorted, without defaults, the same bytes each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tenants import models
from tenants.configuration.built_in import birth_value, is_built_in
from tenants.configuration.kinds import (
    ENVIRONMENT,
    KINDS,
    PLATFORM,
    PROJECT,
    TENANT,
    Kind,
)
from tenants.configuration.secret_export import needs_id, write_secret
from tenants.configuration.stored import find_stored
from tenants.configuration.values import is_same, read_value
from tenants.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    from tenants.records import JSON

MAX_WIDTH = 1_000_000  # Nothing is folded: a line is a value.


class _Dumper(yaml.SafeDumper):
    """Writes equal values out in full: an alias would depend on what happens to be shared."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature.
        """Never write an alias."""
        return True


def export(paths: Sequence[str] = (), *, with_ids: bool = False) -> str:
    """Write everything, or the tenants at these paths.

    Raises:
        NotFound: there is no tenant at one of the paths.
    """
    writer = _Writer(with_ids=with_ids)
    return dump(writer.write_tenants(paths) if paths else writer.write_everything())


def dump(content: JSON) -> str:
    """Write plain values as YAML that `apply_config` reads as the same values."""
    return yaml.dump(
        content,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=MAX_WIDTH,
    )


class _Writer:
    """Turns entities into what a file would say of them."""

    def __init__(self, *, with_ids: bool) -> None:
        self._with_ids = with_ids

    def write_everything(self) -> JSON:
        """Write the platform's settings and all projects."""
        platform = self._write_entity(PLATFORM, models.Platform.objects.get(pk=1))
        projects = self._write_list(PROJECT, None)
        return {"platform": platform, "projects": projects} if platform else {"projects": projects}
