"""Secrets are found where the file says, compared by their hashes and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from tenants import credentials
from tenants.configuration.export import export
from tenants.configuration.values import encode_bytes
from tenants.models import ClientSecret, CutOff, MasterToken, SigningKey, TrustProfile
from tenants.records import Ciphertext, KeyedHash
from tenants.services.signing_keys import encryption_context
from tests.unit.tenants.configuration.files import apply, count_writes, refuse, tenant

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

pytestmark = pytest.mark.django_db
LABEL = "acme/production/globex"
TYPED = "a typed secret"
SHARED = "a shared secret of thirty-two bytes or more"
SHARED_ENTRY = f"shared_secret: {{value: {SHARED}}}"
OTHER_SHARED = "another shared secret of thirty-two bytes"
KIND = credentials.CredentialKind


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.TENANTS_TOKEN_PEPPERS = {"new": b"n" * 32, "old": b"o" * 32}
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"new": b"N" * 32, "old": b"O" * 32}


def machine_secret(kind: KIND = KIND.CLIENT_SECRET, row_id: UUID | None = None) -> str:
    return credentials.make_credential(kind, row_id or uuid4()).text


def with_secret(secret: str, *, typed: bool = True) -> str:
    allow = "true" if typed else "false"
    return tenant(f"allow_typed_secrets: {allow}\nclients: [{{client_id: c, secrets: [{secret}]}}]")


def is_accepted(text: str) -> bool:
    parsed = credentials.parse_credential(KIND.CLIENT_SECRET, text)
    if parsed is None:
        return any(
            credentials.is_typed_secret(text, secret.typed_secret_hash)
            for secret in ClientSecret.objects.exclude(typed_secret_hash="")
        )
    secret = ClientSecret.objects.filter(pk=parsed.row_id).first()
    return secret is not None and credentials.is_secret(
        parsed.secret, KeyedHash(secret.pepper_id, bytes(secret.secret_hash or b""))
    )


@pytest.mark.parametrize("text", [TYPED, machine_secret()], ids=["typed", "machine-made"])
@pytest.mark.parametrize("source", ["value", "value_from_env", "value_from_file"])
def test_a_secret_is_found_where_the_file_says(source: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{text}\n")
    stated = {"value": text, "value_from_env": "SECRET", "value_from_file": "secret"}[source]
    file = with_secret(f"{{label: first, {source}: '{stated}'}}")
    variables = {"SECRET": text}
    assert apply(file, variables=variables, directory=tmp_path)[-1] == (
        f"+ {LABEL} clients[c].secrets[first]"
    )
    assert is_accepted(text)
    before = count_writes()
    assert apply(file, variables=variables, directory=tmp_path) == []
    assert count_writes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(TYPED, "another secret", id="typed by typed"),
        pytest.param(TYPED, machine_secret(), id="typed by machine-made"),
        pytest.param(machine_secret(), TYPED, id="machine-made by typed"),
        pytest.param(machine_secret(), machine_secret(), id="machine-made by machine-made"),
        pytest.param(
            machine_secret(row_id=UUID(int=1)), machine_secret(row_id=UUID(int=1)), id="same row"
        ),
    ],
)
def test_another_secret_under_a_label_replaces_it_and_is_not_shown(old: str, new: str) -> None:
    file = with_secret("{label: first, value_from_env: SECRET}")
    apply(file, variables={"SECRET": old})
    assert apply(file, variables={"SECRET": new}) == [
        f"~ {LABEL} clients[c].secrets[first]: changed"
    ]
    assert is_accepted(new)
    assert not is_accepted(old)


def test_a_stated_list_of_secrets_is_the_whole_list() -> None:
    apply(with_secret(f"{{label: a, value: {machine_secret()}}}, {{label: b, value: {TYPED}}}"))
    assert apply(with_secret(f"{{label: b, value: {TYPED}}}")) == [
        f"- {LABEL} clients[c].secrets[a]"
    ]


def test_an_expiry_is_changed_without_changing_the_secret() -> None:
    text = machine_secret()
    apply(with_secret(f"{{label: a, value: {text}}}"))
    expiring = with_secret(f'{{label: a, value: {text}, expires_at: "2030-01-01T02:00:00+02:00"}}')
    assert apply(expiring) == [
        f'~ {LABEL} clients[c].secrets[a].expires_at: null -> "2030-01-01T00:00:00Z"'
    ]
    assert apply(expiring) == []
    assert is_accepted(text)


def test_a_tenant_that_takes_generated_secrets_only_refuses_typed_ones() -> None:
    (mistake,) = refuse(with_secret(f"{{label: a, value: {TYPED}}}", typed=False))
    assert "secrets[0].value: This tenant takes generated secrets only" in mistake
    apply(with_secret(f"{{label: a, value: {machine_secret()}}}", typed=False))
    typed_hash = credentials.hash_typed_secret(TYPED)
    (mistake,) = refuse(with_secret(f"{{label: a, hash: '{typed_hash}'}}", typed=False))
    assert "secrets[0].hash: this tenant takes generated secrets only" in mistake


def test_a_second_typed_secret_is_refused() -> None:
    two = f"{{label: a, value: {TYPED}}}, {{label: b, value: {TYPED}}}"
    (mistake,) = refuse(with_secret(two))
    assert "A client has at most one typed secret" in mistake


def test_too_many_secrets_are_refused() -> None:
    many = ", ".join(f"{{label: s{n}, value: {machine_secret()}}}" for n in range(11))
    (mistake,) = refuse(with_secret(many))
    assert "A client has at most 10 secrets" in mistake


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"a\0b", b"x" * 70_000],
    ids=["empty", "no UTF-8", "NUL", "huge"],
)
def test_a_file_that_holds_no_secret_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(content)
    file = with_secret("{label: a, value_from_file: secret}")
    (mistake,) = refuse(file, directory=tmp_path)
    assert "value_from_file: this file can't be read as a secret" in mistake


def exported_secret(pepper_id: str = "new") -> tuple[str, str]:
    text = machine_secret()
    parsed = credentials.parse_credential(KIND.CLIENT_SECRET, text)
    assert parsed is not None
    digest = encode_bytes(credentials.hash_secret(parsed.secret).digest)
    return text, f"id: {parsed.row_id}, hash: {digest}, pepper_id: {pepper_id}, hint: abcd"


def test_an_exported_hash_makes_the_same_secret() -> None:
    text, stated = exported_secret()
    file = with_secret(f"{{label: a, {stated}}}")
    apply(file)
    assert is_accepted(text)
    assert ClientSecret.objects.get().hint == "abcd"
    assert apply(file) == []
    other_text, other = exported_secret()
    assert apply(with_secret(f"{{label: a, {other}}}")) == [f"+ {LABEL} clients[c].secrets[a]"]
    assert is_accepted(other_text)
    assert not is_accepted(text)


def test_an_exported_typed_hash_makes_the_same_secret() -> None:
    file = with_secret(f"{{label: a, hash: '{credentials.hash_typed_secret(TYPED)}'}}")
    apply(file)
    assert is_accepted(TYPED)
    assert apply(file) == []
    other_hash = credentials.hash_typed_secret("other secret")
    changed = with_secret(f"{{label: a, hash: '{other_hash}'}}")
    assert apply(changed) == [f"~ {LABEL} clients[c].secrets[a]: changed"]
    assert not is_accepted(TYPED)


def test_a_pepper_that_this_installation_does_not_know_is_refused() -> None:
    _, stated = exported_secret("elsewhere")
    (mistake,) = refuse(with_secret(f"{{label: a, {stated}}}"))
    assert "secrets[0].pepper_id: this installation has no token pepper 'elsewhere'" in mistake


def test_an_exported_hash_needs_its_pepper_and_its_id() -> None:
    (mistake,) = refuse(with_secret(f"{{label: a, hash: {'A' * 43}}}"))
    assert "hash: this hash needs the pepper_id and the id" in mistake
    mistakes = refuse(with_secret(f"{{label: a, hash: {'A' * 43}, pepper_id: new}}"))
    assert mistakes[0].endswith('secrets[0]: "id" is missing')


MASTER = """\
apis: [{slug: a, audience: a, scopes: [{name: read}]}]
clients: [{client_id: c}]
master_tokens:
- {label: m, client: c, kind: private, scopes: [read], expires_at: "2030-01-01T00:00:00Z", %s}
"""


def test_a_master_token_comes_with_its_text_or_its_hash() -> None:
    text = machine_secret(KIND.MASTER_TOKEN)
    apply(tenant(MASTER % f"value: {text}"))
    token = MasterToken.objects.get()
    assert text.endswith(token.hint)
    assert apply(tenant(MASTER % f"value: {text}")) == []
    exported = f"id: {token.pk}, hash: {encode_bytes(bytes(token.token_hash))}, pepper_id: new"
    assert apply(tenant(MASTER % f"{exported}, hint: {token.hint}")) == []
    other = machine_secret(KIND.MASTER_TOKEN)
    assert f"- {LABEL} master_tokens[m]" in apply(tenant(MASTER % f"value: {other}"))
    assert CutOff.objects.filter(master_token_id=token.pk).exists()


def test_a_master_token_can_not_be_chosen() -> None:
    (mistake,) = refuse(tenant(MASTER % "value: a-chosen-master-token"))
    assert "value: this is no master token" in mistake
    typed_hash = credentials.hash_typed_secret(TYPED)
    (mistake,) = refuse(tenant(MASTER % f"hash: '{typed_hash}'"))
    assert "hash: the master token can't be chosen by a person" in mistake


TRUST = "trust_profiles: [{slug: t, issuer: i, algorithms: [%s], %s}]"


def stored_shared_secret() -> str:
    profile = TrustProfile.objects.get()
    assert profile.shared_secret_ciphertext is not None
    ciphertext = Ciphertext(profile.kek_id, bytes(profile.shared_secret_ciphertext))
    context = credentials.trust_profile_context(profile.pk)
    return credentials.decrypt(ciphertext, context=context).decode()


def test_a_shared_secret_is_encrypted_and_compared() -> None:
    file = tenant(TRUST % ("HS256", "shared_secret: {value_from_env: S}"))
    apply(file, variables={"S": SHARED})
    assert stored_shared_secret() == SHARED
    before = count_writes()
    assert apply(file, variables={"S": SHARED}) == []
    assert count_writes() == before
    assert apply(file, variables={"S": OTHER_SHARED}) == [
        f"~ {LABEL} trust_profiles[t].shared_secret: changed"
    ]
    assert stored_shared_secret() == OTHER_SHARED


def test_a_shared_secret_can_give_way_to_published_keys() -> None:
    apply(tenant(TRUST % ("HS256", f"shared_secret: {{value: {SHARED}}}")))
    keys = tenant(TRUST % ("ES256", 'jwks_uri: "https://i.example/jwks"'))
    assert f"~ {LABEL} trust_profiles[t].shared_secret: changed" in apply(keys)
    assert TrustProfile.objects.get().shared_secret_ciphertext is None
    assert apply(keys) == []


def test_an_exported_shared_secret_is_bound_to_its_profile(settings: Settings) -> None:
    profile_id = uuid4()
    context = credentials.trust_profile_context(profile_id)
    sealed = credentials.encrypt(SHARED.encode(), context=context)
    stated = f"shared_secret: {{ciphertext: {encode_bytes(sealed.blob)}, kek_id: {sealed.kek_id}}}"
    (mistake,) = refuse(tenant(TRUST % ("HS256", stated)))
    assert "shared_secret.ciphertext: this can't be decrypted" in mistake
    file = tenant(TRUST % ("HS256", f"id: {profile_id}, {stated}"))
    apply(file)
    assert stored_shared_secret() == SHARED
    assert apply(file) == []
    settings.TENANTS_KEY_ENCRYPTION_KEYS = {"other": b"X" * 32}
    (mistake,) = refuse(file)
    assert "shared_secret.kek_id: this installation has no key encryption key 'new'" in mistake


def test_a_short_shared_secret_is_refused() -> None:
    (mistake,) = refuse(tenant(TRUST % ("HS256", "shared_secret: {value: short}")))
    assert "use 32 bytes or more (RFC 7518 section 3.2)" in mistake


OPAQUE = (
    "trust_profiles: [{slug: t, issuer: i, kind: opaque, token_prefix: pat_, "
    "introspection_client_id: us, introspection_endpoint: 'https://i.example/x', %s}]"
)


def test_an_introspection_secret_is_encrypted_compared_and_exported() -> None:
    file = tenant(OPAQUE % "introspection_secret: {value_from_env: S}")
    apply(file, variables={"S": "short"})
    profile = TrustProfile.objects.get()
    blob = bytes(profile.introspection_secret_ciphertext or b"")
    context = credentials.introspection_context(profile.pk)
    sealed = Ciphertext(profile.introspection_kek_id, blob)
    assert credentials.decrypt(sealed, context=context) == b"short"
    assert apply(file, variables={"S": "short"}) == []
    text = export()
    assert "short" not in text
    assert f"id: {profile.pk}" in text
    assert apply(text) == []
    assert apply(file, variables={"S": "other"}) == [
        f"~ {LABEL} trust_profiles[t].introspection_secret: changed"
    ]


def test_an_introspection_secret_can_not_be_missing() -> None:
    (mistake,) = refuse(tenant(OPAQUE % "name: x"))
    assert "introspection_secret: A profile of the kind opaque needs this secret" in mistake


def test_an_introspection_secret_is_not_taken_for_a_shared_one() -> None:
    profile_id = uuid4()
    context = credentials.trust_profile_context(profile_id)
    sealed = credentials.encrypt(b"a shared secret", context=context)
    stated = f"{{ciphertext: {encode_bytes(sealed.blob)}, kek_id: {sealed.kek_id}}}"
    (mistake,) = refuse(tenant(OPAQUE % f"id: {profile_id}, introspection_secret: {stated}"))
    assert "introspection_secret.ciphertext: this can't be decrypted" in mistake


def key_entry(key_id: UUID, kid: str, state: str) -> str:
    sealed = credentials.encrypt(b"private", context=encryption_context(key_id))
    return (
        f"{{kid: {kid}, id: {key_id}, algorithm: HS256, state: {state}, kek_id: {sealed.kek_id}, "
        f"private_ciphertext: {encode_bytes(sealed.blob)}}}"
    )


def keys(*entries: str) -> str:
    return tenant(f"signing_keys: [{', '.join(entries)}]")


def test_signing_keys_are_added_and_only_grow_older() -> None:
    one, two = uuid4(), uuid4()
    young = keys(key_entry(two, "two", "next"), key_entry(one, "one", "current"))
    apply(young)
    assert apply(young) == []
    old = keys(key_entry(two, "two", "current"), key_entry(one, "one", "previous"))
    assert any(line.endswith('"current" -> "previous"') for line in apply(old))
    before = count_writes()
    # An older export brings no replaced key back, and takes none away.
    assert apply(young) == []
    assert apply(keys()) == []
    assert count_writes() == before
    assert dict(SigningKey.objects.values_list("kid", "state")) == {
        "one": "previous",
        "two": "current",
    }


def test_a_signing_key_of_no_use_here_is_refused() -> None:
    (mistake,) = refuse(keys(key_entry(uuid4(), "one", "retired")))
    assert "state: a retired key has no private part" in mistake
    foreign = key_entry(uuid4(), "one", "current").replace("kek_id: new", "kek_id: elsewhere")
    (mistake,) = refuse(keys(foreign))
    assert "kek_id: this installation has no key encryption key 'elsewhere'" in mistake
    moved = key_entry(uuid4(), "one", "current")
    moved = moved.replace(moved.split("id: ")[2].split(",")[0], str(uuid4()))
    (mistake,) = refuse(keys(moved))
    assert "private_ciphertext: this can't be decrypted" in mistake


def test_an_export_holds_no_secret_in_plain() -> None:
    machine, master = machine_secret(), machine_secret(KIND.MASTER_TOKEN)
    apply(
        tenant(
            f"allow_typed_secrets: true\n{MASTER % f'value: {master}'}"
            f"{TRUST % ('HS256', f'shared_secret: {{value: {SHARED}}}')}\n"
        ).replace(
            "{client_id: c}",
            f"{{client_id: c, secrets: [{{label: a, value: {TYPED}}}, "
            f"{{label: b, value: {machine}}}]}}",
        )
    )
    text = export()
    assert text.count("pepper_id: new") == 2
    assert "kek_id: new" in text
    for secret in (TYPED, machine, machine[-40:], master, master[-40:], SHARED):
        assert secret not in text
    assert apply(text) == []


def test_keys_and_secrets_come_back_byte_for_byte_on_an_empty_database() -> None:
    entry = key_entry(uuid4(), "one", "current")
    secret = f"clients: [{{client_id: c, secrets: [{{label: a, value: {machine_secret()}}}]}}]"
    with transaction.atomic():
        apply(tenant(f"signing_keys: [{entry}]\n{secret}\n{TRUST % ('HS256', SHARED_ENTRY)}\n"))
        exported = export()
        transaction.set_rollback(True)
    assert "private_ciphertext" in exported
    assert "ciphertext" in exported
    apply(exported)
    assert export() == exported
