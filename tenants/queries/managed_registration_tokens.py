"""Reads initial access tokens as the management API shows them: one statement."""

from __future__ import annotations

from typing import Final

from tenants import models
from tenants.queries.managed import Managed

# A label may hold any character, which a cursor can't; an id always fits.
INITIAL_ACCESS_TOKENS: Final = Managed(
    models.InitialAccessToken, lambda rows: rows.select_related("tenant"), order="pk"
)
