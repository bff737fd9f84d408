"""The outside of a JWT is read strictly: hostile headers, base64url and JSON are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.jose import (
    MAXIMUM_NESTING,
    decode_base64url,
    decode_unverified_header,
    encode_base64url,
    parse_json_object,
    unverified_claims,
)
from tokens.signing import (
    InvalidJWT,
)


def segment(text: str | bytes) -> str:
    return encode_base64url(text.encode() if isinstance(text, str) else text)


def header_token(header: str | bytes) -> str:
    return f"{segment(header)}.e30.AA"


def test_a_header_is_read_down_to_what_may_be_trusted() -> None:
    header = {
        "alg": "ES256",
        "kid": "k",
        "typ": "JWT",
        "jwk": {"kty": "EC"},
        "jku": "https://evil.example",
    }
    read = decode_unverified_header(header_token(json.dumps(header)), algorithms={"ES256"})
    assert (read.algorithm, read.key_id, read.type) == ("ES256", "k", "JWT")
    assert set(read.__slots__) == {"algorithm", "key_id", "type"}


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param("", "malformed", id="empty"),
        pytest.param("..", "malformed", id="three empty segments"),
        pytest.param("e30.e30", "malformed", id="two segments"),
        pytest.param("e30.e30.e30.e30.e30", "malformed", id="JWE"),
        pytest.param(header_token('{"alg":"ES256"}').replace(".", "=.", 1), "malformed", id="pad"),
        pytest.param("\u212a" + header_token("{}"), "malformed", id="not ASCII"),
        pytest.param(" " + header_token('{"alg":"ES256"}'), "malformed", id="space"),
        pytest.param("+/+/.e30.AA", "malformed", id="standard alphabet"),
        pytest.param("A.e30.AA", "malformed", id="impossible length"),
        pytest.param("e31.e30.AA", "malformed", id="left-over bits"),
        pytest.param(header_token("[]"), "malformed", id="array"),
        pytest.param(header_token("null"), "malformed", id="null"),
        pytest.param(header_token('{"alg":"ES256"'), "malformed", id="cut off"),
        pytest.param(header_token('{"alg":"ES256"} x'), "malformed", id="more after the object"),
        pytest.param(header_token(b"\xff\xfe"), "malformed", id="not UTF-8"),
        pytest.param(
            header_token(b'\xef\xbb\xbf{"alg":"ES256"}'), "malformed", id="byte order mark"
        ),
        pytest.param(header_token('{"alg":"none","alg":"ES256"}'), "malformed", id="alg twice"),
        pytest.param(header_token('{"alg":"ES256","x":NaN}'), "malformed", id="NaN"),
        pytest.param(header_token('{"alg":"ES256","x":1e999}'), "malformed", id="infinite number"),
        pytest.param(
            header_token('{"alg":"ES256","x":' + "9" * 5000 + "}"), "malformed", id="digits"
        ),
        pytest.param(
            header_token('{"alg":"ES256","x":-9223372036854775808}'), "malformed", id="64 bits"
        ),
        pytest.param(header_token('{"alg":"ES256","kid":"\\u0000"}'), "malformed", id="NUL"),
        pytest.param(header_token('{"alg":"ES256","kid":"\\ud800"}'), "malformed", id="surrogate"),
        pytest.param(header_token('{"alg":"ES256","kid":7}'), "malformed", id="kid is a number"),
        pytest.param(header_token('{"alg":"ES256","kid":null}'), "malformed", id="kid is null"),
        pytest.param(header_token('{"alg":"ES256","kid":""}'), "malformed", id="kid is empty"),
        pytest.param(
            header_token('{"alg":"ES256","kid":"' + "k" * 256 + '"}'), "malformed", id="long kid"
        ),
        pytest.param(header_token('{"alg":"ES256","typ":[]}'), "malformed", id="typ is a list"),
        pytest.param(header_token("{}"), "algorithm_not_allowed", id="no alg"),
        pytest.param(header_token('{"alg":"none"}'), "algorithm_not_allowed", id="none"),
        pytest.param(header_token('{"alg":"nOnE"}'), "algorithm_not_allowed", id="nOnE"),
        pytest.param(header_token('{"alg":"es256"}'), "algorithm_not_allowed", id="lower case"),
        pytest.param(header_token('{"alg":["ES256"]}'), "algorithm_not_allowed", id="list"),
        pytest.param(header_token('{"alg":"HS256"}'), "algorithm_not_allowed", id="not listed"),
        pytest.param(header_token('{"alg":"ES256","crit":["x"]}'), "unsupported_header", id="crit"),
        pytest.param(header_token('{"alg":"ES256","crit":[]}'), "unsupported_header", id="no crit"),
        pytest.param(header_token('{"alg":"ES256","b64":false}'), "unsupported_header", id="b64"),
        pytest.param("a" * 16_385, "too_large", id="large"),
        pytest.param("." * 16_385, "too_large", id="dots"),
    ],
)
def test_a_hostile_header_is_refused(token: str, reason: str) -> None:
    with pytest.raises(InvalidJWT) as refusal:
        decode_unverified_header(token, algorithms={"ES256"})
    assert refusal.value.reason == reason


@given(st.text(max_size=200) | st.binary(max_size=100).map(header_token))
def test_a_random_token_is_refused_and_never_crashes(token: str) -> None:
    with pytest.raises(InvalidJWT):
        decode_unverified_header(token, algorithms={"ES256"})


@given(st.binary(max_size=100))
def test_base64url_is_one_text_per_octets(octets: bytes) -> None:
    assert decode_base64url(encode_base64url(octets)) == octets


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def test_nesting_is_bounded_and_brackets_in_strings_do_not_count() -> None:
    assert "a" in parse_json_object(nested(MAXIMUM_NESTING))
    for depth in (MAXIMUM_NESTING + 1, 6000):
        with pytest.raises(InvalidJWT, match="malformed"):
            parse_json_object(nested(depth))
    text = '\\"' + "[" * 1000
    assert parse_json_object(b'{"a":"\\\\\\"' + b"[" * 1000 + b'"}') == {"a": text}


def test_many_shallow_brackets_are_not_nesting() -> None:
    assert parse_json_object(b'{"a":[' + b",".join([b"{}"] * 100) + b"]}")["a"] == [{}] * 100


@pytest.mark.parametrize("raw", [b'{"a":{"b":1,"b":2}}', b'{"a":["\\u0000"]}', b'{"\\ud800":1}'])
def test_strictness_reaches_inside(raw: bytes) -> None:
    with pytest.raises(InvalidJWT, match="malformed"):
        parse_json_object(raw)


SUBJECT = '{"sub":"a"}'
DOUBLED = '{"a":1,"a":1}'


def test_unverified_claims_are_read_as_strictly() -> None:
    assert unverified_claims(f"e30.{segment(SUBJECT)}.AA") == {"sub": "a"}
    for token in ("e30.e30", f"e30.{segment('[]')}.AA", f"e30.{segment(DOUBLED)}.AA"):
        with pytest.raises(InvalidJWT):
            unverified_claims(token)
