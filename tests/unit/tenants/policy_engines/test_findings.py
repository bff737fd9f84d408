"""Rules are bounded before anything reads them, and findings name a line."""

from __future__ import annotations

import json
import re
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy_document import Document
from tenants.policy_engines import _COMPILERS, ENGINES, compile_rule, lint
from tenants.policy_engines.findings import find_excess, write_pointer
from tenants.policy_engines.json_lines import find_lines
from tenants.records import Verdict

if TYPE_CHECKING:
    from tenants.records import JSON


NOTHING = Document(lambda _name: None, ())


def deep(levels: int) -> JSON:
    rule: JSON = "a"
    for _ in range(levels):
        rule = {"client": rule}
    return rule


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        pytest.param(deep(17), "16 levels", id="deep"),
        pytest.param({"client": "a" * 17_000}, "16384 bytes", id="text"),
        pytest.param({"a" * 17_000: 1}, "16384 bytes", id="name"),
        pytest.param({"a": 1 << 200_000}, "16384 bytes", id="number"),
        pytest.param({"a": [1] * 2000}, "1024 members", id="members"),
        pytest.param(
            {"claims": {f"c{n}": {"$regex": "a"} for n in range(65)}}, "64 text", id="regexes"
        ),
        pytest.param({"anyOf": [{"pattern": "^a$"}] * 65}, "64 text", id="patterns"),
        pytest.param(
            {"patternProperties": {f"a{n}": False for n in range(65)}}, "64 text", id="of-names"
        ),
        pytest.param({"a": "\x00"}, "can't be stored", id="nul"),
        pytest.param({"\ud800": 1}, "can't be stored", id="surrogate"),
        pytest.param({"a": float("inf")}, "can't be stored", id="infinite"),
        pytest.param({"a": float("nan")}, "can't be stored", id="no-number"),
        pytest.param({1: "a"}, "no JSON", id="number-as-name"),
        pytest.param({"a": {None: 1}}, "no JSON", id="null-as-name"),
        pytest.param({"a": [date(2026, 11, 20)]}, "no JSON", id="date"),
        pytest.param({"a": b"a"}, "no JSON", id="bytes"),
    ],
)
def test_excess_is_the_only_finding(rule: JSON, part: str) -> None:
    for engine in ENGINES:
        found = lint("allow", engine, rule)
        assert len(found) == 1
        assert part in found[0].message
        assert compile_rule(engine, rule)(NOTHING) is Verdict.INDETERMINATE


def test_rule_within_bounds_has_no_excess() -> None:
    assert find_excess({"a": [1, 1.5, None, True, "ä", deep(13)]}) is None


def test_allow_takes_no_rule() -> None:
    assert lint("allow", "allow", None) == []
    assert "has no rule" in lint("allow", "allow", {})[0].message
    assert compile_rule("allow", {})(NOTHING) is Verdict.INDETERMINATE
    assert compile_rule("allow", None)(NOTHING) is Verdict.TRUE


def test_unknown_engine_is_found() -> None:
    assert "Did you mean schema?" in lint("deny", "schemaa", None)[0].message


TEXT = """{
  "client": {
    "kind": {"$enum": [
      "service",
      "wbe"]}
  },

  "a/b": [1, {"x":
    null}]
}"""


def test_lines_of_a_json_text() -> None:
    lines = find_lines(TEXT)
    assert lines[""] == 1
    assert lines["/client"] == 2
    assert lines["/client/kind/$enum"] == 3
    assert (lines["/client/kind/$enum/0"], lines["/client/kind/$enum/1"]) == (4, 5)
    assert (lines["/a~1b"], lines["/a~1b/0"], lines["/a~1b/1/x"]) == (8, 8, 8)


def pointers(value: JSON, path: tuple[str | int, ...] = ()) -> set[str]:
    found = {write_pointer(path)}
    if isinstance(value, dict):
        return found.union(*(pointers(value[name], (*path, name)) for name in value))
    if isinstance(value, list):
        return found.union(*(pointers(part, (*path, n)) for n, part in enumerate(value)))
    return found


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from([None, 1]),
)
def test_every_part_of_a_json_text_has_a_line(value: JSON, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    lines = find_lines(text)
    assert set(lines) == pointers(value)
    assert max(lines.values()) <= text.count("\n") + 1


def test_name_with_an_odd_escape_stands_as_written() -> None:
    assert find_lines('{"\\x": 1}') == {"": 1, '/"\\x"': 1}


def test_lines_of_a_deep_text_are_found_quickly() -> None:
    text = "[" * 900 + ",".join(["1"] * 15_000) + "]" * 900
    began = time.monotonic()
    assert lint("allow", "match", json.loads(text), text=text)[0].line == 1
    assert time.monotonic() - began < 1


@given(st.text(alphabet='{}[],:"\\a1 \n'))
def test_lines_of_any_other_text_are_a_guess(text: str) -> None:
    assert all(line >= 1 for line in find_lines(text).values())


def test_finding_names_the_line_of_the_authors_text() -> None:
    text = TEXT.replace('"client"', '"cliant"')
    found = {f.path: f.line for f in lint("allow", "match", json.loads(text), text)}
    assert found == {"/cliant": 2, "/a~1b": 8}
    assert lint("allow", "match", 1, "1")[0].line == 1
    assert lint("allow", "match", {"x": 1}, "[]")[0].line == 1


def test_finding_without_any_line_has_none() -> None:
    assert lint("allow", "match", {"x": 1}, " ")[0].line is None


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def break_off(_rule: object) -> object:
        raise stop

    monkeypatch.setitem(_COMPILERS, "stopped", break_off)
    with pytest.raises(stop):
        compile_rule("stopped", None)
    monkeypatch.setitem(_COMPILERS, "stopped", lambda _rule: break_off)
    with pytest.raises(stop):
        compile_rule("stopped", None)(NOTHING)


class Panic(BaseException):
    """Like what a Rust library raises when it panics."""


def test_panic_is_indeterminate(monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(_rule: object) -> object:
        raise Panic

    monkeypatch.setitem(_COMPILERS, "panic", panic)
    assert compile_rule("panic", None)(NOTHING) is Verdict.INDETERMINATE
    monkeypatch.setitem(_COMPILERS, "panic", lambda _rule: panic)
    assert compile_rule("panic", None)(NOTHING) is Verdict.INDETERMINATE


def test_every_example_of_the_page_is_sound() -> None:
    page = (Path(__file__).parents[4] / "docs" / "policies.md").read_text()
    examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    assert len(examples) == 3
    for rule in examples:
        engine = "all" if isinstance(rule, list) else "match"
        assert lint("deny", engine, rule) == []
