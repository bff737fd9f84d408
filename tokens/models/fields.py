"""Relations without a database constraint, for rows that are written on the hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.models import Model


def loose_key(
    to: type[Model] | str, *, null: bool = False, db_index: bool = True
) -> models.ForeignKey[Any, Any]:
    """Make a relation that the database neither checks nor cascades.

    A constraint on a partitioned table would block DETACH, and a check of the client's row on
    every insert would cost the token path.
    """
    return models.ForeignKey(
        to,
        models.DO_NOTHING,
        null=null,
        db_index=db_index,
        db_constraint=False,
        related_name="+",
    )
