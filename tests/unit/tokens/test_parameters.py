"""Tests of how parameters are read: strictly, within bounds, and never with a surprise."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from tokens.parameters import (
    FORM,
    JSON_TYPE,
    MAX_BODY_BYTES,
    MAX_PARAMETERS,
    Parameters,
    read_form,
    read_parameters,
)

# What PostgreSQL and UTF-8 can both hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
NAMES = TEXTS.filter(lambda name: name not in {"audience", "resource"})


@given(
    body=st.binary(max_size=300),
    content_type=st.sampled_from([FORM, JSON_TYPE, "", "text/plain"]) | st.text(max_size=40),
    allow_json=st.booleans(),
)
def test_random_bytes_raise_nothing_but_errors_of_ours(
    body: bytes, content_type: str, *, allow_json: bool
) -> None:
    try:
        parameters = read_parameters(body, content_type, allow_json=allow_json)
    except (InvalidRequest, RequestTooLarge, UnsupportedMediaType):
        return
    for name, values in parameters.values.items():
        assert "\x00" not in name
        for value in values:
            value.encode()
            assert value
            assert "\x00" not in value


@given(st.dictionaries(NAMES, TEXTS, max_size=20))
def test_a_form_is_read_as_it_was_written(pairs: dict[str, str]) -> None:
    for body in (urlencode(pairs), urlencode(pairs, quote_via=quote)):
        read = read_form(body.encode())
        assert {name: read.get(name) for name in pairs} == pairs


@given(st.dictionaries(NAMES, TEXTS, max_size=20))
def test_json_is_read_as_it_was_written(pairs: dict[str, str]) -> None:
    read = read_parameters(json.dumps(pairs).encode(), JSON_TYPE, allow_json=True)
    assert {name: read.get(name) for name in pairs} == pairs


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "2"])), max_size=6))
def test_no_parameter_comes_twice(pairs: list[tuple[str, str]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        read_form(urlencode(pairs).encode())
    else:
        with pytest.raises(InvalidRequest):
            read_form(urlencode(pairs).encode())


def test_an_audience_may_come_more_than_once() -> None:
    parameters = read_form(b"audience=a&audience=&resource=c&audience=b&audience=a")
    assert parameters.all("audience") == ("a", "b", "a")
    assert parameters.get("audience") == "a"
    assert parameters.all("resource") == ("c",)
    assert parameters.all("nothing") == ()


def test_a_missing_or_empty_parameter_is_named() -> None:
    for parameters in (Parameters(), read_form(b"token=")):
        with pytest.raises(InvalidRequest, match="token"):
            parameters.require("token")


def test_bounds_are_where_they_are_said_to_be() -> None:
    most = b"&".join(b"p%d=" % number for number in range(MAX_PARAMETERS))
    assert len(read_form(most).values) == MAX_PARAMETERS
    with pytest.raises(InvalidRequest):
        read_form(most + b"&one=more")
    longest = b"a=" + b"x" * (MAX_BODY_BYTES - 2)
    assert len(read_parameters(longest, FORM, allow_json=False).get("a")) == MAX_BODY_BYTES - 2
    with pytest.raises(RequestTooLarge):
        read_parameters(longest + b"x", FORM, allow_json=False)


@pytest.mark.parametrize(
    "content_type",
    [FORM, FORM.upper(), f"{FORM};charset=UTF-8", f" {FORM} ; charset=utf-8"],
)
def test_the_media_type_is_read_as_http_writes_it(content_type: str) -> None:
    assert read_parameters(b"a=b", content_type, allow_json=False).get("a") == "b"


def test_json_needs_leave() -> None:
    assert read_parameters(b'{"a": "b"}', JSON_TYPE, allow_json=True).get("a") == "b"
    with pytest.raises(UnsupportedMediaType):
        read_parameters(b'{"a": "b"}', JSON_TYPE, allow_json=False)


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'{"a": 1}', b'{"a": ["b"]}', b'{"a": "b", "a": "c"}', b'{"resource": [1]}'],
)
def test_json_must_be_an_object_of_texts(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_parameters(body, JSON_TYPE, allow_json=True)
