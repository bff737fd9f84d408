"""The platform's settings with made-up secrets, for mypy's Django plugin."""

import os

from authplatform.secret_file import generate_secrets

STAND_INS = {
    "AUTHPLATFORM_ENVIRONMENT": "test",
    "DATABASE_URL": "postgresql://nobody@localhost/nothing",
    **generate_secrets(),
}
for name, text in STAND_INS.items():
    os.environ.setdefault(name, text)

from authplatform.settings import *  # noqa: E402, F403 - all of them, with the variables set.
