"""A claim rule's value is written as JSON, or as the template or name that it is."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from tenants.admin.claim_rule import ValueField


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        pytest.param("${tenant_slug}/${client_id}", "${tenant_slug}/${client_id}", id="template"),
        pytest.param("realm_access.roles", "realm_access.roles", id="path"),
        pytest.param('["https://idp.example/tier"]', ["https://idp.example/tier"], id="names"),
        pytest.param('"department"', "department", id="quoted"),
        pytest.param('{"tier": 1}', {"tier": 1}, id="object"),
        pytest.param("true", True, id="boolean"),
        pytest.param(" eu ", "eu", id="spaces-around"),
    ],
)
def test_value_is_read_as_it_is_meant(typed: str, value: object) -> None:
    assert ValueField().clean(typed) == value


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param('{"tier": ', id="open-object"),
        pytest.param("[1,", id="open-list"),
        pytest.param('"half', id="open-text"),
        pytest.param('a"b', id="quote-inside"),
        pytest.param("NaN", id="not-a-number"),
        pytest.param("a\x00", id="nul"),
        pytest.param("", id="nothing"),
    ],
)
def test_value_that_can_not_be_read_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        ValueField().clean(typed)
