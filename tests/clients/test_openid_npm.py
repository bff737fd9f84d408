"""openid-client of npm, unmodified: codes, userinfo, refresh, devices and logout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser_person import read_forms
from tests.clients import node_programs
from tests.clients.openid import CALLBACK, GOODBYE, make_openid_client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.openid import OpenIDClient
    from tests.live.installation import Installation

pytestmark = pytest.mark.needs("node")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return node_programs.install(tmp_path_factory.mktemp("openid"))


def asked_of(client: OpenIDClient, method: str, **metadata: str) -> dict[str, Any]:
    return {
        "issuer": client.issuer,
        "clientId": client.client_id,
        "secret": client.secret,
        "method": method,
        "metadata": metadata,
        "callback": CALLBACK,
        "goodbye": GOODBYE,
    }


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("client_secret_basic", {}),
        ("client_secret_post", {"id_token_signed_response_alg": "ES256"}),
        ("client_secret_basic", {"userinfo_signed_response_alg": "RS256"}),
        ("none", {"kind": "spa"}),
    ],
    ids=["basic", "elliptic keys", "signed userinfo", "public"],
)
def test_person_signs_in_and_out(
    live: Installation, programs: Path, method: str, fields: dict[str, str]
) -> None:
    client = make_openid_client(live, "npm", token_endpoint_auth_method=method, **fields)
    metadata = {name: text for name, text in fields.items() if name.endswith("_alg")}
    asked = asked_of(client, method, **metadata) | {"parameters": {"max_age": 300}}
    begun = node_programs.run(programs, "code_flow", **asked)
    person = client.person
    arrived = person.arrive(begun["address"], CALLBACK)

    said = node_programs.run(programs, "code_flow", **asked, kept=begun["kept"], arrived=arrived)

    assert person.pages == ["password-form", "consent-form"]
    assert said["userinfo"]["email"] == client.email
    assert said["claims"]["nonce"] == begun["kept"]["nonce"]
    assert said["renewedClaims"]["sub"] == said["claims"]["sub"] == said["userinfo"]["sub"]
    assert person.authorize(said["logout"], GOODBYE) == {"state": "a-state"}


def test_answer_comes_by_a_form(live: Installation, programs: Path) -> None:
    """Source: OAuth 2.0 Form Post Response Mode section 2."""
    client = make_openid_client(live, "npm")
    asked = asked_of(client, "client_secret_basic")
    begun = node_programs.run(
        programs, "code_flow", **asked, parameters={"response_mode": "form_post"}
    )
    (form,) = read_forms(client.person.open(begun["address"]).text)
    sent = {name: values[0] for name, values in form.fields.items()}

    said = node_programs.run(programs, "code_flow", **asked, kept=begun["kept"], form=sent)

    assert (form.action, form.method) == (CALLBACK, "post")
    assert said["userinfo"]["email"] == client.email


def test_device(live: Installation, programs: Path) -> None:
    client = make_openid_client(
        live,
        "npm",
        kind="device",
        grant_types=[DEVICE_GRANT],
        redirect_uris="",
        token_endpoint_auth_method="none",
    )
    asked = asked_of(client, "none")
    shown = node_programs.run(programs, "device", **asked)
    person = client.person
    person.open(shown["verification_uri_complete"])

    said = node_programs.run(programs, "device", **asked, shown=shown | {"interval": 1})

    assert person.pages == ["password-form", "device-form"]
    assert said["claims"]["iss"] == client.issuer
    assert said["scope"] == "openid email"
