"""Nothing that reaches the authorization endpoint makes a 5xx, or leads a person astray."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants import snapshot
from tests.browser_person import PASSWORD, REDIRECTS
from tests.factories.code_flow import (
    CALLBACK,
    EMAIL,
    VERIFIER,
    CodeFlow,
    answer_of,
    challenge_of,
    make_flow,
    make_web_client,
)
from tests.factories.tenants import make_api, make_tenant
from tokens.models import AuthorizationCode, Consent, Refusal

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> CodeFlow:
    return make_flow()


@pytest.fixture
def known(flow: CodeFlow) -> CodeFlow:
    """A person who is signed in and has agreed before, so that a code is one request away."""
    flow.tokens()
    return flow


def get(flow: CodeFlow, query: str, path: str = "/oauth/authorize") -> HttpResponse:
    return flow.person.http.generic("GET", f"/t/{flow.tenant.path}{path}", QUERY_STRING=query)


BASE = (
    f"response_type=code&client_id=web-app&redirect_uri={quote(CALLBACK, safe='')}"
    f"&state=s&code_challenge={challenge_of(VERIFIER)}&code_challenge_method=S256"
)
WITH_SCOPE = f"{BASE}&scope=openid+read"
# What is told to the client, with the code.
_INVALID = "invalid_request"
TOLD = {
    "repeated nonce": (f"{WITH_SCOPE}&nonce=a&nonce=b", "invalid_request"),
    "repeated challenge": (f"{WITH_SCOPE}&code_challenge=x", "invalid_request"),
    "NUL in the nonce": (f"{WITH_SCOPE}&nonce=a%00b", "invalid_request"),
    "NUL in an unknown one": (f"{WITH_SCOPE}&x=a%00b", "invalid_request"),
    "nonce that is no UTF-8": (f"{WITH_SCOPE}&nonce=%ff", "invalid_request"),
    "nonce of 513 characters": (f"{WITH_SCOPE}&nonce={'n' * 513}", "invalid_request"),
    "claims={bad": (f"{WITH_SCOPE}&claims={{bad", "invalid_request"),
    "claims are an array": (f"{WITH_SCOPE}&claims=[]", "invalid_request"),
    "many parameters": (WITH_SCOPE + "".join(f"&p{n}=1" for n in range(70)), "invalid_request"),
    "long scope": (f"{BASE}&scope={'a' * 4500}", "invalid_request"),
    "unknown scope": (f"{BASE}&scope=nothing", "invalid_scope"),
    "unknown resource": (f"{WITH_SCOPE}&resource=https://x.example/", "invalid_target"),
    "array for prompt": (f"{WITH_SCOPE}&prompt[]=none&prompt=x", "invalid_request"),
    "response_type=token": (
        WITH_SCOPE.replace("response_type=code", "response_type=token"),
        "unsupported_response_type",
    ),
    "request": (f"{WITH_SCOPE}&request=eyJ", "request_not_supported"),
    "request_uri": (f"{WITH_SCOPE}&request_uri=https://x", "request_uri_not_supported"),
    "hint that is no token": (f"{WITH_SCOPE}&id_token_hint=%C3%A9", "invalid_request"),
    "hint with alg none": (
        f"{WITH_SCOPE}&id_token_hint=eyJhbGciOiJub25lIn0.e30.",
        "invalid_request",
    ),
}


@pytest.mark.parametrize("asked", TOLD.values(), ids=TOLD)
def test_hostile_request_is_told_to_the_client(known: CodeFlow, asked: tuple[str, str]) -> None:
    query, expected = asked
    answer = get(known, query)
    assert answer.headers["Location"].startswith(CALLBACK)
    refused = answer_of(answer)
    assert (refused["error"], refused["state"]) == (expected, "s")
    assert AuthorizationCode.objects.count() == 1


# What is passed over, since nobody here knows it.
HARMLESS = {
    "approval_prompt": f"{WITH_SCOPE}&approval_prompt=auto",
    "%zz": f"{WITH_SCOPE}&x=%zz&nonce=%zz",
    "nonce of 300 characters": f"{WITH_SCOPE}&nonce={'n' * 300}",
    "empty values": f"{WITH_SCOPE}&nonce=&prompt=&max_age=&claims=",
    "fields without value": f"{WITH_SCOPE}&&a&=b&&",
    "strange letters": f"{WITH_SCOPE}&login_hint=%F0%9F%98%80&ui_locales=%E2%80%AE",
}


@pytest.mark.parametrize("query", HARMLESS.values(), ids=HARMLESS)
def test_strange_request_is_answered_like_any_other(known: CodeFlow, query: str) -> None:
    assert "code" in answer_of(get(known, query))


def _with(name: str, value: str) -> str:
    pairs = [pair for pair in WITH_SCOPE.split("&") if not pair.startswith(f"{name}=")]
    return "&".join([*pairs, f"{name}={value}"])


EVIL_URIS = {
    "another host": "https://evil.example/callback",
    "user name": "https://app.example@evil.example/callback",
    "user name of ours": "https://evil@app.example/callback",
    "sub domain": "https://app.example.evil.example/callback",
    "port": "https://app.example:444/callback",
    "usual port": "https://app.example:443/callback",
    "path below": "https://app.example/callback/x",
    "path with dots": "https://app.example/x/../callback",
    "path above": "https://app.example/",
    "trailing slash": f"{CALLBACK}/",
    "query": f"{CALLBACK}?x=1",
    "empty query": f"{CALLBACK}?",
    "fragment": f"{CALLBACK}%23x",
    "empty fragment": f"{CALLBACK}%23",
    "http": "http://app.example/callback",
    "upper-case host": "https://APP.example/callback",
    "upper-case scheme": "HTTPS://app.example/callback",
    "tab": "https://app.example/%09callback",
    "line break": "https://app.example/callback%0d%0aSet-Cookie:x=1",
    "space": "https://app.example/callback%20",
    "backslash": "https://evil.example%5C@app.example/callback",
    "parameters of a path": "https://app.example/callback;x=1",
    "encoded slash": "https://app.example%252Fcallback",
    "javascript": "javascript:alert(1)//",
    "data": "data:text/html,x",
    "relative": "/callback",
    "no scheme": "//app.example/callback",
    "no IPv6": "https://[::1/callback",
    "bad port": "http://127.0.0.1:99999999/callback",
    "wildcard": "https://*.example/callback",
    "another loopback": "http://127.0.0.2/callback",
    "local host name": "http://localhost:1/callback",
    "long": f"{CALLBACK}{'a' * 3000}",
    "homograph": "https://%D0%B0pp.example/callback",
}


@pytest.mark.parametrize("uri", EVIL_URIS.values(), ids=EVIL_URIS)
def test_no_other_redirect_uri_is_ever_answered(known: CodeFlow, uri: str) -> None:
    answer = get(known, _with("redirect_uri", uri))
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "evil" not in answer.content.decode()
    assert Refusal.objects.filter(operation="authorize", reason="redirect_uri_unknown").exists()


EVIL_CLIENTS = {
    "unknown": "somebody",
    "missing": "",
    "NUL": "web-app%00",
    "no UTF-8": "%ff%fe",
    "long": "a" * 5000,
    "wild": "%25",
    "URL": "https://evil.example/client",
}


@pytest.mark.parametrize("client_id", EVIL_CLIENTS.values(), ids=EVIL_CLIENTS)
def test_unknown_client_is_shown_a_page_and_never_redirected(
    known: CodeFlow, client_id: str
) -> None:
    answer = get(known, _with("client_id", client_id))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


UNREADABLE = {
    "repeated client": f"{WITH_SCOPE}&client_id=web-app",
    "repeated redirect": f"{WITH_SCOPE}&redirect_uri=https://evil.example/",
    "repeated redirect, encoded name": f"{WITH_SCOPE}&redirect%5Furi=https://evil.example/",
    "repeated state": f"{WITH_SCOPE}&state=x",
    "NUL in the state": _with("state", "a%00b"),
    "state that is no UTF-8": _with("state", "%ff"),
}


@pytest.mark.parametrize("query", UNREADABLE.values(), ids=UNREADABLE)
def test_ambiguous_request_is_shown_a_page(known: CodeFlow, query: str) -> None:
    answer = get(known, query)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_disabled_client_is_shown_a_page(known: CodeFlow) -> None:
    type(known.client.client).objects.update(is_enabled=False)
    snapshot.CURRENT.forget()
    assert get(known, WITH_SCOPE).status_code == 400


def test_another_tenants_client_is_unknown_here(known: CodeFlow) -> None:
    tenant = make_tenant("initech")
    make_api(tenant)
    make_web_client(tenant, "foreign")
    assert get(known, _with("client_id", "foreign")).status_code == 400


def test_sign_in_at_one_tenant_is_none_at_another(known: CodeFlow) -> None:
    tenant = make_tenant("initech")
    make_api(tenant)
    other = CodeFlow(tenant, make_web_client(tenant, "web-app"))
    cookies = known.person.http.cookies
    for name, morsel in cookies.items():
        other.person.http.cookies[name] = morsel.value
    assert answer_of(other.ask(prompt="none"))["error"] == "login_required"


def test_sealed_request_of_one_tenant_is_worth_nothing_at_another(known: CodeFlow) -> None:
    known.ask(scope="openid write")
    sealed = urlsplit(known.person.address).query
    tenant = make_tenant("initech")
    make_api(tenant)
    other = CodeFlow(tenant, make_web_client(tenant, "web-app"))
    assert other.person.open(f"/consent?{sealed}").status_code == 400
    for text in ("", "request=", "request=x", "request=" + "x" * 9000, f"{sealed}x"):
        assert known.person.open(f"/consent?{text}").status_code in {400, 414}


def test_consent_form_of_another_site_is_refused(flow: CodeFlow) -> None:
    flow.sign_in()
    page = flow.ask()
    fields = {**flow.person.form(page).fields, "decision": "allow"}
    address = flow.person.address
    path = urlsplit(address)._replace(scheme="", netloc="").geturl()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = flow.person.http.post(path, fields, headers=headers)
        assert answer.status_code == 403
    for token in ("", "x", "0" * 64):
        answer = flow.person.post(address, {**fields, "form_token": token})
        assert answer.status_code == 403
    assert not Consent.objects.exists()
    assert not AuthorizationCode.objects.exists()


def test_consent_page_of_whoever_signed_in_before_is_stale(flow: CodeFlow) -> None:
    """Nobody agrees in the name of who signed in meanwhile in another window."""
    flow.sign_in()
    page = flow.ask()
    address, fields = flow.person.address, flow.person.form(page).fields
    flow.person.sign_in(EMAIL, PASSWORD)
    answer = flow.person.post(address, {**fields, "decision": "allow"})
    assert answer.status_code == 403
    assert not AuthorizationCode.objects.exists()


def test_unknown_client_in_the_consent_form_is_shown_a_page(flow: CodeFlow) -> None:
    flow.sign_in()
    page = flow.ask()
    fields: dict[str, object] = {**flow.person.form(page).fields, "decision": "allow"}
    type(flow.client.client).objects.filter(pk=flow.client.client.pk).delete()
    snapshot.CURRENT.forget()
    answer = flow.person.post(flow.person.address, fields)
    assert answer.status_code == 400


def test_pages_can_be_framed_by_nobody_and_run_no_foreign_code(flow: CodeFlow) -> None:
    flow.sign_in()
    policy = flow.ask().headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


def test_form_that_is_no_form_is_refused(flow: CodeFlow) -> None:
    path = f"/t/{flow.tenant.path}/oauth/authorize"
    for body, kind in (
        (b"{}", "application/json"),
        (b"x" * 70_000, "application/x-www-form-urlencoded"),
        (b"x" * 7_000, "application/x-www-form-urlencoded"),
        (b"a=\r\nSet-Cookie: x=1", "application/x-www-form-urlencoded"),
        (b"a=\xff\x00", "application/x-www-form-urlencoded"),
        (b"--x", "multipart/form-data; boundary=x"),
    ):
        answer = flow.person.http.generic("POST", path, body, content_type=kind)
        assert 400 <= answer.status_code < 500, (body[:20], kind)


NAMES = (
    *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "claims"),
    *("max_age", "id_token_hint", "acr_values", "resource", "code_challenge", "response_mode"),
    *("code_challenge_method", "ui_locales", "login_hint", "request", "include_providers", "x"),
)


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    added=st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=40)), max_size=4),
    raw=st.binary(max_size=20),
)
def test_no_request_is_a_fault_of_ours(
    known: CodeFlow, added: list[tuple[str, str]], raw: bytes
) -> None:
    pairs = "&".join(f"{name}={quote(text, safe='', errors='replace')}" for name, text in added)
    answer = get(known, f"{WITH_SCOPE}&{pairs}&{quote(raw, safe='')}")
    assert answer.status_code in {*REDIRECTS, 200, 400, 414}
    location = answer.headers.get("Location", CALLBACK)
    assert location.startswith((f"{CALLBACK}?", f"{CALLBACK}#", known.person.issuer, CALLBACK))
