"""The schema is the published one, with what Ideavate's callers ask for."""

from __future__ import annotations

from pathlib import Path

from tokens.graphql.schema import SCHEMA

PUBLISHED = Path(__file__).parents[4] / "docs" / "graphql.graphql"


def test_published_schema_is_the_one_that_is_served() -> None:
    hint = "run: strawberry export-schema tokens.graphql.schema:SCHEMA > docs/graphql.graphql"
    assert PUBLISHED.read_text() == f"{SCHEMA.as_str()}\n", hint


def test_names_are_those_of_ideavate() -> None:
    text = SCHEMA.as_str()
    for name in ("addUserAndAccessToken(", "addAccessToken(user:", "getUser(id:"):
        assert name in text
    assert "getAuthorisedUser: AuthorisedUser" in text
