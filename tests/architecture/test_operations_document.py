"""docs/operations.md names every metric, and none that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from authplatform import metrics
from authplatform.metrics import REQUEST_SECONDS
from tokens.metrics import count_refusal

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(authplatform_\w+)`", re.MULTILINE)


@pytest.mark.django_db
def test_every_metric_stands_on_the_page() -> None:
    REQUEST_SECONDS.labels("token", "200").observe(0.001)
    count_refusal("token", "no_policy_allows")
    families = text_string_to_metric_families(metrics.write_exposition().decode())
    # The library adds when each counter began.
    names = {family.name for family in families if not family.name.endswith("_created")}
    ours = {name for name in names if name.startswith("authplatform_")}
    documented = {name.removesuffix("_total") for name in ROW.findall(PAGE.read_text())}
    # The task queue of the tests is elsewhere.
    assert documented - {"authplatform_queue_tasks"} == ours
