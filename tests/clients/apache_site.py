"""An Apache that lets nobody in who has not signed in by mod_auth_openidc, as Debian ships both."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import requests

from tests.conftest import OPENIDC_MODULE, find_program
from tests.embedded import make_reachable_folder
from tests.run.platform_process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.openid import OpenIDClient

SECONDS = 10.0
CONFIGURATION = """\
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
LogLevel warn
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
User nobody
Group nogroup
DocumentRoot {folder}/pages
OIDCProviderMetadataURL {client.discovery}
OIDCClientID {client.client_id}
OIDCClientSecret {client.secret}
OIDCScope "openid email"
OIDCPKCEMethod S256
OIDCRedirectURI http://127.0.0.1:{port}/inside/callback
OIDCCryptoPassphrase of-one-test
OIDCUserInfoRefreshInterval 1
<Location /inside>
    AuthType openid-connect
    Require valid-user
    Header set X-Email "expr=%{{reqenv:OIDC_CLAIM_email}}"
    Header set X-Issuer "expr=%{{reqenv:OIDC_CLAIM_iss}}"
</Location>
"""


@contextlib.contextmanager
def running_apache(port: int, client: OpenIDClient) -> Iterator[None]:
    """Serve until the test is over, from a folder that Apache's own user may read."""
    folder = make_reachable_folder()
    pages = folder / "pages" / "inside"
    pages.mkdir(parents=True)
    (pages / "page.txt").write_text("for those inside", encoding="utf-8")
    (folder / "pages" / "bye.txt").write_text("for everybody", encoding="utf-8")
    file = folder / "apache.conf"
    text = CONFIGURATION.format(
        folder=folder, port=port, modules=OPENIDC_MODULE.parent, client=client
    )
    file.write_text(text, encoding="utf-8")
    program = find_program("apache2")
    assert program is not None
    command = [program, "-f", str(file), "-DFOREGROUND"]
    with subprocess.Popen(command) as process:  # noqa: S603 - our own command.
        try:
            wait_until(lambda: _answers(port) or process.poll() is not None, SECONDS)
            assert process.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
            yield
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder)


def _answers(port: int) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"http://127.0.0.1:{port}/bye.txt", timeout=SECONDS).status_code == 200
    return False
