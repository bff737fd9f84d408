"""docs/architecture.md maps concepts to paths that exist, and forgets no module."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/architecture.md").read_text()
# Wiring that every Django project has, and modules whose package is named as a whole.
UNMAPPED = {"__init__", "apps", "urls", "checks", "records", "errors", "answers", "wsgi", "asgi"}


def test_every_path_of_the_page_exists() -> None:
    paths = re.findall(r"`((?:authplatform|tenants|tokens)/[\w/.]*)`", DOCUMENT)
    assert len(paths) > 40
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_module_of_tokens_and_tenants_has_a_line() -> None:
    modules = [path for package in ("tokens", "tenants") for path in (ROOT / package).glob("*.py")]
    missing = [
        str(path.relative_to(ROOT))
        for path in modules
        if path.stem not in UNMAPPED and f"`{path.relative_to(ROOT)}`" not in DOCUMENT
    ]
    assert missing == []


def test_every_decision_record_is_listed() -> None:
    listed = (ROOT / "docs/adr/README.md").read_text()
    records = [path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md")]
    assert records
    assert [name for name in records if name not in listed] == []
