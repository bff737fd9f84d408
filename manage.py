#!/usr/bin/env python
"""Runs a management command, as the owner of the database."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplatform.settings")
    os.environ.setdefault("DATABASE_ROLE", "")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - as above.

    import authplatform.celery  # noqa: F401, PLC0415 - commands may publish tasks.

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
