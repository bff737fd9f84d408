"""The demo offers one tenant for each seed system, and every line that it prints works."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shlex
import ssl
import stat
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.management import call_command
from django.test import Client as HttpClient

from authplatform import provider_certificate
from authplatform.demo_provider import application
from authplatform.env import PROVIDER_ADDRESS, PROVIDER_AUTHORITY, PROVIDER_FOLDER
from tenants import credentials
from tenants.configuration import demo, demo_provider
from tenants.configuration.demo_calls import Call, list_trials
from tenants.configuration.demo_people import (
    EMAIL,
    EXTERNAL_ID,
    PASSWORD_NAME,
    VERIFIER,
    list_visits,
)
from tenants.database_roles import APP
from tenants.models import (
    Api,
    Client,
    ClientSecret,
    ConfigurationChange,
    CutOff,
    Subject,
    SubjectIdentity,
    SubjectPassword,
    Tenant,
    TrustProfile,
    User,
)
from tenants.records import SYSTEM
from tenants.services import changes, client_secrets, clients, erasure, offboarding
from tenants.services.subject_credentials import set_password
from tests.management_client import set_role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.test.client import _MonkeyPatchedWSGIResponse as Response
    from pytest_django import Settings

    from tenants.configuration.demo import Demo
    from tenants.configuration.demo_calls import Value

pytestmark = pytest.mark.django_db
SEEDS = ("spaceblocks", "thinktecture", "ideavate", "onewelcome", "aidbox")
SHOP = "demo/people/shop"
PATHS = [*(f"demo/seeds/{seed}" for seed in SEEDS), SHOP, "platform/production/platform"]


@pytest.fixture(autouse=True)
def demo_file(settings: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "data" / "demo.env"
    settings.AUTHPLATFORM_DEMO_FILE = path
    return path


def run_demo() -> str:
    out = io.StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def load_demo(settings: Settings) -> Demo:
    return demo.load(settings.AUTHPLATFORM_DEMO_FILE, base_url=settings.TENANTS_BASE_URL)


def curl_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("curl ")]


def find_line(text: str, seed: str) -> str:
    (line,) = (line for line in curl_lines(text) if f"/{seed}/" in line)
    return line


def call(line: str) -> dict[str, Any]:
    """Do in this process what a line does in a shell."""
    words = shlex.split(line)
    fields = dict(words[n + 1].split("=", 1) for n, word in enumerate(words) if word == "-d")
    asked = Call(words[-1], user=words[words.index("-u") + 1], form=fields)
    response = perform(asked)
    answer: dict[str, Any] = json.loads(response.content)
    assert response.status_code == 200, answer
    return answer


def perform(asked: Call) -> Response:
    """Do what a call says, fetching first the tokens that it needs."""
    headers = {}
    if asked.user:
        headers["Authorization"] = f"Basic {base64.b64encode(asked.user.encode()).decode()}"
    if asked.bearer:
        headers["Authorization"] = f"Bearer {fetch(asked.bearer)}"
    if asked.document is not None:
        body, content_type = json.dumps(asked.document), "application/json"
    else:
        body = urlencode({name: fetch(value) for name, value in asked.form.items()})
        content_type = "application/x-www-form-urlencoded"
    path = urlsplit(asked.url).path
    if path.startswith("/api/"):
        set_role(APP)
    try:
        return HttpClient().generic(
            asked.method, path, body, content_type=content_type, headers=headers
        )
    finally:
        set_role("none")


def fetch(value: Value) -> str:
    if isinstance(value, str):
        return value
    return str(json.loads(perform(value).content)[value.answers])


def claims_of(token: str) -> dict[str, Any]:
    return read_segment(token.split(".")[1])


def header_of(token: str) -> dict[str, Any]:
    return read_segment(token.partition(".")[0])


def read_segment(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return document


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


TITLES = {
    "demo/seeds/spaceblocks": 4,
    "demo/seeds/thinktecture": 5,
    "demo/seeds/ideavate": 8,
    "demo/seeds/onewelcome": 4,
    "demo/seeds/aidbox": 6,
    SHOP: 3,
    "platform/production/platform": 1,
}


@pytest.mark.parametrize("path", TITLES)
def test_everything_that_can_be_tried_is_answered_as_it_says(settings: Settings, path: str) -> None:
    loaded = load_demo(settings)
    (tenant,) = (tenant for tenant in loaded.tenants if tenant.path == path)
    trials = list_trials(loaded, tenant)
    for trial in trials:
        answer = perform(trial.call)
        assert answer.status_code == trial.status, (trial.title, answer.content)
    assert len(trials) == len({trial.title for trial in trials}) == TITLES[path]


def test_what_an_older_release_has_not_loaded_is_not_shown(settings: Settings) -> None:
    load_demo(settings)
    changes.delete(Api.objects.get(tenant__slug="thinktecture", slug="archive"), actor=SYSTEM)
    changes.delete(Client.objects.get(tenant__slug="aidbox", client_id="exchange"), actor=SYSTEM)
    loaded = demo.load(
        settings.AUTHPLATFORM_DEMO_FILE,
        base_url=settings.TENANTS_BASE_URL,
        provider_url="https://127.0.0.1:9",
    )
    titles = {trial.title for tenant in loaded.tenants for trial in list_trials(loaded, tenant)}
    assert "An Api has its own address and a key that it shares (HS256)" in titles
    assert not any("certificate: see" in title or "hospital" in title for title in titles)


def answers_of(settings: Settings, seed: str) -> list[dict[str, Any]]:
    """Try everything with a tenant; answer the documents, empty where there is none."""
    loaded = load_demo(settings)
    (tenant,) = (tenant for tenant in loaded.tenants if tenant.path.endswith(f"/{seed}"))
    trials = list_trials(loaded, tenant)
    return [json.loads(perform(trial.call).content or "{}") for trial in trials]


def test_backend_acts_for_its_user(settings: Settings) -> None:
    _, impersonated, told, _ = answers_of(settings, "spaceblocks")
    assert impersonated["expires_in"] == 900
    assert claims_of(impersonated["access_token"])["ext"]["app_subject_id"] == "user-7"
    assert (told["active"], told["ext"]["app_tenant_id"]) == (True, "tenant-1")


def test_each_api_has_its_own_key(settings: Settings) -> None:
    users, reports, archive, jwks, metadata = answers_of(settings, "thinktecture")
    headers = [header_of(answer["access_token"]) for answer in (users, reports, archive)]
    assert [header["alg"] for header in headers] == ["HS256", "RS256", "ES256"]
    assert reports["expires_in"] == 1800
    assert {key["kty"] for key in jwks["keys"]} == {"RSA", "EC"}
    (certified,) = (key for key in jwks["keys"] if "x5c" in key)
    assert certified["kid"] == headers[2]["kid"]
    digest = hashlib.sha256(base64.b64decode(certified["x5c"][0])).digest()
    thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert headers[2]["x5t#S256"] == certified["x5t#S256"] == thumbprint
    assert metadata["jwks_uri"].endswith("/jwks")


def test_users_of_the_application_come_in_by_five_doors(settings: Settings) -> None:
    signed_in, as_it_is, added, made, me, who, narrow, told = answers_of(settings, "ideavate")
    assert set(signed_in["scope"].split()) == {"read:accounts", "download:documents"}
    assert (as_it_is["active"], as_it_is["sub"]) == (
        True,
        claims_of(signed_in["access_token"])["sub"],
    )
    assert added["data"]["addUserAndAccessToken"]["accessToken"]["scope"] == "read:accounts"
    assert set(made["scope"].split()) == set(me["scope"].split()) == set(signed_in["scope"].split())
    assert who["data"]["getAuthorisedUser"]["user"]["id"]
    assert narrow["scope"] == "read:accounts"
    assert (told["active"], told["act"]) == (True, {"sub": "server"})
    assert Subject.objects.filter(tenant__path="demo/seeds/ideavate").count() > 4


def test_token_for_one_use_is_used_up_and_groups_are_told(settings: Settings) -> None:
    opaque, once, told, tokens = answers_of(settings, "onewelcome")
    assert re.fullmatch("[0-9A-F]{64}", opaque["access_token"])
    assert (once["active"], once["usage_limit"], once["usage_count"]) == (True, 1, 1)
    (group,) = told["urn:onegini.com:oidc:group_policies"]["groups"]
    assert [policy["id"] for policy in group["policies"]] == ["order", "return"]
    assert tokens["items"]


def test_service_renews_and_ends_its_session_and_newcomers_get_nothing(settings: Settings) -> None:
    first, renewed, ended, refused, normal, secret = answers_of(settings, "aidbox")
    assert (first["expires_in"], renewed["expires_in"], ended) == (600, 600, {})
    assert claims_of(first["access_token"])["aud"] == "https://fhir.aidbox.example/"
    assert refused["error"] == "unauthorized_client"
    assert (normal["decision"], secret["decision"]) == (True, False)


def test_television_waits_for_its_owner(settings: Settings) -> None:
    metadata, begun, pending = answers_of(settings, "shop")
    assert metadata["issuer"].endswith(f"/t/{SHOP}")
    assert begun["verification_uri"].startswith(metadata["issuer"])
    assert begun["user_code"]
    assert pending["error"] == "authorization_pending"


def test_announcement_is_short_and_names_the_rest() -> None:
    text = run_demo()
    # Where people sign in, an address is told besides.
    assert len(text.splitlines()) == 2 * len(PATHS) + 1 + 1
    assert text.splitlines()[-1].endswith("manage.py demo --more")
    out = io.StringIO()
    call_command("demo", more=True, stdout=out)
    lines = out.getvalue().splitlines()
    assert sum(line.startswith("  curl ") for line in lines) == sum(TITLES.values())
    assert sum(line.startswith("  # ") for line in lines) == sum(TITLES.values())


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
    assert len(values) == 23
    # The example resource server is one of the gateways.
    assert len(set(values)) == 22
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
    for secret in foo.secrets.all():
        client_secrets.remove_secret(secret, actor=SYSTEM)
    run_demo()
    assert Client.objects.filter(client_id="mine").exists()
    assert Tenant.objects.get(pk=tenant.pk).name == "Renamed"
    assert not ClientSecret.objects.filter(client=foo).exists()


def test_lines_work_again_after_the_file_was_deleted(demo_file: Path, settings: Settings) -> None:
    first = run_demo()
    demo_file.unlink()
    second = run_demo()
    assert find_line(second, "ideavate") != find_line(first, "ideavate")
    assert call(find_line(second, "ideavate"))["access_token"]
    for seed in ("ideavate", "onewelcome"):
        assert not [answer for answer in answers_of(settings, seed) if "error" in answer]


def test_user_of_the_demo_who_was_erased_stays_away(settings: Settings) -> None:
    run_demo()
    erasure.erase_subject(Subject.objects.get(external_id="anna"), actor=SYSTEM, reason="asked")
    assert len(answers_of(settings, "onewelcome")) == 2
    assert not Subject.objects.filter(external_id="anna").exists()


def find_password(demo_file: Path) -> str:
    lines = demo_file.read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(PASSWORD_NAME))


def is_password_of_customer(password: str) -> bool:
    stored = SubjectPassword.objects.get(subject__external_id=EXTERNAL_ID)
    return credentials.is_typed_secret(password, stored.password_hash)


def test_customer_of_the_shop_has_the_password_that_is_told(demo_file: Path) -> None:
    text = run_demo()
    password = find_password(demo_file)
    assert is_password_of_customer(password)
    (line,) = (line for line in text.splitlines() if line.startswith("A customer signs in as"))
    issuer = f"{SHOP}/sign-in"
    assert line.startswith(f"A customer signs in as {EMAIL} with {password}: http")
    assert line.endswith(f"/t/{issuer}")
    assert CutOff.objects.filter(subject_id=customer().pk).count() == 1


def customer() -> Subject:
    return Subject.objects.get(tenant__path=SHOP, external_id=EXTERNAL_ID)


def test_customer_keeps_a_password_of_their_own_until_the_file_is_deleted(demo_file: Path) -> None:
    run_demo()
    person = customer()
    own = "a pass phrase of my own"
    set_password(person.tenant_id, person.pk, own, actor=SYSTEM)
    run_demo()
    assert is_password_of_customer(own)
    demo_file.unlink()
    run_demo()
    assert not is_password_of_customer(own)
    assert is_password_of_customer(find_password(demo_file))


def test_customer_who_was_erased_stays_away(demo_file: Path) -> None:
    run_demo()
    erasure.erase_subject(customer(), actor=SYSTEM, reason="asked")
    demo_file.unlink()
    assert "A customer signs in" not in run_demo()
    assert not SubjectPassword.objects.exists()


def test_addresses_that_a_browser_opens_are_requests_of_the_shops_clients(
    settings: Settings,
) -> None:
    loaded = load_demo(settings)
    (tenant,) = (tenant for tenant in loaded.tenants if tenant.path == SHOP)
    sign_in, *asked = list_visits(loaded, tenant)
    assert sign_in.url == f"{tenant.issuer}/sign-in"
    for visit in asked:
        query = parse_qs(urlsplit(visit.url).query)
        client = Client.objects.get(tenant__path=SHOP, client_id=query["client_id"][0])
        assert query["redirect_uri"][0] in client.redirect_uris.split()
        scopes = set(client.scopes.values_list("name", flat=True))
        assert set(query["scope"][0].split()) <= scopes
        digest = hashlib.sha256(VERIFIER.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert query["code_challenge"] == [challenge]
    others = [other for other in loaded.tenants if other.path != SHOP]
    assert not any(list_visits(loaded, other) for other in others)


def test_tenant_that_was_offboarded_stays_away() -> None:
    run_demo()
    leaving = offboarding.begin(Tenant.objects.get(path="demo/seeds/ideavate"), actor=SYSTEM)
    offboarding.release(leaving)
    assert offboarding.delete_rows(leaving, actor=SYSTEM).is_proven
    text = run_demo()
    assert "/ideavate/" not in text
    assert call(find_line(text, "aidbox"))["access_token"]


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is theirs.
        """Stay silent."""


@pytest.fixture
def provider(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the demo's outside provider, as `make run` does: a real server with TLS."""
    folder = settings.AUTHPLATFORM_DEMO_FILE.parent
    monkeypatch.setenv("DATA_DIR", str(folder))
    provider_certificate.make_once(tmp_path)
    files = tmp_path / PROVIDER_FOLDER
    settings.TENANTS_OUTGOING_CA_FILE = str(files / PROVIDER_AUTHORITY)
    settings.TENANTS_OUTGOING_PRIVATE_ADDRESSES = [f"{PROVIDER_ADDRESS}/32"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "certificate.pem", files / "key.pem")
    server = make_server(PROVIDER_ADDRESS, 0, application, handler_class=Quiet)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"https://{PROVIDER_ADDRESS}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def find_swap(settings: Settings, provider_url: str) -> Call:
    loaded = demo.load(
        settings.AUTHPLATFORM_DEMO_FILE,
        base_url=settings.TENANTS_BASE_URL,
        provider_url=provider_url,
    )
    (tenant,) = (tenant for tenant in loaded.tenants if tenant.path.endswith("/aidbox"))
    trials = list_trials(loaded, tenant)
    assert len(trials) == TITLES[tenant.path] + 1
    return trials[-1].call


@pytest.mark.allow_hosts([PROVIDER_ADDRESS])
def test_opaque_token_of_an_outside_provider_is_asked_about(
    settings: Settings, provider: str
) -> None:
    swap = find_swap(settings, provider)
    answer = perform(swap)
    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == "system/*.read"
    user = SubjectIdentity.objects.get(trust_profile__slug="hospital")
    assert user.sub == "dr-house"
    assert claims_of(answer.json()["access_token"])["sub"] == str(user.subject_id)
    assert perform(swap).status_code == 400, "a token works once"


@pytest.mark.allow_hosts([PROVIDER_ADDRESS])
def test_token_of_the_provider_that_was_altered_is_refused(
    settings: Settings, provider: str
) -> None:
    swap = find_swap(settings, provider)
    text = str(swap.form["subject_token"])
    altered = text[:-1] + ("0" if text[-1] != "0" else "1")
    answer = perform(replace(swap, form={**swap.form, "subject_token": altered}))
    assert "inactive" in answer.json()["error_description"]


@pytest.mark.allow_hosts([PROVIDER_ADDRESS])
def test_provider_is_asked_where_it_runs_now_and_by_the_secret_of_now(
    settings: Settings, provider: str, demo_file: Path
) -> None:
    find_swap(settings, "https://127.0.0.42:1")
    demo_file.unlink()
    answer = perform(find_swap(settings, provider))
    assert answer.status_code == 200, answer.content
    before = ConfigurationChange.objects.count()
    find_swap(settings, provider)
    assert ConfigurationChange.objects.count() == before


def test_trust_profile_says_what_the_provider_is(settings: Settings) -> None:
    load_demo(settings)
    profile = TrustProfile.objects.get(slug="hospital")
    assert profile.introspection_endpoint == demo_provider.ISSUER + demo_provider.PATH
    assert (profile.issuer, profile.audience, profile.token_prefix) == (
        demo_provider.ISSUER,
        demo_provider.AUDIENCE,
        demo_provider.PREFIX,
    )
    assert profile.introspection_client_id == demo_provider.CLIENT_ID
