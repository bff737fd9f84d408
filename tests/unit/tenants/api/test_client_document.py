import pytest

from tenants.api.client_document import ClientDocument, SecretDocument

WRONG: dict[str, tuple[str, object]] = {
    "a number as client_id": ("client_id", 7),
    "true as client_id": ("client_id", True),
    "null as client_id": ("client_id", None),
    "an array as client_id": ("client_id", ["a"]),
    "an object as client_id": ("client_id", {"$ne": 1}),
    "an empty client_id": ("client_id", ""),
    "a space in client_id": ("client_id", "a b"),
    "a space around client_id": ("client_id", " a"),
    "a line break behind client_id": ("client_id", "a\n"),
    "a client_id beyond ASCII": ("client_id", "ä"),
    "a long client_id": ("client_id", "a" * 256),
    "a long client_name": ("client_name", "a" * 256),
    "null as client_name": ("client_name", None),
    "an unknown kind": ("kind", "robot"),
    "a number as kind": ("kind", 1),
    "an object as kind": ("kind", {}),
    "an empty kind": ("kind", ""),
    "a text as is_enabled": ("is_enabled", "true"),
    "a number as is_enabled": ("is_enabled", 1),
    "null as is_enabled": ("is_enabled", None),
    "an unknown grant": ("grant_types", ["password"]),
    "a grant alone": ("grant_types", "client_credentials"),
    "a grant twice": ("grant_types", ["client_credentials", "client_credentials"]),
    "a nested grant": ("grant_types", [["client_credentials"]]),
    "an object as grants": ("grant_types", {"0": "client_credentials"}),
    "an unknown method": ("token_endpoint_auth_method", "tls_client_auth"),
    "a relative redirect URI": ("redirect_uris", ["/callback"]),
    "a redirect URI with a fragment": ("redirect_uris", ["https://app.example/#x"]),
    "a redirect URI with an empty fragment": ("redirect_uris", ["https://app.example/#"]),
    "a redirect URI with a user": ("redirect_uris", ["https://a@app.example/"]),
    "a redirect URI without host": ("redirect_uris", ["https:///callback"]),
    "a redirect URI with a space": ("redirect_uris", ["https://a.example/ https://b.example/"]),
    "a redirect URI with a tab": ("redirect_uris", ["https://a.example/\t"]),
    "a redirect URI of a broken host": ("redirect_uris", ["https://[::1/"]),
    "a script as redirect URI": ("redirect_uris", ["javascript:alert(1)"]),
    "a script in capitals": ("redirect_uris", ["JavaScript:alert(1)"]),
    "data as redirect URI": ("redirect_uris", ["data:text/html,x"]),
    "a number as redirect URI": ("redirect_uris", [1]),
    "101 redirect URIs": ("redirect_uris", [f"https://a.example/{n}" for n in range(101)]),
    "an array as scope": ("scope", ["read"]),
    "two spaces in scope": ("scope", "read  write"),
    "a space behind scope": ("scope", "read "),
    "a quote in scope": ("scope", 'read"'),
    "a line break in scope": ("scope", "read\nwrite"),
    "a long scope": ("scope", "a" * 9_000),
    "an array as jwks": ("jwks", []),
    "a jwks with more than keys": ("jwks", {"keys": [], "kid": "a"}),
    "a text as jwks": ("jwks", "keys"),
    "null as jwks": ("jwks", None),
    "a long jwks_uri": ("jwks_uri", "https://" + "a" * 500),
    "an unknown format": ("access_token_format", "paseto"),
    "a text as lifetime": ("access_token_lifetime_seconds", "60"),
    "a fraction as lifetime": ("access_token_lifetime_seconds", 60.0),
    "true as lifetime": ("access_token_lifetime_seconds", True),
    "no lifetime at all": ("access_token_lifetime_seconds", 0),
    "a negative lifetime": ("access_token_lifetime_seconds", -1),
    "a lifetime beyond the horizon": ("access_token_lifetime_seconds", 2_592_001),
    "a lifetime beyond 64 bits": ("max_refresh_token_lifetime_seconds", 2**70),
    "the id": ("id", "00000000-0000-0000-0000-000000000000"),
    "the version": ("version", 1),
    "the tenant": ("tenant", "00000000-0000-0000-0000-000000000000"),
    "an unknown member": ("clientname", "x"),
}


@pytest.mark.parametrize(("member", "value"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_member_is_named(member: str, value: object) -> None:
    reader = ClientDocument(data={"client_id": "a", member: value})
    assert not reader.is_valid()
    assert set(reader.errors) == {member}


def test_an_unknown_member_brings_the_nearest_to_mind() -> None:
    reader = ClientDocument(data={"client_id": "a", "redirect_uri": "https://a.example/"})
    assert not reader.is_valid()
    assert reader.errors == {"redirect_uri": ["This can't be set. Did you mean redirect_uris?"]}


def test_many_and_long_unknown_members_are_named_shortly() -> None:
    reader = ClientDocument(data={f"{n}{'x' * 1_000}": 1 for n in range(1_000)})
    assert not reader.is_valid()
    assert len(reader.errors) == 10
    assert all(len(name) <= 60 for name in reader.errors)


def test_a_document_becomes_the_models_values() -> None:
    reader = ClientDocument(
        data={
            "client_id": "app",
            "client_name": " Orders ",
            "redirect_uris": ["https://app.example/cb", "com.example.app:/cb", "http://[::1]/cb"],
            "scope": "write read write",
            "jwks": {"keys": [{"kty": "EC"}]},
            "access_token_lifetime_seconds": None,
        }
    )
    assert reader.is_valid(), reader.errors
    assert reader.validated_data == {
        "client_id": "app",
        "name": " Orders ",
        "redirect_uris": "https://app.example/cb com.example.app:/cb http://[::1]/cb",
        "scopes": ("write", "read"),
        "jwks": [{"kty": "EC"}],
        "access_token_lifetime_seconds": None,
    }


@pytest.mark.parametrize("moment", [1, True, [], {}, "", "soon", "2026-02-30T00:00:00Z"])
def test_a_wrong_expiry_is_named(moment: object) -> None:
    reader = SecretDocument(data={"label": "a", "expires_at": moment})
    assert not reader.is_valid()
    assert set(reader.errors) == {"expires_at"}
