"""Tests of how an issuer stands in a URL."""

from __future__ import annotations

import re

import pytest
from django.urls import Resolver404, resolve, reverse

from tokens.endpoints.converters import IssuerPathConverter

LONGEST = "/".join(["x" * 63] * 3)


@pytest.mark.parametrize("path", ["a/b/c", "acme/production/globex-2", LONGEST])
def test_an_issuer_s_path_is_read_and_written(path: str) -> None:
    assert reverse("token", kwargs={"issuer": path}) == f"/t/{path}/oauth/token"
    match = resolve(f"/t/{path}/oauth/token")
    assert (match.view_name, match.kwargs["issuer"]) == ("token", path)


@pytest.mark.parametrize(
    "path", ["a/b", "a/b/c/d", "A/b/c", "a//c", "a/b/c\n", "a/b/ü", f"{LONGEST}x"]
)
def test_anything_else_is_no_issuer(path: str) -> None:
    assert not re.fullmatch(IssuerPathConverter.regex, path)
    with pytest.raises(Resolver404):
        resolve(f"/t/{path}/jwks")
