"""Each preset makes a trust profile as it stands, once its placeholders are filled in."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from tenants.models import TrustProfile
from tenants.records import SYSTEM
from tenants.services.trust_profiles import save_trust_profile
from tenants.trust_presets import PRESETS
from tests.factories.tenants import make_tenant
from tests.unit.tenants.configuration.files import apply, tenant

PLACEHOLDER = re.compile(r"<([A-Z][A-Z ./]*)>")


def fill_in(value: Any) -> Any:  # noqa: ANN401 - JSON.
    return json.loads(PLACEHOLDER.sub("filled-in.example", json.dumps(value)))


@pytest.mark.parametrize("slug", PRESETS)
@pytest.mark.django_db
def test_a_preset_makes_a_profile_that_demands_something(slug: str) -> None:
    fields = fill_in(PRESETS[slug].all_fields)
    profile = TrustProfile(tenant=make_tenant(), **fields)
    save_trust_profile(profile, actor=SYSTEM)
    assert profile.required_claims
    assert profile.algorithms == ["RS256"]
    assert profile.provisioning == "refuse"
    assert profile.issuer.startswith("https://")


def test_who_states_no_verified_address_links_nobody() -> None:
    linking = {slug for slug, preset in PRESETS.items() if preset.linking}
    assert linking == {"google"}


@pytest.mark.parametrize("slug", PRESETS)
@pytest.mark.django_db
def test_the_command_writes_an_entry_that_can_be_applied(slug: str) -> None:
    out = io.StringIO()
    call_command("trust_preset", slug, stdout=out)
    entry = fill_in(yaml.safe_load(out.getvalue()))
    apply(tenant(yaml.safe_dump(entry)))
    assert TrustProfile.objects.get().slug == slug


def test_the_command_lists_what_there_is() -> None:
    out = io.StringIO()
    call_command("trust_preset", stdout=out)
    assert [line.split(":")[0] for line in out.getvalue().splitlines()] == list(PRESETS)
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("trust_preset", "unknown", stdout=io.StringIO())
