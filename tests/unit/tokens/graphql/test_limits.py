"""A document is measured before it is validated; whatever is hidden in fragments counts."""

from __future__ import annotations

import pytest

from tokens.errors import QueryRefused
from tokens.graphql.limits import MAX_COST, MAX_DEPTH, check_document

GOOD = {
    "a mutation": "mutation { addUserAndAccessToken { user { id } } }",
    "a mutation that names its type": "mutation { a: addUserAndAccessToken { __typename } }",
    "as many fields as there may be": "{ " + " ".join(f"a{n}: b" for n in range(MAX_COST)) + " }",
    "as deep as may be": "{" + " a {" * (MAX_DEPTH - 1) + " b " + "}" * MAX_DEPTH,
    "a missing fragment, which validation finds": "{ ...Missing }",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_document_within_the_limits_passes(text: str) -> None:
    check_document(text, may_introspect=False)


BEYOND = {
    "one field more": ("{ " + " ".join(f"a{n}: b" for n in range(MAX_COST + 1)) + " }", "COSTLY"),
    "one level more": ("{" + " a {" * MAX_DEPTH + " b " + "}" * (MAX_DEPTH + 1), "DEEP"),
    "a fragment that spreads itself": ("{ ...A } fragment A on Query { ...A }", "COSTLY"),
    "a deep fragment": (
        "{ a { b { c { ...D } } } } fragment D on X { d { e { f { g } } } }",
        "DEEP",
    ),
}


@pytest.mark.parametrize(("text", "part"), BEYOND.values(), ids=BEYOND.keys())
def test_document_beyond_a_limit_is_refused(text: str, part: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        check_document(text, may_introspect=True)
    assert part in refused.value.code


def test_introspection_has_limits_of_its_own() -> None:
    deep = "{ __schema {" + " a {" * 15 + " b " + "}" * 17
    check_document(deep, may_introspect=True)
    with pytest.raises(QueryRefused) as refused:
        check_document(deep, may_introspect=False)
    assert refused.value.code == "INTROSPECTION_DISABLED"
    wide = "{ __schema { " + " ".join(f"a{n}: b" for n in range(301)) + " } }"
    with pytest.raises(QueryRefused):
        check_document(wide, may_introspect=True)
