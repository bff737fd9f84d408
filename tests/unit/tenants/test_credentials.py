"""Credentials are made, read, compared and encrypted; hostile texts are refused."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.credentials import (
    CredentialKind,
    decrypt,
    encrypt,
    expiry_ordered_uuid,
    hash_secret,
    is_secret,
    make_credential,
    make_opaque_token,
    parse_credential,
    parse_opaque_token,
)
from tenants.errors import InvalidCiphertext, UnknownKeyEncryptionKey
from tenants.records import Ciphertext, KeyedHash

if TYPE_CHECKING:
    from pytest_django import Settings

ROW = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.TENANTS_TOKEN_PEPPERS = {"new": b"n" * 32, "old": b"o" * 32}
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"new": b"N" * 32, "old": b"O" * 32}


@pytest.mark.parametrize("kind", list(CredentialKind))
def test_a_credential_names_its_kind_and_row_and_proves_its_secret(kind: CredentialKind) -> None:
    issued = make_credential(kind, ROW)
    parsed = parse_credential(kind, issued.text)
    assert issued.text.startswith(f"{kind.value}_")
    assert len(issued.text) == 68
    assert parsed is not None
    assert parsed.row_id == ROW
    assert is_secret(parsed.secret, issued.keyed_hash)


def test_the_prefixes_are_those_of_the_contract() -> None:
    published = ["acs", "amt", "art", "aac", "arg", "ait", "adc", "asi", "ael"]
    assert [kind.value for kind in CredentialKind] == published


def test_no_representation_shows_a_secret() -> None:
    issued = make_credential(CredentialKind.CLIENT_SECRET, ROW)
    parsed = parse_credential(CredentialKind.CLIENT_SECRET, issued.text)
    assert parsed is not None
    assert issued.text not in repr(issued)
    assert repr(parsed.secret) not in repr(parsed)


BODY = "A" * 64


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("acs_", id="prefix only"),
        pytest.param(f"art_{BODY}", id="another kind"),
        pytest.param(f"ACS_{BODY}", id="upper case prefix"),
        pytest.param(f"acs-{BODY}", id="another separator"),
        pytest.param(f"acs_{BODY[1:]}", id="one short"),
        pytest.param(f"acs_{BODY}A", id="one long"),
        pytest.param(f"acs_{BODY[2:]}==", id="padded"),
        pytest.param(f"acs_{BODY[1:]}+", id="standard alphabet"),
        pytest.param(f"acs_{BODY[1:]}!", id="foreign character"),
        pytest.param(f"acs_{BODY[1:]}\n", id="line feed"),
        pytest.param(f"acs_{BODY}\n", id="trailing line feed"),
        pytest.param(f"acs_{BODY[1:]}\x00", id="NUL"),
        pytest.param(f"acs_{BODY[1:]}\uff21", id="full-width letter"),
        pytest.param(f"acs_{BODY[1:]}\ud800", id="lone surrogate"),
    ],
)
def test_a_malformed_credential_is_none(text: str) -> None:
    assert parse_credential(CredentialKind.CLIENT_SECRET, text) is None


@given(st.text(max_size=80))
def test_reading_a_credential_never_raises(text: str) -> None:
    assert parse_credential(CredentialKind.REFRESH_TOKEN, text) is None
    assert parse_credential(CredentialKind.REFRESH_TOKEN, f"art_{text}") is None or len(text) == 64


def test_an_opaque_token_is_its_id_and_a_secret_in_upper_case_hexadecimal() -> None:
    issued = make_opaque_token(ROW)
    parsed = parse_opaque_token(issued.text)
    assert parsed is not None
    assert issued.text[:32] == ROW.hex.upper()
    assert (parsed.row_id, len(parsed.secret)) == (ROW, 16)
    assert is_secret(parsed.secret, issued.keyed_hash)
    assert make_opaque_token(ROW).text != issued.text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("A" * 63, id="short"),
        pytest.param("A" * 65, id="long"),
        pytest.param("a" * 64, id="lower case"),
        pytest.param("G" * 64, id="not hexadecimal"),
        pytest.param("A" * 62 + "  ", id="spaces"),
        pytest.param("A" * 64 + "\n", id="trailing line feed"),
        pytest.param("\uff11" * 64, id="full-width digits"),
    ],
)
def test_a_malformed_opaque_token_is_none(text: str) -> None:
    assert parse_opaque_token(text) is None


def test_hashes_are_made_under_the_current_pepper_and_compared_under_the_old() -> None:
    old = KeyedHash("old", hmac.digest(b"o" * 32, b"secret", "sha256"))
    assert hash_secret(b"secret").pepper_id == "new"
    assert is_secret(b"secret", old)
    assert not is_secret(b"secret", KeyedHash("new", old.digest))
    assert not is_secret(b"Secret", hash_secret(b"secret"))
    assert not is_secret(b"secret", KeyedHash("new", b""))


def test_an_unknown_pepper_never_matches_and_is_logged_by_its_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        assert not is_secret(b"secret", KeyedHash("gone", hash_secret(b"secret").digest))
    assert [record.__dict__["pepper_id"] for record in caplog.records] == ["gone"]


@given(st.floats(min_value=0, max_value=2.8e11), st.floats(min_value=0, max_value=2.8e11))
def test_ids_are_ordered_by_expiry(first: float, second: float) -> None:
    one, other = expiry_ordered_uuid(first), expiry_ordered_uuid(second)
    assert (one.version, one.variant) == (7, "specified in RFC 4122")
    assert one.int >> 80 == int(first * 1000)
    if int(first * 1000) < int(second * 1000):
        assert one < other


def test_ids_of_one_millisecond_differ() -> None:
    assert len({expiry_ordered_uuid(1_700_000_000.5) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("expiry", [-1.0, float(1 << 48)])
def test_an_expiry_that_does_not_fit_is_refused(expiry: float) -> None:
    with pytest.raises(ValueError, match="outside the range"):
        expiry_ordered_uuid(expiry)


def test_what_was_encrypted_is_decrypted_in_its_context_only() -> None:
    sealed = encrypt(b"private", context="signing-key:1")
    assert sealed.kek_id == "new"
    assert b"private" not in sealed.blob
    assert encrypt(b"private", context="signing-key:1").blob != sealed.blob
    assert decrypt(sealed, context="signing-key:1") == b"private"
    with pytest.raises(InvalidCiphertext):
        decrypt(sealed, context="signing-key:2")


@pytest.mark.parametrize("length", [0, 11, 12, 27])
def test_a_ciphertext_that_is_too_short_is_invalid(length: int) -> None:
    with pytest.raises(InvalidCiphertext):
        decrypt(Ciphertext("new", bytes(length)), context="c")


def test_an_altered_ciphertext_or_another_key_is_invalid() -> None:
    sealed = encrypt(b"private", context="c")
    altered = sealed.blob[:-1] + bytes([sealed.blob[-1] ^ 1])
    with pytest.raises(InvalidCiphertext):
        decrypt(Ciphertext("new", altered), context="c")
    with pytest.raises(InvalidCiphertext):
        decrypt(Ciphertext("old", sealed.blob), context="c")


def test_a_rotated_key_still_decrypts_and_an_unknown_one_is_named(
    settings: Settings,
) -> None:
    sealed = encrypt(b"private", context="c")
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"newest": b"X" * 32, "new": b"N" * 32}
    assert decrypt(sealed, context="c") == b"private"
    assert encrypt(b"private", context="c").kek_id == "newest"
    with pytest.raises(UnknownKeyEncryptionKey, match="gone"):
        decrypt(Ciphertext("gone", sealed.blob), context="c")


def test_a_key_encryption_key_of_another_size_is_refused(settings: Settings) -> None:
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"short": b"N" * 16}
    with pytest.raises(ValueError, match="32 bytes"):
        encrypt(b"private", context="c")


def test_row_ids_of_all_kinds_survive() -> None:
    for row_id in (UUID(int=0), UUID(int=(1 << 128) - 1), uuid4()):
        parsed = parse_credential(
            CredentialKind.MASTER_TOKEN, make_credential(CredentialKind.MASTER_TOKEN, row_id).text
        )
        assert parsed is not None
        assert parsed.row_id == row_id
