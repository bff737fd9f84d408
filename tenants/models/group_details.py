"""What a group gives its members besides permissions: roles, attributes and resources."""

from __future__ import annotations

from typing import Final, TypeGuard

from django.core.exceptions import ValidationError

MAX_DETAILS: Final = 200
MAX_PERMISSIONS: Final = 1_000
MAX_CHARACTERS: Final = 200
RESOURCE_MEMBERS: Final = frozenset(("id", "name", "external_id", "privilege", "resource_type"))
RESOURCE: Final = "{id, name, external_id, privilege, resource_type: {id, name}}"


def validate_roles(roles: object) -> None:
    """Refuse everything but a short list of texts."""
    if not _is_short_list(roles) or not all(map(_is_text, roles)):
        raise ValidationError(
            f"Write a list of at most {MAX_DETAILS} texts of 1 to {MAX_CHARACTERS} characters."
        )


def validate_permissions(permissions: object) -> None:
    """Refuse everything but a bounded list of texts."""
    if not _is_short_list(permissions, MAX_PERMISSIONS) or not all(map(_is_text, permissions)):
        raise ValidationError(
            f"Write a list of at most {MAX_PERMISSIONS} texts of 1 to {MAX_CHARACTERS} characters."
        )


def validate_group_attributes(attributes: object) -> None:
    """Refuse everything but a short list of names with values."""
    if not _is_short_list(attributes) or not all(map(_is_attribute, attributes)):
        raise ValidationError(f"Write a list of at most {MAX_DETAILS} objects {{name, value}}.")


def validate_resources(resources: object) -> None:
    """Refuse everything but a short list of resources; each has at least an id."""
    if not _is_short_list(resources) or not all(map(_is_resource, resources)):
        raise ValidationError(f"Write a list of at most {MAX_DETAILS} objects {RESOURCE}.")


def _is_short_list(listed: object, longest: int = MAX_DETAILS) -> TypeGuard[list[object]]:
    return isinstance(listed, list) and len(listed) <= longest


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_CHARACTERS and value.isprintable()


def _is_attribute(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"name", "value"}
        and all(map(_is_text, value.values()))
    )


def _is_resource(value: object) -> bool:
    if not isinstance(value, dict) or "id" not in value or not value.keys() <= RESOURCE_MEMBERS:
        return False
    kind = value.get("resource_type", {})
    texts = [member for name, member in value.items() if name != "resource_type"]
    is_kind = isinstance(kind, dict) and kind.keys() <= {"id", "name"}
    return is_kind and all(map(_is_text, [*texts, *kind.values()]))
