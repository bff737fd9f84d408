"""Writes the stored configuration as YAML: sorted, without defaults, the same bytes each time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import yaml

from tenants import models
from tenants.configuration.built_in import birth_value, is_built_in
from tenants.configuration.kinds import API, KINDS, PLATFORM, PROJECT, SCOPE, SIGNING_KEY, TENANT
from tenants.configuration.secret_export import needs_id, write_secret
from tenants.configuration.stored import find_stored
from tenants.configuration.values import is_same, read_value
from tenants.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    from tenants.configuration.vocabulary import Kind
    from tenants.records import JSON

UNUSUAL_BREAKS = re.compile("[\x85\u2028\u2029]")
MAX_WIDTH = 1_000_000  # Nothing is folded: a line is a value.


class _Dumper(yaml.SafeDumper):
    """Writes equal values out in full: an alias would depend on what happens to be shared."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature.
        """Never write an alias."""
        return True


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # Other quotes would keep these as they are, and a reader takes them for line breaks.
    style = '"' if UNUSUAL_BREAKS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


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


@dataclass(frozen=True, slots=True)
class _Writer:
    """Turns entities into what a file would say of them."""

    with_ids: bool

    def write_everything(self) -> JSON:
        """Write the platform's settings and all projects."""
        platform = self._write(PLATFORM, models.Platform.objects.get(pk=1))
        projects = self._write_list(PROJECT, None)
        return {"platform": platform, "projects": projects} if platform else {"projects": projects}

    def write_tenants(self, paths: Sequence[str]) -> JSON:
        """Write some tenants; of what stands above them only the names."""
        projects: dict[str, dict[str, list[JSON]]] = {}
        for path in sorted(set(paths)):
            tenant = models.Tenant.objects.filter(path=path).first()
            if tenant is None:
                raise NotFound(f"There is no tenant {path}; write project/environment/tenant.")
            environment = tenant.environment
            environments = projects.setdefault(environment.project.slug, {})
            written = self._write(TENANT, tenant)
            environments.setdefault(environment.slug, []).append(written)
        return {
            "projects": [
                {"slug": project, "environments": [*map(_write_level, environments.items())]}
                for project, environments in projects.items()
            ]
        }

    def _write_list(self, kind: Kind, owner: Model | None) -> list[JSON]:
        return [
            self._write(kind, entity)
            for entity in find_stored(kind, owner).values()
            if _is_exported(entity)
        ]

    def _write(self, kind: Kind, entity: Model) -> dict[str, JSON]:
        written = self._write_attributes(kind, entity)
        if kind is not PLATFORM and (self.with_ids or needs_id(entity)):
            written["id"] = str(entity.pk)
        written |= write_secret(entity)
        for name in kind.children:
            children = self._write_list(KINDS[name], entity)
            if name in {API.name, SCOPE.name}:
                children = [child for child in children if child]
            # An empty list says that there is nothing; of keys, that is never meant.
            if children or name != SIGNING_KEY.name:
                written[name] = cast("JSON", children)
        return _reduce_built_in(kind, entity, written)

    def _write_attributes(self, kind: Kind, entity: Model) -> dict[str, JSON]:
        written: dict[str, JSON] = {}
        for attribute in kind.attributes:
            value = read_value(kind, attribute, entity)
            default = birth_value(kind, attribute, entity)
            if attribute.name not in kind.key and is_same(value, default):
                continue
            place = written
            if attribute.group:
                place = cast("dict[str, JSON]", written.setdefault(attribute.group, {}))
            place[attribute.name] = _sort(value)
        return written


def _write_level(item: tuple[str, list[JSON]]) -> JSON:
    slug, tenants = item
    return {"slug": slug, "tenants": tenants}


def _is_exported(entity: Model) -> bool:
    """Leave out keys without private part: they sign nothing and verify nothing any more."""
    return not (
        isinstance(entity, models.SigningKey) and entity.state == models.SigningKey.State.RETIRED
    )


def _reduce_built_in(kind: Kind, entity: Model, written: dict[str, JSON]) -> dict[str, JSON]:
    """Answer nothing for what is as it was born."""
    if not is_built_in(entity):
        return written
    unsaid = (*kind.key, "id")
    is_changed = any(value != [] and name not in unsaid for name, value in written.items())
    return written if is_changed else {}


def _sort(value: JSON) -> JSON:
    """Sort the keys of a JSON value, whose order the database doesn't keep."""
    if isinstance(value, dict):
        return {name: _sort(value[name]) for name in sorted(value)}
    return [_sort(item) for item in value] if isinstance(value, list) else value
