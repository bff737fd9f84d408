"""Tests of the services that do more than write: clients, secrets, tenants, subjects and others."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from tenants import credentials
from tenants.errors import Conflict, Forbidden, InvalidEntity
from tenants.models import (
    Api,
    Client,
    ClientGrantSettings,
    CutOff,
    IssuerReservation,
    MasterToken,
    Membership,
    Platform,
    Scope,
    SigningKey,
    Subject,
    SubjectIdentity,
    Tenant,
    TrustProfile,
    User,
)
from tenants.records import SYSTEM, Actor, Ciphertext, KeyedHash, TrustMatch
from tenants.services import changes, cut_offs, signing_keys
from tenants.services.client_secrets import (
    MAX_LIVE_SECRETS,
    add_secret,
    import_secret,
    remove_secret,
)
from tenants.services.clients import delete_client, save_client
from tenants.services.master_tokens import create_master_token, save_master_token
from tenants.services.subjects import provision_subject, save_subject
from tenants.services.tenants import create_tenant, update_tenant
from tenants.services.trust_profiles import save_trust_profile
from tests.factories.tenants import (
    find_scopes,
    make_api,
    make_client,
    make_environment,
    make_tenant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

JWK = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}


@pytest.fixture
def tenant(db: None) -> Tenant:
    tenant = make_tenant()
    make_api(tenant)
    return tenant


@pytest.fixture
def client(tenant: Tenant) -> Client:
    return make_client(tenant, is_allowed=False).client


def _reads() -> list[dict[str, Any]]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return [*CutOff.objects.order_by("number").values(*names)]


def _only(**selector: object) -> dict[str, object]:
    names = ("client_id", "subject_id", "trust_profile_id", "master_token_id")
    return dict.fromkeys(names) | selector


# Tenants.


def test_a_tenant_begins_with_its_built_in_apis(tenant: Tenant) -> None:
    assert set(tenant.apis.values_list("built_in", flat=True)) == {"openid", "management", ""}
    assert Scope.objects.filter(tenant=tenant, name="openid").exists()
    assert tenant.path == "acme/production/globex"


def test_an_issuer_is_never_given_twice(tenant: Tenant) -> None:
    reserved = IssuerReservation.objects.get(path=tenant.path)
    assert reserved
    IssuerReservation.objects.create(path="acme/production/gone")
    with pytest.raises(InvalidEntity) as refused:
        create_tenant(Tenant(environment=tenant.environment, slug="gone"), actor=SYSTEM)
    assert "slug" in refused.value.messages
    assert not Tenant.objects.filter(slug="gone").exists()


@pytest.mark.parametrize("slug", ["", "Upper", "-a", "a-", "a/b", "a.b", "ü", "x" * 64, "a\n"])
def test_a_slug_is_what_a_url_can_carry(db: None, slug: str) -> None:
    with pytest.raises(InvalidEntity):
        create_tenant(Tenant(environment=make_environment(), slug=slug), actor=SYSTEM)


def test_disabling_a_tenant_ends_everything_once(tenant: Tenant) -> None:
    update_tenant(tenant, actor=SYSTEM)
    assert _reads() == []
    tenant.is_enabled = False
    update_tenant(tenant, actor=SYSTEM)
    update_tenant(tenant, actor=SYSTEM)
    assert _reads() == [_only()]


# Clients.


def test_disabling_or_deleting_a_client_ends_its_tokens(client: Client) -> None:
    pk = client.pk
    client.is_enabled = False
    save_client(client, actor=SYSTEM)
    assert _reads() == [_only(client_id=pk)]
    delete_client(client, actor=SYSTEM)
    assert _reads()[-1] == _only(client_id=pk)
    assert not Client.objects.exists()


BAD_CLIENTS: dict[str, tuple[dict[str, Any], str]] = {
    "space in the id": ({"client_id": "a b"}, "client_id"),
    "not ASCII": ({"client_id": "ü"}, "client_id"),
    "an audience as id": ({"client_id": "https://orders.example/"}, "client_id"),
    "a private key": ({"jwks": [JWK | {"d": "x"}]}, "jwks"),
    "a symmetric key": ({"jwks": [{"kty": "oct", "k": "x"}]}, "jwks"),
    "no list": ({"jwks": {"keys": []}}, "jwks"),
    "too many keys": ({"jwks": [JWK] * 21}, "jwks"),
    "a key method without keys": ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
    "two sources of keys": (
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": [JWK],
            "jwks_uri": "https://a.example/jwks",
        },
        "jwks",
    ),
    "unknown grant": ({"grant_types": ["barter"]}, "grant_types"),
    "a public client alone": (
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
        "grant_types",
    ),
    "no origin": ({"cors_allowed_origins": ["https://a.example/path"]}, "cors_allowed_origins"),
    "every origin": ({"cors_allowed_origins": ["*"]}, "cors_allowed_origins"),
    "unknown profile": ({"claim_profile": "nothing"}, "claim_profile"),
    "too long a life": ({"access_token_lifetime_seconds": 86_401}, "access_token_lifetime_seconds"),
    "no life": ({"access_token_lifetime_seconds": 0}, "access_token_lifetime_seconds"),
}


@pytest.mark.parametrize("row", BAD_CLIENTS.values(), ids=BAD_CLIENTS)
def test_a_wrong_client_is_refused_by_field(
    tenant: Tenant, row: tuple[dict[str, Any], str]
) -> None:
    fields, name = row
    with pytest.raises(InvalidEntity) as refused:
        save_client(Client(tenant=tenant, **{"client_id": "new", **fields}), actor=SYSTEM)
    assert name in refused.value.messages
    assert not Client.objects.exists()


def test_default_scopes_are_among_the_scopes(tenant: Tenant, client: Client) -> None:
    read, write = find_scopes(tenant, ["read", "write"])
    with pytest.raises(InvalidEntity, match="default_scopes"):
        save_client(client, actor=SYSTEM, links={"default_scopes": [read]})
    save_client(client, actor=SYSTEM, links={"scopes": [read, write], "default_scopes": [read]})
    with pytest.raises(InvalidEntity, match="default_scopes"):
        save_client(client, actor=SYSTEM, links={"scopes": [write]})


def test_the_environment_bounds_grants(tenant: Tenant) -> None:
    environment = tenant.environment
    environment.allowed_grant_types = ["refresh_token"]
    changes.save(environment, actor=SYSTEM)
    with pytest.raises(InvalidEntity, match="grant_types"):
        save_client(
            Client(tenant=tenant, client_id="x", grant_types=["client_credentials"]), actor=SYSTEM
        )


def _operator(tenant: Tenant, role: str) -> Actor:
    user = User.objects.create(username=f"u-{role}", is_superuser=role == "platform")
    if role != "platform":
        Membership.objects.create(tenant=tenant, user=user, role=role)
    return Actor("operator", id=str(user.pk))


@pytest.mark.parametrize(
    ("role", "may"),
    [("owner", True), ("platform", True), ("client_manager", False), ("auditor", False)],
)
def test_only_an_owner_gives_management_scopes(
    tenant: Tenant, client: Client, role: str, *, may: bool
) -> None:
    actor = _operator(tenant, role)
    links = {"scopes": find_scopes(tenant, ["management:clients:read"])}
    if may:
        save_client(client, actor=actor, links=links)
        return
    with pytest.raises(Forbidden):
        save_client(client, actor=actor, links=links)
    assert not client.scopes.exists()


def test_a_client_never_gives_management_scopes_and_may_keep_them(
    tenant: Tenant, client: Client
) -> None:
    actor = Actor("client", id=str(client.pk))
    links = {"scopes": find_scopes(tenant, ["management:clients:read"])}
    with pytest.raises(Forbidden):
        save_client(client, actor=actor, links=links)
    save_client(client, actor=SYSTEM, links=links)
    save_client(client, actor=actor, links=links)


def test_an_owner_elsewhere_is_no_owner_here(tenant: Tenant, client: Client) -> None:
    actor = _operator(make_tenant("initech"), "owner")
    links = {"scopes": find_scopes(tenant, ["management:clients:read"])}
    with pytest.raises(Forbidden):
        save_client(client, actor=actor, links=links)


# Secrets.


def test_a_secret_is_kept_as_a_hash_only(client: Client) -> None:
    secret, text = add_secret(client, label="second", actor=SYSTEM)
    stored = client.secrets.get(pk=secret.pk)
    parsed = credentials.parse_credential(credentials.CredentialKind.CLIENT_SECRET, text)
    assert parsed is not None
    assert parsed.row_id == secret.pk
    assert credentials.is_secret(
        parsed.secret, KeyedHash(stored.pepper_id, bytes(stored.secret_hash or b""))
    )
    assert stored.hint == text[-4:]
    assert parsed.secret not in bytes(stored.secret_hash or b"")


def test_a_label_is_unique_and_secrets_are_few(client: Client) -> None:
    with pytest.raises(InvalidEntity):
        add_secret(client, label="first", actor=SYSTEM)
    for number in range(MAX_LIVE_SECRETS - 1):
        add_secret(client, label=f"n{number}", actor=SYSTEM)
    with pytest.raises(InvalidEntity, match="secrets"):
        add_secret(client, label="one more", actor=SYSTEM)
    remove_secret(client.secrets.get(label="n0"), actor=SYSTEM)
    add_secret(client, label="one more", actor=SYSTEM)


def test_typed_secrets_need_the_tenant_s_leave(tenant: Tenant, client: Client) -> None:
    with pytest.raises(InvalidEntity, match="value"):
        import_secret(client, label="typed", text="a secret of people", actor=SYSTEM)
    tenant.allow_typed_secrets = True
    update_tenant(tenant, actor=SYSTEM)
    client.refresh_from_db()
    for text in ("short", "x" * 513):
        with pytest.raises(InvalidEntity, match="value"):
            import_secret(client, label="typed", text=text, actor=SYSTEM)
    secret = import_secret(client, label="typed", text="a secret of people", actor=SYSTEM)
    assert secret.hint == ""
    assert credentials.is_typed_secret("a secret of people", secret.typed_secret_hash)


def test_a_secret_may_expire(client: Client) -> None:
    end = timezone.now() + timedelta(days=1)
    secret, _ = add_secret(client, label="short", actor=SYSTEM, expires_at=end)
    assert secret.expires_at == end


# Ceilings.


LEVELS: dict[str, Callable[[Tenant], Model]] = {
    "environment": lambda t: t.environment,
    "tenant": lambda t: t,
    "api": lambda t: t.apis.get(slug="orders"),
    "client": lambda t: t.clients.get(),
    "grant": lambda t: ClientGrantSettings(
        tenant=t, client=t.clients.get(), grant_type="client_credentials"
    ),
}
LIFETIMES = (
    "access_token_lifetime_seconds",
    "refresh_token_lifetime_seconds",
    "refresh_token_idle_lifetime_seconds",
)


@pytest.mark.parametrize("name", LIFETIMES)
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_stored_above_a_ceiling(
    tenant: Tenant, client: Client, level: str, name: str
) -> None:
    platform = Platform.objects.get()
    setattr(platform, name, 50)
    setattr(platform, f"max_{name}", 100)
    changes.save(platform, actor=SYSTEM)
    entity = LEVELS[level](tenant)
    for field in (name, f"max_{name}"):
        setattr(entity, field, 101)
        with pytest.raises(InvalidEntity, match=field):
            changes.save(entity, actor=SYSTEM)
        setattr(entity, field, 100)
    changes.save(entity, actor=SYSTEM)


def test_algorithms_are_bounded_by_the_environment(tenant: Tenant) -> None:
    tenant.signing_algorithm = "HS256"
    with pytest.raises(InvalidEntity, match="signing_algorithm"):
        update_tenant(tenant, actor=SYSTEM)
    environment = tenant.environment
    environment.allowed_signing_algorithms = ["ES256"]
    changes.save(environment, actor=SYSTEM)
    api = tenant.apis.get(slug="orders")
    api.signing_algorithm = "RS256"
    with pytest.raises(InvalidEntity, match="signing_algorithm"):
        changes.save(api, actor=SYSTEM)


def test_an_audience_is_no_client(tenant: Tenant, client: Client) -> None:
    with pytest.raises(InvalidEntity, match="audience"):
        changes.save(Api(tenant=tenant, slug="x", audience=client.client_id), actor=SYSTEM)


# Trust profiles.


def _profile(tenant: Tenant, **fields: Any) -> TrustProfile:  # noqa: ANN401 - of a profile.
    values = {"slug": "p", "issuer": "https://p.example", "algorithms": ["ES256"], "jwks": [JWK]}
    return TrustProfile(tenant=tenant, **(values | fields))


BAD_PROFILES: dict[str, tuple[dict[str, Any], str]] = {
    "no keys": ({"jwks": []}, "jwks_uri"),
    "two sources": ({"jwks_uri": "https://p.example/jwks"}, "jwks_uri"),
    "keys and a secret": ({"shared_secret": "x" * 32}, "jwks_uri"),
    "a symmetric algorithm with keys": ({"algorithms": ["HS256"]}, "algorithms"),
    "none": ({"algorithms": ["none"]}, "algorithms"),
    "no algorithm": ({"algorithms": []}, "algorithms"),
    "an asymmetric algorithm with a secret": (
        {"jwks": [], "shared_secret": "x" * 32, "algorithms": ["ES256"]},
        "algorithms",
    ),
    "a weak secret": ({"jwks": [], "shared_secret": "x" * 31}, "shared_secret"),
    "a private key": ({"jwks": [JWK | {"d": "x"}]}, "jwks"),
    "too old": ({"maximum_age_seconds": 86_401}, "maximum_age_seconds"),
}


@pytest.mark.parametrize("row", BAD_PROFILES.values(), ids=BAD_PROFILES)
def test_a_wrong_trust_profile_is_refused(tenant: Tenant, row: tuple[dict[str, Any], str]) -> None:
    fields, name = row
    secret = fields.get("shared_secret", "")
    others = {key: value for key, value in fields.items() if key != "shared_secret"}
    with pytest.raises(InvalidEntity) as refused:
        save_trust_profile(_profile(tenant, **others), actor=SYSTEM, shared_secret=secret)
    assert name in refused.value.messages


def test_management_scopes_never_come_from_outside(tenant: Tenant) -> None:
    links = {"maximum_scopes": find_scopes(tenant, ["management:clients:read"])}
    with pytest.raises(InvalidEntity, match="maximum_scopes"):
        save_trust_profile(_profile(tenant), actor=SYSTEM, links=links)


def test_a_shared_secret_is_encrypted(tenant: Tenant) -> None:
    profile = _profile(tenant, jwks=[], algorithms=["HS256"])
    save_trust_profile(profile, actor=SYSTEM, shared_secret="s" * 32)
    stored = TrustProfile.objects.get()
    blob = bytes(stored.shared_secret_ciphertext or b"")
    assert b"ssss" not in blob
    context = credentials.trust_profile_context(stored.pk)
    assert credentials.decrypt(Ciphertext(stored.kek_id, blob), context=context) == b"s" * 32


def test_disabling_a_trust_profile_ends_what_came_of_it(tenant: Tenant) -> None:
    profile = save_trust_profile(_profile(tenant), actor=SYSTEM)
    profile.is_enabled = False
    save_trust_profile(profile, actor=SYSTEM)
    save_trust_profile(profile, actor=SYSTEM)
    assert _reads() == [_only(trust_profile_id=profile.pk)]


# Subjects.


def test_provisioning_twice_makes_one_subject(tenant: Tenant) -> None:
    profile = save_trust_profile(_profile(tenant), actor=SYSTEM)
    match = TrustMatch(profile.pk, profile.issuer, "alice", None, "create")
    first = provision_subject(tenant.pk, match, actor=SYSTEM)
    assert provision_subject(tenant.pk, match, actor=SYSTEM).pk == first.pk
    assert Subject.objects.count() == SubjectIdentity.objects.count() == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_provisioning_at_once_makes_one_subject() -> None:
    tenant = make_tenant()
    profile = save_trust_profile(_profile(tenant), actor=SYSTEM)
    match = TrustMatch(profile.pk, profile.issuer, "alice", None, "create")
    made: list[object] = []

    def provision() -> None:
        try:
            made.append(provision_subject(tenant.pk, match, actor=SYSTEM).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=provision) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    assert Subject.objects.count() == 1


def test_disabling_a_subject_ends_its_tokens(tenant: Tenant) -> None:
    subject = save_subject(Subject(tenant=tenant), actor=SYSTEM)
    assert _reads() == []
    subject.is_enabled = False
    save_subject(subject, actor=SYSTEM)
    assert _reads() == [_only(subject_id=subject.pk)]


# Master tokens, keys and cut-offs.


def test_a_master_token_is_shown_once_and_ends_what_it_made(
    tenant: Tenant, client: Client
) -> None:
    token = MasterToken(
        tenant=tenant,
        client=client,
        kind="private",
        label="first",
        expires_at=timezone.now() + timedelta(days=1),
    )
    text = create_master_token(token, actor=SYSTEM)
    parsed = credentials.parse_credential(credentials.CredentialKind.MASTER_TOKEN, text)
    assert parsed is not None
    assert parsed.row_id == token.pk
    assert parsed.secret not in bytes(token.token_hash)
    token.is_enabled = False
    save_master_token(token, actor=SYSTEM)
    assert _reads() == [_only(master_token_id=token.pk)]


def test_a_signing_key_in_use_stays(tenant: Tenant) -> None:
    key = SigningKey(
        tenant=tenant, algorithm="ES256", kid="k", state="current", created_at=timezone.now()
    )
    signing_keys.create(key, private=b"private", public_jwk=JWK, actor=SYSTEM)
    assert b"private" not in bytes(key.private_ciphertext)
    for state in (SigningKey.State.CURRENT, SigningKey.State.PREVIOUS):
        signing_keys.move(key, state, actor=SYSTEM)
        with pytest.raises(Conflict):
            signing_keys.delete(key, actor=SYSTEM)
    signing_keys.move(key, SigningKey.State.RETIRED, actor=SYSTEM)
    assert bytes(key.private_ciphertext) == b""
    signing_keys.delete(key, actor=SYSTEM)
    assert not SigningKey.objects.exists()


def test_a_cut_off_is_numbered_audited_and_told(tenant: Tenant) -> None:
    one, two = (
        cut_offs.end(tenant.pk, actor=SYSTEM, reason="why", client_id=uuid4()) for _ in range(2)
    )
    assert two.number > one.number
    assert two.purge_after > timezone.now()


def test_an_unknown_selector_ends_nothing(tenant: Tenant) -> None:
    with pytest.raises(TypeError, match="colour"):
        cut_offs.end(tenant.pk, actor=SYSTEM, colour="red")
    assert not CutOff.objects.exists()
