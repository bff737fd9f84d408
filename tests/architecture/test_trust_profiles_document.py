"""docs/trust-profiles.md tells the presets and the fields that there are."""

from __future__ import annotations

import re
from pathlib import Path

from tenants.configuration.kinds import TRUST_PROFILE
from tenants.trust_presets import PRESETS

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/trust-profiles.md").read_text()


def test_every_preset_is_told_as_it_is() -> None:
    section = DOCUMENT.partition("\n## Presets\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `([\w-]+)` \| `([^`]+)` \| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert told == [
        (
            preset.slug,
            preset.fields["issuer"],
            preset.fields["subject_claim"],
            ", ".join(f"`{name}`" for name in preset.fields["required_claims"]),  # type: ignore[union-attr]  # a mapping, as another test sees.
        )
        for preset in PRESETS.values()
    ]


def test_every_key_of_a_profile_is_told() -> None:
    names = [attribute.name for attribute in TRUST_PROFILE.attributes]
    assert [name for name in [*names, *TRUST_PROFILE.extras] if name not in DOCUMENT] == []
