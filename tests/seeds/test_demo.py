"""The demo offers one tenant for each seed system, and every line that it prints works."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
import stat
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.core.management import call_command
from django.test import Client as HttpClient

from tenants.models import Client, ClientSecret, ConfigurationChange, Subject, Tenant, User
from tenants.records import SYSTEM
from tenants.services import changes, client_secrets, clients, offboarding

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

pytestmark = pytest.mark.django_db
SEEDS = ("spaceblocks", "thinktecture", "ideavate", "onewelcome", "aidbox")
PATHS = [*(f"demo/seeds/{seed}" for seed in SEEDS), "platform/production/platform"]


@pytest.fixture(autouse=True)
def demo_file(settings: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "data" / "demo.env"
    settings.AUTHPLATFORM_DEMO_FILE = path
    return path


def run_demo() -> str:
    out = io.StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def curl_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("curl ")]


def indented_lines(text: str, part: str) -> list[str]:
    """Find the lines that show another way than a tenant's first."""
    return [
        line.strip() for line in text.splitlines() if line.startswith("  curl ") and part in line
    ]


def find_line(text: str, seed: str) -> str:
    (line,) = (line for line in curl_lines(text) if f"/{seed}/" in line)
    return line


def call(line: str) -> dict[str, Any]:
    """Do in this process what a line does in a shell."""
    words = shlex.split(line)
    fields = dict(words[n + 1].split("=", 1) for n, word in enumerate(words) if word == "-d")
    headers = {}
    if "-u" in words:
        basic = base64.b64encode(words[words.index("-u") + 1].encode()).decode()
        headers["Authorization"] = f"Basic {basic}"
    response = HttpClient().generic(
        "POST",
        urlsplit(words[-1]).path,
        urlencode(fields),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )
    answer: dict[str, Any] = json.loads(response.content)
    assert response.status_code == 200, answer
    return answer


def send(line: str) -> dict[str, Any]:
    """Do in this process what a line with a JSON document does in a shell."""
    words = shlex.split(line)
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    content_type = headers.pop("Content-Type")
    path, body = urlsplit(words[-1]).path, words[words.index("-d") + 1]
    response = HttpClient().generic("POST", path, body, content_type=content_type, headers=headers)
    answer: dict[str, Any] = json.loads(response.content)
    assert response.status_code == 200, answer
    return answer


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def answers_by_seed(text: str) -> dict[str, dict[str, Any]]:
    return {
        path.split("/")[-1]: call(line) for path, line in zip(PATHS, curl_lines(text), strict=True)
    }


def test_there_is_an_issuer_and_one_line_that_works_for_each_tenant() -> None:
    text = run_demo()
    issuers = re.findall(r"^Issuer: http\S+/t/(\S+)$", text, re.MULTILINE)
    assert issuers == PATHS
    assert list(Tenant.objects.order_by("path").values_list("path", flat=True)) == sorted(PATHS)
    assert Tenant.objects.get(path=PATHS[-1]).is_built_in
    answers = answers_by_seed(text)
    assert all(answer["access_token"] for answer in answers.values())
    assert answers["aidbox"]["expires_in"] == 600
    assert answers["aidbox"]["refresh_token"]
    assert answers["spaceblocks"]["token_type"] == "bearer"


def test_tokens_have_the_shape_of_their_seed() -> None:
    answers = answers_by_seed(run_demo())
    claims = {seed: claims_of(answers[seed]["access_token"]) for seed in SEEDS}
    assert claims["spaceblocks"]["aud"] == ["https://localhost:5001/"]
    assert claims["spaceblocks"]["scp"] == ["foo:bar"]
    assert claims["spaceblocks"]["client_id"] == "foo"
    assert claims["thinktecture"]["iss"] == "ThinktectureAuthorizationServer"
    assert claims["thinktecture"]["aud"] == "users"
    assert claims["thinktecture"]["scope"] == ["read", "search"]
    assert claims["ideavate"]["scope"] == "read:accounts"
    assert claims["onewelcome"]["aud"] == "profile-api"
    assert claims["onewelcome"]["cid"] == "example-client"
    assert claims["onewelcome"]["scp"] == ["profile", "read"]
    assert claims["aidbox"]["sub"] == "api-client"


def test_a_gateway_sees_every_tenants_token_as_active(demo_file: Path) -> None:
    answers = answers_by_seed(run_demo())
    secrets = dict(line.split("=", 1) for line in demo_file.read_text().splitlines())
    for seed, answer in answers.items():
        secret = secrets[f"DEMO_{seed.upper()}_GATEWAY_SECRET"]
        path = next(path for path in PATHS if path.endswith(f"/{seed}"))
        line = ["curl", "-u", f"gateway:{secret}", "-d", f"token={answer['access_token']}"]
        seen = call(shlex.join([*line, f"http://localhost/t/{path}/oauth/introspect"]))
        assert seen["active"], seed


def test_a_user_of_the_trusted_application_is_made_at_first_sight() -> None:
    (line,) = indented_lines(run_demo(), "assertion=")
    answer = call(line)
    assert set(answer["scope"].split()) == {"read:accounts", "download:documents"}
    assert claims_of(answer["access_token"])["sub"] == str(Subject.objects.get().pk)


def test_a_user_is_made_by_the_master_token_of_the_application() -> None:
    (line,) = indented_lines(run_demo(), "/graphql")
    made = send(line)["data"]["addUserAndAccessToken"]
    assert made["accessToken"]["scope"] == "read:accounts"
    assert made["user"]["id"] == str(Subject.objects.get().pk)


def test_secrets_are_made_for_this_installation_and_only_its_owner_reads_them(
    demo_file: Path,
) -> None:
    demo_file.parent.mkdir()
    demo_file.write_text("ADMIN_USERNAME=admin\nADMIN_PASSWORD=secret\n")
    run_demo()
    text = demo_file.read_text()
    assert text.startswith("ADMIN_USERNAME=admin\nADMIN_PASSWORD=secret\n")
    assert stat.S_IMODE(demo_file.stat().st_mode) == 0o600
    assert [path.name for path in demo_file.parent.iterdir()] == ["demo.env"]
    values = [line.split("=", 1)[1] for line in text.splitlines() if "_SECRET=" in line]
    assert len(values) == 14
    # The example resource server is one of the gateways.
    assert len(set(values)) == 13
    assert not User.objects.exists()


def test_a_later_start_changes_nothing_and_its_lines_work_again() -> None:
    first = run_demo()
    changes_before = ConfigurationChange.objects.count()
    second = run_demo()
    assert curl_lines(second) == curl_lines(first)
    assert ConfigurationChange.objects.count() == changes_before
    assert call(find_line(second, "ideavate"))["access_token"]


def test_what_people_have_changed_in_the_demo_stays() -> None:
    run_demo()
    tenant = Tenant.objects.get(path="demo/seeds/aidbox")
    clients.save_client(Client(tenant=tenant, client_id="mine"), actor=SYSTEM)
    tenant.name = "Renamed"
    changes.save(tenant, actor=SYSTEM)
    foo = Client.objects.get(client_id="foo")
    client_secrets.remove_secret(foo.secrets.get(), actor=SYSTEM)
    run_demo()
    assert Client.objects.filter(client_id="mine").exists()
    assert Tenant.objects.get(pk=tenant.pk).name == "Renamed"
    assert not ClientSecret.objects.filter(client=foo).exists()


def test_lines_work_again_after_the_file_was_deleted(demo_file: Path) -> None:
    first = run_demo()
    demo_file.unlink()
    second = run_demo()
    assert find_line(second, "ideavate") != find_line(first, "ideavate")
    assert call(find_line(second, "ideavate"))["access_token"]
    (line,) = indented_lines(second, "assertion=")
    assert call(line)["access_token"]
    (line,) = indented_lines(second, "/graphql")
    assert send(line)["data"]["addUserAndAccessToken"]["accessToken"]["accessToken"]


def test_tenant_that_was_offboarded_stays_away() -> None:
    run_demo()
    leaving = offboarding.begin(Tenant.objects.get(path="demo/seeds/ideavate"), actor=SYSTEM)
    offboarding.release(leaving)
    assert offboarding.delete_rows(leaving, actor=SYSTEM).is_proven
    text = run_demo()
    assert "/ideavate/" not in text
    assert call(find_line(text, "aidbox"))["access_token"]
