"""openid-client and jose of npm, unmodified, against the running platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients import node_programs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.installation import Installation

pytestmark = pytest.mark.needs("node")
AUDIENCE = "https://orders.example/"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return node_programs.install(tmp_path_factory.mktemp("clients"))


@pytest.mark.parametrize(
    ("client_id", "method"), [("service", "client_secret_basic"), ("post", "client_secret_post")]
)
def test_client_credentials(
    live: Installation, programs: Path, client_id: str, method: str
) -> None:
    said = node_programs.run(
        programs,
        "client_credentials",
        issuer=live.issuer,
        audience=AUDIENCE,
        clientId=client_id,
        secret=live.secrets[client_id],
        method=method,
    )

    assert said["token"]["expires_in"] == 3600
    assert said["claims"]["client_id"] == client_id
    assert said["claims"]["scope"] == "read write"
    assert said["before"]["active"] is True
    assert said["after"] == {"active": False}
    assert (said["tooMuch"]["error"], said["tooMuch"]["status"]) == ("invalid_scope", 400)


def test_private_key_jwt_and_refresh(live: Installation, programs: Path) -> None:
    said = node_programs.run(
        programs,
        "private_key_jwt",
        issuer=live.issuer,
        audience=AUDIENCE,
        clientId="signer",
        jwk=live.signer_key.as_dict(private=True),
    )

    assert said["first"]["access_token"] != said["second"]["access_token"]
    assert said["first"]["refresh_token"] != said["second"]["refresh_token"]
    assert (said["introspected"]["active"], said["introspected"]["aud"]) == (True, AUDIENCE)


def test_jwt_bearer_of_a_public_client(live: Installation, programs: Path) -> None:
    said = node_programs.run(
        programs,
        "jwt_bearer",
        issuer=live.issuer,
        partner="https://partner.example",
        jwk=live.partner_key.as_dict(private=True),
    )

    assert said["token"]["scope"] == "read"
    assert live.introspect(said["token"]["access_token"])["client_id"] == "spa"
    assert said["again"]["error"] == "invalid_grant"
