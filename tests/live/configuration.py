"""Configures the running platform from tests/live/tenant.yaml, as its operator would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tenants.credentials import CredentialKind, make_credential
from tests.live.management_shell import variables_of
from tests.run.platform_process import ROOT

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

    from tests.run.platform_process import Platform

FILE = Path(__file__).with_name("tenant.yaml")
SECRET_NAME = re.compile(r"[A-Z_]+_SECRET")


def configure(platform: Platform, **keys: ECKey) -> dict[str, str]:
    """Apply the file with these keys by name; answer the secrets of its clients by client_id.

    Raises:
        AssertionError: the file is refused; the command's own words are the message.
    """
    text = FILE.read_text()
    for name, key in keys.items():
        text = text.replace(f"${name.upper()}_JWKS", json.dumps([key.as_dict(private=False)]))
    filled = platform.folder / FILE.name
    filled.write_text(text)
    secrets = {name: _make_secret() for name in SECRET_NAME.findall(text)}
    outcome = subprocess.run(  # noqa: S603 - our own command.
        [sys.executable, "manage.py", "apply_config", str(filled)],
        cwd=ROOT,
        env=variables_of(platform) | secrets,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return {_client_id(name): secret for name, secret in secrets.items()}


def _make_secret() -> str:
    return make_credential(CredentialKind.CLIENT_SECRET, uuid.uuid4()).text


def _client_id(name: str) -> str:
    return name.removesuffix("_SECRET").lower().replace("_", "-")
