"""The examples of docs/claims.md work as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tenants.claim_bounds import (
    MAX_CLAIM_BYTES,
    MAX_CLAIM_DEPTH,
    MAX_CLAIMS_BYTES,
    find_name_mistake,
)
from tenants.claim_document import RECORD_FIELDS, ClaimInputs
from tenants.claim_rules import MAX_MEMBERS, Source, find_value_mistake, lint_condition
from tenants.models.group_details import MAX_PERMISSIONS
from tenants.records import RESERVED_PREFIXES
from tenants.services.claim_rules import MAX_RULES
from tests.factories.records import make_token_record
from tokens import claim_hook
from tokens.claim_additions import make_claims
from tokens.claim_profiles import get
from tokens.claim_refusals import ClaimsRefused

if TYPE_CHECKING:
    from tokens.claim_hook import ClaimsHook

DOCUMENT = (Path(__file__).parents[3] / "docs" / "claims.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def make_hook() -> ClaimsHook:
    (text,) = blocks("python")
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - the example is ours.
    hook: ClaimsHook = names["RegionHook"]()
    return hook


def test_hook_of_the_page_adds_its_claim_and_refuses() -> None:
    record, embargoed = make_token_record(), make_token_record(tenant_slug="embargoed")
    with claim_hook.installed(make_hook()):
        made = make_claims(get("rfc9068"), record, (), ClaimInputs(), is_dual=False)
        assert made.claims["https://claims.acme.example/region"] == "us"
        with pytest.raises(ClaimsRefused):
            make_claims(get("rfc9068"), embargoed, (), ClaimInputs(), is_dual=False)


def test_rules_of_the_page_pass_the_linter() -> None:
    stated = [yaml.safe_load(text) for text in blocks("yaml")]
    rules = [rule for parsed in stated for rule in parsed.get("claim_rules", ())]
    assert {rule.get("source", "constant") for rule in rules} >= {"constant", "template"}
    for rule in rules:
        assert find_name_mistake(rule["claim"]) == ""
        assert find_value_mistake(rule.get("source", "constant"), rule["value"]) == ""
        assert list(lint_condition(rule.get("condition", {}))) == []


def test_page_names_every_field_every_source_and_every_bound() -> None:
    for name in (*RECORD_FIELDS, *Source):
        assert f"`{name}`" in DOCUMENT, name
    for number in (MAX_CLAIM_BYTES, MAX_CLAIMS_BYTES):
        assert f"{number:,} bytes".replace(",", " ") in DOCUMENT
    assert f"{MAX_CLAIM_DEPTH} levels" in DOCUMENT
    assert f"{MAX_RULES} rules" in DOCUMENT
    for prefix in RESERVED_PREFIXES:
        assert f"`{prefix}`" in DOCUMENT
    assert f"{MAX_PERMISSIONS:,} permissions".replace(",", " ") in DOCUMENT
    assert f"up to {MAX_MEMBERS} of them" in DOCUMENT
