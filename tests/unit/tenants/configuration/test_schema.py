"""The published schema is the one that the code enforces."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from tenants.configuration.schema import write_schema
from tests.unit.tenants.configuration.files import apply

ROOT = Path(__file__).resolve().parents[4]
PUBLISHED = ROOT / "docs" / "configuration.schema.json"
GUIDE = ROOT / "docs" / "configuration.md"


def examples() -> list[str]:
    return [part.split("```")[0] for part in GUIDE.read_text().split("```yaml\n")[1:]]


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text() == write_schema(), (
        "Run: manage.py export_config --schema > docs/configuration.schema.json"
    )


def test_the_published_schema_is_a_json_schema() -> None:
    schema = json.loads(PUBLISHED.read_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(schema)


@pytest.mark.django_db
def test_the_examples_of_the_guide_can_be_applied() -> None:
    assert examples()
    variables = {"API_CLIENT_SECRET": "a typed secret", "GOOGLE_SECRET": "a secret of theirs"}
    for text in examples():
        apply(text, variables=variables)
        assert apply(text, variables=variables) == []
