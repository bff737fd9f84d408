import io

import pytest

from tenants.api.parsing import MAX_BODY_BYTES, StrictJSONParser, parse_object
from tenants.api.problems import CONTENT_TOO_LARGE, MALFORMED_REQUEST, Problem

MALFORMED = {
    "nothing": b"",
    "no JSON": b"{",
    "an array": b"[]",
    "a text": b'"client_id"',
    "a number": b"1",
    "null": b"null",
    "two documents": b"{}{}",
    "a repeated member": b'{"kind": "web", "kind": "spa"}',
    "a repeated member below": b'{"jwks": {"keys": [], "keys": []}}',
    "NaN": b'{"version": NaN}',
    "Infinity": b'{"version": -Infinity}',
    "a float beyond floats": b'{"version": 1e999}',
    "an integer of 10 000 digits": b'{"version": ' + b"9" * 10_000 + b"}",
    "a NUL character": b'{"client_name": "a\\u0000b"}',
    "a NUL character in a name": b'{"client\\u0000": 1}',
    "a NUL byte": b'{"client_name": "a\x00b"}',
    "half a surrogate pair": b'{"client_name": "\\ud800"}',
    "a NUL character deep below": b'{"jwks": {"keys": [{"kid": "\\u0000"}]}}',
    "Latin-1": b'{"client_name": "\xe9"}',
    "UTF-16": '{"client_name": "x"}'.encode("utf-16"),
    "overlong UTF-8": b'{"client_name": "\xc0\x80"}',
    "17 levels": b'{"a": ' + b"[" * 17 + b"]" * 17 + b"}",
    "30 000 levels": b'{"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_body_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        parse_object(body)
    assert refused.value.kind is MALFORMED_REQUEST


def test_a_body_is_read_up_to_its_bound() -> None:
    shell = len(b'{"a": ""}')
    largest = b'{"a": "' + b"x" * (MAX_BODY_BYTES - shell) + b'"}'
    assert StrictJSONParser().parse(io.BytesIO(largest))["a"] == "x" * (MAX_BODY_BYTES - shell)
    with pytest.raises(Problem) as refused:
        StrictJSONParser().parse(io.BytesIO(largest + b" "))
    assert refused.value.kind is CONTENT_TOO_LARGE


def test_an_object_is_read_as_it_is() -> None:
    body = '{"client_name": "Grüße 🎉", "n": 1.5, "keys": [{"kid": null}], "is": true}'
    assert parse_object(body.encode()) == {
        "client_name": "Grüße 🎉",
        "n": 1.5,
        "keys": [{"kid": None}],
        "is": True,
    }
