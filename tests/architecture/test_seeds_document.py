"""docs/seeds.md names a story and a place in the demo for each row, and each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LINES = re.findall(
    r"^\| (\d+) \| (.+?) \| (.*?) ?\| (.*?) ?\|$",
    (ROOT / "docs/seeds.md").read_text(),
    re.MULTILINE,
)
# The others are said above the table.
ROWS = [*range(1, 6), *range(8, 67)]
SHOWN = ("demo_calls.py", "demo_people.py")
TITLES = [
    node.args[0]
    for name in SHOWN
    for node in ast.walk(ast.parse((ROOT / "tenants/configuration" / name).read_text()))
    if isinstance(node, ast.Call)
    and isinstance(node.func, ast.Name)
    and node.func.id in {"Trial", "Visit"}
]
# A setting of the installation, and what is refused: the page says so.
WITHOUT_DEMO = {34, 35, 55}


def read_slugs() -> set[str]:
    """Read the tenants that the demo has."""
    found = set()
    text = (ROOT / "tenants/configuration/demo.yaml").read_text().replace("$DEMO_ISSUER_JWKS", "[]")
    for document in yaml.safe_load_all(text):
        for project in document["projects"]:
            for environment in project["environments"]:
                found |= {tenant["slug"] for tenant in environment["tenants"]}
    return found


SLUGS = read_slugs()


def test_each_row_stands_there_once() -> None:
    assert [int(number) for number, *_ in LINES] == ROWS


@pytest.mark.parametrize(("number", "stories"), [(line[0], line[2]) for line in LINES])
def test_each_story_is_a_test(number: str, stories: str) -> None:
    named = re.findall(r"`([^`]+)`", stories)
    assert named, number
    for story in named:
        path, _, name = story.partition("::")
        source = (ROOT / "tests/seeds" / path).read_text()
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), story


@pytest.mark.parametrize(("number", "shown"), [(line[0], line[3]) for line in LINES])
def test_each_row_is_shown_by_a_tenant_of_the_demo(number: str, shown: str) -> None:
    if int(number) in WITHOUT_DEMO:
        return
    assert shown, number
    titles = [ast.unparse(title) for title in TITLES]
    for place in shown.split("; "):
        slugs, _, words = place.partition(": ")
        assert SLUGS >= set(re.findall(r"`([^`]+)`", slugs)) != set(), place
        assert any(words in title for title in titles), words
