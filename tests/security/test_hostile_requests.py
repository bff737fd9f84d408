"""Nothing that a caller sends makes an answer of 5xx, or brings a token."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tenants.models import Tenant
from tenants.records import SYSTEM
from tenants.services.client_secrets import import_secret
from tenants.services.tenants import update_tenant
from tests.factories.tenants import MadeClient, make_api, make_client, make_tenant
from tests.oauth_client import FORM, OAuthClient, basic

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as HttpResponse

pytestmark = pytest.mark.django_db

JSON_TYPE = "application/json"
PATHS = (
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/device",
    "/oauth/userinfo",
    "/apis/orders/oauth/token",
    "/token-manager/token",
    "/auth/token",
)


@pytest.fixture
def oauth() -> OAuthClient:
    """A tenant with every switch on, so that every door can be tried."""
    tenant = make_tenant(
        allow_json_token_requests=True,
        allow_spaceblocks_alias=True,
        allow_aidbox_alias=True,
    )
    make_api(tenant)
    return OAuthClient(tenant)


@pytest.fixture
def service(oauth: OAuthClient) -> MadeClient:  # noqa: ARG001 - it has made the tenant.
    return make_client(Tenant.objects.get(), scopes=["read"])


FORMS: dict[str, bytes] = {
    "nothing": b"",
    "NUL": b"grant_type=client_credentials%00&client_id=a%00b&client_secret=c%00d&token=%00",
    "raw NUL": b"grant_type=\x00&client_id=\x00&token=\x00",
    "not UTF-8": b"grant_type=\xff\xfe&client_id=\xff&token=\xff",
    "encoded bytes that are not UTF-8": b"client_id=%ff%fe&client_secret=%c3%28&token=%ff",
    "encoded surrogates": b"client_id=%ed%a0%80&client_secret=%ed%bf%bf&token=%ed%a0%80",
    "broken per cent": b"client_id=%zz&client_secret=%&token=%1&grant_type=%%%",
    "no equals": b"grant_type&client_id&client_secret&token",
    "only separators": b"&&&===&;;;",
    "no names": b"=a&=b",
    "brackets": b"client_id[]=a&client_id[$ne]=b&token[0]=c",
    "ten thousand parameters": b"&".join(b"p%d=x" % n for n in range(10_000)),
    "ten thousand of a name": b"&".join([b"resource=x"] * 6_000),
    "huge value": b"client_id=" + b"x" * 1_000_000,
    "just within the bound": b"client_id=" + b"x" * 65_000,
    "long id": b"client_secret=a&client_id=" + b"%F0%9F%98%80" * 5_000,
    "SQL": b"client_id=' OR 1=1 --&client_secret=')%3B DROP TABLE tenants_client%3B--&token='",
    "line breaks": b"client_id=a%0d%0aSet-Cookie:%20x&client_secret=%0d%0a&token=%0a",
    "assertion garbage": b"client_assertion=a.b.c&client_assertion_type=urn:ietf:params:oauth:"
    b"client-assertion-type:jwt-bearer",
    "assertion without dots": b"client_assertion=%00&client_assertion_type=x",
    "deep assertion": b"client_assertion_type=urn:ietf:params:oauth:client-assertion-type:"
    b"jwt-bearer&client_assertion=e30." + base64.urlsafe_b64encode(b"[" * 9_000) + b".AA",
    "JSON in a form": b'{"client_id": "a"}',
}
DOCUMENTS: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"{",
    "null": b"null",
    "a list": b"[]",
    "a number": b"1e999",
    "NaN": b'{"client_id": NaN}',
    "not UTF-8": b'{"client_id": "\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"client_id": "a"}',
    "UTF-16": '{"client_id": "a"}'.encode("utf-16"),
    "NUL": b'{"client_id": "a\\u0000b", "client_secret": "\\u0000", "token": "\\u0000"}',
    "raw NUL": b'{"client_id": "\x00"}',
    "lone surrogate": b'{"client_id": "\\ud800", "client_secret": "\\udfff", "token": "\\ud800"}',
    "surrogate as a name": b'{"\\ud800": "a"}',
    "repeated member": b'{"client_id": "a", "client_id": "b"}',
    "numbers": b'{"client_id": 1, "client_secret": 2, "grant_type": 3, "token": 4}',
    "huge number": b'{"client_id": ' + b"9" * 60_000 + b"}",
    "huge exponent": b'{"client_id": 1e400}',
    "objects": b'{"client_id": {"$ne": null}, "token": {}}',
    "lists": b'{"client_id": ["a"], "scope": ["read"], "token": []}',
    "nulls": b'{"client_id": null, "client_secret": null, "token": null}',
    "booleans": b'{"client_id": true, "token": false}',
    "deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "deep list": b"[" * 60_000,
    "ten thousand members": json.dumps({f"p{n}": "" for n in range(9_000)}).encode(),
    "huge": b'{"client_id": "' + b"x" * 1_000_000 + b'"}',
    "audience of all kinds": b'{"audience": ["a", null, 1, {}], "resource": {}}',
    "prototype": b'{"__proto__": "x", "constructor": "y"}',
}
HEADERS: dict[str, str] = {
    "empty": "",
    "spaces": "   ",
    "Basic alone": "Basic",
    "Basic with NUL": "Basic " + base64.b64encode(b"a\x00:b\x00").decode(),
    "Basic of bytes": "Basic " + base64.b64encode(bytes(range(256))).decode(),
    "Basic, huge": "Basic " + base64.b64encode(b"a" * 100_000 + b":b").decode(),
    "Basic, huge secret": "Basic " + base64.b64encode(b"a:" + b"b" * 100_000).decode(),
    "Basic, typed": basic("api-client", "a wrong secret"),
    "Basic, short": basic("api-client", "a"),
    "Basic, broken per cent": "Basic " + base64.b64encode(b"%zz%:%").decode(),
    "Basic, latin": "Basic \xe4\xf6\xfc",
    "Basic, two": "Basic YTpi, Basic YTpi",
    "Bearer": "Bearer x",
    "Digest": 'Digest username="a", realm="b"',
    "no scheme": "YTpi",
    "control characters": "Basic \x01\x02",
    "long scheme": "B" * 50_000 + " x",
}
TYPES = (
    FORM,
    JSON_TYPE,
    "",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 5_000,
    f"{FORM}; charset=utf-7",
    f"{JSON_TYPE}; charset=nonsense",
    ";;;",
    "\xff",
)


def _assert_harmless(response: HttpResponse) -> None:
    assert 400 <= response.status_code < 500, response.content
    _assert_orderly(response)
    body = response.json()
    assert body.keys() == {"error", "error_description"}
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", body["error_description"])


def _assert_orderly(response: HttpResponse) -> None:
    assert response["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])
    assert "Set-Cookie" not in response
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_no_form_brings_anything(oauth: OAuthClient, body: bytes) -> None:
    for path in PATHS:
        _assert_harmless(oauth.post_raw(path, body))


@pytest.mark.parametrize("body", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_document_brings_anything(oauth: OAuthClient, body: bytes) -> None:
    for path in PATHS:
        _assert_harmless(oauth.post_raw(path, body, content_type=JSON_TYPE))


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_no_authorization_header_brings_anything(oauth: OAuthClient, header: str) -> None:
    for path in PATHS:
        body = "grant_type=client_credentials&token=x"
        _assert_harmless(oauth.post_raw(path, body, Authorization=header))
    for path in ("/session", "/Session"):
        response = oauth.http.delete(f"{oauth.base}{path}", headers={"Authorization": header})
        _assert_harmless(response)
        assert response.status_code == 401


SECRETS = [
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "short",
    "x" * 600,
    "wrong one",
]


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_no_typed_secret_breaks_the_slow_comparison(
    oauth: OAuthClient, service: MadeClient, secret: str
) -> None:
    tenant = service.client.tenant
    tenant.allow_typed_secrets = True
    update_tenant(tenant, actor=SYSTEM)
    import_secret(service.client, label="typed", text="a secret of people", actor=SYSTEM)
    body = json.dumps({"client_id": service.client_id, "client_secret": secret})
    _assert_harmless(oauth.post_raw("/auth/token", body, content_type=JSON_TYPE))
    _assert_harmless(oauth.token(client_id=service.client_id, client_secret=secret))


@pytest.mark.parametrize("content_type", TYPES)
def test_no_content_type_breaks_anything(oauth: OAuthClient, content_type: str) -> None:
    for path in PATHS:
        for body in (b"", b"client_id=a", b'{"client_id": "a"}', b"\x00\xff"):
            _assert_harmless(oauth.post_raw(path, body, content_type=content_type))


GOOD_AUTHENTICATION: dict[str, dict[str, Any]] = {
    "NUL in the scope": {"scope": "re\x00ad"},
    "NUL in the audience": {"audience": "a\x00"},
    "surrogates in the scope": {"scope": "\ufffd"},
    "long scope": {"scope": "x" * 4_000},
    "many scopes": {"scope": " ".join(str(n) for n in range(900))},
    "long audience": {"audience": "https://" + "x" * 5_000},
    "many audiences": {"resource": ["x"] * 60},
    "NUL as token": {"token": "\x00"},
    "a long token": {"token": "a." * 20_000},
    "an emoji for a refresh token": {"grant_type": "refresh_token", "refresh_token": "😀"},
    "NUL in a refresh token": {"grant_type": "refresh_token", "refresh_token": "\x00"},
    "impersonation": {"app_tenant_id": "a", "app_subject_id": "b"},
}


@pytest.mark.parametrize("parameters", GOOD_AUTHENTICATION.values(), ids=GOOD_AUTHENTICATION)
def test_no_parameter_of_a_real_client_breaks_anything(
    oauth: OAuthClient, service: MadeClient, parameters: dict[str, Any]
) -> None:
    for path in PATHS:
        whole = {"grant_type": "client_credentials", **parameters}
        response = oauth.post(path, service, **whole)
        assert response.status_code < 500, response.content
        _assert_orderly(response)


USER_AGENTS = ["\x00", "\xff\xfe", "x" * 50_000, "", "Ünïcode", "a\r\nb"]


@pytest.mark.parametrize("user_agent", USER_AGENTS, ids=range(len(USER_AGENTS)))
def test_no_user_agent_keeps_a_token_from_being_stored(
    oauth: OAuthClient, service: MadeClient, user_agent: str
) -> None:
    response = oauth.http.post(
        f"{oauth.base}/oauth/token",
        "grant_type=client_credentials",
        content_type=FORM,
        HTTP_AUTHORIZATION=basic(service.client_id, service.secret),
        HTTP_USER_AGENT=user_agent,
        HTTP_X_FORWARDED_FOR="1.2.3.4, \x00",
        HTTP_HOST="testserver",
    )
    assert response.status_code == 200, response.content


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.binary(max_size=400),
    content_type=st.sampled_from([FORM, JSON_TYPE]),
    header=st.text(st.characters(max_codepoint=255), max_size=60),
    path=st.sampled_from(PATHS),
)
def test_random_bytes_are_refused_politely(
    oauth: OAuthClient, body: bytes, content_type: str, header: str, path: str
) -> None:
    _assert_harmless(
        oauth.post_raw(path, body, content_type=content_type, Authorization=f"Basic {header}")
    )
