"""YAML is read as plain values with their lines, and hostile YAML is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.configuration.documents import MAX_FILE_BYTES, read_bytes, read_file
from tenants.configuration.export import dump
from tenants.configuration.mistakes import InvalidConfiguration
from tenants.configuration.yaml_reader import MAX_DEPTH

if TYPE_CHECKING:
    from tenants.records import JSON

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**17), max_value=10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=8,
)


def read(text: str) -> JSON:
    (document,) = read_bytes(text.encode(), file="f.yaml", directory=Path())
    return document.content


def refusal(content: bytes) -> str:
    with pytest.raises(InvalidConfiguration) as caught:
        read_bytes(content, file="f.yaml", directory=Path())
    (mistake,) = caught.value.mistakes
    return str(mistake)


@given(VALUES)
def test_what_is_dumped_is_read_as_the_same_value(value: JSON) -> None:
    read_back = read(dump({"value": value}))
    assert read_back == {"value": value}
    assert repr(read_back) == repr({"value": value})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("2027-01-31", "2027-01-31"),
        ("12:30:00", "12:30:00"),
        ("0x10", "0x10"),
        ("010", "010"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("true", True),
        ("-7", -7),
        ("1.5", 1.5),
        ("~", None),
        ("", None),
    ],
)
def test_only_what_json_knows_is_more_than_text(text: str, value: JSON) -> None:
    assert read(f"value: {text}") == {"value": value}


def test_every_value_has_the_line_on_which_it_was_written() -> None:
    (document,) = read_bytes(b"a:\n  b:\n  - x\n  - {c: 1}\n", file="f", directory=Path())
    assert document.line_of(("a",)) == 1
    assert document.line_of(("a", "b")) == 2
    assert document.line_of(("a", "b", 1, "c")) == 4
    assert document.line_of(("a", "b", 1, "missing")) == 4


def test_an_alias_means_what_its_anchor_means() -> None:
    assert read("a: &x [1, {b: 2}]\nc: *x\n") == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name + 1, name + 1, b", ".join([b"*%c" % name] * 10))
    for name in range(ord("a"), ord("h"))
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(BOMB, "too large or too deep", id="bomb of aliases"),
        pytest.param(b"a: &a [*a]", "too large or too deep", id="alias of itself"),
        pytest.param(b"[" * 100_000, "levels deep", id="deep lists"),
        pytest.param(b"{a: " * 100_000, "levels deep", id="deep mappings"),
        pytest.param(b"- " * (MAX_DEPTH + 2), "levels deep", id="deep blocks"),
        pytest.param(b"[" + b"," * 600_000, "f.yaml:1: ", id="very many commas"),
        pytest.param(b"[" + b"1," * 600_000 + b"]", "values; split it", id="very many values"),
        pytest.param(b"x" * (MAX_FILE_BYTES + 1), "larger than 4 MB", id="huge"),
        pytest.param(b"a: !!python/object/apply:os.system [id]", "tags", id="python object"),
        pytest.param(b"a: !!python/name:os.system ''", "tags", id="python name"),
        pytest.param(b"a: !env X", "tags", id="own tag"),
        pytest.param(b"a: ! x", "tags", id="non-specific tag"),
        pytest.param(b"a: !!binary aGk=", "tags", id="binary"),
        pytest.param(b"a: !!set {x}", "tags", id="set"),
        pytest.param(b"!!map {a: 1}", "tags", id="tagged root"),
        pytest.param(b"a: 1\nb: 2\na: 3\n", 'f.yaml:3: the key "a" stands here twice', id="twice"),
        pytest.param(b"a: {b: 1, b: 1}", 'f.yaml:1: a: the key "b"', id="twice within"),
        pytest.param(b"a: b\0c", "NUL", id="NUL"),
        pytest.param(b'a: "b\\0c"', "can't be stored", id="escaped NUL"),
        pytest.param(b'"b\\0c": 1', "can't be stored", id="NUL in a key"),
        pytest.param(b"a: \xff", "f.yaml:1: this is not UTF-8", id="bad UTF-8"),
        pytest.param("a: 1".encode("utf-16"), "not UTF-8", id="UTF-16"),
        pytest.param(b"a: \x07", "f.yaml", id="control character"),
        pytest.param(b"a: *nowhere", "anchor", id="unknown alias"),
        pytest.param(b"[a]: 1", "plain text", id="list as key"),
        pytest.param(b"? {a: 1}\n: 2", "plain text", id="mapping as key"),
        pytest.param(b"a: [1", "f.yaml:", id="unclosed"),
        pytest.param(b"a: 'hunter2", "f.yaml:", id="unclosed quote"),
        pytest.param(b"a:\n\t- b", "f.yaml:2", id="tab"),
        pytest.param(b"a: " + b"9" * 10_000, "too large", id="10 000 digits"),
        pytest.param(b"a: 99999999999999999999", "too large", id="20 digits"),
        pytest.param(b"a: 1.0e+999", "too large", id="infinite"),
    ],
)
def test_hostile_yaml_is_refused_with_its_place(content: bytes, message: str) -> None:
    text = refusal(content)
    assert text.startswith("f.yaml:")
    assert message in text
    assert "\n" not in text
    assert len(text) < 300


def test_a_refusal_repeats_nothing_of_what_may_be_a_secret() -> None:
    assert "hunter2" not in refusal(b"secrets: [{value: hunter2hunter2]")
    assert "hunter2" not in refusal(b"value: *hunter2hunter2")
    assert "hunter2" not in refusal(b"value: !hunter2hunter2 x")


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"none\.yaml: can't be read: No such file"):
        read_file(tmp_path / "none.yaml")
    with pytest.raises(InvalidConfiguration, match="Is a directory"):
        read_file(tmp_path)
