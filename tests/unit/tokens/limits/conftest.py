"""What all tests of the limits begin with."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def patient_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a machine that is busy with other tests answer late without being away."""
    # By their names: Django is not set up yet when pytest reads this file.
    monkeypatch.setattr("tokens.limits.rows.TIMEOUT_SECONDS", 3.0)
    monkeypatch.setattr("tokens.limits.rows.TIMEOUT_SQL", "SET LOCAL statement_timeout = '3s'")
    monkeypatch.setattr("tokens.limits.redis_store.TIMEOUT_SECONDS", 3.0)
