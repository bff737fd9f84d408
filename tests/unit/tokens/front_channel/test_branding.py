"""A tenant's colour and logo, of which nothing but a colour and an image reaches a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from tenants.errors import OutgoingRefused
from tenants.models import Tenant
from tenants.records import SYSTEM
from tenants.services import changes
from tests.browser_person import Person
from tests.factories.tenants import make_client, make_tenant
from tokens.front_channel import branding
from tokens.front_channel.contrast import BLACK, WHITE, contrast, text_colour_on

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
LOGO = "https://images.example/logo.png"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Let no test find another one's images."""
    yield
    cache.clear()


@pytest.mark.parametrize(
    ("colour", "text"),
    [
        ("#0b57d0", WHITE),
        ("#ffee00", BLACK),
        ("#000000", WHITE),
        ("#ffffff", BLACK),
        ("#767676", BLACK),
    ],
)
def test_text_on_a_colour_can_be_read(colour: str, text: str) -> None:
    assert text_colour_on(colour) == text
    assert contrast(colour, text) >= 4.5


@pytest.mark.parametrize("red", range(0, 256, 51))
def test_no_colour_is_without_readable_text(red: int) -> None:
    for green in range(0, 256, 51):
        for blue in range(0, 256, 51):
            colour = f"#{red:02x}{green:02x}{blue:02x}"
            assert contrast(colour, text_colour_on(colour)) >= 4.5


def test_the_style_sheet_is_one_colour_that_browsers_keep() -> None:
    person = Person(make_tenant(accent_colour="#ffee00"))
    sheet = person.open("/branding/style.css")
    assert sheet.content == b":root { --accent: #ffee00; --on-accent: #000000; }\n"
    assert sheet.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "public" in sheet.headers["Cache-Control"]
    assert not sheet.cookies
    known = person.http.get(
        f"{person.issuer.removeprefix('http://localhost:8000')}/branding/style.css",
        headers={"If-None-Match": sheet.headers["ETag"]},
    )
    assert known.status_code == 304
    assert f'href="{person.issuer}/branding/style.css"' in person.open("/sign-in").content.decode()


def test_what_is_no_colour_never_becomes_style() -> None:
    tenant = make_tenant()
    Tenant.objects.filter(pk=tenant.pk).update(accent_colour="red;}")
    assert Person(tenant).open("/branding/style.css").content == b""


@pytest.mark.parametrize(
    ("image", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
        (b"GIF89a" + bytes(9), "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", ""),
        (b"<html>\x89PNG", ""),
        (b"", ""),
    ],
    ids=["png", "jpeg", "gif", "webp", "svg", "html", "empty"],
)
def test_an_image_is_what_its_first_bytes_say(image: bytes, media_type: str) -> None:
    tenant = make_tenant()
    found = branding.find_logo(tenant.pk, LOGO, fetch=lambda *_, **__: image)
    assert found == ((media_type, image) if media_type else ("", b""))


def test_an_image_is_fetched_once_for_all() -> None:
    tenant = make_tenant(logo_uri=LOGO)
    asked: list[str] = []

    def fetch(uri: str, **_options: object) -> bytes:
        asked.append(uri)
        return PNG

    branding.find_logo(tenant.pk, LOGO, fetch=fetch)
    page = Person(tenant).open("/branding/logo")
    assert asked == [LOGO]
    assert page.content == PNG
    assert page.headers["Content-Type"] == "image/png"
    assert page.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_failure_is_remembered_and_leaves_the_name_alone() -> None:
    tenant = make_tenant(logo_uri=LOGO, name="Globex")
    asked: list[str] = []

    def fetch(uri: str, **_options: object) -> bytes:
        asked.append(uri)
        raise OutgoingRefused("private_address", "inside")

    for _ in range(2):
        assert branding.find_logo(tenant.pk, LOGO, fetch=fetch) == ("", b"")
    assert asked == [LOGO]
    person = Person(tenant)
    assert person.open("/branding/logo").status_code == 404
    assert "Globex" in person.open("/sign-in").content.decode()


def test_a_private_address_is_never_fetched() -> None:
    tenant = make_tenant(logo_uri="https://127.0.0.1:1/logo.png")
    assert Person(tenant).open("/branding/logo").status_code == 404


def test_a_client_has_a_logo_in_its_own_tenant_only() -> None:
    tenant = make_tenant()
    client = make_client(tenant, logo_uri=LOGO).client
    branding.find_logo(tenant.pk, LOGO, fetch=lambda *_, **__: PNG)
    path = f"/branding/clients/{client.pk}/logo"
    assert Person(tenant).open(path).content == PNG
    assert Person(make_tenant("initech")).open(path).status_code == 404
    client.is_enabled = False
    changes.save(client, actor=SYSTEM)
    assert Person(tenant).open(path).status_code == 404
