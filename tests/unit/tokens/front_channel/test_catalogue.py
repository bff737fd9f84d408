"""The German catalogue has a message for each text of the pages, and each of its files is true."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path
from typing import TYPE_CHECKING

from django.utils.translation import template as django_template

from tokens.front_channel.sentences import SENTENCES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[4]
CATALOGUE = ROOT / "tokens" / "locale" / "de" / "LC_MESSAGES" / "django.po"
SOURCES = ("tenants", "tokens", "authplatform")
MARKERS = frozenset(("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"))
LITERAL = r"""(u?'(?:\\.|[^'\\])*'|u?"(?:\\.|[^"\\])*")"""
MARKED = re.compile(rf"(?:\b_|gettext)\(\s*{LITERAL}")
FIELD = re.compile(r"%\((\w+)\)")
REFUSED = re.compile(r"PageRefused\(\s*\"(\w+)\"")


def texts_of_module(path: Path) -> Iterator[str]:
    """Find what a module marks to be translated."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            text = node.args[0]
            if node.func.id in MARKERS and isinstance(text, ast.Constant):
                yield str(text.value)


def texts_of_template(path: Path) -> Iterator[str]:
    """Find what a template marks, as Django writes it for gettext."""
    written = django_template.templatize(path.read_text(encoding="utf-8"))
    for found in MARKED.finditer(written):
        yield ast.literal_eval(found.group(1))


def marked_texts() -> set[str]:
    """Find every text of the pages and mails."""
    modules = (path for name in SOURCES for path in (ROOT / name).rglob("*.py"))
    templates = (ROOT / "templates" / "front_channel").rglob("*.html")
    return {text for path in modules for text in texts_of_module(path)} | {
        text for path in templates for text in texts_of_template(path)
    }


def compiled_messages() -> dict[str, tuple[str, ...]]:
    """Read the compiled catalogue: a text, and its translations by number."""
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        raw = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other way to list them.
    messages: dict[str, tuple[str, ...]] = {}
    for key, text in sorted(raw.items(), key=str):
        name = key[0] if isinstance(key, tuple) else key
        messages[name] = (*messages.get(name, ()), text)
    messages.pop("")
    return messages


def written_messages() -> dict[str, tuple[str, ...]]:
    """Read the catalogue that people edit."""
    messages: dict[str, tuple[str, ...]] = {}
    for block in CATALOGUE.read_text(encoding="utf-8").split("\n\n"):
        parts = re.findall(r'^(msg\w+(?:\[\d\])?) ((?:"(?:\\.|[^"\\])*"\n?)+)', block, re.MULTILINE)
        texts = {name: ast.literal_eval(f"({text})") for name, text in parts}
        if texts.get("msgid"):
            translated = (text for name, text in texts.items() if name.startswith("msgstr"))
            messages[texts["msgid"]] = tuple(translated)
    return messages


def test_every_text_has_its_message_and_no_message_is_left_over() -> None:
    assert set(written_messages()) == marked_texts()


def test_no_message_is_empty_or_guessed() -> None:
    assert "fuzzy" not in CATALOGUE.read_text(encoding="utf-8")
    for text, translated in written_messages().items():
        assert all(translated), text


def test_translations_name_what_their_text_names() -> None:
    for text, translated in written_messages().items():
        for each in translated:
            assert set(FIELD.findall(each)) == set(FIELD.findall(text)), text
            assert each.count("<strong>") == text.count("<strong>"), text


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    assert compiled_messages() == written_messages()


def test_every_reason_of_a_page_has_its_sentence() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tokens").rglob("*.py"))
    reasons = {reason for source in sources for reason in REFUSED.findall(source)}
    assert reasons - set(SENTENCES) == set()
