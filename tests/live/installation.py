"""The running platform as the live tests know it: its issuer, its clients and its processes."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from joserfc.jwk import ECKey

from tests.embedded import make_reachable_folder
from tests.live.configuration import configure
from tests.live.management_shell import ManagementShell
from tests.run.platform_process import Platform, running

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Installation:
    """One platform in a folder of its own, with the tenant of tests/live/tenant.yaml."""

    platform: Platform
    shell: ManagementShell
    signer_key: ECKey
    partner_key: ECKey
    secrets: dict[str, str] = field(repr=False)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.platform.port}/t/live/test/acme"

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/oauth/token"

    def credentials(self, client_id: str) -> tuple[str, str]:
        return client_id, self.secrets[client_id]

    def post(self, path: str, client_id: str, **form: str) -> requests.Response:
        """Send a form to an endpoint, with HTTP Basic, on a connection of its own."""
        return requests.post(
            self.issuer + path,
            data=form,
            auth=self.credentials(client_id),
            timeout=TIMEOUT_SECONDS,
        )

    def fetch_token(self, client_id: str, **form: str) -> dict[str, Any]:
        """Get a token by client_credentials; a refusal fails the test with its own words."""
        answer = self.post("/oauth/token", client_id, grant_type="client_credentials", **form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def introspect(self, token: str, client_id: str = "gateway") -> dict[str, Any]:
        answer = self.post("/oauth/introspect", client_id, token=token)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@contextlib.contextmanager
def installed() -> Iterator[Installation]:
    """Start the real platform on an empty folder, configure its tenant, and stop it at the end."""
    folder = make_reachable_folder()
    signer, partner = make_key("signer"), make_key("partner")
    try:
        with running(folder / "data") as platform:
            shell = ManagementShell(platform)
            try:
                secrets = configure(platform, signer=signer, partner=partner)
                yield Installation(platform, shell, signer, partner, secrets)
            finally:
                shell.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_key(kid: str) -> ECKey:
    """Make a P-256 key for ES256."""
    return ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256", "use": "sig"}, private=True)
